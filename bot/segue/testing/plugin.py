"""Pytest fixtures for bot authors. Opt in with `pytest_plugins = ["segue.testing.plugin"]`.

async def test_a_return_made_by_sms(rehearse):
    await rehearse("sms", '''
        customer: i want to send smth back
        bot:      …
    ''')

`pytest --segue-record` writes what the bot says now into the scripts that differ.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio

from segue.dialog import Dialog
from segue.memory.embedded import embedded
from segue.testing.recording import Recorder, record, recording
from segue.testing.rehearsal import Rehearsal
from segue.testing.story import Mismatch

Rehearse = Callable[[str, "str | Path"], Awaitable[Rehearsal]]
_FAILED = pytest.StashKey[bool]()
_begun = count(1)


class Stage(Protocol):
    """The fixture `stage`."""

    async def __call__(
        self,
        *dialogs: Dialog[Any],
        voice: str | Mapping[str, str] = "",
        **settings: Mapping[str, Any],
    ) -> Rehearsal:
        """Put dialogs and their wording on stage."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--segue-record`."""
    parser.getgroup("segue").addoption(
        "--segue-record",
        action="store_true",
        help="write what the bot says now into the scripts of tests, where it differs",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to record, if that is wanted."""
    if config.getoption("--segue-record", default=False):
        record(Recorder())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note whether the test itself failed, so that its end does not complain as well."""
    outcome: Any = yield
    report = outcome.get_result()
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write what was recorded, and say where."""
    recorder = recording()
    if recorder is None:
        return
    record(None)
    written = recorder.write()
    terminalreporter.section("recorded scripts")
    for file, scripts in written:
        terminalreporter.line(f"{file}: {scripts} written anew")
    if not written:
        terminalreporter.line("nothing differs")


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
def segue_prefix(request: pytest.FixtureRequest) -> str:
    """Keys of this test alone, also where it is run again."""
    name = hashlib.blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()
    return f"{name}-{next(_begun)}:"


@pytest_asyncio.fixture
async def rehearsal(
    segue_server: str,
    segue_settings: Path | None,
    segue_prefix: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Rehearsal]:
    """A customer of the project's bot, who has not said anything yet."""
    made = await Rehearsal.begin(segue_settings, url=segue_server, prefix=segue_prefix)
    yield made
    await _end(made, request)


@pytest_asyncio.fixture
async def stage(
    segue_server: str,
    segue_prefix: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Stage]:
    """Put inline dialogs on stage: `await stage(hello, voice="{% reply … %}")`."""
    made: list[Rehearsal] = []

    async def begin(
        *dialogs: Dialog[Any],
        voice: str | Mapping[str, str] = "",
        **settings: Mapping[str, Any],
    ) -> Rehearsal:
        one = await Rehearsal.of(
            dialogs,
            voice,
            url=segue_server,
            prefix=f"{segue_prefix}{len(made)}:",
            sections=settings,
        )
        made.append(one)
        return one

    yield begin
    for one in made:
        await _end(one, request)


async def _end(rehearsal: Rehearsal, request: pytest.FixtureRequest) -> None:
    unmet = rehearsal.faults.unmet()
    await rehearsal.end()
    if unmet and not request.node.stash.get(_FAILED, False):
        raise Mismatch("a fault that never came to pass proves nothing: " + "; ".join(unmet))


@pytest.fixture
def rehearse(rehearsal: Rehearsal) -> Rehearse:
    """Play a script: `await rehearse("sms", "customer: …")`; the result is the rehearsal."""

    async def play(channel: str, script: str | Path) -> Rehearsal:
        __tracebackhide__ = True
        await rehearsal.play(channel, script)
        return rehearsal

    return play
