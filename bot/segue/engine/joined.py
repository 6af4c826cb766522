"""What a turn does about customers who became one, and about addresses that were taken away.

- A letter of ours (`joined`, `parted`) comes through the inbox when it is done. Who did it has been
  told by the dialog that did it; where somebody else did, the customer is told here.
- Where a customer has several addresses on a channel, each line says which it was, so that an undo
  can tell whose it is.
- Nothing is said at an address that is not the customer's any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from segue.engine.transcript import which
from segue.memory.outgoing import row_of
from segue.types import Address, Inbound, Line, Proof, Row, Who

if TYPE_CHECKING:
    from segue.engine.turn import Turn

KINDS = frozenset({"joined", "parted"})
"""Letters of ours; the reply of the same name says so, if the voice has it."""


def heard(turn: Turn, inbound: Inbound) -> None:
    """Tell the customer, if it was not they who did it."""
    if inbound.data.get("actor") == "customer" or turn.granted.controller:
        return
    if turn.speech.has(inbound.kind):
        turn.speech.say(inbound.kind)
        turn.player.prompt_again = True


def owned(address: Address | None, addresses: Sequence[tuple[Address, Proof]]) -> Address | None:
    """Return where the customer is spoken to: there, or at another address if it was taken away."""
    known = [one for one, _ in addresses]
    if address is None or not known or address in known:
        return address
    return known[-1]


def marked(
    lines: Iterable[Line], rows: Iterable[Row], here: Address, addresses: Sequence[Address]
) -> list[Line]:
    """Return the lines, those of the bot with the address where each was said."""
    sent = {row_of(row.id): row.address for row in rows}
    return [
        replace(line, address=which(sent.get(line.id, here), addresses))
        if line.who is Who.BOT
        else line
        for line in lines
    ]
