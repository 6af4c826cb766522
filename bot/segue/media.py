"""What customers attached, for whoever may look at it: behind a link that ends.

    /media/TOKEN     the token says, sealed, which file of which channel, and until when

- Nothing can be read out of a token: platforms put account numbers and file ids into their
  references. It is the same for the same file within its time, so that a page may show it twice.
- A file stays at its platform until somebody looks; then the channel's adapter fetches it, and a
  copy is kept for a while, within a limit of room.
- A picture that cannot run is shown; all else is a download, from a page with no rights.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from msgspec import Struct

from segue.channel import Attachments, Fetched, Route
from segue.ports import Clock, Ids, kept_secret
from segue.types import Media, MediaKind, picture_type

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    from segue.settings.model import MediaSettings

PATH = "/media"

_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
"""What a download is called at its end; anything else is `bin`."""
_AT_ONCE = 4
_LONGEST = 4000
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=3600",
}


class _Sealed(Struct, frozen=True, array_like=True):
    """What a token says."""

    ends: int
    """Seconds since the epoch."""
    channel: str
    kind: MediaKind
    ref: str


class Links:
    """Makes links and reads them. The key is asked for at the first use."""

    def __init__(
        self, key: Callable[[], bytes], *, public_url: str, minutes: int, clock: Clock
    ) -> None:
        self._key = key
        self._public_url = public_url.rstrip("/")
        self._seconds = minutes * 60
        self._clock = clock
        self._seal: AESSIV | None = None

    def url(self, channel: str, media: Media) -> str:
        """Return where the attachment can be looked at; empty where nobody reaches this server."""
        return f"{self._public_url}{PATH}/{self.token(channel, media)}" if self._public_url else ""

    def token(self, channel: str, media: Media) -> str:
        """Return the sealed name of an attachment."""
        # Rounded, so that it is the same for a while.
        ends = (int(self._clock.now().timestamp()) // self._seconds + 2) * self._seconds
        told = msgspec.msgpack.encode(
            _Sealed(ends=ends, channel=channel, kind=media.kind, ref=media.ref)
        )
        return urlsafe_b64encode(self._cipher().encrypt(told, None)).rstrip(b"=").decode()

    def opened(self, token: str) -> tuple[str, Media] | None:
        """Return channel and attachment if this token is ours and its time is not over."""
        from cryptography.exceptions import InvalidTag

        if not token.isascii() or len(token) > _LONGEST:
            return None
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            told = msgspec.msgpack.decode(self._cipher().decrypt(sealed, None), type=_Sealed)
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None
        if told.ends < self._clock.now().timestamp():
            return None
        return told.channel, Media(kind=told.kind, ref=told.ref)

    def _cipher(self) -> AESSIV:
        if self._seal is None:
            # Here, because loading it takes longer than reading the settings does.
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV

            self._seal = AESSIV(
                hashlib.blake2b(self._key(), digest_size=64, person=b"segue media v1").digest()
            )
        return self._seal


def media_links(settings: MediaSettings, *, data_dir: Path, public_url: str, clock: Clock) -> Links:
    """Return the links as the settings have them."""
    secret = settings.secret

    def key() -> bytes:
        if secret is not None:
            return secret.get_secret_value().encode()
        return kept_secret(data_dir / "media.key")

    return Links(key, public_url=public_url, minutes=settings.link_minutes, clock=clock)


class MediaRoom:
    """Serves attachments of all channels."""

    def __init__(
        self,
        adapters: Callable[[], Mapping[str, object]],
        links: Links,
        folder: Path,
        *,
        copy_hours: float,
        copies_bytes: int,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.links = links
        self.counts: Counter[str] = Counter()
        """What became of looks: `copy`, `fetched`, `gone`, `no_link`."""
        self._adapters = adapters
        self._folder = folder
        self._copy_seconds = copy_hours * 3600
        self._copies_bytes = copies_bytes
        self._clock = clock
        self._ids = ids
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._fetching: dict[str, asyncio.Task[Path | None]] = {}

    def routes(self) -> list[Route]:
        """Return the one path."""
        return [Route(method="GET", path=f"{PATH}/{{token}}", handler=self.give)]

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Answer with the file that a link names."""
        opened = self.links.opened(request.match_info["token"])
        if opened is None:
            self.counts["no_link"] += 1
            raise web.HTTPNotFound
        file = await self._file(*opened)
        if file is None:
            self.counts["gone"] += 1
            raise web.HTTPNotFound
        try:
            picture = await asyncio.to_thread(_picture, file)
        except FileNotFoundError:
            raise web.HTTPNotFound from None
        shown = "inline" if picture else f'attachment; filename="file{file.suffix}"'
        return web.FileResponse(
            file,
            headers={
                **_SAFE,
                "Content-Type": picture or "application/octet-stream",
                "Content-Disposition": shown,
            },
        )

    async def _file(self, channel: str, media: Media) -> Path | None:
        name = _named(channel, media)
        kept = await asyncio.to_thread(self._kept, name)
        if kept is not None:
            self.counts["copy"] += 1
            return kept
        task = self._fetching.get(name)
        if task is None:
            task = self._fetching[name] = asyncio.create_task(self._fetch(name, channel, media))
            task.add_done_callback(lambda _: self._fetching.pop(name, None))
        # Whoever asked may go away; others may wait for the same file.
        return await asyncio.shield(task)

    async def _fetch(self, name: str, channel: str, media: Media) -> Path | None:
        adapter = self._adapters().get(channel)
        if adapter is None or not isinstance(adapter, Attachments):
            return None
        async with self._at_once:
            fetched = await adapter.fetch(media)
        if fetched is None:
            return None
        self.counts["fetched"] += 1
        return await asyncio.to_thread(self._keep, name, fetched)

    async def stop(self) -> None:
        """Give up what is being fetched."""
        tasks = tuple(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- copies (run in a thread) ------------------------------------------------------------------

    def _kept(self, name: str) -> Path | None:
        for file in self._folder.glob(f"{name}.*"):
            with suppress(FileNotFoundError):  # It may just have been tidied away.
                if file.stat().st_mtime >= self._oldest():
                    return file
        return None

    def _keep(self, name: str, fetched: Fetched) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"{name}.{_ENDINGS.get(fetched.content_type, 'bin')}"
        part = self._folder / f".{self._ids.new()}"
        part.write_bytes(fetched.body)
        now = self._clock.now().timestamp()
        os.utime(part, (now, now))
        part.replace(file)
        self.tidy(keep=file)
        return file

    def tidy(self, keep: Path | None = None) -> int:
        """Remove copies that are too old or too much; returns how many. Runs in a thread."""
        found = []
        for file in self._folder.glob("*"):
            try:
                stat = file.stat()
            except FileNotFoundError:
                continue
            found.append((stat.st_mtime, stat.st_size, file))
        found.sort(key=lambda each: each[0], reverse=True)
        room, gone, oldest = self._copies_bytes, 0, self._oldest()
        for written, size, file in found:
            room -= size
            if file != keep and (written < oldest or room < 0):
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    async def forget(self, attached: Iterable[tuple[str, Media]]) -> None:
        """Remove the copies of some attachments, given with their channel."""
        names = [_named(channel, media) for channel, media in attached]
        await asyncio.to_thread(self._unlink, names)

    def _unlink(self, names: Iterable[str]) -> None:
        for name in names:
            for file in self._folder.glob(f"{name}.*"):
                file.unlink(missing_ok=True)

    def _oldest(self) -> float:
        return self._clock.now().timestamp() - self._copy_seconds


def _named(channel: str, media: Media) -> str:
    return hashlib.blake2b(f"{channel}\n{media.ref}".encode(), digest_size=16).hexdigest()


def _picture(file: Path) -> str | None:
    with file.open("rb") as opened:
        return picture_type(opened.read(16))
