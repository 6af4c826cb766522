"""All channels at once: three platforms, and processes that are called by them and write to them.

    process = await open_process(platforms)          # the sample company
    process = await open_process(platforms, house=(Registry([…]), voice(…)))

Only what paces is loosened: limits are shown by themselves (`tests/delivery`, `benchmarks`).
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from segue.app import App
from segue.channel import Gateway
from segue.cli.serving import _server
from segue.dialog import Registry
from segue.ports import Clock
from segue.server import Server
from segue.settings import load
from segue.testing.platforms import Slack, Telegram, Twilio
from segue.types import Address, CustomerId, Line
from segue.voice import Voice
from segue_adapters.slack_events import address as slack_address

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = {"dialogs": {"path": str(ROOT / "dialogs")}, "voice": {"path": str(ROOT / "brand_voice")}}
PHONE = "+436601234567"
FAST = 1e6


class Platforms:
    """The stand-ins, with the pace taken off."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.telegram = Telegram(clock=clock)
        self.slack = Slack(clock=clock)
        self.twilio = Twilio(clock=clock)
        self.telegram.pace = self.slack.rate = FAST
        self.twilio.rate = math.inf
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for each in (self.telegram, self.slack, self.twilio):
            await self._stack.enter_async_context(each)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def channels(self, base: str) -> dict[str, dict[str, Any]]:
        """Return `channels` of a process that is reached at `base`."""
        telegram, slack, twilio = self.telegram, self.slack, self.twilio
        account = {
            "account_sid": twilio.account_sid,
            "auth_token": twilio.auth_token,
            "from_number": twilio.number,
            "api_base": twilio.url,
            "messaging_base": twilio.url,
            "webhook_base_url": base,
            "account_rate": FAST,
        }
        return {
            "web": {"customer_rate": 0, "peer_rate": 0},
            "telegram": {
                "token": telegram.token,
                "api_base": telegram.url,
                "mode": "webhook",
                "set_webhook": False,
            },
            "slack": {
                "bot_token": slack.bot_token,
                "signing_secret": slack.signing_secret,
                "api_base": slack.api_base,
                "file_base": slack.file_base,
                "chat_rate": FAST,
                "workspace_rate": FAST,
            },
            "sms": {**account, "segments_per_second": FAST},
            "whatsapp": account,
        }

    def call_at(self, base: str, secret: str) -> None:
        """Deliver what people do to a process."""
        self.telegram.set_webhook(
            {"url": f"{base}/channels/telegram/webhook", "secret_token": secret}
        )
        self.slack.call_at(base)
        self.twilio.call_at(
            f"{base}/channels/sms/webhook", whatsapp=f"{base}/channels/whatsapp/webhook"
        )

    @property
    def busy(self) -> bool:
        """Whether a webhook is under way."""
        return bool(self.telegram.pending or self.slack._tasks or self.twilio._tasks)


class Process:
    """One process with every channel, the company's API and the web."""

    def __init__(
        self,
        platforms: Platforms,
        store: Mapping[str, Any],
        *,
        house: tuple[Registry, Voice] | None = None,
        clock: Clock | None = None,
        watch: bool = True,
        port: int = 0,
        change: Callable[[dict[str, dict[str, Any]]], None] = lambda _: None,
        **sections: Mapping[str, Any],
    ) -> None:
        """`change` may edit the channels' settings before they are used."""
        self.platforms = platforms
        port = port or _free_port()
        self.base = f"http://127.0.0.1:{port}"
        self._watch = watch
        channels = platforms.channels(self.base)
        change(channels)
        settings = load(
            environ={},
            **{
                **SAMPLE,
                "store": {"partitions": 4, **store},
                "server": {"port": port, "public_url": self.base},
                "customers": {"rate": 0},
                "channels": channels,
                **sections,
            },
        )
        self.app = App(settings, clock=clock)
        if house is not None:
            self.app.setup = self.app.make_setup(*house)
        self._server: Server | None = None

    async def start(self) -> None:
        """Listen, and let the platforms deliver here from now on."""
        await self.app.start()
        if self._watch:
            await self.app.watch(sweep_every=0.2)
        self._server = _server(self.app, None, False)
        await self._server.start()
        telegram: Any = self.app.adapters["telegram"]
        self.platforms.call_at(self.base, telegram.settings.secret)

    async def stop(self) -> None:
        """Stop as on SIGTERM."""
        if self._server is not None:
            self._server.gate.closed = True
        await self.app.stop(grace=2)
        if self._server is not None:
            await self._server.stop()
            self._server = None

    @property
    def core(self) -> Gateway:
        """What adapters see."""
        return self.app.core

    async def rest(self, within: float = 30.0) -> None:
        """Wait until everything that people did is taken, answered, sent and reported."""
        worker, delivery = self.app.worker, self.app.delivery
        quiet = 0
        async with asyncio.timeout(within):
            while quiet < 3:
                busy = self.platforms.busy or worker._running or delivery._tasks
                quiet = 0 if busy else quiet + 1
                await asyncio.sleep(0.005)

    async def lines(self, address: Address) -> list[Line]:
        """Return the transcript of whoever has this address."""
        page = await self.core.page(await self.owner(address), after=-1, limit=1000)
        return [line for _, line in page.lines]

    async def owner(self, address: Address) -> CustomerId:
        """Return the customer who has this address."""
        found = await self.core.owner(address)
        assert found is not None, address
        return found


async def until(true: Callable[[], Any], *, within: float = 20.0) -> None:
    """Wait until something is true."""
    for _ in range(int(within / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def on_slack(slack: Slack, user: str) -> Address:
    """Return somebody's address."""
    return slack_address(slack.team, user)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
