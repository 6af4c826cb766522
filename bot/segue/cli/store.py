"""The store for a command: opened for a moment, closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from segue.memory import Store, open_store
from segue.settings.limits import store_limits

if TYPE_CHECKING:
    from segue.settings import Settings


@asynccontextmanager
async def memory(settings: Settings) -> AsyncIterator[Store]:
    """Open the store that the settings name. Raises `StoreUnfit` or `StoreUnavailable`."""
    store = settings.store
    opened = await open_store(
        store.url,
        prefix=store.prefix,
        partitions=store.partitions,
        data_dir=store.data_dir,
        fsync=store.fsync,
        limits=store_limits(settings),
    )
    try:
        yield opened
    finally:
        await opened.aclose()
