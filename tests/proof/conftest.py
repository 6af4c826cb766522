"""Whole installations before all the platforms: real adapters, real HTTP, the server as `segue run`
puts it together."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from everywhere import Platforms, Process

from segue.memory.embedded import Embedded


@pytest.fixture
async def platforms() -> AsyncIterator[Platforms]:
    """Telegram, a Slack workspace and a Twilio account."""
    async with Platforms() as platforms:
        yield platforms


@pytest.fixture
async def open_process(
    valkey: Embedded, store_prefix: str, tmp_path: Path
) -> AsyncIterator[Callable[..., object]]:
    """Open processes of one installation: `await open_process(platforms)`."""
    stack = AsyncExitStack()

    async def open_one(platforms: Platforms, **given: object) -> Process:
        store = {"url": valkey.url, "prefix": store_prefix, "data_dir": str(tmp_path)}
        process = Process(platforms, store, **given)  # type: ignore[arg-type]
        stack.push_async_callback(process.stop)
        await process.start()
        return process

    yield open_one
    await stack.aclose()
