"""Waiting for a platform's limits: sends go as its buckets have tokens, the oldest reply first.

- The buckets are in the store, shared by all processes. Whoever waits in this process is asked for
  together: one round trip serves them all, so a busy sender does not pay one per message.
- A lane whose own bucket is empty waits by itself; a bucket of the whole channel serves the lanes
  by the age of their replies.
- Nobody waits here until their claim runs out: who would have to wait long is told so, and gives
  the row back for that time.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, Protocol

from segue.channel import Take
from segue.errors import StoreUnavailable
from segue.ports import Chance, Clock
from segue.types import Millis

log = logging.getLogger("segue.delivery")

PATIENCE = 10.0
"""Seconds that a lane may have to wait here when it comes; a claim lasts three times as long."""
_BATCH = 64
_PULSE = 0.2
"""Seconds between two looks into a bucket that many wait for."""


class Tokens(Protocol):
    """What the store does for us."""

    async def tokens(
        self, channel: str, sends: Sequence[Sequence[Take]]
    ) -> list[tuple[float, Take | None]]:
        """Take what each send costs, or tell how long it must wait and for what."""
        ...


class _Waiting:
    """One lane's send."""

    __slots__ = ("answer", "began", "counted", "ready", "takes")

    def __init__(self, takes: Sequence[Take], now: float) -> None:
        self.takes = takes
        self.began = now
        self.ready = now
        self.counted = False
        self.answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def end(self, wait: float) -> None:
        """Tell the lane: 0, go; else come again after so many seconds."""
        if not self.answer.done():
            self.answer.set_result(wait)


class Pacing:
    """Hands out the tokens of one process."""

    def __init__(
        self,
        store: Tokens,
        clock: Clock,
        chance: Chance,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._spawn = spawn
        self._lines: dict[str, _Line] = {}
        self.waits: dict[tuple[str, str], int] = {}
        """(channel, kind of bucket) → how often a send had to wait for it."""

    async def wait(self, channel: str, takes: Sequence[Take], born: Millis) -> float:
        """Wait for tokens. Returns 0 when the send may go, else after how long to come again."""
        line = self._lines.get(channel)
        if line is None:
            line = self._lines[channel] = _Line(self, channel)
            self._spawn(line.run())
        return await line.join(takes, born)

    def waiting(self, channel: str) -> tuple[int, float]:
        """Return how many wait for tokens of a channel, and the seconds since the oldest came."""
        line = self._lines.get(channel)
        return (len(line.heap), line.age()) if line else (0, 0.0)

    def let_go(self) -> None:
        """Send everybody away: this process ends."""
        for line in self._lines.values():
            line.let_go()


class _Line:
    """Those who wait for the buckets of one channel."""

    def __init__(self, pacing: Pacing, channel: str) -> None:
        self.pacing = pacing
        self.channel = channel
        self.heap: list[tuple[Millis, int, _Waiting]] = []
        self._clock = pacing._clock
        self._order = count()
        self._came = asyncio.Event()
        self._shut: dict[str, float] = {}
        """Bucket → when it is worth another look."""

    async def join(self, takes: Sequence[Take], born: Millis) -> float:
        now = self._clock.monotonic()
        waiting = _Waiting(takes, now)
        waiting.ready = max([now, *(self._shut.get(take.bucket, now) for take in takes)])
        if waiting.ready - now > PATIENCE:
            return (waiting.ready - now) * (1 + self.pacing._chance.random() / 10)
        heapq.heappush(self.heap, (born, next(self._order), waiting))
        self._came.set()
        return await waiting.answer

    def age(self) -> float:
        now = self._clock.monotonic()
        return max((now - waiting.began for _, _, waiting in self.heap), default=0.0)

    def let_go(self) -> None:
        for _, _, waiting in self.heap:
            waiting.end(1.0)
        self.heap.clear()
        self._came.set()

    async def run(self) -> None:
        """Ask for tokens for as long as somebody waits."""
        try:
            while self.heap:
                self._came.clear()
                now = self._clock.monotonic()
                ready = [each for each in sorted(self.heap) if each[2].ready <= now]
                if ready:
                    await self._ask([waiting for _, _, waiting in ready[:_BATCH]])
                    self._sift()
                if self.heap:
                    soonest = min(waiting.ready for _, _, waiting in self.heap)
                    await self._sleep(soonest - self._clock.monotonic())
        finally:
            del self.pacing._lines[self.channel]
            self.let_go()

    async def _ask(self, ready: list[_Waiting]) -> None:
        try:
            given = await self.pacing._store.tokens(self.channel, [each.takes for each in ready])
        except StoreUnavailable:
            for waiting in ready:
                waiting.end(1.0 + self.pacing._chance.random())
            return
        denied: dict[str, tuple[float, Take]] = {}
        for waiting, (wait, take) in zip(ready, given, strict=True):
            if take is None:
                waiting.end(0.0)
            elif take.bucket not in denied:
                denied[take.bucket] = (wait, take)
        for wait, take in denied.values():
            self._queue(wait, take)

    def _queue(self, wait: float, take: Take) -> None:
        """Let all who want this bucket wait; whom it cannot serve soon is sent away, the youngest.

        Their claims would run out. Nobody, also not who comes now, asks before the next look.
        """
        now = self._clock.monotonic()
        # A look that finds a few tokens is worth more than many that find one each.
        self._shut[take.bucket] = now + max(wait, min(_PULSE, take.burst / take.rate / 2))
        mine = [waiting for _, _, waiting in sorted(self.heap) if _wants(waiting, take)]
        key = (self.channel, kind(take.bucket))
        for place, waiting in enumerate(each for each in mine if not each.answer.done()):
            served = wait + place * take.cost / take.rate
            waiting.ready = max(waiting.ready, self._shut[take.bucket])
            # Older replies may come and go first: nobody stays for long, whatever the place.
            if served > PATIENCE or now - waiting.began + served > 2 * PATIENCE:
                waiting.end(served * (1 + self.pacing._chance.random() / 10))
            if not waiting.counted:
                waiting.counted = True
                self.pacing.waits[key] = self.pacing.waits.get(key, 0) + 1

    def _sift(self) -> None:
        self.heap = [each for each in self.heap if not each[2].answer.done()]
        heapq.heapify(self.heap)

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until somebody comes."""
        if seconds <= 0:
            return
        tasks = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._came.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


def _wants(waiting: _Waiting, take: Take) -> bool:
    return any(each.bucket == take.bucket for each in waiting.takes)


def kind(bucket: str) -> str:
    """Return a bucket's name without what names a chat: `telegram:chat:abc` → `chat`."""
    parts = bucket.split(":")
    return parts[1] if len(parts) > 1 else "other"
