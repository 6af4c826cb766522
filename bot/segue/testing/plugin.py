"""Pytest fixtures for bot authors. Opt in with `pytest_plugins = ["segue.testing.plugin"]`.

async def test_a_return_made_by_sms(rehearse):
    await rehearse("sms", '''
        customer: i want to send smth back
        bot:      …
    ''')
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from segue.memory.embedded import embedded
from segue.testing.rehearsal import Rehearsal

Rehearse = Callable[[str, str], Awaitable[Rehearsal]]


@pytest.fixture(scope="session")
def segue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a store for the tests on a private socket; the value is its address."""
    with asyncio.Runner() as runner:
        server = embedded(tmp_path_factory.mktemp("store"))
        try:
            yield runner.run(server.__aenter__()).url
        finally:
            runner.run(server.__aexit__(None, None, None))


@pytest.fixture
def segue_settings() -> Path | None:
    """Name the project's `segue.toml`; override it where it is not in the current directory."""
    return None


@pytest.fixture
async def rehearsal(
    segue_server: str, segue_settings: Path | None, request: pytest.FixtureRequest
) -> AsyncIterator[Rehearsal]:
    """A customer who has not said anything yet."""
    name = hashlib.blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()
    stage = await Rehearsal.begin(segue_settings, url=segue_server, prefix=f"{name}:")
    try:
        yield stage
    finally:
        await stage.end()


@pytest.fixture
def rehearse(rehearsal: Rehearsal) -> Rehearse:
    """Play a script: `await rehearse("sms", "customer: …")`; the result is the rehearsal."""

    async def play(channel: str, script: str) -> Rehearsal:
        await rehearsal.play(channel, script)
        return rehearsal

    return play
