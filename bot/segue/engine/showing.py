"""Showing that an answer is being written, for as long as a slow turn lasts.

A platform shows it for a few seconds only, so it is said again and again; it stops by itself when
the answer arrives there, or when nothing more is said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from segue.channel import Adapter, Typing
from segue.ports import Clock
from segue.types import Address, CustomerId

log = logging.getLogger("segue.delivery")

_EVERY = 4.0
"""Seconds; Telegram shows it for five."""
_LONGEST = 120.0
"""Seconds after which it is more honest to show nothing."""


class Showing:
    """Whom this process shows it to."""

    def __init__(self, adapters: Mapping[str, Adapter], clock: Clock) -> None:
        self._adapters = adapters
        self._clock = clock
        self._tasks: dict[CustomerId, asyncio.Task[None]] = {}

    def begin(self, customer: CustomerId, address: Address) -> None:
        """Show it at the address that is being answered, where its platform can."""
        adapter: object = self._adapters.get(address.channel)
        if isinstance(adapter, Typing) and customer not in self._tasks:
            self._tasks[customer] = asyncio.get_running_loop().create_task(
                self._show(adapter, address)
            )

    def end(self, customer: CustomerId) -> None:
        """The answer is there."""
        task = self._tasks.pop(customer, None)
        if task is not None:
            task.cancel()

    async def _show(self, adapter: Typing, address: Address) -> None:
        until = self._clock.monotonic() + _LONGEST
        while self._clock.monotonic() < until:
            try:
                await adapter.typing(address)
            except Exception as error:  # noqa: BLE001 - no answer depends on this
                log.warning("typing_raised", extra={"segue": {"error": type(error).__name__}})
                return
            await self._clock.sleep(_EVERY)
