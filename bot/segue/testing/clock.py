"""A clock that stands still until a test moves it, and ids and chance that repeat."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from itertools import count


class FakeClock:
    """Time that moves only when a test says so; sleepers wake in order.

    With `hurry`, whoever sleeps moves it: waiting takes no time, and the clock shows that it did.
    """

    def __init__(self, start: datetime | None = None, *, hurry: bool = False) -> None:
        self.hurry = hurry
        self._now = start or datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """Return the wall time of the test."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds moved so far."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until a test has moved the clock that far."""
        if self.hurry and seconds > 0:
            self.move(seconds)
        if self.hurry or seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        await future

    def move(self, by: timedelta | float) -> None:
        """Move on; whoever slept until then wakes."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _due, _order, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    def jump(self, by: timedelta) -> None:
        """Change the wall time only, as when somebody sets the machine's clock."""
        self._now += by


class CountedIds:
    """Ids that are the same in every run of a test."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._count = count(1)

    def new(self) -> str:
        """Return the next id."""
        material = f"{self._seed}/{next(self._count)}".encode()
        digest = hashlib.blake2b(material, digest_size=16).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def secret(self) -> str:
        """Return the next secret; worthless outside a test."""
        return self.new() + self.new()[:21]


class FixedChance:
    """Always the same number: jitter and choices without chance."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def random(self) -> float:
        """Return the number."""
        return self.value
