"""`bring_along`: what was said before signing in, in the same session, may come along."""

from __future__ import annotations

from segue.dialog import Chat, Dialog, dialog
from segue.identity.room import Room


def bring_along_dialog(room: Room) -> Dialog[None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("bring_along", title="Bring along what was said before")
    async def bring_along(chat: Chat, earlier: str) -> None:
        """Ask, if there is anything to bring and nobody else has it."""
        if not await chat.run(room.linking.sealed, earlier):
            return
        if not await chat.confirm("ask_bring"):
            await chat.say("left_sealed")
            return
        brought = await chat.run(room.linking.bring, earlier)
        await chat.say("brought" if brought else "left_sealed")

    return bring_along
