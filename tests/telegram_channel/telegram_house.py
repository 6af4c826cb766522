"""What the tests of the Telegram channel share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.app import App
from segue.channel import RawRequest
from segue.testing.platforms.telegram import Telegram
from segue.testing.platforms.telegram_people import Customer
from segue.types import Address, Line
from segue_adapters.telegram import TelegramChannel, TelegramSettings

TOKEN = "123456:stand-in-AAEhBOweik9ai2o01JsQ4mn8Z"
SECRET = "the-secret-of-these-tests"
HEADER = "x-telegram-bot-api-secret-token"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Clock:
    """A clock that jumps to whenever somebody waits for."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def settings(server: Telegram | None = None, **more: Any) -> TelegramSettings:
    base = server.url if server else "http://127.0.0.1:9"
    return TelegramSettings(
        **{"token": TOKEN, "secret_token": SECRET, "api_base": base, "mode": "webhook", **more}
    )


def request(body: bytes, secret: str | None = SECRET) -> RawRequest:
    headers = {"content-type": "application/json"}
    if secret is not None:
        headers[HEADER] = secret
    return RawRequest(
        method="POST",
        path="/channels/telegram/webhook",
        query="",
        headers=headers,
        body=body,
    )


async def until(true: Callable[[], Any], *, within: float = 20.0) -> None:
    """Wait until something is true."""
    for _ in range(int(within / 0.005)):
        if true():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


class House:
    """One process of the sample company, with Telegram before it."""

    def __init__(self, app: App, telegram: Telegram) -> None:
        self.app = app
        self.telegram = telegram
        channel = app.adapters["telegram"]
        assert isinstance(channel, TelegramChannel)
        self.channel = channel

    async def rest(self) -> None:
        """Wait until everything that people did is taken, answered and sent."""
        telegram, worker = self.telegram, self.app.worker
        await until(lambda: not (telegram.pending or worker._running or self.app.delivery._tasks))

    async def lines(self, who: Customer | int) -> list[Line]:
        """Return the transcript of whoever has this chat."""
        chat = who if isinstance(who, int) else who.id
        owner = await self.app.core.owner(Address("telegram", str(chat)))
        assert owner is not None
        page = await self.app.core.page(owner, after=-1)
        return [line for _, line in page.lines]
