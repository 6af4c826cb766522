"""The room of identity: what its dialogs do outside themselves, and what they need for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from segue.channel import Capabilities
from segue.dialog.hooks import Hook
from segue.identity.codes import Codes
from segue.identity.proving import Proving
from segue.memory import Store
from segue.ports import Clock

if TYPE_CHECKING:
    from segue.app import App


class Room:
    """Made with the dialogs, before there is a store; `open` brings that."""

    store: Store
    codes: Codes
    clock: Clock

    def __init__(self) -> None:
        self.proving = Proving(self)

    def open(self, app: App) -> None:
        """Take what an app has, once its store is open."""
        identity = app.settings.identity
        self._app = app
        self.store, self.clock = app.store, app.clock
        self.codes = Codes(
            app.store,
            app.ids,
            link=timedelta(minutes=identity.link_minutes),
            once=timedelta(minutes=identity.code_minutes),
        )

    def capabilities(self) -> Mapping[str, Capabilities]:
        """Return what the channels of this installation can show."""
        return self._app.setup.capabilities

    def hooks(self) -> Mapping[str, Hook]:
        """Return what the project wants to be called for."""
        return self._app.setup.dialogs.hooks
