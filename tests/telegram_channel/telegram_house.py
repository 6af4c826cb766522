"""What the tests of the Telegram channel share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from segue.channel import RawRequest
from segue.testing.platforms.telegram import Telegram
from segue_adapters.telegram import TelegramSettings

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
