"""The gate of a dialog: nobody goes on in it on an address that is below what it requires.

The dialog that raises the level is a frame of its own, on top of the one it guards. When it has
ended well the guarded one is played; else that one is given up. Whoever goes on from an address
that is sure enough passes without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue.dialog.registry import Dialog
from segue.engine.state import Frame
from segue.types import Proof

if TYPE_CHECKING:
    from segue.engine.turn import Turn

GATE = "gate"
"""Kind of the frame on top of the guarded one."""
VERIFY = "verify"
"""The dialog that raises the level: Segue's own, or an author's of that name."""


def verifier(turn: Turn) -> Dialog[Any] | None:
    """Return the dialog that raises the level, if there is one that can speak."""
    found: Dialog[Any] | None = turn.setup.dialogs.get(VERIFY)
    return found


def passes(turn: Turn, frame: Frame) -> bool:
    """Whether a dialog may be played with the address of this turn."""
    dialog = turn.setup.dialogs.get(frame.dialog)
    return dialog is None or dialog.require <= turn.proof()


def open_gate(turn: Turn) -> None:
    """Let the gate fall where it is not needed (any more): they wrote from a surer address."""
    frames = turn.state.frames
    while len(frames) > 1 and frames[-1].kind == GATE and passes(turn, frames[-2]):
        turn.player.take_off(frames[-1])


def reached(turn: Turn, result: Any) -> bool:
    """Note what the verifying dialog came to; whether the level it speaks of holds here."""
    if not result:
        return False
    level = Proof(int(result))
    turn.standing.proved(turn.speech.address, level)
    return level <= turn.proof()
