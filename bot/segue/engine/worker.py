"""Holding leases and running turns: the only place where the engine acts on the store.

- A turn is run under a lease, which is renewed every third of its life while the turn runs.
- A turn whose lease is lost is thrown away: somebody else has begun it again.
- A turn that raises is left alone: its lease runs out, the sweeper begins it again, and after
  `max_attempts` the message is parked and the conversation goes on.
- The commit that ends a turn brings the next letters of this customer, if any came meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

from segue.channel import Page
from segue.engine.alarms import Alarms
from segue.engine.delivery import Delivery
from segue.engine.setup import Observer, Setup
from segue.engine.showing import Showing
from segue.engine.state import TooNew
from segue.engine.turn import Turn
from segue.errors import SegueError, StoreUnavailable
from segue.failpoints import failpoint
from segue.memory import Store
from segue.memory.records import (
    Busy,
    Commit,
    Committed,
    Erasing,
    Fenced,
    Flag,
    Granted,
    Idle,
    Lease,
    Merging,
)
from segue.ports import Chance, Clock
from segue.types import CustomerId, Proof

log = logging.getLogger("segue.engine")


Resume = Callable[[CustomerId, Merging | Erasing], Coroutine[Any, Any, None]]


class LostLease(SegueError):
    """Somebody else answers this customer now: the turn is thrown away."""


class Counts:
    """What the worker has seen since the process began; read by `/metrics`."""

    turns = 0
    """Ended and stored."""
    faults = 0
    """Dialogs that could not go on and were answered with a recovery reply."""
    folded = 0
    """Messages above a customer's rate: kept, and not read."""
    loops = 0
    """Conversations in which another bot was met with silence."""
    fenced = 0
    """Turns another process had taken over, as after a long pause of this one."""
    failed = 0
    """Turns that a fault of ours ended; their messages are tried again, then parked."""
    swept = 0
    """Customers whom a dead process had left, or whose timer was due."""


