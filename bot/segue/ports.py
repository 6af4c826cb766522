"""Time, chance and identity, as ports: nothing else in Segue reads them directly.

Tests put a fake in their place; so a test never sleeps and a run can be repeated.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for deadlines, and waiting."""

    def now(self) -> datetime:
        """Return the wall time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


class Ids(Protocol):
    """Where ids and secrets come from."""

    def new(self) -> str:
        """Return 22 characters of `[A-Za-z0-9_-]`: 128 bits, safe in keys and paths."""
        ...

    def secret(self) -> str:
        """Return 43 characters of `[A-Za-z0-9_-]`: 256 bits, for session tokens."""
        ...


class SystemIds:
    """Ids from the operating system's random source."""

    def new(self) -> str:
        """Return 128 random bits."""
        return urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()

    def secret(self) -> str:
        """Return 256 random bits."""
        return secrets.token_urlsafe(32)


def kept_secret(file: Path) -> bytes:
    """Return the random secret that `file` keeps, made on first use and readable by us alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        ids = SystemIds()
        # Written beside it and linked: of several processes that start at once, one wins, and
        # none reads half a secret.
        fresh = file.with_name(f".{file.name}.{ids.new()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(ids.secret().encode())
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    return file.read_bytes()


class Chance(Protocol):
    """Randomness that no secret depends on: jitter, choice of words."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


class SystemChance:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._random.random()


def local_time(moment: datetime, zone: tzinfo) -> datetime:
    """Return a moment as the clocks of `zone` show it.

    Looking into the rules of a zone costs more than the rest of a turn's arithmetic together, so it
    is done once a minute: no zone changes its clocks within one.
    """
    minute = _minute(int(moment.timestamp()) // 60, zone)
    return minute.replace(second=moment.second, microsecond=moment.microsecond)


@lru_cache(maxsize=16)
def _minute(number: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(number * 60, zone)


def to_millis(moment: datetime) -> int:
    """Return `moment` as milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """Return the UTC moment of `millis`."""
    return datetime.fromtimestamp(millis / 1000, UTC)
