"""What many tests need: a real server of their own, and a store on it.

The server is started once per session, on a unix socket, and checked to be the one we started
before anything is written to it. Every test gets a prefix of its own, and afterwards no key may be
left that does not end by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import hypothesis
import pytest
import redis

from segue.memory import Store, open_store
from segue.memory.embedded import Embedded, embedded
from segue.memory.keys import LASTING

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("segue", deadline=None)
hypothesis.settings.load_profile("segue")

_prefixes = count(1)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A server on a unix socket that belongs to this test session alone."""
    folder: Path = tmp_path_factory.mktemp("store")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(embedded(folder)))
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            assert client.info()["process_id"] == server.pid
        yield server
        runner.run(stack.aclose())


@pytest.fixture
def store_prefix(valkey: Embedded) -> Iterator[str]:
    """A prefix of this test's own; afterwards every key under it must end by itself."""
    prefix = f"test{next(_prefixes)}:"
    yield prefix
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        keys = list(client.scan_iter(match=f"{prefix}*", count=1000))
        endless = [key for key in keys if client.ttl(key) == -1 and not _may_last(key.decode())]
        if keys:
            client.delete(*keys)
    assert not endless, f"keys that never end: {endless}"


def _may_last(key: str) -> bool:
    return key.rpartition(":")[2] in LASTING


@pytest.fixture
async def open_a_store(valkey: Embedded, store_prefix: str) -> AsyncIterator[Callable[..., object]]:
    """Open stores as separate processes would, all under this test's prefix."""
    stack = AsyncExitStack()

    async def opener(**settings: object) -> Store:
        settings = {"prefix": store_prefix, "partitions": 4, **settings}
        store = await open_store(valkey.url, **settings)  # type: ignore[arg-type]
        await stack.enter_async_context(store)
        return store

    yield opener
    await stack.aclose()


@pytest.fixture
async def store(open_a_store: Callable[..., object]) -> Store:
    """A store on the session's server, under a prefix of this test's own."""
    return await open_a_store()  # type: ignore[misc, no-any-return]
