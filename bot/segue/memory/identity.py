"""Whose address is whose: the customer's record is the truth, the index says where to ask."""

from __future__ import annotations

from segue.memory.base import Base
from segue.memory.keys import CustomerKeys, needle
from segue.memory.scripting import script
from segue.types import Address, CustomerId, Proof

ADDRESS, OWNER, CLAIM = script("address"), script("owner"), script("claim")
WHO, REINDEX = script("who"), script("reindex")
UNCLAIM, CONTROL, SNAPSHOT = script("unclaim"), script("control"), script("snapshot")


class Identity(Base):
    """Addresses of customers, and who speaks to them."""

    async def owner(self, address: Address) -> CustomerId | None:
        """Return whose address this is, by the index; the customer's record is the truth."""
        found = await self.server.run(OWNER, (self.keys.index(address),), (self._retention,))
        return found.decode() if found else None

    async def create(
        self, customer: CustomerId, address: Address, proof: Proof, *, indexed: bool = True
    ) -> CustomerId:
        """Make a customer who owns `address`; return whose it is, if somebody was quicker.

        Without `indexed` the owner of the address cannot be looked up: right where each message
        names its customer, and nobody else could have the address (a web session's secret).
        """
        keys = self._keys(customer)
        # The record first: an index that names nobody would send every later message away.
        await self._address(keys, b"create", address, proof)
        if not indexed:
            return customer
        owner: bytes = await self.server.run(
            CLAIM, (self.keys.index(address),), (customer, self._retention, "")
        )
        return owner.decode()

    async def add_address(
        self, customer: CustomerId, address: Address, proof: Proof, *, indexed: bool = True
    ) -> bool:
        """Give the customer a further address, or a new proof of one; False if they are gone."""
        keys = self.keys.customer(customer)
        if keys is None or await self._address(keys, b"add", address, proof) != b"done":
            return False
        if indexed:
            await self.server.run(
                CLAIM, (self.keys.index(address),), (customer, self._retention, customer)
            )
        return True

    async def drop_address(self, customer: CustomerId, address: Address) -> None:
        """Take an address away: nothing is let in from it any more, nothing queued goes to it."""
        keys = self.keys.customer(customer)
        if keys is None:
            return
        await self._address(keys, b"drop", address, Proof.CLAIMED)
        await self.unindex(address, customer)

    async def who(self, customer: CustomerId) -> CustomerId | None:
        """Return who a customer is: themselves, whom they were merged into, or None if gone."""
        keys = self.keys.customer(customer)
        if keys is None:
            return None
        reply = await self._run(WHO, keys, ())
        if reply[0] == b"here":
            return customer
        return reply[1].decode() if reply[0] == b"moved" else None

    async def reindex(self, address: Address, was: CustomerId, now: CustomerId) -> None:
        """Let the index follow an address from one customer to another."""
        await self.server.run(REINDEX, (self.keys.index(address),), (was, now, self._retention))

    async def unindex(self, address: Address, customer: CustomerId) -> None:
        """Drop the index entry of an address, if it names this customer."""
        await self.server.run(UNCLAIM, (self.keys.index(address),), (customer,))

    async def raise_proof(self, customer: CustomerId, address: Address, proof: Proof) -> bool:
        """Let an address of theirs stand at this level at least; False: it is not theirs."""
        keys = self.keys.customer(customer)
        return keys is not None and await self._address(keys, b"raise", address, proof) == b"done"

    async def lower_proof(self, customer: CustomerId, address: Address, proof: Proof) -> bool:
        """Let an address of theirs stand at this level at most; False: it is not theirs."""
        keys = self.keys.customer(customer)
        return keys is not None and await self._address(keys, b"lower", address, proof) == b"done"

    async def adopt(self, customer: CustomerId, address: Address, proof: Proof) -> bool:
        """Give the customer an address that has just been proved, if it is nobody else's.

        The index decides between two who prove it at once. Should this process die before the
        record follows, doing it again heals that.
        """
        owner: bytes = await self.server.run(
            CLAIM, (self.keys.index(address),), (customer, self._retention, "")
        )
        if owner.decode() != customer:
            return False
        if await self.raise_proof(customer, address, proof):
            return True
        return await self.add_address(customer, address, proof)

    async def has_address(self, customer: CustomerId, address: Address) -> bool:
        """Ask the customer's record, the truth."""
        keys = self.keys.customer(customer)
        if keys is None:
            return False
        reply = await self._run(SNAPSHOT, keys, ())
        return bool(reply) and needle(address) in reply[2]

    async def control(
        self, customer: CustomerId, agent: str, *, instead_of: str | None = None
    ) -> str | None:
        """Let an agent speak instead of the bot, or (empty) the bot again.

        With `instead_of`, only if that one speaks now. What the bot had queued is cancelled.
        Returns who speaks now; None if there is no such customer.
        """
        keys = self.keys.customer(customer)
        if keys is None:
            return None
        reply = await self._run(
            CONTROL, keys, (agent.encode(), b"*" if instead_of is None else instead_of.encode())
        )
        if reply[0] == b"moved":
            return await self.control(reply[1].decode(), agent, instead_of=instead_of)
        if reply[0] == b"gone":
            return None
        by: bytes = reply[1] if reply[0] == b"held" else agent.encode()
        return by.decode()

    async def _address(
        self, keys: CustomerKeys, what: bytes, address: Address, proof: Proof
    ) -> bytes:
        args = (what, needle(address), b"%d" % proof)
        reply: list[bytes] = await self._run(ADDRESS, keys, args, self._retention_tail)
        if reply[0] == b"moved" and what != b"add":
            # Whom they were merged into has the address now.
            return await self._address(self._keys(reply[1].decode()), what, address, proof)
        return reply[0]
