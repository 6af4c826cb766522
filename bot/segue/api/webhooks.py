"""Telling other systems what happened: at least once, in order for each customer.

- One process of the installation tells (a singleton); when it dies, another goes on within half a
  minute. What it had sent without noting is sent again, with the same id.
- The next event of a customer is sent when the one before it was taken. A customer whose event is
  not taken holds up nobody else.
- Taken is a 2xx within ten seconds. All else is tried again, later each time, for a day; then the
  event is parked, and `segue webhooks retry` puts it back.
- A receiver that cannot be reached at all is not asked for each event: it rests, and is tried with
  one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import msgspec

from segue.api.door import EXTERNAL
from segue.api.events import events_of, wanted
from segue.api.signing import HEADER, sign
from segue.api.targets import BadTarget, CarefulResolver, check_target
from segue.errors import StoreUnavailable
from segue.memory import Store
from segue.memory.hooks import Event, Fate, Past, Queue, Webhook
from segue.ports import Chance, Clock, to_millis
from segue.types import CustomerId

log = logging.getLogger("segue.webhooks")

JOB = "webhooks"
HELD = 30.0
"""Seconds after which another process takes the job over."""
EVERY = 1.0
TIMEOUT = 10.0
GIVE_UP = timedelta(days=1)
WAITS = (5, 30, 120, 600, 1800, 3600)
"""Seconds until an event is tried again; then always the last."""
AT_ONCE = 8

Post = Callable[[Webhook, Event, dict[str, str]], Awaitable[int]]
"""Sends an event; returns the status. Raises `OSError`, `BadTarget`, a client error."""


class Teller:
    """Tells all webhooks what happened."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        chance: Chance,
        private: bool = False,
        post: Post | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._private = private
        self._post = post or self._send
        self._session: aiohttp.ClientSession | None = None
        self._resting: dict[str, tuple[float, int]] = {}
        """Webhook → (monotonic moment until which it rests, failures in a row)."""
        self.counts: Counter[tuple[str, str]] = Counter()
        """(webhook, fate) → how often."""

    async def run(self) -> None:
        """Tell for as long as this process lives; never returns."""
        try:
            while True:
                try:
                    if await self._store.singleton(JOB, HELD):
                        await self.tell()
                except StoreUnavailable:
                    log.warning("webhooks_skipped")
                await self._clock.sleep(EVERY * (0.75 + self._chance.random() / 2))
        finally:
            await self.close()

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    async def tell(self) -> None:
        """Look once at what happened, and send what is due."""
        for hook in await self._store.webhooks():
            queue = await self._store.queue(hook.name)
            if not queue.known:
                # Made by a command that died, or forgotten after a hundred days away.
                await self._store.begin_webhook(hook.name)
                continue
            if await self._take_in(hook, queue):
                queue = await self._store.queue(hook.name)
            await self._send_due(hook, queue)
            await self._store.singleton(JOB, HELD)

    # -- what happened -------------------------------------------------------------------------

    async def _take_in(self, hook: Webhook, queue: Queue) -> bool:
        happened, cursors = await self._store.happened(queue)
        if not cursors:
            return False
        events: list[Event] = []
        for entry in happened:
            if events_of(entry):
                external = await self._external(entry.customer)
                events += [e for e in events_of(entry, external) if wanted(hook, e.type)]
        await self._store.put_events(hook.name, events, cursors)
        return bool(events)

    async def _external(self, customer: CustomerId) -> list[str]:
        snapshot = await self._store.snapshot(customer)
        addresses = snapshot.addresses if snapshot else ()
        return [
            address.id.partition("/")[2] for address, _ in addresses if address.channel == EXTERNAL
        ]

    # -- telling it ----------------------------------------------------------------------------

    async def _send_due(self, hook: Webhook, queue: Queue) -> None:
        until, failures = self._resting.get(hook.name, (0.0, 0))
        if self._clock.monotonic() < until:
            return
        now = to_millis(self._clock.now())
        lanes: dict[CustomerId, list[Event]] = {}
        for event in queue.events:
            lanes.setdefault(event.customer, []).append(event)
        due = [lane for lane in lanes.values() if lane[0].next <= now]
        if failures:
            due = due[:1]
        for start in range(0, len(due), AT_ONCE):
            reached = await asyncio.gather(
                *(self._lane(hook, lane) for lane in due[start : start + AT_ONCE])
            )
            if not all(reached):
                self._rest(hook)
                return
        self._resting.pop(hook.name, None)

    def _rest(self, hook: Webhook) -> None:
        failures = self._resting.get(hook.name, (0.0, 0))[1] + 1
        wait = min(2.0**failures, 300.0) * (0.75 + self._chance.random() / 2)
        self._resting[hook.name] = (self._clock.monotonic() + wait, failures)
        log.warning(
            "webhook_unreachable", extra={"segue": {"webhook": hook.name, "failures": failures}}
        )

    async def _lane(self, hook: Webhook, events: list[Event]) -> bool:
        """Send a customer's events in order, until one is not taken; False if nobody was there."""
        for event in events:
            status, why = await self._try(hook, event)
            if 200 <= status < 300:
                await self._settle(hook, event, "told", why)
                continue
            await self._again(hook, event, why)
            return 0 < status < 500
        return True

    async def _try(self, hook: Webhook, event: Event) -> tuple[int, str]:
        at = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "segue",
            "Segue-Event": event.id,
            HEADER: sign(hook.secret, event.body, at),
        }
        try:
            status = await self._post(hook, event, headers)
        except BadTarget:
            return 0, "refused: the address may not be called"
        except (OSError, aiohttp.ClientError, ValueError) as error:
            # Of the kind of error only: its words may hold the address.
            return 0, type(error).__name__
        return status, str(status)

    async def _again(self, hook: Webhook, event: Event, why: str) -> None:
        now = to_millis(self._clock.now())
        since = event.since or now
        if now - since >= GIVE_UP / timedelta(milliseconds=1):
            await self._settle(hook, msgspec.structs.replace(event, why=why), "park", why)
            return
        wait = WAITS[min(event.tries, len(WAITS) - 1)] * (0.9 + self._chance.random() / 5)
        later = msgspec.structs.replace(
            event, tries=event.tries + 1, next=now + int(wait * 1000), why=why, since=since
        )
        await self._settle(hook, later, "later", why)

    async def _settle(self, hook: Webhook, event: Event, fate: Fate, why: str) -> None:
        self.counts[hook.name, fate] += 1
        past = Past(
            at=to_millis(self._clock.now()), id=event.id, type=event.type, fate=fate, why=why
        )
        await self._store.settle_event(hook.name, event, fate, past)
        log.log(
            logging.INFO if fate == "told" else logging.WARNING,
            "webhook_event",
            extra={"segue": {"webhook": hook.name, "event": event.id, "fate": fate, "why": why}},
        )

    async def _send(self, hook: Webhook, event: Event, headers: dict[str, str]) -> int:
        check_target(hook.url, private=self._private)
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=CarefulResolver(private=self._private), ttl_dns_cache=10
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.post(
            hook.url, data=event.body, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status
