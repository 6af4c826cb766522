"""What came in while nobody listened: the platforms that can say so are asked for it.

- One process of the installation asks for a channel, when it starts and then every few minutes: an
  outage may have been the platform's, the network's or ours.
- The store knows up to when all is known (`tide`). It moves on only when a pass came to its end, so
  what one pass could not bring in the next one brings.
- Everything goes through `receive`, where what was stored before is recognised. So nothing is asked
  for that is older than that memory.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from segue.channel import Accepted, Adapter, CatchingUp, Gateway
from segue.errors import StoreUnavailable
from segue.memory import Store
from segue.ports import Chance, Clock, from_millis, to_millis

log = logging.getLogger("segue.engine")

EVERY = timedelta(minutes=5)
_OVERLAP = timedelta(minutes=2)
"""Clocks differ, and a platform may be slow to list what it has."""
_LOOK = 30.0
_LEASE = 120.0
"""Seconds that one process has the job; moved on while it works."""


class CatchUp:
    """Asks for the channels of one process."""

    def __init__(
        self,
        store: Store,
        gateway: Gateway,
        adapters: Mapping[str, Adapter],
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._chance = chance
        self._adapters = {
            name: adapter for name, adapter in adapters.items() if isinstance(adapter, CatchingUp)
        }
        self.brought: dict[tuple[str, ...], int] = {}
        """(channel,) → messages that only this brought in."""

    async def run_forever(self) -> None:
        """Look now, and whenever it is time; never returns."""
        while self._adapters:
            for name in self._adapters:
                try:
                    await self.look(name)
                except StoreUnavailable:
                    log.warning("catch_up_skipped", extra={"segue": {"channel": name}})
            await self._clock.sleep(_LOOK * (0.75 + self._chance.random() / 2))

    async def look(self, name: str) -> int:
        """Ask one channel, if it is time and nobody else does; return how many were new."""
        job = f"catch-up:{name}"
        if not await self._store.singleton(job, _LEASE):
            return 0
        try:
            return await self._pass(name, job)
        finally:
            # Given back: who is started next need not wait until it would have run out.
            await self._store.singleton(job, 0)

    async def _pass(self, name: str, job: str) -> int:
        now, known = to_millis(self._clock.now()), await self._store.tide(name)
        if not known:
            # The first start: there is nothing that we missed.
            await self._store.tide(name, now)
            return 0
        if from_millis(now) - from_millis(known) < EVERY:
            return 0
        memory = dict(self._store.limits.seen_by_channel).get(name, self._store.limits.seen)
        since = max(from_millis(known) - _OVERLAP, from_millis(now) - memory * 0.9)
        found = 0
        try:
            async for inbound in self._adapters[name].missed(since):
                result = await self._gateway.receive(inbound)
                if not isinstance(result, Accepted):
                    if result.status in (429, 503):
                        log.warning("catch_up_stopped", extra={"segue": {"channel": name}})
                        return found
                elif not result.duplicate:
                    found += 1
                    self.brought[(name,)] = self.brought.get((name,), 0) + 1
                if not await self._store.singleton(job, _LEASE):
                    return found
        except StoreUnavailable:
            raise
        except Exception as error:
            # Next time: `tide` has not moved.
            log.exception(
                "catch_up_failed", extra={"segue": {"channel": name, "error": type(error).__name__}}
            )
            return found
        await self._store.tide(name, now)
        if found:
            log.info("caught_up", extra={"segue": {"channel": name, "messages": found}})
        return found
