"""Breakers: a channel whose platform is down, or refuses our token, is left alone for a while.

- One per channel, for each channel has its own credentials; other channels never notice.
- Several failures in a row open it; a refused token or account at once.
- When the time is over, one send goes as a probe: it closes the breaker or opens it for longer.
- Rows that meet an open breaker go back to wait, and that is not counted as one of their tries.

Each process learns for itself: the price is a few more failing sends, the gain is that nothing has
to be agreed upon while things are broken.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from segue.ports import Chance, Clock

log = logging.getLogger("segue.delivery")

_FAILURES = 5
_FIRST, _LONGEST = 5.0, 60.0
_FIRST_REFUSED, _LONGEST_REFUSED = 30.0, 300.0
"""Seconds that it stays open; doubled with each probe that fails."""
_PROBE = 30.0
"""Seconds after which a probe nobody heard of again is given up."""


@dataclass(slots=True)
class _State:
    failures: int = 0
    opened: int = 0
    until: float = 0.0
    probe: float = 0.0


class Breakers:
    """Those of one process."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._states: dict[str, _State] = {}
        self.opened: dict[tuple[str, str], int] = {}
        """(channel, `failing` or `credential`) → how often."""

    def wait(self, channel: str) -> float:
        """Return the seconds until something may be tried again; 0: now."""
        state = self._states.get(channel)
        if state is None or not state.opened:
            return 0.0
        now = self._clock.monotonic()
        if now < state.until:
            return state.until - now
        if now < state.probe:
            return 1.0 + self._chance.random()
        state.probe = now + _PROBE
        return 0.0

    def shut(self, channel: str) -> float:
        """Return the seconds until a probe may go; 0 also for the probe itself, on its way."""
        state = self._states.get(channel)
        return max(state.until - self._clock.monotonic(), 0.0) if state is not None else 0.0

    def open(self, channel: str) -> bool:
        """Whether the channel is left alone now."""
        state = self._states.get(channel)
        return state is not None and state.opened > 0

    def good(self, channel: str) -> None:
        """The platform answers."""
        state = self._states.pop(channel, None)
        if state is not None and state.opened:
            log.warning("channel_back", extra={"segue": {"channel": channel}})

    def untried(self, channel: str) -> None:
        """What was let through as a probe was not sent after all: let the next one be it."""
        state = self._states.get(channel)
        if state is not None:
            state.probe = 0.0

    def bad(self, channel: str, *, credential: bool = False) -> None:
        """A send failed as it does when the platform is down, or when we are not let in."""
        state = self._states.setdefault(channel, _State())
        state.failures += 1
        if not (state.opened or credential or state.failures >= _FAILURES):
            return
        now = self._clock.monotonic()
        if state.opened and now < state.until:
            return  # Sent before it opened.
        first, longest = (_FIRST_REFUSED, _LONGEST_REFUSED) if credential else (_FIRST, _LONGEST)
        pause = min(first * 2 ** min(state.opened, 10), longest)
        state.until = now + pause * (0.75 + self._chance.random() / 2)
        state.probe = 0.0
        state.opened += 1
        if state.opened == 1:
            kind = "credential" if credential else "failing"
            self.opened[channel, kind] = self.opened.get((channel, kind), 0) + 1
            log.error("channel_left_alone", extra={"segue": {"channel": channel, "why": kind}})
