"""The dialogs that Segue brings: proving who one is, linking channels, one's own data.

They are dialogs like an author's, with the author's API; what they do outside goes through
`chat.run` too. Each is there only if the voice has its replies, and an author's dialog of the same
name takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from segue.builtin.verify import verify_dialog
from segue.dialog.registry import Dialog
from segue.identity.room import Room
from segue.voice import Voice

MAKERS: dict[str, tuple[Callable[[Room], Dialog[Any]], tuple[str, ...]]] = {
    "verify": (verify_dialog, ("ask_code", "code", "code_wrong", "no_way", "not_proved")),
}
"""Name → what makes it, and replies that it cannot do without."""


def builtin_dialogs(room: Room, voice: Voice) -> Iterator[Dialog[Any]]:
    """Yield those that the voice has words for."""
    for name, (make, needs) in MAKERS.items():
        if all(voice.has(reply, dialog=name) for reply in needs):
            yield make(room)
