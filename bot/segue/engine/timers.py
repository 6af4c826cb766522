"""Timers of a customer: plain entries of the state, set and forgotten by dialogs.

The state holds them, the commit tells the store the earliest one, the sweeper begins a turn then,
and the turn rings what is due. So a timer survives whatever dies, and rings once.
"""

from __future__ import annotations

from segue.dialog.effects import Remind, Wait
from segue.engine.state import Frame, State, Timer
from segue.ports import to_millis
from segue.types import Millis


def due_at(effect: Wait | Remind, now: Millis) -> Millis:
    """Return when a wait ends or a reminder is said."""
    if isinstance(effect, Wait):
        moment, after = effect.until, effect.for_
    else:
        moment, after = effect.at, effect.after
    if moment is not None:
        return to_millis(moment)
    return now + int(after.total_seconds() * 1000 if after else 0)


def reminder(frame: Frame, entry: str, effect: Remind, now: Millis) -> Timer:
    """Return the timer of a reminder."""
    return Timer(
        due_at(effect, now),
        "reminder",
        frame.instance,
        entry,
        effect.reply,
        frame.dialog,
        dict(effect.values),
    )


def set_timer(state: State, timer: Timer) -> None:
    """Set a timer; one of the same dialog and entry is replaced."""
    same = (timer.instance, timer.entry)
    state.timers[:] = [t for t in state.timers if (t.instance, t.entry) != same]
    state.timers.append(timer)


def forget_timers(state: State, frame: Frame, kinds: tuple[str, ...] = ()) -> None:
    """Forget the timers of a dialog, all of them or those of some kinds."""
    if state.timers:
        state.timers[:] = [
            t
            for t in state.timers
            if t.instance != frame.instance or (kinds and t.kind not in kinds)
        ]
