"""The dialogs that Segue brings: proving who one is, linking channels, one's own data.

They are dialogs like an author's, with the author's API; what they do outside goes through
`chat.run` too. Each is there only if the voice has its replies, and an author's dialog of the same
name takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from segue.builtin.bring_along import bring_along_dialog
from segue.builtin.continue_on import continue_on_dialog, undo_link_dialog
from segue.builtin.link_here import confirm_link_dialog, link_here_dialog
from segue.builtin.my_data import delete_data_dialog, my_data_dialog
from segue.builtin.unlink import unlink_dialog
from segue.builtin.verify import verify_dialog
from segue.dialog.registry import Dialog
from segue.identity.room import Room
from segue.voice import Voice

MAKERS: dict[str, tuple[Callable[[Room], Dialog[Any]], tuple[str, ...]]] = {
    "continue_on": (continue_on_dialog, ("ask_channel", "offered", "moved", "joined")),
    "undo_link": (undo_link_dialog, ("ask_undo", "undone", "nothing_to_undo")),
    "link_here": (link_here_dialog, ("confirm_here", "confirm_there", "code_unknown")),
    "confirm_link": (confirm_link_dialog, ("ask_link", "link_begun", "link_late")),
    "unlink": (unlink_dialog, ("confirm_unlink", "unlinked", "nothing_linked")),
    "bring_along": (bring_along_dialog, ("ask_bring", "brought", "left_sealed")),
    "my_data": (my_data_dialog, ("known", "ask_archive", "archive")),
    "delete_data": (delete_data_dialog, ("ask_delete", "last_word", "kept")),
    "verify": (verify_dialog, ("ask_code", "code", "code_wrong", "no_way", "not_proved")),
}
"""Name → what makes it, and replies that it cannot do without."""


def every_dialog() -> list[Dialog[Any]]:
    """Return all of them, for whoever only looks: their steps cannot be done."""
    return [make(Room()) for make, _ in MAKERS.values()]


def builtin_dialogs(room: Room, voice: Voice) -> Iterator[Dialog[Any]]:
    """Yield those that the voice has words for."""
    for name, (make, needs) in MAKERS.items():
        if all(voice.has(reply, dialog=name) for reply in needs):
            yield make(room)
