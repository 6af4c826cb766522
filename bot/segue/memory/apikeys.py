"""API keys of the company's own systems, and what their requests came to.

- A key is shown once, when it is made, and kept as a digest. It has 256 random bits, so a plain
  digest is enough: there is nothing to guess.
- What a process knows of the keys is at most a second old: a revoked key is refused from then on.
- When a key was used last is written at most once a minute by each process.
- A request with an idempotency key leaves a record, so that sending it again does nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b, sha256
from secrets import compare_digest
from typing import Any

import msgspec
from msgspec import Struct

from segue.memory.base import Base, seconds
from segue.memory.scripting import script
from segue.ports import to_millis
from segue.types import Millis

NAMED, USED, ONCE = script("named"), script("used"), script("once")

TOKEN = "segue_"  # noqa: S105 - how a key begins, so that it can be told from other secrets
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
FRESH_SECONDS = 1.0
_NOTED_EVERY = 60.0
_USED_LIFE = timedelta(days=400)


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key as it is kept."""

    name: str = ""
    digest: str
    """Of the key, SHA-256."""
    scopes: tuple[str, ...]
    at: Millis
    """When it was made."""
    used: Millis = 0
    """When it was used last, to the minute; 0 is never. Kept apart."""


class ApiKeys(Base):
    """Making, knowing and revoking API keys."""

    _api_keys: tuple[ApiKey, ...] = ()
    _api_keys_until: float = -1.0
    _key_noted: dict[str, float]

    async def add_api_key(self, name: str, scopes: Sequence[str], token: str) -> bool:
        """Keep a key; False if there is one of this name. `token` is not kept, only its digest."""
        if NAME.fullmatch(name) is None:
            raise ValueError(
                f"{name!r} is no name for a key; use lower case letters, digits, - and _"
            )
        record = ApiKey(
            digest=_digest(token), scopes=tuple(scopes), at=to_millis(self._clock.now())
        )
        reply = await self._change_keys("add", name, msgspec.msgpack.encode(record))
        return bool(reply == b"done")

    async def revoke_api_key(self, name: str) -> bool:
        """Refuse a key from now on, within a second in every process; False if there is none."""
        return bool(await self._change_keys("drop", name, b"") == b"done")

    async def api_keys(self) -> list[ApiKey]:
        """Return all keys by name, with their last use."""
        _, flat = await self.server.run(NAMED, (self.keys.api_keys,), ())
        used = await self.server.run(USED, (self.keys.used,), ())
        when = {
            name.decode(): int(second) * 1000
            for name, second in zip(used[::2], used[1::2], strict=True)
        }
        found = (
            msgspec.structs.replace(key, used=when.get(key.name, 0)) for key in _api_keys(flat)
        )
        return sorted(found, key=lambda key: key.name)

    async def api_key(self, token: str) -> ApiKey | None:
        """Return the key that this token is; costs a round trip a second at the most."""
        now = self._clock.monotonic()
        if now >= self._api_keys_until:
            _, flat = await self.server.run(NAMED, (self.keys.api_keys,), ())
            self._api_keys = _api_keys(flat)
            self._api_keys_until = now + FRESH_SECONDS
        digest = _digest(token)
        found: ApiKey | None = None
        # All of them, so that the time taken says nothing about which one is near.
        for key in self._api_keys:
            if compare_digest(key.digest.encode(), digest.encode()):
                found = key
        if found is not None:
            self._note_use(found.name, now)
        return found

    def _note_use(self, name: str, now: float) -> None:
        noted = self.__dict__.setdefault("_key_noted", {})
        if now >= noted.get(name, -1.0):
            noted[name] = now + _NOTED_EVERY
            self._spawn(self._write_use(name))

    async def _write_use(self, name: str) -> None:
        await self.server.run(USED, (self.keys.used,), (name, seconds(_USED_LIFE)))

    async def _change_keys(self, what: str, name: str, record: bytes) -> bytes:
        args = (what, name, record, self._operation())
        reply: list[Any] = await self.server.run(NAMED, (self.keys.api_keys,), args)
        self._api_keys_until = -1.0
        answer: bytes = reply[0]
        return answer

    # -- once ------------------------------------------------------------------------------------

    async def once(self, by: str, key: str, record: bytes, life: timedelta) -> bytes:
        """Claim an idempotency key of a caller; return the record that stands."""
        found: bytes = await self.server.run(
            ONCE, (self.keys.once(_once(by, key)),), ("claim", record, seconds(life))
        )
        return found

    async def keep_once(self, by: str, key: str, record: bytes, life: timedelta) -> None:
        """Write down what the request came to."""
        await self.server.run(
            ONCE, (self.keys.once(_once(by, key)),), ("keep", record, seconds(life))
        )

    async def drop_once(self, by: str, key: str) -> None:
        """Let the key go: the request was refused, and may be sent again in another form."""
        await self.server.run(ONCE, (self.keys.once(_once(by, key)),), ("drop",))


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _once(by: str, key: str) -> bytes:
    parts = [part.encode("utf-8", "surrogatepass") for part in (by, key)]
    material = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return blake2b(material, digest_size=16).hexdigest().encode()


def _api_keys(flat: list[bytes]) -> tuple[ApiKey, ...]:
    return tuple(
        msgspec.structs.replace(msgspec.msgpack.decode(record, type=ApiKey), name=name.decode())
        for name, record in zip(flat[::2], flat[1::2], strict=True)
        if name
    )
