"""The Bot API's client: the official types' `Bot`, with requests that say exactly what went wrong.

- Asked once: whether to ask again is the outbox's to decide.
- An answer that is no success is a `Refusal` with all that it says. Whether a connection broke
  before or after the request was written decides between "not sent" and "unknown".
- The token is part of every address, and what is sent are customers' words: neither library may
  log what it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest, RequestData

from segue.channel import NotSent, Reason, Unknown
from segue.types import Address
from segue_adapters.telegram_reading import NAME
from segue_adapters.telegram_settings import TelegramSettings

_POOL = 64

BLOCKED = (
    "bot was blocked by the user",
    "bot was kicked",
    "bot is not a member",
    "have no rights to send",
    "not enough rights",
    "need administrator rights",
    "chat_write_forbidden",
)
NO_ADDRESS = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "can't initiate conversation",
    "can't send messages to bots",
    "chat was deleted",
    "group chat was deactivated",
    "chat_id_invalid",
)
CONTENT = (
    "can't parse entities",
    "message is too long",
    "caption is too long",
    "message text is empty",
    "text must be non-empty",
    "button_",
    "reply markup",
    "wrong file identifier",
    "wrong type of the web page content",
    "failed to get http url content",
    "image_process_failed",
    "wrong remote file",
)
"""What the descriptions of refusals hold, in lower case."""


class Refusal(TelegramError):
    """The Bot API answered, and not with success."""

    def __init__(self, status: int, told: _Told) -> None:
        super().__init__(f"http_{status}")
        self.status = status
        self.description = told.description.lower()
        self.retry_after = told.parameters.retry_after
        self.migrate_to = told.parameters.migrate_to_chat_id

    def says(self, phrases: tuple[str, ...]) -> bool:
        """Tell whether the description holds one of these."""
        return any(phrase in self.description for phrase in phrases)


class _Parameters(msgspec.Struct):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class _Told(msgspec.Struct):
    description: str = ""
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class _Request(HTTPXRequest):
    """Requests that keep what a refusal says, and log nothing."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        *args: Any,
        **rest: Any,
    ) -> tuple[int, bytes]:
        """Ask. Raises `Refusal` for anything but success."""
        status, body = await super().do_request(url, method, request_data, *args, **rest)
        if 200 <= status < 300:
            return status, body
        try:
            told = msgspec.json.decode(body, type=_Told)
        except (msgspec.MsgspecError, UnicodeError):
            told = _Told()
        raise Refusal(status, told)

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; the library's own would log it where it cannot be read."""
        try:
            return msgspec.json.decode(payload, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):
            raise TelegramError("no_json") from None


class Api:
    """One bot at one Bot API server."""

    def __init__(self, settings: TelegramSettings) -> None:
        _hush()
        self._patience = settings.timeout_seconds
        self._requests = [
            _Request(
                connection_pool_size=size,
                connect_timeout=settings.connect_seconds,
                read_timeout=settings.timeout_seconds,
                write_timeout=settings.timeout_seconds,
                pool_timeout=settings.timeout_seconds,
                # A proxy of the environment's is not between us and this machine.
                httpx_kwargs={"trust_env": not settings.is_stand_in},
            )
            for size in (1, _POOL)
        ]
        self.bot = Bot(
            settings.token.get_secret_value(),
            base_url=f"{settings.api_base}/bot",
            base_file_url=f"{settings.files}/bot",
            get_updates_request=self._requests[0],
            request=self._requests[1],
        )

    async def close(self) -> None:
        """Close all connections."""
        for request in self._requests:
            await request.shutdown()

    async def updates(
        self, *, offset: int | None, seconds: float, kinds: list[str]
    ) -> list[dict[str, Any]]:
        """Return updates as they came; those before `offset` are confirmed by it.

        Raises `TelegramError`.
        """
        # Method names have no case. By its own name the library would read all of them at once:
        # one that it cannot read would lose the others, and be logged.
        found = await self.bot.do_api_request(
            "getupdates",
            api_kwargs={"offset": offset, "timeout": int(seconds), "allowed_updates": kinds},
            read_timeout=seconds + self._patience,
        )
        return [each for each in found if isinstance(each.get("update_id"), int)]


def _hush() -> None:
    for name in ("httpx", "httpcore", "telegram"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


@dataclass(frozen=True, slots=True)
class Failed:
    """What a call's exception means."""

    outcome: NotSent | Unknown
    unreadable: bool = False
    """The markup or the picture was refused: the same as plain text may be taken."""


def failed(error: TelegramError, bucket: Callable[[], str]) -> Failed:
    """Return what became of a send that raised. `bucket` tells what a 429 is about."""
    if isinstance(error, Refusal):
        return _refused(error, bucket)
    cause = error.__cause__
    why = type(cause or error).__name__
    if isinstance(
        cause,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol,
    ):
        return Failed(NotSent(why=why, permanent=False))
    return Failed(Unknown(why=why))


def _refused(error: Refusal, bucket: Callable[[], str]) -> Failed:
    why = f"http_{error.status}"
    if error.migrate_to is not None:
        moved = Address(NAME, str(error.migrate_to))
        return Failed(NotSent(why=why, permanent=True, reason=Reason.MOVED, moved_to=moved))
    if error.status == 429:
        wait = timedelta(seconds=error.retry_after if error.retry_after is not None else 1)
        return Failed(NotSent(why="too_fast", permanent=False, retry_after=wait, pause=bucket()))
    if error.status in (401, 404):
        # A token that is refused: the text and the address may be good.
        return Failed(NotSent(why=why, permanent=False, reason=Reason.CREDENTIAL))
    if error.status >= 500 or error.status < 400:
        # The one in front answers; whether the one behind took it is not known.
        return Failed(Unknown(why=why))
    if error.says(BLOCKED):
        return Failed(NotSent(why=why, permanent=True, reason=Reason.BLOCKED))
    if error.says(NO_ADDRESS):
        return Failed(NotSent(why=why, permanent=True, reason=Reason.NO_ADDRESS))
    if error.says(CONTENT):
        return Failed(NotSent(why=why, permanent=True, reason=Reason.CONTENT), unreadable=True)
    return Failed(NotSent(why=why, permanent=True))
