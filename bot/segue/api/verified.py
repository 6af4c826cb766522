"""Calling the project's `@on_verified` function, and bringing its answer into the profile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from segue.api.dialogs import storable
from segue.api.door import EXTERNAL, Receiving
from segue.dialog.hooks import VerifiedCustomer
from segue.engine.asking import HOOK
from segue.engine.state import State, decode
from segue.engine.told import COMPANY
from segue.memory import Snapshot, Store
from segue.ports import to_millis
from segue.types import CustomerId, Inbound, Proof

if TYPE_CHECKING:
    from segue.engine.setup import Setup
    from segue.ports import Clock

log = logging.getLogger("segue.api")

TIMEOUT = 10.0
"""Seconds the function may take."""


class Asking:
    """Asks the project about verified customers; what goes wrong is asked again by a timer."""

    def __init__(
        self, store: Store, core: Receiving, setup: Callable[[], Setup], clock: Clock
    ) -> None:
        self._store = store
        self._core = core
        self._setup = setup
        self._clock = clock

    async def nudge(self, customer: CustomerId, _address: object) -> None:
        """Let a turn see that the customer has proved something; called when they have."""
        snapshot = await self._store.snapshot(customer)
        if snapshot is not None and snapshot.addresses and HOOK in self._setup().dialogs.hooks:
            await self._receive(snapshot, f"proved:{snapshot.version}", {})

    async def ask(self, customer: CustomerId) -> None:
        """Call the function, and put what it says into the inbox. Never raises."""
        hook = self._setup().dialogs.hooks.get(HOOK)
        snapshot = await self._store.snapshot(customer)
        if hook is None or snapshot is None or not snapshot.addresses:
            return
        state = decode(snapshot.state)
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await hook.function(customer=view(snapshot, state))
        except Exception as error:  # noqa: BLE001 - of the company's own code, whatever it raises
            # Its words may be about the customer, so only its kind is logged.
            self._failed(customer, type(error).__name__)
            return
        facts = {} if answer is None else answer
        if not isinstance(facts, Mapping) or not storable(dict(facts)):
            self._failed(customer, "it did not return a mapping of plain data")
            return
        source = f"{COMPANY}:on_verified"
        data = {"facts": dict(facts), "source": source, "settles": HOOK}
        await self._receive(snapshot, f"verified:{state.asked}", data)

    async def _receive(self, snapshot: Snapshot, ident: str, data: dict[str, Any]) -> None:
        now = to_millis(self._clock.now())
        inbound = Inbound(
            address=snapshot.addresses[0][0],
            message_id=ident,
            kind="facts",
            received_at=now,
            data={**data, "at": now},
        )
        await self._core.receive(inbound, customer=snapshot.customer)

    def _failed(self, customer: CustomerId, why: str) -> None:
        log.warning("on_verified_failed", extra={"segue": {"customer": customer, "why": why}})


def view(snapshot: Snapshot, state: State) -> VerifiedCustomer:
    """Return what the function is told. Pure."""
    return VerifiedCustomer(
        id=snapshot.customer,
        external=tuple(
            address.id.partition("/")[2]
            for address, _ in snapshot.addresses
            if address.channel == EXTERNAL
        ),
        verified={
            address.channel: address.id
            for address, proof in snapshot.addresses
            if proof >= Proof.VERIFIED and address.channel not in (EXTERNAL, "web")
        },
        name=state.name,
        locale=state.locale,
        facts={name: fact.value for name, fact in state.profile.items()},
    )