class Worker:
    """Runs the turns of one process."""

    def __init__(
        self,
        *,
        store: Store,
        setup: Callable[[], Setup],
        delivery: Delivery,
        clock: Clock,
        chance: Chance,
        lease_seconds: float,
        wake: Callable[[CustomerId], None],
        observers: Sequence[Observer] = (),
    ) -> None:
        self.store = store
        self.setup = setup
        self.delivery = delivery
        self.counts = Counts()
        self.ask_company: Callable[[CustomerId], Coroutine[Any, Any, Any]] | None = None
        self.erase: Callable[[CustomerId], Coroutine[Any, Any, Any]] | None = None
        """Erases a customer who asked for it."""
        self.alarms = Alarms()
        self.resume: Resume | None = None
        """Goes on with a merge or an erasure that nobody is at."""
        self._clock = clock
        self._chance = chance
        self._third = lease_seconds / 3
        self._wake = wake
        self._observers = list(observers)
        self._running: dict[CustomerId, asyncio.Task[None]] = {}
        self._held: dict[CustomerId, Granted] = {}
        """Granted a moment ago, to be begun by whoever asks for the answer."""
        self._leases: dict[CustomerId, Lease] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiters: dict[tuple[CustomerId, str], list[asyncio.Future[Page | None]]] = {}
        self._slow: set[CustomerId] = set()
        self._showing = Showing(delivery.adapters, clock)

    # -- beginning and ending ----------------------------------------------------------------------

    def begin(self, granted: Granted) -> None:
        """Answer a customer whose lease we have been given, in the background."""
        customer = granted.lease.customer
        self._leases[customer] = granted.lease
        task = asyncio.get_running_loop().create_task(self._work(granted))
        self._running[customer] = task
        task.add_done_callback(lambda _task: self._finished(customer, task))

    def hold(self, granted: Granted) -> None:
        """Leave the beginning to whoever asks for the answer at once (`here`), else begin."""
        customer = granted.lease.customer
        self._held[customer] = granted
        asyncio.get_running_loop().call_soon(self._let_go, customer)

    def _let_go(self, customer: CustomerId) -> None:
        granted = self._held.pop(customer, None)
        if granted is not None:
            self.begin(granted)

    async def here(
        self, customer: CustomerId, message_id: str, *, within: float, late: Callable[[], object]
    ) -> Page | None:
        """Run the turn that was held in the task of the request that waits for it.

        A task, a future and a time-out less than `begin` and `expect` need. Where the time is up
        before the turn has ended, `late` is called, once, and the turn goes on: so `late` must
        answer the request. None where nothing was held, or the turn came to no end.
        """
        granted = self._held.pop(customer, None)
        if granted is None:
            return None
        task = asyncio.current_task()
        assert task is not None
        self._running[customer] = task
        alarm = self.alarms.set(within, late)
        try:
            more, page = await self._ended(granted, message_id)
        finally:
            self.alarms.drop(alarm)
            self._finished(customer, task)
        if more is not None:
            self.begin(more)
        return page

    def _finished(self, customer: CustomerId, task: asyncio.Task[None]) -> None:
        if self._running.get(customer) is task:
            del self._running[customer]
            self._leases.pop(customer, None)
            self._slow.discard(customer)
            self._showing.end(customer)

    def busy(self, customer: CustomerId) -> asyncio.Task[None] | None:
        """Return the task that answers this customer now, if it is ours."""
        return self._running.get(customer)

    def slow(self, customer: CustomerId) -> bool:
        """Whether an answer is taking long enough to say so (typing)."""
        return customer in self._slow

    def expect(self, customer: CustomerId, message_id: str) -> asyncio.Future[Page | None]:
        """Return a future of what the turn that reads this message writes; `forget` it after."""
        future: asyncio.Future[Page | None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault((customer, message_id), []).append(future)
        return future

    def forget(
        self, customer: CustomerId, message_id: str, future: asyncio.Future[Page | None]
    ) -> None:
        """Nobody waits for this any more."""
        waiters = self._waiters.get((customer, message_id))
        if waiters is not None:
            waiters.remove(future)
            if not waiters:
                del self._waiters[customer, message_id]

    async def drain(self, grace: float) -> None:
        """Let running turns finish; what is not done by then is handed back at once."""
        tasks = [*self._running.values(), *self._tasks]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=grace)
            # A turn that is cancelled forgets its lease, which nobody else can have meanwhile.
            leases = [*self._leases.values()]
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
            for lease in leases:
                await self.store.release(lease)
        await self.delivery.drain(grace)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the background that `drain` waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- turns -------------------------------------------------------------------------------------

    async def _work(self, granted: Granted) -> None:
        more: Granted | None = granted
        while more is not None:
            more, _ = await self._ended(more)

    async def _ended(
        self, granted: Granted, message_id: str = ""
    ) -> tuple[Granted | None, Page | None]:
        """Run a turn to its end, whatever that is; return what is next, and what was written.

        The page is that of the turn if it has read the message.
        """
        customer = granted.lease.customer
        try:
            return await self._turn(granted, message_id)
        except LostLease:
            self.counts.fenced += 1
            log.info("turn_fenced", extra={"segue": {"customer": customer}})
        except TooNew:
            log.warning("state_too_new", extra={"segue": {"customer": customer}})
            await self.store.release(self._leases.get(customer, granted.lease))
        except StoreUnavailable:
            # The message is stored; whoever gets the lease after it ran out goes on.
            log.warning("store_unavailable", extra={"segue": {"customer": customer}})
        except Exception as error:
            self.counts.failed += 1
            log.exception(
                "turn_failed",
                extra={"segue": {"customer": customer, "error": type(error).__name__}},
            )
        return None, None

    async def _turn(self, granted: Granted, message_id: str) -> tuple[Granted | None, Page | None]:
        customer = granted.lease.customer
        self._leases[customer] = granted.lease

        async def flush(commit: Commit) -> None:
            result = await self.store.record(self._leases[customer], commit)
            failpoint("flushed")
            self._slow.add(customer)
            self._showing.begin(customer, turn.speech.address)
            self._landed(customer, result)

        failpoint("turn")
        setup = self.setup()
        turn = Turn(setup, granted, flush)
        keeper = _Keeper(self, turn)
        keeper.start(self._third)
        try:
            commit = await turn.run()
        finally:
            keeper.stop()
        failpoint("decide")
        result = await self.store.commit(self._leases[customer], commit)
        failpoint("committed")
        committed = self._landed(customer, result)
        self._slow.discard(customer)
        self._showing.end(customer)
        self.counts.turns += 1
        self.counts.faults += turn.player.faults
        self.counts.folded += turn.care.folded
        self.counts.loops += turn.care.loops
        page = self._tell(turn, committed, message_id)
        if turn.ask_company and self.ask_company is not None:
            self.spawn(self.ask_company(customer))
        if turn.forget and self.erase is not None:
            self.spawn(self.erase(customer))
        for address in turn.standing.lost:
            self.spawn(self.store.lower_proof(customer, address, Proof.CHANNEL))
        turn.end()
        return committed.more, page

    def _landed(self, customer: CustomerId, result: Committed | Fenced) -> Committed:
        if isinstance(result, Fenced):
            raise LostLease("another worker has the lease")
        if result.lease is not None:
            self._leases[customer] = result.lease
        self._wake(customer)
        for claim in result.claims:
            self.delivery.begin(customer, claim)
        return result

    def _tell(self, turn: Turn, committed: Committed, message_id: str) -> Page | None:
        """Tell those who wait what a turn wrote; return it, if it has read this message."""
        mine: Page | None = None
        if self._waiters or message_id:
            lines = turn.speech.spoken
            first = committed.cursor - len(lines) + 1
            page: Page | None = None
            for letter in turn.granted.letters:
                read = letter.inbound.message_id
                waiters = self._waiters.pop((turn.customer, read), ()) if self._waiters else ()
                if not waiters and read != message_id:
                    continue
                if page is None:
                    page = Page(lines=tuple(enumerate(lines, first)), cursor=committed.cursor)
                if read == message_id:
                    mine = page
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(page)
        if self._observers and turn.notes:
            notes = tuple(turn.notes)
            for observer in self._observers:
                observer(turn.customer, notes)
        return mine

    async def renew(self, turn: Turn) -> None:
        """Keep the lease of a running turn, and bring it what the customer asked for meanwhile."""
        customer = turn.customer
        result = await self.store.renew(self._leases[customer])
        if isinstance(result, Fenced):
            # The commit will be refused; until then nothing of this turn can be seen by anyone.
            log.info("lease_lost", extra={"segue": {"customer": customer}})
            return
        turn.flags |= result.flags & (Flag.CANCEL | Flag.PERSON)

    # -- what nobody holds -------------------------------------------------------------------------

    async def sweep_forever(self, every: float = 1.0) -> None:
        """Look after customers whom a dead process left, and timers that are due; never returns."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable:
                log.warning("sweep_skipped")
            await self._clock.sleep(every * (0.75 + self._chance.random() / 2))

    async def sweep(self) -> int:
        """Take every customer somebody must look at; return how many were taken."""
        taken = 0
        for customer in await self.store.sweep():
            taken += await self.look_after(customer)
        return taken

    async def look_after(self, customer: CustomerId, *, ahead: timedelta = timedelta(0)) -> bool:
        """Take one customer, if nobody holds them: finish a turn, ring a timer, send what waits.

        `ahead` is for tests: how far their clock has moved while the server's has not.
        """
        if customer in self._running:
            return False
        result = await self.store.take(customer, ahead=ahead)
        if isinstance(result, Granted | Busy | Idle):
            for claim in result.claims:
                self.delivery.begin(customer, claim)
        if isinstance(result, Merging | Erasing):
            if self.resume is not None:
                self.spawn(self._resume(self.resume(customer, result)))
            return self.resume is not None
        if isinstance(result, Granted):
            self.counts.swept += 1
            self.begin(result)
            return True
        return False

    async def _resume(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreUnavailable:
            log.warning("resume_interrupted")


class _Keeper:
    """Renews a lease by alarm: turns are short, so no task is made unless one is needed."""

    __slots__ = ("_alarm", "_every", "_turn", "_worker")

    def __init__(self, worker: Worker, turn: Turn) -> None:
        self._worker = worker
        self._turn = turn
        self._alarm = 0
        self._every = 0.0

    def start(self, every: float) -> None:
        self._every = every
        self._alarm = self._worker.alarms.set(every, self._due)

    def stop(self) -> None:
        self._worker.alarms.drop(self._alarm)
        self._alarm = 0

    def _due(self) -> None:
        self._worker.spawn(self._renew())

    async def _renew(self) -> None:
        try:
            await self._worker.renew(self._turn)
        except StoreUnavailable:
            log.warning("renew_failed")
        if self._alarm:
            self.start(self._every)
