"""Linking by the customer: the steps of `continue_on`, `link_here`, `confirm_link`, `unlink`.

    shown on A ── used on B ── confirmed on B ── confirmed on A ── one customer, and all are told

The rules:

- Both ends are proved now: the code was brought to B, and A says yes where it was shown, having
  read who is at the other end. A code alone, a forwarded link alone, joins nobody.
- On a link everything older is worth nothing: open codes and web sessions of both sides, and
  addresses that somebody only claimed. Whoever kept a way in from before has lost it.
- Linking is undone as a whole for a day; unlinking takes one address away for good.
- The joining itself takes both leases, so it cannot be done inside a turn: it is begun there, is
  durable from then on, and the customer is told in a turn of theirs when it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from msgspec import Struct, msgpack

from segue.channel import Inviting
from segue.engine.inside import NOWHERE, inside
from segue.engine.linked import EARLIER
from segue.engine.moving import Move
from segue.engine.standing import is_phone
from segue.engine.state import decode
from segue.identity.codes import Codes, LinkOffer, Locked, Moved, Wrong, shown
from segue.identity.destinations import masked
from segue.identity.pictures import qr_url
from segue.types import Address, CustomerId, Inbound, Line, Proof, Who

if TYPE_CHECKING:
    from segue.identity.room import Room

_line = msgpack.Decoder(Line).decode
LINK = "link"
"""Kind of the letter that asks the first end, or tells it off."""
_SESSIONS = "web"
"""The channel whose addresses are sessions: each is a way in of its own."""


class Merging(Protocol):
    """What joins and parts customers; begun inside a turn, done after it."""

    async def begin(self, into: CustomerId, other: CustomerId, *, actor: str) -> object:
        """Set a merge going; it is durable when this returns."""
        ...

    async def undo(self, merge: str, *, actor: str) -> object:
        """Make two of one again."""
        ...

    async def unlink(
        self, customer: CustomerId, address: Address, *, actor: str
    ) -> CustomerId | None:
        """Take an address away."""
        ...


class Offered(Struct, frozen=True, kw_only=True):
    """A code as it is shown."""

    code: str
    link: str = ""
    number: str = ""
    picture: str = ""
    """Address of a QR picture of the link, for a screen that a phone can look at."""


class Found(Struct, frozen=True, kw_only=True):
    """What a code that was brought leads to."""

    link: str
    channel: str
    name: str
    brought_on: str
    """Where it was brought: who brought it says yes there, too."""


class Other(Struct, frozen=True, kw_only=True):
    """Who brought the code."""

    customer: CustomerId
    address: Address
    name: str


Decided: TypeAlias = Literal["done", "late", "same"]


class Linking:
    """What the dialogs about linking do outside themselves."""

    def __init__(self, room: Room) -> None:
        self._room = room

    # -- on A --------------------------------------------------------------------------------------

    @inside
    async def channels(self, *, here: Address = NOWHERE) -> list[str]:
        """Return the channels one can go on with, beside this one."""
        return [name for name in self._room.adapters() if name != here.channel]

    @inside
    async def reached(
        self, channel: str, *, here: Address = NOWHERE, customer: CustomerId = ""
    ) -> Move | None:
        """Return where the customer can be spoken to on a channel already."""
        snapshot = await self._room.store.snapshot(customer)
        if snapshot is None or channel in snapshot.opted_out:
            return None
        for address, proof in reversed(snapshot.addresses):
            if address.channel == channel and proof >= Proof.CHANNEL and address != here:
                pushed = self._room.capabilities()[channel].push
                return Move(channel=channel, id=address.id) if pushed else None
        return None

    @inside
    async def offer(
        self,
        channel: str,
        *,
        here: Address = NOWHERE,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> Offered | None:
        """Make a code for a channel; None: too many lately."""
        room = self._room
        offer = LinkOffer(
            customer=customer, address=here, name=await self._name(customer, here), to=channel
        )
        issued = await room.codes.offer_link(offer, idempotency_key)
        if issued is None:
            return None
        adapter = room.adapters()[channel]
        if not isinstance(adapter, Inviting):
            return Offered(code=shown(issued.code))
        invited = adapter.invite(issued.token, shown(issued.code))
        picture = qr_url(room, invited.link) if here.channel == _SESSIONS and invited.link else ""
        # A page or a message can open the one kind of link; a phone's camera the other as well.
        link = invited.link if invited.link.startswith("https://") else ""
        return Offered(code=shown(issued.code), link=link, number=invited.number, picture=picture)

    # -- on B --------------------------------------------------------------------------------------

    @inside
    async def use(
        self,
        text: str,
        *,
        here: Address = NOWHERE,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> Found | None:
        """Bring a code; None, whatever was wrong with it."""
        used = await self._room.codes.use_link(text, here, idempotency_key)
        if isinstance(used, Wrong | Locked):
            return None
        link, offer = used
        if await self._now(offer.customer) in (None, customer):
            return None
        return Found(link=link, channel=offer.address.channel, name=offer.name, brought_on=here.id)

    @inside
    async def ask_first(
        self,
        link: str,
        brought_on: str,
        *,
        here: Address = NOWHERE,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> Decided:
        """B has said yes: ask A, where the code was shown."""
        if here.id != brought_on:
            return "late"
        codes = self._room.codes
        by = Other(customer=customer, address=here, name=await self._name(customer, here))
        moved = await codes.step(link, idempotency_key, "used", "asked", msgpack.encode(by))
        if not isinstance(moved, Moved):
            return "late"
        offer = msgpack.decode(moved.what, type=LinkOffer)
        data = {"link": link, "name": by.name, "channel": here.channel}
        await self._letter(offer.customer, offer.address, f"link:{link}", data)
        return "done"

    # -- on A again --------------------------------------------------------------------------------

    @inside
    async def accept(
        self,
        link: str,
        shown_on: str,
        *,
        here: Address = NOWHERE,
        customer: CustomerId = "",
        idempotency_key: str = "",
    ) -> Decided:
        """A has said yes, where the code was shown: revoke what is older, and join them."""
        if here.id != shown_on:
            return "late"
        room = self._room
        moved = await room.codes.step(link, idempotency_key, "asked", "accepted")
        if not isinstance(moved, Moved):
            return "late"
        offer = msgpack.decode(moved.what, type=LinkOffer)
        other = msgpack.decode(moved.by, type=Other)
        theirs = await self._now(other.customer)
        if theirs is None or await self._now(offer.customer) != customer or theirs == customer:
            return "same" if theirs == customer else "late"
        for one in (customer, theirs):
            await self._revoke(one, keep=(offer.address, other.address))
        # A web session's token names its customer, so that side stays who they are.
        sides = (customer, theirs)
        into, gone = sides if other.address.channel != _SESSIONS else sides[::-1]
        await room.merging.begin(into, gone, actor="customer")
        room.after_turn(customer)
        return "done"

    @inside
    async def refuse(self, link: str, *, idempotency_key: str = "") -> None:
        """A has said no: the code is worth nothing any more, and B is told that it was not done."""
        moved = await self._room.codes.step(link, idempotency_key, "asked", "refused")
        if isinstance(moved, Moved):
            other = msgpack.decode(moved.by, type=Other)
            await self._letter(other.customer, other.address, f"refused:{link}", {"refused": True})

    # -- what was said before signing in -----------------------------------------------------------

    @inside
    async def sealed(self, earlier: CustomerId) -> bool:
        """Whether a conversation from before signing in is nobody's, and anything was said in it.

        It has been nobody's since its session ended: one that has another address still, or was
        joined to somebody, is not brought anywhere.
        """
        store = self._room.store
        snapshot = await store.snapshot(earlier)
        if snapshot is None or snapshot.addresses or await store.who(earlier) != earlier:
            return False
        lines, _ = await store.lines(earlier, -1, 50)
        return any(_line(data).who is Who.CUSTOMER for _, data in lines)

    @inside
    async def bring(self, earlier: CustomerId, *, customer: CustomerId = "") -> bool:
        """Join it to the one who was in that session and has signed in; False if it went away."""
        if not await self.sealed(earlier):
            return False
        await self._room.merging.begin(customer, earlier, actor=EARLIER)
        self._room.after_turn(customer)
        return True

    # -- taking apart ------------------------------------------------------------------------------

    @inside
    async def linked(self, *, here: Address = NOWHERE, customer: CustomerId = "") -> list[str]:
        """Return the channels that are linked, beside this one."""
        snapshot = await self._room.store.snapshot(customer)
        found = snapshot.addresses if snapshot else ()
        known = self._room.adapters()
        return list(dict.fromkeys(a.channel for a, _ in found if a.channel in known and a != here))

    @inside
    async def unlink(
        self, channel: str, *, here: Address = NOWHERE, customer: CustomerId = ""
    ) -> None:
        """Take every address on a channel away, but for the one they write from."""
        snapshot = await self._room.store.snapshot(customer)
        await self._room.codes.revoke(customer)
        for address, _ in snapshot.addresses if snapshot else ():
            if address.channel == channel and address != here:
                await self._room.merging.unlink(customer, address, actor="customer")

    @inside
    async def undo(self, *, here: Address = NOWHERE, customer: CustomerId = "") -> bool:
        """Undo the last link; False if there is none that can be undone."""
        snapshot = await self._room.store.snapshot(customer)
        merge = decode(snapshot.state).merge if snapshot else ""
        if snapshot is None or not merge:
            return False
        await self._revoke(customer, keep=(here,))
        await self._room.merging.undo(merge, actor="customer")
        self._room.after_turn(customer)
        return True

    # -- inside ------------------------------------------------------------------------------------

    async def _revoke(self, customer: CustomerId, *, keep: tuple[Address, ...]) -> None:
        """Take back codes, close other sessions, drop what was only claimed."""
        await self._room.codes.revoke(customer)
        snapshot = await self._room.store.snapshot(customer)
        for address, proof in snapshot.addresses if snapshot else ():
            if address in keep:
                continue
            if address.channel == _SESSIONS or proof < Proof.CHANNEL:
                await self._room.core.drop_address(customer, address)

    async def _now(self, customer: CustomerId) -> CustomerId | None:
        """Return who a customer is now: they may have been joined to another since."""
        for _ in range(8):
            found = await self._room.store.who(customer)
            if found is None or found == customer:
                return found
            customer = found
        return None

    async def _name(self, customer: CustomerId, here: Address) -> str:
        """Return what the other end is told: the platform's name of them, a masked number."""
        snapshot = await self._room.store.snapshot(customer)
        name = decode(snapshot.state).name if snapshot else ""
        if is_phone(here):
            return f"{name} ({masked(here.id)})" if name else masked(here.id)
        return name

    async def _letter(
        self, customer: CustomerId, address: Address, name: str, data: Mapping[str, object]
    ) -> None:
        """Put a letter of ours into a customer's inbox: asked in a turn of theirs."""
        letter = Inbound(address=address, message_id=name, kind=LINK, data=dict(data))
        await self._room.core.receive(letter, customer=customer)


__all__ = ["Codes", "Decided", "Found", "Linking", "Merging", "Offered"]
