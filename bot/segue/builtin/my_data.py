"""`my_data`: what is known about me; `delete_data`: forget me. Both only after proof."""

from __future__ import annotations

from segue.builtin.verify import surely
from segue.dialog import Chat, Dialog, dialog
from segue.engine.moving import Forget
from segue.identity.room import Room

KNOW = {
    "en": [
        "what do you know about me",
        "which data do you have about me",
        "show me my data",
        "what have you stored about me",
        "i want a copy of my data",
        "what information do you keep on me",
        "data access request",
        "export my data",
    ],
    "de": [
        "was weißt du über mich",
        "welche daten habt ihr von mir",
        "zeig mir meine daten",
        "was habt ihr über mich gespeichert",
        "ich möchte eine kopie meiner daten",
        "auskunft über meine daten",
        "datenauskunft",
        "meine daten exportieren",
    ],
}
FORGET = {
    "en": [
        "delete my data",
        "forget me",
        "erase everything about me",
        "delete my account",
        "i want my data deleted",
        "remove all my information",
        "wipe my data",
        "please delete everything you know about me",
    ],
    "de": [
        "lösch meine daten",
        "vergiss mich",
        "lösche alles über mich",
        "mein konto löschen",
        "ich will dass meine daten gelöscht werden",
        "alle meine daten entfernen",
        "daten löschen",
        "bitte lösch alles was du über mich weißt",
    ],
}


def my_data_dialog(room: Room) -> Dialog[None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("my_data", examples=KNOW, title="What is known about me", require="verified")
    async def my_data(chat: Chat) -> None:
        """Tell the short of it, and offer the whole."""
        known = await chat.run(room.asking.known)
        await chat.say("known", known=known)
        if not await chat.confirm("ask_archive"):
            await chat.say("no_archive")
            return
        link = await chat.run(room.asking.archive)
        if link:
            await chat.say("archive", link=link)
        else:
            await chat.say("archive_by_a_person")

    return my_data


def delete_data_dialog(room: Room) -> Dialog[Forget | None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("delete_data", examples=FORGET, title="Delete my data", require="verified")
    async def delete_data(chat: Chat) -> Forget | None:
        """Explain, ask, say goodbye; what is known is erased after the last word."""
        if not room.asking.may_erase():
            await chat.say("deletion_by_a_person")
            return None
        if not await chat.confirm("ask_delete"):
            await chat.say("kept")
            return None
        if not await surely(chat, room):
            return None
        await chat.say("last_word")
        return Forget()

    return delete_data
