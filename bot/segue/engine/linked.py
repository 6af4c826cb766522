"""What a turn does about links: it asks the first end, and tells every linked channel.

- The letter of kind `link` asks the customer, on the address where the code was shown, whether the
  one who brought it is them. Nobody else can give the answer: it is asked in their conversation.
- The letter of kind `earlier` names the conversation of the same session from before signing in.
- When two have become one, or one two again, every channel that can be spoken to hears of it, also
  the one where nobody has written for a year. Whoever did not do it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.engine.moving import everywhere
from segue.engine.setup import Note
from segue.identity.codes import read_token
from segue.memory.records import Granted
from segue.types import Inbound

if TYPE_CHECKING:
    from segue.engine.turn import Turn

KINDS = frozenset({"link", "earlier"})
"""Letters of ours about links."""
_ASKED_FOR = KINDS | {"joined", "parted"}
CONFIRM, USE, BRING = "confirm_link", "link_here", "bring_along"
EARLIER = "customer:earlier"
"""Who joins what was said before signing in: it is told where it is done."""


def asked(granted: Granted) -> bool:
    """Whether a turn answers what the customer did at another end: no less than what they write."""
    return any(letter.inbound.kind in _ASKED_FOR for letter in granted.letters)


async def heard(turn: Turn, inbound: Inbound) -> None:
    """Ask the first end, or tell the second that it was not done."""
    if turn.granted.controller:
        return
    address = inbound.address
    if turn.written_at is None and address in turn.standing.addresses():
        turn.speech.turn_to(address, turn.setup.capabilities[address.channel])
        turn.hearing = address
    if inbound.kind == "earlier":
        if BRING in turn.setup.dialogs:
            values = {"earlier": str(inbound.data.get("earlier", ""))}
            await turn.player.start(
                BRING, utterance="", values=values, aside=bool(turn.state.frames)
            )
        return
    if inbound.data.get("refused"):
        if turn.speech.has("link_here/refused"):
            turn.speech.say("link_here/refused")
        turn.player.prompt_again = True
        return
    if CONFIRM in turn.setup.dialogs:
        turn.notes.append(Note(kind="routed", values={"intent": CONFIRM, "how": "link"}))
        values = {name: str(inbound.data.get(name, "")) for name in ("link", "name", "channel")}
        await turn.player.start(
            CONFIRM,
            utterance="",
            values={**values, "shown_on": address.id},
            aside=bool(turn.state.frames),
        )


async def brought(turn: Turn, inbound: Inbound) -> bool:
    """Look at the token of a deep link, if they came by one; False if they did not."""
    token = read_token(str(inbound.data.get("start", "")))
    if token is None or USE not in turn.setup.dialogs:
        return False
    turn.notes.append(Note(kind="routed", values={"intent": USE, "how": "link"}))
    await turn.player.start(
        USE, utterance="", values={"code": token}, aside=bool(turn.state.frames)
    )
    return True


def told(turn: Turn, inbound: Inbound) -> bool:
    """Tell every linked channel that customers were joined, or parted; False without words."""
    if inbound.data.get("actor") == EARLIER:
        return True
    joined = inbound.kind == "joined"
    turn.state.merge = str(inbound.data.get("merge", "")) if joined else ""
    reply = f"continue_on/{inbound.kind}"
    if not turn.speech.has(reply) or turn.granted.controller:
        return False
    channels = list(dict.fromkeys(one.channel for one in everywhere(turn)))
    for address in everywhere(turn):
        turn.speech.say(reply, values={"channels": channels}, address=address)
    turn.player.prompt_again = True
    return True
