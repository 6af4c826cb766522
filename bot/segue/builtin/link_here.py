"""`link_here`: a code is brought to this channel; `confirm_link`: the other end says yes."""

from __future__ import annotations

from segue.builtin.verify import surely
from segue.dialog import Chat, Dialog, dialog
from segue.identity.room import Room

PATTERN = (
    r"(?:join|link|code)[\s:]+(?P<code>[0-9a-z][0-9a-z\s-]{6,10}[0-9a-z])"
    r"|(?P<code>(?=[^\d]*\d)[0-9a-z]{4}-[0-9a-z]{4})"
)
"""The words that a code is shown with; alone only where it cannot be a word of somebody's."""


def link_here_dialog(room: Room) -> Dialog[None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("link_here", pattern=PATTERN, title="Connect")
    async def link_here(chat: Chat, code: str) -> None:
        """Look at the code; ask here, then the one who was shown it."""
        linking = room.linking
        found = await chat.run(linking.use, code)
        if found is None:
            await chat.say("code_unknown")
            return
        if not await chat.confirm("confirm_here", channel=found.channel, name=found.name or None):
            await chat.say("not_linked")
            return
        if not await surely(chat, room):
            return
        asked = await chat.run(linking.ask_first, found.link, found.brought_on)
        if asked == "done":
            await chat.say("confirm_there", channel=found.channel)
        else:
            await chat.say("code_unknown")

    return link_here


def confirm_link_dialog(room: Room) -> Dialog[None]:
    """Return the dialog, with the steps of this installation."""

    @dialog("confirm_link", title="Confirm a connection")
    async def confirm_link(chat: Chat, link: str, name: str, channel: str, shown_on: str) -> None:
        """Ask where the code was shown whether the one who brought it is them."""
        if not await chat.confirm("ask_link", name=name or None, channel=channel):
            await chat.run(room.linking.refuse, link)
            await chat.say("link_refused")
            return
        if not await surely(chat, room, revoke=False):
            return
        done = await chat.run(room.linking.accept, link, shown_on)
        await chat.say("link_begun" if done == "done" else "link_late")

    return confirm_link
