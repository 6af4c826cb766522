"""The record of consent: who may be written to on which channel, since when, and how we know.

What a customer writes takes effect in `admit`; here is what others say (a platform's refusal, the
company), and reading it. A customer who is opted out of a channel is sent nothing there but what
law or carrier demands.
"""

from __future__ import annotations

from typing import Literal

from segue.consent import Noted
from segue.memory import replies
from segue.memory.base import Base
from segue.memory.keys import encoded, needle, unescaped
from segue.memory.scripting import script
from segue.types import Address, CustomerId

CONSENT, CONSENTS = script("consent"), script("consents")


class Consenting(Base):
    """Opting out and in, beside the customer's own words."""

    async def consent(
        self, customer: CustomerId, channel: str, *, opted_out: bool, how: str
    ) -> bool:
        """Note that a customer does not want messages on a channel, or wants them again.

        `how` is how we know: `21610`, `api:NAME`. What is queued for that channel is cancelled.
        Returns whether that changed anything; a customer who is gone or merged changes nothing.
        """
        return await self._consent(customer, channel, "out" if opted_out else "in", how)

    async def consents(self, customer: CustomerId) -> list[Noted]:
        """Return the record of consent of a customer, oldest first (the last hundred entries)."""
        keys = self.keys.customer(customer)
        if keys is None:
            return []
        return [_noted(entry) for entry in await self._run(CONSENTS, keys, ())]

    async def _consent(
        self, customer: CustomerId, channel: str, what: Literal["out", "in"], how: str
    ) -> bool:
        for _ in range(3):
            keys = self.keys.customer(customer)
            if keys is None:
                return False
            # An address without an id, less its last tab: every address of the channel begins so.
            name = needle(Address(channel, ""))[:-1]
            args = (name, what.encode(), encoded(how).replace(b"\t", b" ").replace(b"\n", b" "))
            reply = await self._run(CONSENT, keys, args, self._retention_tail)
            if reply[0] != b"moved":
                return bool(reply[0] == b"done")
            customer = reply[1].decode()
        return False


def _noted(entry: bytes) -> Noted:
    head, _, rest = entry.partition(b"\n")
    at, what, how, _ = head.decode("utf-8", "surrogatepass").split("\t")
    channel, _, shown = rest.partition(b"\t")
    return Noted(
        at=int(at),
        channel=unescaped(channel.decode("utf-8", "surrogatepass")),
        what=what,
        how=how,
        shown=replies.decode_row(shown).message if shown else None,
    )
