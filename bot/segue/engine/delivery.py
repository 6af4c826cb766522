"""Sending what was decided: claimed rows go out through their adapter, the outcome is settled.

- One row of a lane at a time, in order; `settle` hands over the lane's next.
- A claim is given back when its send cannot begin soon (`sending.py`): it never runs out while
  somebody waits. What was claimed and not settled before its deadline is unknown, whoever finds it.
- What follows from an outcome is decided in `outcomes.py`; here it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from segue.channel import (
    Adapter,
    NotSent,
    Outcome,
    Reason,
    Reconciling,
    Report,
    Sent,
)
from segue.engine import rerouting
from segue.engine.outcomes import (
    Again,
    Ask,
    Close,
    Elsewhere,
    Move,
    Plain,
    Policy,
    Refused,
    decide,
)
from segue.engine.sending import Instead, MaySend, NotYet, Sender
from segue.engine.standing import is_phone
from segue.engine.state import decode
from segue.errors import StoreUnavailable
from segue.failpoints import failpoint
from segue.memory import Store
from segue.memory.records import ELSEWHERE, PLAIN, Claim
from segue.ports import Chance, Clock, SystemChance, to_millis
from segue.types import CustomerId, Millis, Proof, Receipt

log = logging.getLogger("segue.delivery")


class Delivery:
    """Sends the rows that this process has claimed."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        clock: Clock,
        paused: Callable[[], bool] = lambda: False,
        *,
        policy: Policy | None = None,
        chance: Chance | None = None,
    ) -> None:
        self._store = store
        self.adapters = adapters
        self._clock = clock
        self._policy = policy or Policy()
        self._chance = chance or SystemChance()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[int, tuple[str, Millis]] = {}
        self._numbers = 0
        self._sender = Sender(store, clock, self._chance, self._policy, paused, self._spawn)
        self.breakers, self.pacing = self._sender.breakers, self._sender.pacing
        self.outcomes: dict[tuple[str, str], int] = {}
        """(channel, outcome) → how often."""
        self.endings: dict[tuple[str, str], int] = {}
        """(channel, `sent` or why a reply failed, here or as reported later) → how often."""
        # From here on rows say whether their platform can be asked about them.
        store.lookable = frozenset(
            name for name, adapter in adapters.items() if isinstance(adapter, Reconciling)
        )

    def limit_spending(self, may_send: MaySend) -> None:
        """Ask this before a first try that nobody's words have asked for (`segue.spending`)."""
        self._sender.may_send = may_send

    def begin(self, customer: CustomerId, claim: Claim) -> None:
        """Send a claimed row, and what follows it in its lane, in the background."""
        self._spawn(self._lane(customer, claim))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, grace: float) -> None:
        """Wait for sends under way; who only waits for a platform's limits gives the row back."""
        self.pacing.let_go()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)

    async def settled(self) -> None:
        """Wait until nothing is being sent by this process (tests)."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def lanes(self, channel: str) -> tuple[int, float]:
        """Return how many rows of a channel this process has in hand, and the oldest's age."""
        now = to_millis(self._clock.now())
        ages = [(now - born) / 1000 for name, born in self._lanes.values() if name == channel]
        return len(ages), max(ages, default=0.0)

    # -- one lane ----------------------------------------------------------------------------------

    async def _lane(self, customer: CustomerId, claim: Claim) -> None:
        self._numbers += 1
        number = self._numbers
        following: Claim | None = claim
        try:
            while following is not None:
                self._lanes[number] = (following.row.address.channel, following.born)
                following = await self._one(customer, following)
        except StoreUnavailable:
            # The claim runs out and the row is found as unknown: nothing is forgotten.
            channel = claim.row.address.channel
            log.warning(
                "settle_failed", extra={"segue": {"customer": customer, "channel": channel}}
            )
        finally:
            self._lanes.pop(number, None)

    async def _one(self, customer: CustomerId, claim: Claim) -> Claim | None:
        channel = claim.row.address.channel
        adapter = self.adapters.get(channel)
        if adapter is None:
            return await self._close(customer, claim, Receipt.FAILED, "no_channel")
        try:
            failpoint("send")
            outcome, claim = await self._sender.attempt(adapter, customer, claim)
            failpoint("sent")
        except NotYet as not_yet:
            return await self._store.give_back(customer, not_yet.claim, after=not_yet.after)
        except Instead as instead:
            return instead.claim
        key = (channel, type(outcome).__name__)
        self.outcomes[key] = self.outcomes.get(key, 0) + 1
        following = await self._follow(customer, claim, adapter, outcome)
        failpoint("settled")
        if isinstance(outcome, Sent) and adapter.capabilities.receipts:
            self._spawn(self._trace(customer, claim, outcome.id))
        return following

    # -- what follows ------------------------------------------------------------------------------

    async def _follow(
        self, customer: CustomerId, claim: Claim, adapter: Adapter, outcome: Outcome
    ) -> Claim | None:
        store, channel = self._store, claim.row.address.channel
        verdict = decide(
            outcome,
            claim,
            self._policy,
            self._chance.random(),
            lookable=channel in store.lookable,
        )
        match verdict:
            case Close(receipt=receipt, why=why):
                return await self._close(customer, claim, receipt, why)
            case Ask(after=after):
                return await store.settle(customer, claim, Receipt.UNKNOWN, after=after)
            case Again(after=after, counted=counted):
                if isinstance(outcome, NotSent) and outcome.retry_after and outcome.pause:
                    await store.hold(channel, outcome.pause, outcome.retry_after)
                return await store.settle(
                    customer, claim, Receipt.QUEUED, after=after, counted=counted
                )
            case Refused():
                pause = max(self.breakers.wait(channel), 1.0) + 5 * self._chance.random()
                return await store.give_back(customer, claim, after=timedelta(seconds=pause))
            case Move(to=to):
                if not await store.readdress(customer, claim.row.address, to):
                    return await self._close(customer, claim, Receipt.FAILED, Reason.MOVED.value)
                there = replace(claim, row=replace(claim.row, address=to))
                return await store.settle(customer, there, Receipt.QUEUED, counted=True)
            case Plain():
                return await self._plain(customer, claim, adapter)
            case Elsewhere(why=why):
                return await self._elsewhere(customer, claim, why)

    async def _close(
        self, customer: CustomerId, claim: Claim, receipt: Receipt, why: str
    ) -> Claim | None:
        channel = claim.row.address.channel
        self._ended(channel, why or receipt.value)
        if receipt is Receipt.FAILED:
            log.warning(
                "reply_not_sent",
                extra={
                    "segue": {
                        "customer": customer,
                        "channel": channel,
                        "reply": claim.row.reply,
                        "why": why,
                    }
                },
            )
            if why == Reason.OPTED_OUT.value:
                await self._opted_out(customer, channel)
        return await self._store.settle(customer, claim, receipt, why=why)

    def _ended(self, channel: str, how: str) -> None:
        self.endings[channel, how] = self.endings.get((channel, how), 0) + 1

    async def _opted_out(self, customer: CustomerId, channel: str) -> None:
        """Let the consent record follow the platform's."""
        await self._store.consent(customer, channel, opted_out=True, how="platform")
        snapshot = await self._store.snapshot(customer)
        for address, _ in snapshot.addresses if snapshot else ():
            if address.channel == channel and is_phone(address):
                await self._store.lower_proof(customer, address, Proof.CHANNEL)

    async def _plain(self, customer: CustomerId, claim: Claim, adapter: Adapter) -> Claim | None:
        rows = rerouting.plain_rows(claim.row, adapter)
        log.error(
            "reply_sent_plain",
            extra={"segue": {"channel": claim.row.address.channel, "reply": claim.row.reply}},
        )
        if not rows:
            return await self._close(customer, claim, Receipt.FAILED, Reason.CONTENT.value)
        again = claim.again | PLAIN
        claims = await self._store.replace(
            customer, claim, rows, why=Reason.CONTENT.value, again=again
        )
        return self._first(customer, claims)

    async def _elsewhere(self, customer: CustomerId, claim: Claim, why: str) -> Claim | None:
        row = claim.row
        snapshot = await self._store.snapshot(customer)
        if snapshot is None:
            return await self._close(customer, claim, Receipt.FAILED, why)
        other = rerouting.other_address(snapshot, row.address, self.adapters)
        if other is None:
            return await self._close(customer, claim, Receipt.FAILED, why)
        self._ended(row.address.channel, why)
        context = decode(snapshot.state).contexts.get(other.channel, {})
        rows = rerouting.rows_for(row, other, self.adapters[other.channel], context)
        claims = await self._store.replace(
            customer, claim, rows, why=why, instead=other.channel, again=ELSEWHERE
        )
        return self._first(customer, claims)

    def _first(self, customer: CustomerId, claims: tuple[Claim, ...]) -> Claim | None:
        """Go on with the first, and let the others go in lanes of their own."""
        for claim in claims[1:]:
            self.begin(customer, claim)
        return claims[0] if claims else None

    # -- receipts ----------------------------------------------------------------------------------

    async def _trace(self, customer: CustomerId, claim: Claim, message_id: str) -> None:
        try:
            early = await self._store.trace(customer, claim.row, message_id)
            if early is not None:
                await self.report(claim.row.address.channel, early)
        except StoreUnavailable:
            log.warning("trace_failed", extra={"segue": {"channel": claim.row.address.channel}})

    async def report(self, channel: str, report: Report) -> None:
        """Note what a platform says about something sent before; the consent record follows."""
        found = await self._store.report(channel, report)
        if found is None or report.receipt is not Receipt.FAILED:
            return
        customer, news = found
        if news:
            self._ended(channel, f"reported_{report.reason.value}")
            if report.reason is Reason.OPTED_OUT:
                await self._opted_out(customer, channel)
