"""Photos and files that visitors send: what they are is read from their bytes, never believed.

- Only a few kinds are taken, and none of them can run in a browser: no SVG, no HTML.
- A file lies under a name of ours in a folder that belongs to one customer; what it was called on
  the visitor's machine is not kept.
- It is served by a link that is signed and ends, as a download, from a page with no rights.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from segue.channel import Fetched
from segue.ports import Clock
from segue.types import CustomerId, Media, MediaKind, picture_type

_REF = re.compile(r"([A-Za-z0-9_-]{16})/([A-Za-z0-9_-]{22})\.(png|jpg|gif|webp|pdf)")

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
}
"""Ending → type, of everything that is taken."""


class TooLarge(Exception):
    """The upload has more bytes than allowed; nothing of it is kept."""


class UnknownKind(Exception):
    """The bytes are none of the kinds that are taken; nothing of them is kept."""


def kind_of(head: bytes) -> str | None:
    """Return the ending that fits the first bytes of a file, or None."""
    if head.startswith((b"%PDF-1.", b"%PDF-2.")):
        return "pdf"
    picture = picture_type(head)
    return next((ending for ending, kind in TYPES.items() if kind == picture), None)


class MediaStore:
    """The folder, and the links to what is in it."""

    def __init__(
        self,
        folder: Path,
        *,
        key: Callable[[], bytes],
        path: str,
        limit: int,
        link_minutes: int,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._folder = folder
        self._key = key
        self._path = path
        self._limit = limit
        self._link_seconds = link_minutes * 60
        self._clock = clock
        self._new_id = new_id

    def owner(self, customer: CustomerId) -> str:
        """Return the name of the customer's folder: theirs alone, and not their id."""
        digest = hashlib.blake2b(customer.encode(), digest_size=12, person=b"media folder").digest()
        return urlsafe_b64encode(digest).decode()

    async def keep(
        self, customer: CustomerId, chunks: AsyncIterator[bytes], declared: str = ""
    ) -> Media:
        """Store an upload as it comes in. Raises `TooLarge` or `UnknownKind`.

        `declared` is the type the sender gave, if any: it must be what the bytes are.
        """
        folder = self._folder / self.owner(customer)
        name = self._new_id()
        part = folder / f".{name}"
        size, head = 0, b""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        handle = await asyncio.to_thread(part.open, "wb")
        try:
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._limit:
                        raise TooLarge
                    if len(head) < 16:
                        head += chunk[: 16 - len(head)]
                        if len(head) >= 16 and kind_of(head) is None:
                            raise UnknownKind
                    await asyncio.to_thread(handle.write, chunk)
            finally:
                await asyncio.to_thread(handle.close)
            ending = kind_of(head)
            if ending is None or declared not in ("", TYPES[ending]):
                raise UnknownKind
            await asyncio.to_thread(os.replace, part, folder / f"{name}.{ending}")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return _media(f"{self.owner(customer)}/{name}.{ending}", ending, size)

    def owned(self, customer: CustomerId, ref: str) -> Media | None:
        """Return the attachment, if it exists and is this customer's own."""
        found = _REF.fullmatch(ref)
        if found is None or found.group(1) != self.owner(customer):
            return None
        try:
            size = (self._folder / ref).stat().st_size
        except OSError:
            return None
        return _media(ref, found.group(3), size)

    def url(self, ref: str) -> str:
        """Return an address for `ref`: itself if it is one, else a link that ends. Or empty."""
        if ref.startswith("https://"):
            return ref
        if _REF.fullmatch(ref) is None:
            return ""
        # Rounded, so that a page that reads the transcript again gets the same address.
        step = self._link_seconds
        ends = (int(self._clock.now().timestamp()) // step + 2) * step
        return f"{self._path}/{ref}?e={ends}&s={self._sign(ref, str(ends))}"

    def opened(self, ref: str, ends: str, signature: str) -> tuple[Path, str] | None:
        """Return the file and its type if this link is ours and still good."""
        found = _REF.fullmatch(ref)
        if found is None or not (ends.isascii() and ends.isdigit() and len(ends) < 12):
            return None
        if not hmac.compare_digest(self._sign(ref, ends).encode(), signature.encode()):
            return None
        if int(ends) < self._clock.now().timestamp():
            return None
        return self._folder / ref, TYPES[found.group(3)]

    def read(self, ref: str) -> Fetched | None:
        """Return a file that was sent, or None if it is not here (any more). Runs in a thread."""
        found = _REF.fullmatch(ref)
        if found is None:
            return None
        try:
            body = (self._folder / ref).read_bytes()
        except OSError:
            return None
        return Fetched(body=body, content_type=TYPES[found.group(3)])

    def forget(self, customer: CustomerId, refs: Iterable[str]) -> None:
        """Remove all files of a customer, and those that these refs name. Runs in a thread."""
        shutil.rmtree(self._folder / self.owner(customer), ignore_errors=True)
        for ref in refs:
            if _REF.fullmatch(ref) is not None:
                (self._folder / ref).unlink(missing_ok=True)

    def tidy(self, older_than: float) -> int:
        """Remove files last written before this time; returns how many. Runs in a thread."""
        gone = 0
        for file in self._folder.glob("*/*"):
            try:
                if file.stat().st_mtime < older_than:
                    file.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
        return gone

    def _sign(self, ref: str, ends: str) -> str:
        text = f"{ref}?{ends}".encode()
        return urlsafe_b64encode(
            hashlib.blake2b(text, key=self._key(), digest_size=18, person=b"media link").digest()
        ).decode()


def _media(ref: str, ending: str, size: int) -> Media:
    content_type = TYPES[ending]
    kind = MediaKind.IMAGE if content_type.startswith("image/") else MediaKind.FILE
    return Media(kind=kind, ref=ref, content_type=content_type, bytes=size)
