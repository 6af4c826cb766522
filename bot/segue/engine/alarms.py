"""Calling back after a while, by one timer of the event loop for all who wait.

Every turn sets an alarm or two and drops them a moment later: hardly any ever rings. A timer of the
loop each would cost a place in its heap, which is tidied again and again; here it is one entry of a
dict. So an alarm may ring late, by a tick at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

TICK = 0.1
"""Seconds."""


class Alarms:
    """The alarms of one process."""

    def __init__(self) -> None:
        self._set: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = count(1)
        self._ticking: asyncio.TimerHandle | None = None

    def set(self, seconds: float, ring: Callable[[], object]) -> int:
        """Call `ring` after so many seconds, once; the result is for `drop`."""
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        self._set[number] = loop.time() + seconds, ring
        if self._ticking is None:
            self._ticking = loop.call_later(TICK, self._tick)
        return number

    def drop(self, number: int) -> None:
        """Do not ring; no harm where it has rung."""
        self._set.pop(number, None)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        # While nobody waits nothing ticks.
        self._ticking = loop.call_later(TICK, self._tick) if self._set else None
        now = loop.time()
        for number, (due, ring) in list(self._set.items()):
            if due <= now and self._set.pop(number, None) is not None:
                ring()
