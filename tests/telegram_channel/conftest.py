"""A bot on the stand-in for Telegram."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from telegram_house import TOKEN, Clock, House, settings, until

from segue.app import App
from segue.channel import Site
from segue.memory.embedded import Embedded
from segue.server import Server, make_app
from segue.settings import load
from segue.testing.platforms.telegram import Telegram
from segue_adapters.telegram import TelegramChannel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    """The server."""
    async with Telegram(token=TOKEN) as server:
        yield server


@pytest.fixture
async def channel(telegram: Telegram) -> AsyncIterator[TelegramChannel]:
    """The adapter on it."""
    found = TelegramChannel(settings(telegram, timeout_seconds=0.5), Site(clock=Clock()))
    yield found
    await found.stop()


@pytest.fixture
async def house(
    valkey: Embedded,
    store_prefix: str,
    tmp_path: Path,
    telegram: Telegram,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Callable[..., Any]]:
    """Open processes of the sample company: `await house()`, `await house(mode="polling")`."""
    # Tests do not wait for a platform's pace; that limits are kept is tested by itself.
    monkeypatch.setattr("segue_adapters.telegram_writing.takes", lambda address: ())
    telegram.pace = 1000
    stack = AsyncExitStack()

    async def open_one(*, mode: str = "webhook", **more: Any) -> House:
        port = _free_port()
        made = load(
            environ={},
            store={
                "url": valkey.url,
                "prefix": store_prefix,
                "partitions": 4,
                "data_dir": str(tmp_path),
            },
            server={"port": port, "public_url": f"http://127.0.0.1:{port}"},
            dialogs={"path": str(ROOT / "dialogs")},
            voice={"path": str(ROOT / "brand_voice")},
            channels={
                "telegram": {
                    "token": TOKEN,
                    "api_base": telegram.url,
                    "mode": mode,
                    "poll_seconds": 1,
                    **more,
                }
            },
        )
        app = App(made)
        app.load()
        await app.start()
        server = Server(
            make_app(
                app.adapters, app.core, routes=app.routes(), public_url=made.server.public_url
            ),
            port=port,
        )
        await server.start()
        stack.push_async_callback(server.stop)
        stack.push_async_callback(app.stop, grace=2)
        if mode == "webhook":
            await until(lambda: telegram.webhook)
        return House(app, telegram)

    yield open_one
    await stack.aclose()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
