"""Two customers, a bot that repeats what it hears, and merges under a clock that is real."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from segue.engine.state import State, decode, encode
from segue.engine.transcript import interleaved
from segue.identity.merging import Merging
from segue.memory import Commit, Committed, Granted, Moved, NotMine, Store
from segue.memory import Merging as SetAside
from segue.memory.records import Claim, Gone
from segue.ports import SystemClock, SystemIds, to_millis
from segue.types import (
    Address,
    CustomerId,
    Inbound,
    Line,
    Message,
    Paragraph,
    Proof,
    Receipt,
    Row,
    Text,
    Who,
)

_line = msgspec.msgpack.Decoder(Line).decode
_encode = msgspec.msgpack.encode


class Town:
    """An installation as its processes see it, answered by the simplest bot there is."""

    def __init__(self, store: Store, undo: timedelta = timedelta(hours=24)) -> None:
        self.store = store
        self.merging = Merging(
            store,
            clock=SystemClock(),
            ids=SystemIds(),
            undo=undo,
            patience=timedelta(seconds=5),
        )
        self.sent: list[tuple[Address, str]] = []
        self.answered: list[str] = []
        self._count = 0
        self._now = to_millis(SystemClock().now())

    async def customer(self, name: str, channel: str = "sms") -> tuple[CustomerId, Address]:
        """A customer with one address, whose id begins with a name."""
        ident, address = name.ljust(22, "x"), Address(channel, f"{channel}-of-{name}")
        assert await self.store.create(ident, address, Proof.CHANNEL) == ident
        return ident, address

    def now(self) -> int:
        """A moment later than any before."""
        self._now += 1
        return self._now

    def said(self, address: Address, text: str) -> Inbound:
        """A message with an id of its own."""
        self._count += 1
        at = self.now()
        return Inbound(address=address, message_id=f"m{self._count}", text=text, received_at=at)

    async def write(self, address: Address, text: str, *, answer: bool = True) -> CustomerId:
        """Write from an address, as a gateway would let it in; return whose it was."""
        return await self.deliver(self.said(address, text), answer=answer)

    async def deliver(self, inbound: Inbound, *, answer: bool = True) -> CustomerId:
        """Let one message in, following moved, and answer it."""
        owner = await self.store.owner(inbound.address)
        for _ in range(6):
            assert owner is not None
            admitted = await self.store.admit(owner, inbound)
            match admitted:
                case Moved(to=to):
                    owner = to
                case NotMine() | Gone():
                    owner = await self.store.owner(inbound.address)
                case Granted():
                    if answer:
                        await self.answer(admitted)
                    else:
                        await self.store.release(admitted.lease)
                    return owner
                case _:
                    return owner
        raise AssertionError(f"nobody takes {inbound.address}")

    async def answer(self, granted: Granted) -> None:
        """Repeat what was said, once on the channel it came from, until nothing waits."""
        work: Granted | None = granted
        while work is not None:
            commit = self.turn(work)
            done = await self.store.commit(work.lease, commit)
            if not isinstance(done, Committed):
                return
            self.answered += [n.inbound.text for n in work.letters if n.inbound.text]
            for claim in done.claims:
                await self.send(granted.lease.customer, claim)
            work = done.more

    def turn(self, work: Granted) -> Commit:
        """What the bot makes of some letters."""
        state = decode(work.state)
        state.turn += 1
        lines, rows, said = [], [], []
        now = self.now()
        for number, letter in enumerate(work.letters):
            inbound = letter.inbound
            if inbound.kind != "message":
                continue
            state.address = inbound.address
            lines.append(self.line(Who.CUSTOMER, inbound.address, inbound.text, now))
            name = f"{state.turn}-{number}"
            said.append(self.line(Who.BOT, inbound.address, f"re {inbound.text}", now, name))
            rows.append(self.row(name, inbound.address, f"re {inbound.text}"))
        return Commit(
            state=encode(state),
            ack=work.letters[-1].number if work.letters else 0,
            log=tuple(map(_encode, [*lines, *said])),
            said=len(said),
            rows=tuple(rows),
        )

    def line(self, who: Who, address: Address, text: str, at: int, ident: str = "") -> Line:
        return Line(who=who, at=at, channel=address.channel, text=text, id=ident)

    def row(self, name: str, address: Address, text: str) -> Row:
        message = Message(body=(Paragraph((Text(text),)),))
        return Row(id=name, address=address, message=message)

    async def send(self, customer: CustomerId, claim: Claim) -> None:
        """Send a row and what follows in its lane."""
        following: Claim | None = claim
        while following is not None:
            block = following.row.message.body[0]
            assert isinstance(block, Paragraph)
            assert isinstance(block.children[0], Text)
            self.sent.append((following.row.address, block.children[0].text))
            following = await self.store.settle(customer, following, Receipt.SENT)

    async def sweep(self) -> None:
        """Look after everybody who is due, as the sweeper does."""
        for customer in await self.store.sweep():
            await self.look_after(customer)

    async def look_after(self, customer: CustomerId) -> None:
        taken = await self.store.take(customer)
        if isinstance(taken, SetAside):
            await self.merging.resume(taken.intent)
        elif isinstance(taken, Granted):
            await self.answer(taken)
        for claim in getattr(taken, "claims", ()):
            await self.send(customer, claim)

    async def words(self, customer: CustomerId) -> list[str]:
        """The transcript, in the order in which it was said."""
        return [line.text for _, line in interleaved(await self.read(customer))]

    async def read(self, customer: CustomerId, after: int = -1) -> list[tuple[int, Line]]:
        """The transcript as a reader by cursor finds it."""
        found: list[tuple[int, Line]] = []
        while True:
            lines, after = await self.store.lines(customer, after, 7)
            found += [(number, _line(data)) for number, data in lines]
            if not lines:
                return found

    async def state(self, customer: CustomerId) -> State:
        snapshot = await self.store.snapshot(customer)
        assert snapshot is not None
        return decode(snapshot.state)

    async def addresses(self, customer: CustomerId) -> set[Address]:
        snapshot = await self.store.snapshot(customer)
        return {address for address, _ in snapshot.addresses} if snapshot else set()
