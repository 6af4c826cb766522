"""How much one party may do: token buckets in this process's memory.

Exact enough for its purpose, which is that one visitor cannot starve the others: a bucket belongs
to one process, and a visitor who reaches several has several.
"""

from __future__ import annotations

from collections.abc import Callable


class Buckets:
    """One bucket per key, refilled with time. At most `size` keys are remembered."""

    def __init__(
        self, *, rate: float, burst: float, monotonic: Callable[[], float], size: int = 20_000
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._size = size
        self._full: dict[str, tuple[float, float]] = {}
        """key → (tokens left, when that was), oldest use first."""

    def take(self, key: str, cost: float = 1.0) -> float:
        """Take `cost` tokens. Returns 0.0, or the seconds after which it is worth trying again."""
        if self._rate <= 0:
            return 0.0
        now = self._monotonic()
        buckets = self._full
        found = buckets.pop(key, None)
        left = self._burst
        if found is None:
            if len(buckets) >= self._size:
                # The one that was quiet longest is the one most likely full again.
                del buckets[next(iter(buckets))]
        elif (refilled := found[0] + (now - found[1]) * self._rate) < left:
            left = refilled
        if left < cost:
            buckets[key] = (left, now)
            return (cost - left) / self._rate
        buckets[key] = (left - cost, now)
        return 0.0

    def __len__(self) -> int:
        return len(self._full)
