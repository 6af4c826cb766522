"""What customers change, or take away, after they wrote it.

- An edit of the message that answered the last question is a correction: the questions it answered
  are answered anew, as if they had said "no, I meant …".
- An edit of the last message, where that answered nothing, or is no answer any more, is read in
  its place; where its answer ended the journey, it is too late, and that is said.
- Any other edit, and a deletion, stands in the transcript, and nothing is said: what was done is
  done, and asking about it would be asking twice.
- `data["of"]` is the id of the message that is changed. A channel that does not say it gets its
  edits noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from segue.dialog.journal import Answered, Entry
from segue.engine.state import Frame, Said
from segue.types import Inbound

if TYPE_CHECKING:
    from segue.engine.turn import Turn

_OVER = "-"
"""Stands for a dialog that has ended."""

Before = Mapping[str, Mapping[str, Entry]]
"""What was recorded before a message was read: dialog instance → entries."""


def changed(inbound: Inbound) -> str:
    """Return the id of the message that this one changes or takes away; empty for a message."""
    if inbound.kind not in ("edit", "delete"):
        return ""
    return str(inbound.data.get("of") or inbound.message_id)


def before(frames: list[Frame]) -> Before:
    """Return what is recorded, to be compared with `remember`."""
    return {frame.instance: dict(frame.journal.entries) for frame in frames}


def remember(turn: Turn, message: str, was: Before) -> None:
    """Note which questions a message has answered, of the dialog that is on top now."""
    frame = turn.state.frames[-1] if turn.state.frames else None
    known = was.get(frame.instance, {}) if frame else {}
    entries = tuple(_new(frame, known)) if frame else ()
    here = {each.instance for each in turn.state.frames}
    over = not entries and any(instance not in here for instance in was)
    instance = _OVER if over else frame.instance if frame else ""
    turn.state.said = Said(id=message, instance=instance, entries=entries)


def _new(frame: Frame, known: Mapping[str, Entry]) -> Iterator[str]:
    for name, entry in frame.journal.entries.items():
        if isinstance(entry, Answered) and entry.source != "profile" and known.get(name) != entry:
            yield name


async def edited(turn: Turn, inbound: Inbound) -> bool:
    """Take an edit for what it corrects; False if it is to be read as a message.

    True also where there is nothing more to do than what the transcript says.
    """
    said = turn.state.said
    if said is None or said.id != changed(inbound):
        return True
    if said.instance == _OVER:
        turn.speech.say("correction_too_late", values=turn.setup.company.contact())
        return True
    if not said.entries:
        return False
    frames = turn.state.frames
    if not frames or frames[-1].instance != said.instance:
        return True
    return await turn.answering.change(inbound.text, said.entries)
