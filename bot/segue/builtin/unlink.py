"""`unlink`: the customer takes a channel away."""

from __future__ import annotations

from segue.builtin.continue_on import named
from segue.builtin.verify import surely
from segue.dialog import Chat, Dialog, dialog
from segue.engine.moving import Everywhere
from segue.identity.room import Room

EXAMPLES = {
    "en": [
        "disconnect telegram",
        "unlink my phone",
        "remove my whatsapp",
        "disconnect a channel",
        "i don't want telegram connected any more",
        "unlink telegram",
        "take my number off this",
        "disconnect my slack",
    ],
    "de": [
        "telegram trennen",
        "mein handy abmelden",
        "verknüpfung mit telegram lösen",
        "einen kanal trennen",
        "ich will telegram nicht mehr verbunden haben",
        "trenne telegram",
        "nimm meine nummer heraus",
        "slack trennen",
    ],
}


def unlink_dialog(room: Room) -> Dialog[Everywhere | None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("unlink", examples=EXAMPLES, title="Disconnect a channel")
    async def unlink(chat: Chat, utterance: str = "") -> Everywhere | None:
        """Ask which and whether, then take it away."""
        linked = await chat.run(room.linking.linked)
        if not linked:
            await chat.say("nothing_linked")
            return None
        channel = named(utterance, linked) or (linked[0] if len(linked) == 1 else None)
        if channel is None:
            channel = await chat.choose("ask_which", linked, channels=linked)
        if not await chat.confirm("confirm_unlink", channel=channel):
            await chat.say("still_linked", channel=channel)
            return None
        if not await surely(chat, room):
            return None
        await chat.run(room.linking.unlink, channel)
        await chat.say("unlinked", channel=channel)
        return Everywhere(reply="unlink/told", values={"channel": channel}, but=channel)

    return unlink
