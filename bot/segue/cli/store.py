"""The store for a command: opened for a moment, closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from segue.memory import Limits, Store, open_store

if TYPE_CHECKING:
    from segue.settings import Settings


def limits(settings: Settings) -> Limits:
    """Return the store's limits as they are set."""
    store = settings.store
    return Limits(
        lease=timedelta(seconds=store.lease_seconds),
        retention=timedelta(days=store.retention_days),
        inbox=store.inbox_limit,
        audit=timedelta(days=store.audit_days),
        tries=store.max_attempts,
    )


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
        limits=limits(settings),
    )
    try:
        yield opened
    finally:
        await opened.aclose()
