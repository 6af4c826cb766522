"""The sample company on a real store, its Slack channel, and a workspace in place of Slack's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from segue.app import App
from segue.engine.steps import Caller
from segue.memory.embedded import Embedded
from segue.server import Server, make_app
from segue.settings import load
from segue.testing.platforms import Slack

ROOT = Path(__file__).resolve().parents[2]


class House:
    """One process of the sample company, with Slack before it."""

    def __init__(self, app: App, slack: Slack) -> None:
        self.app = app
        self.slack = slack

    async def rest(self) -> None:
        """Wait until everything that came in is answered and sent."""
        worker = self.app.worker
        while worker._running or self.app.delivery._tasks:
            await asyncio.gather(*worker._running.values(), return_exceptions=True)
            await self.app.delivery.settled()
            await asyncio.sleep(0)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        # Tests do not wait for the outbox's pace; that limits are kept is tested by themselves.
        slack.rate = 1e6
        yield slack


def section(slack: Slack, **more: object) -> dict[str, object]:
    """Return `channels.slack` for a stand-in."""
    return {
        "bot_token": slack.bot_token,
        "signing_secret": slack.signing_secret,
        "api_base": slack.api_base,
        "file_base": slack.file_base,
        "app_id": slack.app,
        "team_ids": [slack.team],
        "workspace_rate": 1e6,
        "chat_rate": 1e6,
        **more,
    }


@pytest.fixture
async def house(
    valkey: Embedded, store_prefix: str, tmp_path: Path, slack: Slack
) -> AsyncIterator[Callable[..., object]]:
    """Open processes: `await house()` over HTTP, `await house(socket=True)` in Socket Mode."""
    stack = AsyncExitStack()

    async def open_one(
        *,
        socket: bool = False,
        caller: Caller | None = None,
        voice: Path = ROOT / "brand_voice",
        **more: object,
    ) -> House:
        if socket:
            more |= {"socket_mode": True, "app_token": slack.app_token}
        settings = load(
            environ={},
            store={
                "url": valkey.url,
                "prefix": store_prefix,
                "partitions": 4,
                "data_dir": str(tmp_path),
            },
            dialogs={"path": str(ROOT / "dialogs")},
            voice={"path": str(voice)},
            channels={"slack": section(slack, **more)},
        )
        app = App(settings, caller=caller)
        await app.start()
        stack.push_async_callback(app.stop, grace=2)
        if socket:
            await slack.connected()
        else:
            server = Server(make_app(app.adapters, app.core), port=0)
            slack.call_at(await server.start())
            stack.push_async_callback(server.stop)
        return House(app, slack)

    yield open_one
    await stack.aclose()
