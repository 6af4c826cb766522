"""Proving an address: the steps of the dialog `verify`.

The rules:

- A code proves the destination it was sent to, and lifts the address it comes back on. So it may
  go only to what is the customer's already, or to what the company says is theirs (`to=`).
  Who has nothing proved yet may name a number or an e-mail address of their own; who has, may not:
  otherwise whoever found an open session would prove themselves with a phone of their own.
- Where a sender can be forged (SMS), a level says that answers reach the right one, and nothing
  about who has just written. So what one cannot take back needs a fresh code there (`surely`).
- A number that is nobody's becomes the customer's, one that is somebody else's stays theirs:
  nothing is ever joined because two people know the same number.
- What was begun before a proof is void after it: open link codes are taken back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from segue.channel import Reason
from segue.engine.inside import NOWHERE, Tell, inside, untold
from segue.engine.standing import is_phone
from segue.identity.destinations import EMAIL, Destination, destination_of, shown_as
from segue.memory.codes import Locked, Right
from segue.ports import to_millis
from segue.types import Address, CustomerId, Proof, Purpose

if TYPE_CHECKING:
    from segue.identity.room import Room

SentCode: TypeAlias = Literal["sent", "often", "not_there"]
Checked: TypeAlias = Literal["right", "wrong", "locked"]


class Spending(Protocol):
    """Caps on what codes cost, and a breaker against numbers that only collect them."""

    async def may_send(self, address: Address, purpose: Purpose) -> Reason | None:
        """Return why not, or None."""
        ...

    async def converted(self, address: Address) -> None:
        """Note that a code came back."""
        ...


Verified: TypeAlias = Callable[[CustomerId, Address], Awaitable[None]]
"""Called when an address has reached `VERIFIED`."""


class Proving:
    """What the dialog `verify` does outside itself."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.spending: Spending | None = None
        self.verified: Verified | None = None

    def reachable(self) -> tuple[bool, bool]:
        """Return whether codes can go to phones, and to e-mail addresses."""
        return "sms" in self._room.capabilities(), "code" in self._room.hooks()

    @inside
    async def find_destination(
        self, to: str, *, here: Address = NOWHERE, customer: CustomerId = ""
    ) -> Destination | None:
        """Return where a code goes without asking: what the company says, else what is theirs."""
        if to:
            named = destination_of(to)
            return named if named is not None and self._reaches(named.address) else None
        snapshot = await self._room.store.snapshot(customer)
        known = snapshot.addresses if snapshot else ()
        phones = [(a, proof) for a, proof in known if is_phone(a) and self._reaches(a)]
        if any(address == here for address, _ in phones):
            return shown_as(here)
        proved = sorted(phones, key=lambda one: -one[1])
        return shown_as(proved[0][0]) if proved else None

    @inside
    async def forgeable(self, *, here: Address = NOWHERE) -> bool:
        """Whether the sender of a message from here can be forged, as that of an SMS."""
        capabilities = self._room.capabilities().get(here.channel)
        return capabilities is None or capabilities.proof < Proof.CHANNEL

    @inside
    async def may_name(self, *, customer: CustomerId = "") -> bool:
        """Whether they may name a destination of their own: not where something is proved."""
        snapshot = await self._room.store.snapshot(customer)
        proved = snapshot is not None and any(p >= Proof.VERIFIED for _, p in snapshot.addresses)
        return not proved and any(self.reachable())

    @inside
    async def send_code(
        self,
        to: Destination,
        locale: str,
        *,
        tell: Tell = untold,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> SentCode:
        """Send a fresh code; the one before is worth nothing any more."""
        address = to.address
        if not self._reaches(address):
            return "not_there"
        if self.spending and await self.spending.may_send(address, Purpose.CODE) is not None:
            return "often"
        code = await self._room.codes.issue_once(customer, address, idempotency_key)
        if code is None:
            return "often"
        if address.channel == EMAIL:
            await self._room.hooks()["code"].function(email=address.id, code=code, locale=locale)
            return "sent"
        life = self._room.codes.once_life
        told = tell(
            "code",
            {"code": code, "minutes": _minutes(life)},
            secret="code",  # noqa: S106 - the name of the value that is one
            to=address,
            until=to_millis(self._room.clock.now() + life),
        )
        return "sent" if told else "not_there"

    @inside
    async def check_code(
        self,
        to: Destination,
        digits: str,
        revoke: bool = True,
        *,
        here: Address = NOWHERE,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> Checked:
        """Look at a code; if it is right, the address it came back on is proved, and so is `to`."""
        found = await self._room.codes.use_once(customer, to.address, digits, idempotency_key)
        if isinstance(found, Locked):
            return "locked"
        if not isinstance(found, Right):
            return "wrong"
        if to.address.channel != EMAIL:
            await self._room.store.adopt(customer, to.address, Proof.VERIFIED)
        await self._room.store.raise_proof(customer, here, Proof.VERIFIED)
        if revoke:
            await self._room.codes.revoke(customer)
        if self.spending is not None:
            await self.spending.converted(to.address)
        await self._room.store.audit(
            "customer.verify",
            actor="customer",
            customer=customer,
            details={"on": here.channel, "by": to.address.channel},
        )
        if self.verified is not None:
            await self.verified(customer, here)
        return "right"

    def _reaches(self, address: Address) -> bool:
        if address.channel == EMAIL:
            return "code" in self._room.hooks()
        capabilities = self._room.capabilities().get(address.channel)
        return capabilities is not None and capabilities.push


def _minutes(life: timedelta) -> int:
    return max(1, int(life.total_seconds() // 60))
