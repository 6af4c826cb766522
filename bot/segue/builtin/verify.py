"""`verify`: the customer proves that the address they write from is theirs, by a one-time code."""

from __future__ import annotations

import regex

from segue.dialog import Chat, Dialog, dialog
from segue.identity.codes import TRIES, read_digits
from segue.identity.destinations import Destination, destination_of
from segue.identity.room import Room
from segue.slots import SlotContext, slot
from segue.types import Proof

_ANEW = regex.compile(
    r"\b(?:new|another|fresh|resend|neue[nr]?|nochmals?)\b.*|.*\b(?:send|schick)\w*\b.*"
    r"|.*\b(?:didn'?t|not|nichts?|kein\w*)\b.*\b(?:get|come|arrive\w*|code|angekommen|da)\b.*",
    regex.IGNORECASE,
)
NEW_CODE = "new"


def _read_code(text: str) -> str | None:
    """Read six digits; or `new`, for a code that did not come."""
    found = read_digits(text) or next(iter(regex.findall(r"(?<!\d)\d{6}(?!\d)", text)), None)
    return found or (NEW_CODE if _ANEW.fullmatch(text.strip()) else None)


def _read_destination(text: str, context: SlotContext) -> str | None:
    """Read a phone number or an e-mail address."""
    region = context.locale.partition("-")[2] or context.locale
    found = destination_of(text, region=region.upper()[:2] if region != "en" else "")
    return found.address.id if found else None


Code = slot(_read_code, name="code", sensitive=True)
PhoneOrEmail = slot(_read_destination, name="destination", sensitive=True)


def verify_dialog(room: Room) -> Dialog[int]:
    """Return the dialog, with the steps of this installation."""

    @dialog("verify")
    async def verify(
        chat: Chat, level: int = Proof.VERIFIED, to: str = "", revoke: bool = True
    ) -> int:
        """Send a code, and read it; 0 if it did not come back.

        `revoke` takes open link codes back, as after every proof but that of the link itself.
        """
        proving = room.proving
        found = await chat.run(proving.find_destination, to)
        if found is None and not to and await chat.run(proving.may_name):
            named = await chat.ask("ask_destination", PhoneOrEmail)
            found = destination_of(named)
        if found is None:
            await chat.say("no_way")
            return 0
        return level if await _code_comes_back(chat, room, found, revoke) else 0

    return verify


async def surely(chat: Chat, room: Room, *, revoke: bool = True) -> bool:
    """Let them prove that it was they who said so, where anybody could have written it."""
    if not await chat.run(room.proving.forgeable):
        return True
    if not room.can_verify():
        await chat.say("verify/not_proved")
        return False
    proved: int = await chat.call(verify_dialog(room), revoke=revoke)
    return bool(proved)


async def _code_comes_back(chat: Chat, room: Room, to: Destination, revoke: bool) -> bool:
    proving, locale = room.proving, await chat.locale()
    sent = await chat.run(proving.send_code, to, locale, key="send_code")
    for tried in range(TRIES):
        if sent != "sent":
            await chat.say("code_not_sent" if sent == "often" else "no_way")
            return False
        digits = await chat.ask("ask_code", Code, where=to.shown, again=tried > 0)
        if digits == NEW_CODE:
            sent = await chat.run(proving.send_code, to, locale, key=f"send_code_{tried}")
            continue
        checked = await chat.run(proving.check_code, to, digits, revoke, key=f"check_code_{tried}")
        if checked == "right":
            await chat.say("proved")
            return True
        if checked == "locked":
            break
        if tried + 1 < TRIES:
            await chat.say("code_wrong")
    await chat.say("not_proved")
    return False
