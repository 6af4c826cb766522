"""Erasing a customer who asked for it: after the last word has been said, and surely.

The wish is a timer of the state, so it lives through whatever dies. When it rings, the one who has
committed that turn erases; until that is done, it rings again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.engine.state import Timer
from segue.engine.timers import set_timer

if TYPE_CHECKING:
    from segue.engine.turn import Turn

KIND = "erase"
_AFTER = 15_000
"""Milliseconds that the last word has to arrive."""
_AGAIN = 60_000


def wished(turn: Turn) -> None:
    """Note that the customer wants to be forgotten."""
    set_timer(turn.state, Timer(turn.at + _AFTER, KIND, KIND, KIND))


def ring(turn: Turn, timer: Timer) -> None:
    """It is time: erase after this turn, and look again in case that is never done."""
    timer.due = turn.at + _AGAIN
    turn.state.timers.append(timer)
    turn.forget = True
