"""Sending what was decided: claimed rows go out through their adapter, the outcome is settled.

One row of a lane at a time, in order; `settle` hands over the lane's next. What was claimed and not
settled before its deadline counts as unknown, whoever finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from segue.channel import Adapter, NotSent, Outcome, Sent, Unknown
from segue.errors import StoreUnavailable
from segue.failpoints import failpoint
from segue.memory import Store
from segue.memory.records import Claim
from segue.ports import Clock
from segue.types import CustomerId, Receipt

log = logging.getLogger("segue.delivery")

_LATER = timedelta(seconds=5)
"""How long a row waits that could not be sent, where the platform named no time."""


class Delivery:
    """Sends the rows that this process has claimed."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        clock: Clock,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._clock = clock
        self._paused = paused
        self._tasks: set[asyncio.Task[None]] = set()
        self.outcomes: dict[tuple[str, str], int] = {}
        """(channel, outcome) → how often."""

    def begin(self, customer: CustomerId, claim: Claim) -> None:
        """Send a claimed row, and what follows it in its lane, in the background."""
        task = asyncio.get_running_loop().create_task(self._lane(customer, claim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, grace: float) -> None:
        """Wait for sends under way."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)

    async def settled(self) -> None:
        """Wait until nothing is being sent by this process (tests)."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _lane(self, customer: CustomerId, claim: Claim) -> None:
        following: Claim | None = claim
        while following is not None:
            row = following.row
            failpoint("send")
            outcome = await self._send(following)
            failpoint("sent")
            key = (row.address.channel, type(outcome).__name__)
            self.outcomes[key] = self.outcomes.get(key, 0) + 1
            try:
                following = await self._settle(customer, following, outcome)
                failpoint("settled")
            except StoreUnavailable:
                # The claim runs out and the row is found as unknown: nothing is forgotten.
                log.warning(
                    "settle_failed",
                    extra={"segue": {"customer": customer, "channel": row.address.channel}},
                )
                return

    async def _settle(self, customer: CustomerId, claim: Claim, outcome: Outcome) -> Claim | None:
        match outcome:
            case Sent():
                return await self._store.settle(customer, claim, Receipt.SENT)
            case NotSent(permanent=True):
                return await self._store.settle(customer, claim, Receipt.FAILED)
            case NotSent(retry_after=after):
                wait = after if after is not None else _LATER
                return await self._store.settle(customer, claim, Receipt.QUEUED, after=wait)
            case Unknown():
                return await self._store.settle(customer, claim, Receipt.UNKNOWN)

    async def _send(self, claim: Claim) -> Outcome:
        row = claim.row
        adapter = self._adapters.get(row.address.channel)
        if adapter is None:
            return NotSent(why="channel is not configured", permanent=True)
        if self._paused():
            return NotSent(why="sends are paused", permanent=False)
        if self._clock.monotonic() >= claim.deadline:
            return NotSent(why="claim ran out before the send", permanent=False)
        try:
            return await adapter.send(row.address, adapter.build(row.message), row)
        except Exception as error:
            # An adapter promises never to raise; if it does, the send may have happened.
            log.exception("send_raised", extra={"segue": {"error": type(error).__name__}})
            return Unknown(why=type(error).__name__)
