"""What waits, and erasing a customer, in the store: fenced first, read once more, then gone.

What else a customer may have left stands in `registry.py`: for each kind of key what an erasure
does with it.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from segue.memory.base import Base
from segue.memory.keys import addresses
from segue.memory.merge_records import Held
from segue.memory.records import Gone, Moved
from segue.memory.replies import OPERATION, decode_row
from segue.memory.scripting import script
from segue.types import Address, CustomerId, Row

UNDER_WAY = script("under_way")
BEGIN, FINISH, FORGET = script("erase_begin"), script("erase_finish"), script("forget")

_PATIENCE = 5000
_MARKED = 30 * 86400
"""Seconds that the mark of an erasure stays: longer than anything that might come late."""
_PIECE = 1000


class Begun(Struct, frozen=True, kw_only=True):
    """The customer is fenced: nothing is answered, sent or let in any more."""

    actor: str
    addresses: tuple[Address, ...]
    joined: tuple[CustomerId, ...]
    """Who became this customer: something of theirs may be left too."""


class Erasures(Base):
    """The steps of an erasure."""

    async def under_way(self, customer: CustomerId) -> tuple[list[bytes], list[Row]]:
        """Return the messages (msgpack `Inbound`) and the replies that wait."""
        letters, rows = await self._run(UNDER_WAY, self._keys(customer), ())
        return [letter[OPERATION:] for letter in letters], [decode_row(row) for row in rows]

    async def erase_begin(self, customer: CustomerId, actor: str) -> Begun | Held | Moved | Gone:
        """Fence a customer for good, or go on with an erasure that was begun."""
        keys = self.keys.customer(customer)
        if keys is None:
            return Gone()
        args = (actor.encode(), b"%d" % _PATIENCE, b"%d" % self._retention)
        reply = await self._run(BEGIN, keys, args)
        match reply[0]:
            case b"begun":
                return Begun(
                    actor=reply[1].decode(),
                    addresses=tuple(address for address, _ in addresses(reply[2])),
                    joined=tuple(reply[3].decode().split("\n")[1:]),
                )
            case b"held":
                return Held(intent=reply[1])
            case b"moved":
                return Moved(to=reply[1].decode())
            case _:
                return Gone()

    async def erase_finish(self, customer: CustomerId) -> None:
        """Take away every key of a customer; a mark without words stays for a month."""
        keys = self._keys(customer)
        await self._run(FINISH, keys, (b"%d" % _MARKED, keys.wake))

    async def erase_traces(self, customers: Collection[CustomerId]) -> int:
        """Take what is about these customers out of the streams they share with others."""
        gone = 0
        names = [name.encode() for name in customers]
        for number in sorted({self._keys(customer).partition for customer in customers}):
            for stream, anew in ((self.keys.dead(number), 1), (self.keys.events(number), 0)):
                after = b""
                while True:
                    args = (after, _PIECE, anew, *names)
                    after, count = await self.server.run(FORGET, (stream,), args)
                    gone += count
                    if not after:
                        break
        return gone
