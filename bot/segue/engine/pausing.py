"""The brake: a paused dialog is not played, also not for the customers who are inside it.

- They keep their place: whatever they write is answered with the named reply, and the open question
  is still open when the dialog goes on. Its timers wait too.
- What does not need the dialog goes on: the words that always work, the answers without code, and
  other journeys. Calling a paused journey off ends it without playing it.
- The reply is said once in a turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.engine.turn import Turn

LATER = 60_000
"""Milliseconds after which a timer of a paused dialog is looked at again."""


class Brake:
    """Knows for one turn what is paused, and says so."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._off = not turn.setup.pausing()
        self._said: set[str] = set()

    def on(self, dialog: str) -> str | None:
        """Return the reply to say instead of playing `dialog`, or None if it is not paused."""
        return None if self._off else self._turn.setup.paused("dialog", dialog)

    def on_top(self) -> str | None:
        """Return the same for the journey on top: its dialog and those that called it."""
        if self._off:
            return None
        for frame in reversed(self._turn.state.frames):
            reply = self.on(frame.dialog)
            if reply is not None:
                return reply
            if frame.kind != "call":
                break
        return None

    def say(self, reply: str) -> None:
        """Say that it is paused, unless this turn has said so."""
        if reply not in self._said:
            self._said.add(reply)
            self._turn.speech.say(reply, values=self._turn.setup.company.contact())
