"""The sample company on a real store, its phone channels, and a stand-in in place of Twilio."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from segue.app import App
from segue.memory.embedded import Embedded
from segue.server import Server, make_app
from segue.settings import load
from segue.testing.platforms import Twilio
from segue.testing.plugin import segue_server

__all__ = ["segue_server"]

ROOT = Path(__file__).resolve().parents[2]
WAITS = {"rate": 1e9}


class House:
    """One process of the sample company, with Twilio before it."""

    def __init__(self, app: App, twilio: Twilio, base: str) -> None:
        self.app = app
        self.twilio = twilio
        self.base = base

    async def rest(self) -> None:
        """Wait until everything that came in is answered, sent and reported."""
        worker = self.app.worker
        while worker._running or self.app.delivery._tasks or self.twilio._tasks:
            await asyncio.gather(*worker._running.values(), return_exceptions=True)
            await self.app.delivery.settled()
            await self.twilio.delivered()
            await asyncio.sleep(0)


def section(twilio: Twilio, **more: object) -> dict[str, object]:
    """Return `channels.sms` or `channels.whatsapp` for a stand-in."""
    return {
        "account_sid": twilio.account_sid,
        "auth_token": twilio.auth_token,
        "from_number": twilio.number,
        "api_base": twilio.url,
        "messaging_base": twilio.url,
        **more,
    }


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio() as twilio:
        # Tests do not wait for the sender's pace; that it is kept is tested by itself.
        twilio.rate = WAITS["rate"]
        yield twilio


@pytest.fixture
async def house(
    valkey: Embedded, store_prefix: str, tmp_path: Path, twilio: Twilio
) -> AsyncIterator[Callable[..., object]]:
    """Open a process; keywords are settings of `channels.sms`."""
    stack = AsyncExitStack()

    async def open_one(whatsapp: dict[str, object] | None = None, **sms: object) -> House:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        settings = load(
            environ={},
            store={
                "url": valkey.url,
                "prefix": store_prefix,
                "partitions": 4,
                "data_dir": str(tmp_path),
            },
            dialogs={"path": str(ROOT / "dialogs")},
            voice={"path": str(ROOT / "brand_voice")},
            channels={
                "sms": section(
                    twilio, webhook_base_url=base, **{"segments_per_second": 1e6, **sms}
                ),
                "whatsapp": section(twilio, webhook_base_url=base, **(whatsapp or {})),
            },
        )
        app = App(settings)
        await app.start()
        stack.push_async_callback(app.stop, grace=2)
        server = Server(make_app(app.adapters, app.core), port=port)
        await server.start()
        stack.push_async_callback(server.stop)
        twilio.call_at(f"{base}/channels/sms/webhook", whatsapp=f"{base}/channels/whatsapp/webhook")
        return House(app, twilio, base)

    yield open_one
    await stack.aclose()
