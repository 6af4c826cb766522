"""What the tests of the outbox share; `town.py` lies beside them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

sys.path.insert(0, str(Path(__file__).parent))

from town import Post, Town, TownClock

from segue.memory import Store
from segue.memory.embedded import Embedded


@pytest.fixture
async def town(valkey: Embedded, store_prefix: str) -> AsyncIterator[Town]:
    """A town of this test's own."""
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        town = Town(TownClock(client, f"{store_prefix}now"), store_prefix)
        stores: list[Store] = []
        town.store = await town.open(valkey, stores)
        town.another = lambda: town.open(valkey, stores)  # type: ignore[attr-defined]
        yield town
        for delivery in town.deliveries:
            delivery.pacing.let_go()
            for task in tuple(delivery._tasks):
                task.cancel()
        await asyncio.sleep(0)
        for store in stores:
            await store.aclose()


@pytest.fixture
def post(town: Town) -> Post:
    return Post(town.clock)
