"""A gateway in memory, for the tests of an adapter.

It keeps the promises an adapter relies on (an address must be the customer's, a message id counts
once, sequence numbers grow by one) and nothing else: no dialogs, no store. Every message is
answered by a plain function.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from segue.channel import Accepted, NotAccepted, Page, Report
from segue.errors import StoreUnavailable
from segue.ports import Ids, SystemIds
from segue.types import (
    Address,
    CustomerId,
    Inbound,
    Line,
    Message,
    Paragraph,
    Proof,
    Text,
    Who,
)

Answering = Callable[[Inbound], tuple[Message, ...]]


def echo(inbound: Inbound) -> tuple[Message, ...]:
    """Answer with the words that came in."""
    if inbound.kind == "opened":
        return (Message(body=(Paragraph((Text("Hello."),)),)),)
    said = inbound.text or inbound.choice or f"{len(inbound.media)} attachments"
    return (Message(body=(Paragraph((Text(f"You said: {said}"),)),)),)


class MemoryGateway:
    """A `Gateway` whose customers live as long as it does."""

    def __init__(self, answering: Answering = echo, ids: Ids | None = None) -> None:
        self.answering = answering
        self.received: list[tuple[CustomerId, Inbound]] = []
        """Every message that was stored, once."""
        self.refusing: NotAccepted | None = None
        """Set it, and messages are not accepted."""
        self.broken = False
        """Set it, and the store cannot be reached."""
        self.held: asyncio.Event | None = None
        """Set it to an event, and answers wait for that event."""
        self.deaf = False
        """Set it, and nobody is woken: hints get lost."""
        self.reports: list[tuple[str, Report]] = []
        """What platforms said later about something sent."""
        self.reads = 0
        """How often the transcript was read."""
        self._ids = ids or SystemIds()
        self._addresses: dict[CustomerId, dict[Address, Proof]] = {}
        self._owners: dict[Address, CustomerId] = {}
        self._seen: dict[CustomerId, set[tuple[str, str]]] = defaultdict(set)
        self._lines: dict[CustomerId, list[Line]] = defaultdict(list)
        self._watchers: dict[CustomerId, list[Callable[[], None]]] = defaultdict(list)
        self._turns: dict[tuple[CustomerId, str], asyncio.Task[Page]] = {}

    # -- the contract ----------------------------------------------------------------------------

    async def receive(
        self, inbound: Inbound, *, customer: CustomerId | None = None, waits: bool = False
    ) -> Accepted | NotAccepted:
        """Store a message and begin to answer it."""
        self._reachable()
        if self.refusing is not None:
            return self.refusing
        if customer is None:
            customer = self._owners.get(inbound.address)
            if customer is None:
                customer = await self.create(inbound.address, inbound.proof)
        if inbound.address not in self._addresses.get(customer, {}):
            return NotAccepted(why="not-mine", status=401)
        seen = self._seen[customer]
        mark = (inbound.address.channel, inbound.message_id)
        cursor = len(self._lines[customer])
        if mark in seen:
            return Accepted(customer=customer, duplicate=True, cursor=cursor)
        seen.add(mark)
        self.received.append((customer, inbound))
        self._turns[customer, inbound.message_id] = asyncio.ensure_future(
            self._turn(customer, inbound)
        )
        return Accepted(customer=customer, cursor=cursor)

    async def page(self, customer: CustomerId, *, after: int, limit: int = 200) -> Page:
        """Read the transcript."""
        self._reachable()
        self.reads += 1
        lines = self._lines[customer]
        first = max(0, after)
        found = tuple(enumerate(lines, 1))[first : first + limit]
        running = any(
            owner == customer and not task.done() for (owner, _), task in self._turns.items()
        )
        cursor = found[-1][0] if found else len(lines)
        return Page(lines=found, cursor=cursor, typing=running)

    async def answered(
        self,
        customer: CustomerId,
        message_id: str,
        *,
        within: float,
        late: Callable[[], object] | None = None,
    ) -> Page | None:
        """Wait for the answer."""
        turn = self._turns.get((customer, message_id))
        if turn is None:
            return None
        done, _ = await asyncio.wait({turn}, timeout=within)
        return turn.result() if done else None

    async def settled(self, customer: CustomerId, *, within: float) -> bool:
        """Wait until nothing is left to answer."""
        turns = [task for (owner, _), task in self._turns.items() if owner == customer]
        if not turns:
            return True
        _, pending = await asyncio.wait(turns, timeout=within)
        return not pending

    def watch(self, customer: CustomerId, wake: Callable[[], None]) -> Callable[[], None]:
        """Wake on news."""
        self._watchers[customer].append(wake)
        return lambda: self._watchers[customer].remove(wake)

    async def create(self, address: Address, proof: Proof, *, indexed: bool = True) -> CustomerId:
        """Make a customer."""
        self._reachable()
        owner = self._owners.get(address)
        if owner is not None:
            return owner
        customer = self._ids.new()
        self._addresses[customer] = {address: proof}
        self._owners[address] = customer
        return customer

    async def owner(self, address: Address) -> CustomerId | None:
        """Return whose address this is."""
        self._reachable()
        return self._owners.get(address)

    async def add_address(
        self, customer: CustomerId, address: Address, proof: Proof, *, indexed: bool = True
    ) -> bool:
        """Give the customer a further address."""
        self._reachable()
        if customer not in self._addresses:
            return False
        self._addresses[customer][address] = proof
        self._owners[address] = customer
        return True

    async def drop_address(self, customer: CustomerId, address: Address) -> None:
        """Take an address away."""
        self._reachable()
        self._addresses.get(customer, {}).pop(address, None)
        self._owners.pop(address, None)

    async def has_address(self, customer: CustomerId, address: Address) -> bool:
        """Ask the customer's record."""
        self._reachable()
        return address in self._addresses.get(customer, {})

    async def report(self, channel: str, report: Report) -> None:
        """Keep what a platform said."""
        self._reachable()
        self.reports.append((channel, report))

    async def singleton(self, job: str, seconds: float) -> bool:
        """Give every job to whoever asks: there is one process."""
        return seconds > 0

    # -- for tests -------------------------------------------------------------------------------

    def say(self, customer: CustomerId, *texts: str) -> None:
        """Write lines of the bot into the transcript."""
        for text in texts:
            message = Message(body=(Paragraph((Text(text),)),))
            self._lines[customer].append(
                Line(who=Who.BOT, at=0, channel="web", message=message, reply="test/say")
            )
        self._wake(customer)

    def proof(self, customer: CustomerId, address: Address) -> Proof | None:
        """Return how sure we are of an address."""
        return self._addresses.get(customer, {}).get(address)

    def watched(self) -> int:
        """Return how many watch a transcript."""
        return sum(map(len, self._watchers.values()))

    async def _turn(self, customer: CustomerId, inbound: Inbound) -> Page:
        if self.held is not None:
            self._wake(customer)
            await self.held.wait()
        lines = self._lines[customer]
        first = len(lines)
        if inbound.kind == "message":
            lines.append(
                Line(
                    who=Who.CUSTOMER,
                    at=inbound.received_at,
                    channel=inbound.address.channel,
                    text=inbound.text,
                    id=inbound.message_id,
                    media=inbound.media,
                    choice=inbound.choice,
                )
            )
        lines.extend(
            Line(
                who=Who.BOT,
                at=inbound.received_at,
                channel=inbound.address.channel,
                message=message,
                reply="test/echo",
            )
            for message in self.answering(inbound)
        )
        asyncio.get_running_loop().call_soon(self._wake, customer)
        return Page(lines=tuple(enumerate(lines, 1))[first:], cursor=len(lines))

    def _wake(self, customer: CustomerId) -> None:
        if not self.deaf:
            for wake in tuple(self._watchers[customer]):
                wake()

    def _reachable(self) -> None:
        if self.broken:
            raise StoreUnavailable("the store cannot be reached")
