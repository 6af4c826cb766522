"""One try of one row: wait until it may go, send it or ask about it, learn how the platform is.

- It may go when nothing is paused, the channel's breaker is closed, the platform's buckets have
  tokens, and not too many sends of this channel are under way in this process.
- A claim that cannot be used soon is not held: `NotYet` says when to come again.
- Just before the send the claim must still be good. After waiting it is made anew, because a STOP
  or an agent may have called the row off meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeAlias

from msgspec.structs import replace

from segue.channel import (
    Adapter,
    Limited,
    NotSent,
    Outcome,
    Payload,
    Reason,
    Reconciling,
    Unknown,
)
from segue.engine.breakers import Breakers
from segue.engine.outcomes import Policy
from segue.engine.pacing import Pacing
from segue.memory import Store
from segue.memory.records import Claim
from segue.ports import Chance, Clock, to_millis
from segue.types import Address, CustomerId, Purpose

log = logging.getLogger("segue.delivery")

MaySend: TypeAlias = Callable[[Address, Purpose], Awaitable[Reason | None]]
"""Returns why a message must not go out, or None."""

_PAUSED = 5.0
"""Seconds until it is looked again whether sends are still paused."""
_MOMENT = 0.25
"""Seconds of waiting after which a claim is made anew before the send."""
_AT_ONCE = 64
"""Sends of one channel under way; more would wait inside the client and look like lost ones."""
_QUEUE = 4 * _AT_ONCE


class NotYet(Exception):
    """Nothing was tried; come again after so many seconds."""

    def __init__(self, seconds: float, claim: Claim) -> None:
        super().__init__()
        self.after = timedelta(seconds=seconds)
        self.claim = claim


class Instead(Exception):
    """The row is not ours to send any more; go on with this one of its lane, if any."""

    def __init__(self, claim: Claim | None) -> None:
        super().__init__()
        self.claim = claim


class Sender:
    """Tries rows, for one process."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        policy: Policy,
        paused: Callable[[], bool],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._policy = policy
        self._paused = paused
        self.breakers = Breakers(clock, chance)
        self.pacing = Pacing(store, clock, chance, spawn)
        self.may_send: MaySend | None = None
        self._doors: dict[str, asyncio.Semaphore] = {}
        self._queued: Counter[str] = Counter()

    async def attempt(
        self, adapter: Adapter, customer: CustomerId, claim: Claim
    ) -> tuple[Outcome, Claim]:
        """Send a row, or ask what became of it. Returns the claim it was done under.

        Raises `NotYet` or `Instead` where it was not done.
        """
        channel = claim.row.address.channel
        if self._paused():
            raise NotYet(_PAUSED, claim)
        self._left_alone(self.breakers.wait(channel), claim)
        if claim.doubt:
            outcome = await self._find(adapter, claim)
        else:
            payload = built(adapter, claim)
            if not isinstance(payload, NotSent) and await self._too_dear(claim):
                payload = NotSent(why="spending cap", permanent=True, reason=Reason.SPENT)
            if isinstance(payload, NotSent):
                self.breakers.untried(channel)
                return payload, claim
            try:
                outcome, claim = await self._go(adapter, customer, claim, payload)
            except (NotYet, Instead):
                self.breakers.untried(channel)
                raise
        self._note_health(channel, outcome, claim)
        return outcome, claim

    async def _too_dear(self, claim: Claim) -> bool:
        row = claim.row
        if row.purpose is not Purpose.PROACTIVE or claim.tries or self.may_send is None:
            return False
        return await self.may_send(row.address, row.purpose) is not None

    def _left_alone(self, seconds: float, claim: Claim) -> None:
        if seconds:
            raise NotYet(seconds + 5 * self._chance.random(), claim)

    async def _go(
        self, adapter: Adapter, customer: CustomerId, claim: Claim, payload: Payload
    ) -> tuple[Outcome, Claim]:
        """Wait for limits and for a place among those under way, then send."""
        channel, began = claim.row.address.channel, self._clock.monotonic()
        if isinstance(adapter, Limited) and (takes := adapter.takes(claim.row.address, payload)):
            wait = await self.pacing.wait(channel, takes, claim.born)
            if wait:
                raise NotYet(wait, claim)
        door = self._doors.get(channel)
        if door is None:
            door = self._doors[channel] = asyncio.Semaphore(_AT_ONCE)
        if door.locked() and self._queued[channel] >= _QUEUE:
            raise NotYet(2 + 4 * self._chance.random(), claim)
        self._queued[channel] += 1
        try:
            await door.acquire()
        finally:
            self._queued[channel] -= 1
        try:
            if self._clock.monotonic() - began >= _MOMENT:
                # It may have opened meanwhile; and the row may have been called off.
                self._left_alone(self.breakers.shut(channel), claim)
                claim = await self._renewed(customer, claim)
            return await self._send(adapter, customer, claim, payload), claim
        finally:
            door.release()

    async def _renewed(self, customer: CustomerId, claim: Claim) -> Claim:
        renewed = await self._store.give_back(customer, claim, after=timedelta(0))
        if renewed is None or renewed.row.id != claim.row.id:
            raise Instead(renewed)
        return renewed

    async def _send(
        self, adapter: Adapter, customer: CustomerId, claim: Claim, payload: Payload
    ) -> Outcome:
        row = claim.row
        left = claim.deadline - self._clock.monotonic()
        if left <= 0:
            raise NotYet(0, claim)
        if row.expires_at and to_millis(self._clock.now()) >= row.expires_at:
            raise NotYet(1, claim)  # By then the store finds that its life is over.
        try:
            async with asyncio.timeout(min(self._policy.timeout, left)):
                return await adapter.send(row.address, payload, replace(row, customer=customer))
        except TimeoutError:
            return Unknown(why="too slow")
        except Exception as error:
            # An adapter promises never to raise; if it does, the send may have happened.
            log.exception("send_raised", extra={"segue": {"error": type(error).__name__}})
            return Unknown(why=type(error).__name__)

    async def _find(self, adapter: Adapter, claim: Claim) -> Outcome:
        if not isinstance(adapter, Reconciling):
            return Unknown(why="cannot be asked")
        try:
            async with asyncio.timeout(self._policy.timeout):
                return await adapter.find(claim.row.address, claim.row)
        except Exception as error:
            if not isinstance(error, TimeoutError):
                log.exception("find_raised", extra={"segue": {"error": type(error).__name__}})
            return Unknown(why=type(error).__name__)

    def _note_health(self, channel: str, outcome: Outcome, claim: Claim) -> None:
        if isinstance(outcome, NotSent) and outcome.reason is Reason.CREDENTIAL:
            self.breakers.bad(channel, credential=True)
        elif isinstance(outcome, Unknown):
            # An answer to `find` says little about sends; it closes nothing and opens nothing.
            if not claim.doubt:
                self.breakers.bad(channel)
        elif (
            isinstance(outcome, NotSent)
            and not outcome.permanent
            and outcome.retry_after is None
            and not claim.doubt
        ):
            self.breakers.bad(channel)
        else:
            self.breakers.good(channel)


def built(adapter: Adapter, claim: Claim) -> Payload | NotSent:
    """Return the platform's form of a row; an adapter that cannot make one refuses it."""
    try:
        return adapter.build(claim.row.message)
    except Exception as error:
        log.exception("build_raised", extra={"segue": {"error": type(error).__name__}})
        return NotSent(why="build raised", permanent=True, reason=Reason.CONTENT)
