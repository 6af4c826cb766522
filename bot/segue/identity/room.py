"""The room of identity: what its dialogs do outside themselves, and what they need for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from segue.channel import Adapter, Capabilities
from segue.dialog.hooks import Hook
from segue.identity import asking, pictures
from segue.identity.asking import Archives, Asking
from segue.identity.codes import Codes
from segue.identity.linking import Linking, Merging
from segue.identity.proving import Proving
from segue.memory import Store
from segue.ports import Clock
from segue.types import CustomerId

if TYPE_CHECKING:
    from segue.app import App
    from segue.engine.gateway import Core
    from segue.media import MediaRoom


class Room:
    """Made with the dialogs, before there is a store; `open` brings that."""

    store: Store
    codes: Codes
    clock: Clock

    link_minutes: int
    merging: Merging
    core: Core
    media: MediaRoom

    def __init__(self) -> None:
        self.proving = Proving(self)
        self.linking = Linking(self)
        self.asking = Asking(self)
        self.drawers = {pictures.CHANNEL: pictures.Pictures(), asking.EXPORT: Archives(self)}
        """What stands for a channel in sealed links, and makes what they name."""
        self.export: Callable[[CustomerId], Awaitable[bytes | None]] | None = None
        """Makes a customer's archive."""
        self.erase: Callable[[CustomerId], Coroutine[Any, Any, Any]] | None = None
        """Leaves nothing of a customer."""

    def open(self, app: App) -> None:
        """Take what an app has, once its store is open."""
        identity = app.settings.identity
        self._app = app
        self.store, self.clock = app.store, app.clock
        self.media = app.media
        self.link_minutes = max(1, int(identity.link_minutes))
        self.codes = Codes(
            app.store,
            app.ids,
            link=timedelta(minutes=identity.link_minutes),
            once=timedelta(minutes=identity.code_minutes),
        )

    def after_turn(self, customer: CustomerId) -> None:
        """Look after a customer when their turn here is over: what was begun in it goes on."""
        self._app.worker.spawn(self._look_after(customer))

    async def _look_after(self, customer: CustomerId) -> None:
        task = self._app.worker.busy(customer)
        if task is not None:
            await asyncio.wait({task})
        await self._app.worker.look_after(customer)

    def capabilities(self) -> Mapping[str, Capabilities]:
        """Return what the channels of this installation can show."""
        return self._app.setup.capabilities

    def adapters(self) -> Mapping[str, Adapter]:
        """Return the channels of this installation."""
        return self._app.adapters

    def can_verify(self) -> bool:
        """Whether there is a dialog that proves an address."""
        return "verify" in self._app.setup.dialogs

    def hooks(self) -> Mapping[str, Hook]:
        """Return what the project wants to be called for."""
        return self._app.setup.dialogs.hooks
