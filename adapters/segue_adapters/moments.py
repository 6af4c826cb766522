"""The time, cheaply: what every message asks for costs one look at the wall clock a second."""

from __future__ import annotations

from segue.ports import Clock, to_millis
from segue.types import Millis


class Moments:
    """Wall time that is read once a second and carried on by the monotonic clock in between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._since = 0.0
        self._read: Millis = 0

    def millis(self) -> Millis:
        """Return now, in milliseconds since the epoch."""
        tick = self._clock.monotonic()
        if tick >= self._until:
            self._read = to_millis(self._clock.now())
            self._since, self._until = tick, tick + 1
        return self._read + int((tick - self._since) * 1000)

    def minutes(self) -> int:
        """Return now, in minutes since the epoch."""
        return self.millis() // 60_000
