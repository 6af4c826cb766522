"""What adapters see of the core: messages go in, the transcript comes out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec

from segue.channel import Accepted, NotAccepted, Page, Report
from segue.engine import lateness, notices
from segue.engine.consenting import marked
from segue.engine.setup import Setup
from segue.engine.worker import Worker
from segue.errors import StoreUnavailable
from segue.failpoints import failpoint
from segue.masking import Masker
from segue.memory import Store
from segue.memory.records import (
    Duplicate,
    Flag,
    Full,
    Gone,
    Granted,
    Moved,
    NotMine,
    Queued,
)
from segue.ports import Clock, Ids, to_millis
from segue.types import Address, CustomerId, Inbound, Line, Proof
from segue.words import normalise

_line = msgspec.msgpack.Decoder(Line).decode
_OWNERS = 10_000
_END = 2**53 - 1
"""A cursor after every line: what is read there is only where the transcript ends."""
_RECENT = 200
_NET = 1.0
"""Seconds after which the transcript is read again without a hint."""


class Core:
    """The `Gateway` of one process."""

    def __init__(
        self,
        *,
        store: Store,
        worker: Worker,
        setup: Callable[[], Setup],
        masker: Masker,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._worker = worker
        self._setup = setup
        self.masker = masker
        self._clock = clock
        self._ids = ids
        self._owners: OrderedDict[Address, CustomerId] = OrderedDict()
        self._watchers: dict[CustomerId, set[Callable[[], None]]] = {}
        self.reports: dict[tuple[str, str], int] = {}
        """(channel, receipt) → how often a platform said so."""
        self.closed = False
        """Draining: nothing new is accepted."""

    # -- in ----------------------------------------------------------------------------------------

    async def receive(
        self, inbound: Inbound, *, customer: CustomerId | None = None, waits: bool = False
    ) -> Accepted | NotAccepted:
        """Store a message; answering it goes on in the background."""
        if self.closed:
            return NotAccepted(why="closed", status=503)
        failpoint("receive")
        if inbound.kind in notices.KINDS:
            return await self._noticed(inbound)
        setup = self._setup()
        inbound, consent, effective = marked(
            self._prepared(inbound),
            setup.capabilities.get(inbound.address.channel),
            setup.consent,
        )
        known = customer is not None
        try:
            for _ in range(4):
                owner = customer or await self._owner_or_new(inbound)
                admission = await self._store.admit(
                    owner,
                    inbound,
                    flag=self._flag(inbound),
                    consent=consent,
                    effective=effective,
                )
                failpoint("admitted")
                match admission:
                    case Granted():
                        if waits:
                            self._worker.hold(admission)
                        else:
                            self._worker.begin(admission)
                        return Accepted(customer=owner)
                    case Queued():
                        return Accepted(customer=owner)
                    case Duplicate():
                        return Accepted(customer=owner, duplicate=True)
                    case Full():
                        return NotAccepted(why="full", status=429)
                    case Moved(to=to):
                        self._owners[inbound.address] = to
                        customer = to if known else None
                    case NotMine() | Gone():
                        self._owners.pop(inbound.address, None)
                        if isinstance(admission, Gone):
                            # An index that outlives its customer would turn everybody away.
                            await self._store.unindex(inbound.address, owner)
                        if known:
                            return NotAccepted(why="not-mine", status=401)
        except StoreUnavailable:
            return NotAccepted(why="unavailable", status=503)
        return NotAccepted(why="not-mine", status=401)

    async def _noticed(self, inbound: Inbound) -> Accepted | NotAccepted:
        self._owners.pop(inbound.address, None)
        try:
            return Accepted(customer=await notices.take(self._store, inbound))
        except StoreUnavailable:
            return NotAccepted(why="unavailable", status=503)

    def _prepared(self, inbound: Inbound) -> Inbound:
        text = self.masker.mask(inbound.text) if inbound.text else ""
        now = to_millis(self._clock.now())
        if text == inbound.text and inbound.received_at:
            return lateness.marked(inbound, now)
        inbound = msgspec.structs.replace(
            inbound, text=text, received_at=inbound.received_at or now
        )
        return lateness.marked(inbound, now)

    def _flag(self, inbound: Inbound) -> Flag:
        """Return what a running turn should know about this message before it reads it."""
        if not inbound.text or inbound.choice is not None or len(inbound.text) > 60:
            return Flag.NONE
        return self._setup().orders.get(normalise(inbound.text), Flag.NONE)

    async def _owner_or_new(self, inbound: Inbound) -> CustomerId:
        address = inbound.address
        owner = self._owners.get(address)
        if owner is None:
            owner = await self._store.owner(address)
            if owner is None:
                owner = await self._store.create(self._ids.new(), address, inbound.proof)
            self._owners[address] = owner
            if len(self._owners) > _OWNERS:
                self._owners.popitem(last=False)
        return owner

    # -- out ---------------------------------------------------------------------------------------

    async def page(self, customer: CustomerId, *, after: int, limit: int = 200) -> Page:
        """Read the transcript after a cursor."""
        lines, cursor = await self._store.lines(customer, after=after, limit=limit)
        return Page(
            lines=tuple([(number, _line(data)) for number, data in lines]),
            cursor=cursor,
            typing=self._worker.slow(customer),
        )

    async def answered(
        self,
        customer: CustomerId,
        message_id: str,
        *,
        within: float,
        late: Callable[[], object] | None = None,
    ) -> Page | None:
        """Wait for the turn that reads this message; return what it wrote, None if time was up."""
        worker = self._worker
        if late is not None:
            page = await worker.here(customer, message_id, within=within, late=late)
            if page is not None:
                return page
        future = worker.expect(customer, message_id)
        try:
            if worker.busy(customer) is None:
                return await self._answered_elsewhere(customer, message_id, future, within)
            alarm = worker.alarms.set(within, partial(_give_up, future))
            try:
                return await future
            finally:
                worker.alarms.drop(alarm)
        finally:
            worker.forget(customer, message_id, future)

    async def _answered_elsewhere(
        self,
        customer: CustomerId,
        message_id: str,
        future: asyncio.Future[Page | None],
        within: float,
    ) -> Page | None:
        """Wait for another process: hints say when to look, the transcript what is true."""
        grew = asyncio.Event()
        stop = self.watch(customer, grew.set)
        future.add_done_callback(lambda _done: grew.set())
        try:
            async with asyncio.timeout(within):
                while True:
                    end = (await self.page(customer, after=_END, limit=1)).cursor
                    page = await self.page(customer, after=max(end - _RECENT, -1))
                    mine = [at for at, (_, line) in enumerate(page.lines) if line.id == message_id]
                    if mine and any(line.who != "customer" for _n, line in page.lines[mine[-1] :]):
                        return Page(lines=page.lines[mine[-1] :], cursor=page.cursor)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_NET):
                            await grew.wait()
                    if future.done():
                        return future.result()
                    grew.clear()
        except TimeoutError:
            return None
        finally:
            stop()

    async def settled(self, customer: CustomerId, *, within: float) -> bool:
        """Wait until this process has nothing left to answer for the customer."""
        task = self._worker.busy(customer)
        if task is None:
            return True
        done, _ = await asyncio.wait({task}, timeout=within)
        return bool(done)

    def watch(self, customer: CustomerId, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever the transcript may have grown; the result stops that."""
        self._watchers.setdefault(customer, set()).add(wake)

        def stop() -> None:
            watchers = self._watchers.get(customer)
            if watchers is not None:
                watchers.discard(wake)
                if not watchers:
                    del self._watchers[customer]

        return stop

    def wake(self, customer: CustomerId) -> None:
        """Pass a hint on to whoever watches this customer."""
        for watcher in tuple(self._watchers.get(customer, ())):
            watcher()

    # -- who ---------------------------------------------------------------------------------------

    async def create(self, address: Address, proof: Proof, *, indexed: bool = True) -> CustomerId:
        """Make a customer who owns `address`."""
        return await self._store.create(self._ids.new(), address, proof, indexed=indexed)

    async def owner(self, address: Address) -> CustomerId | None:
        """Return whose address this is, by the index."""
        return await self._store.owner(address)

    async def add_address(
        self, customer: CustomerId, address: Address, proof: Proof, *, indexed: bool = True
    ) -> bool:
        """Give the customer a further address."""
        return await self._store.add_address(customer, address, proof, indexed=indexed)

    async def drop_address(self, customer: CustomerId, address: Address) -> None:
        """Take an address away, at once and everywhere."""
        self._owners.pop(address, None)
        await self._store.drop_address(customer, address)
        self.wake(customer)

    def forget(self, address: Address) -> None:
        """Look again whose an address is."""
        self._owners.pop(address, None)

    async def has_address(self, customer: CustomerId, address: Address) -> bool:
        """Ask the customer's record."""
        return await self._store.has_address(customer, address)

    # -- what platforms say later ------------------------------------------------------------------

    async def report(self, channel: str, report: Report) -> None:
        """Note what a platform says about something sent before."""
        self.reports[channel, report.receipt.value] = (
            self.reports.get((channel, report.receipt.value), 0) + 1
        )
        await self._worker.delivery.report(channel, report)

    async def singleton(self, job: str, seconds: float) -> bool:
        """Hold a job that one process of the installation does."""
        return await self._store.singleton(job, seconds)


def _give_up(future: asyncio.Future[Page | None]) -> None:
    if not future.done():
        future.set_result(None)
