"""`continue_on`: go on on another channel; and `undo_link`, for whoever it was not."""

from __future__ import annotations

from segue.builtin.verify import surely
from segue.dialog import Chat, Dialog, dialog
from segue.engine.moving import Move
from segue.identity.room import Room

EXAMPLES = {
    "en": [
        "continue on another channel",
        "continue on telegram",
        "carry on in telegram",
        "write me on telegram",
        "can we go on by sms",
        "continue by text message",
        "text me instead",
        "continue on whatsapp",
        "i want to continue on slack",
        "carry on on the website",
        "connect my phone",
        "link my telegram",
    ],
    "de": [
        "auf einem anderen kanal weitermachen",
        "weiter auf telegram",
        "mach in telegram weiter",
        "schreib mir auf telegram",
        "können wir per sms weitermachen",
        "schreib mir lieber eine sms",
        "weiter per sms",
        "weiter auf whatsapp",
        "ich möchte auf slack weiterschreiben",
        "weiter auf der website",
        "mein handy verbinden",
        "telegram verknüpfen",
    ],
}
UNDO = {
    "en": [
        "that wasn't me",
        "that was not me who connected this",
        "undo the connection",
        "undo the link",
        "i did not connect this",
        "i didn't link anything",
        "somebody else connected my account",
        "take the connection back",
    ],
    "de": [
        "das war ich nicht",
        "die verbindung rückgängig machen",
        "mach die verknüpfung rückgängig",
        "ich habe nichts verbunden",
        "ich habe das nicht verknüpft",
        "jemand anders hat mein konto verbunden",
        "nimm die verbindung zurück",
        "verknüpfung zurücknehmen",
    ],
}
_NAMES = {
    "sms": ("sms", "text", "message", "nachricht", "simse", "phone", "handy"),
    "web": ("web", "website", "webseite", "page", "seite", "chat"),
}


def named(utterance: str, channels: list[str]) -> str | None:
    """Return the one channel that a sentence names, or None."""
    said = utterance.casefold()
    found = [name for name in channels if any(word in said for word in _NAMES.get(name, (name,)))]
    return found[0] if len(found) == 1 else None


def continue_on_dialog(room: Room) -> Dialog[Move | None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("continue_on", examples=EXAMPLES, title="Go on on another channel")
    async def continue_on(chat: Chat, utterance: str = "") -> Move | None:
        """Move there if it is linked; else show how to link it."""
        linking = room.linking
        channels = await chat.run(linking.channels)
        if not channels:
            await chat.say("nowhere")
            return None
        channel = named(utterance, channels) or (channels[0] if len(channels) == 1 else None)
        if channel is None:
            channel = await chat.choose("ask_channel", channels, channels=channels)
        there = await chat.run(linking.reached, channel)
        if there is not None:
            await chat.say("moved", channel=channel)
            return there
        offered = await chat.run(linking.offer, channel)
        if offered is None:
            await chat.say("too_many")
            return None
        await chat.say("offered", channel=channel, offered=offered, minutes=room.link_minutes)
        return None

    return continue_on


def undo_link_dialog(room: Room) -> Dialog[None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("undo_link", examples=UNDO, title="Undo a connection")
    async def undo_link(chat: Chat) -> None:
        """Make two customers of one again, after asking."""
        if not await chat.confirm("ask_undo"):
            await chat.say("left_as_it_is")
            return
        if not await surely(chat, room):
            return
        begun = await chat.run(room.linking.undo)
        await chat.say("undone" if begun else "nothing_to_undo")

    return undo_link
