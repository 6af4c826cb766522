"""The channel telegram: a bot that people write to in private.

    webhook   Telegram calls us, and shows a secret that only it knows
    polling   we ask, where there is no public address (telegram_polling)

    telegram_settings  what can be set       telegram_reading  updates → messages        pure
    telegram_api       the client, errors    telegram_writing  the neutral tree → HTML   pure
    telegram_doctor    `segue doctor`

The library's types and its `Bot` are used, not its application: that would keep updates in memory
and answer Telegram before anything is stored.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from telegram.error import TelegramError

from segue.channel import (
    Capabilities,
    Checked,
    Fetched,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Sent,
    Site,
    Take,
    Unknown,
)
from segue.types import Address, Invitation, Media, Message, Row
from segue_adapters import telegram_doctor, telegram_writing
from segue_adapters.fetching import Fetcher, NotFetched
from segue_adapters.telegram_api import Api, failed
from segue_adapters.telegram_polling import Poller
from segue_adapters.telegram_reading import NAME, Bot, Read, read_update
from segue_adapters.telegram_settings import TelegramSettings

log = logging.getLogger("segue_adapters.telegram")

_HEADER = "x-telegram-bot-api-secret-token"
_TELEGRAM = "api.telegram.org"
_RETRY = (2.0, 60.0)


class TelegramChannel:
    """The adapter."""

    name = NAME
    capabilities = Capabilities(
        buttons=30,
        button_label=60,
        text_limit=telegram_writing.TEXT_LIMIT,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        images=True,
        typing=True,
    )
    Settings = TelegramSettings

    def __init__(self, settings: TelegramSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.site = site or Site()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.polls = settings.polls(self.site.public_url)
        self._bot = Bot(id=settings.bot_id)
        self._secret = settings.secret.encode()
        self._client: Api | None = None
        self._poller: Poller | None = None
        self._introducing: asyncio.Task[None] | None = None
        self._slowed: tuple[str, float] = ("", 0.0)
        """Which chat got the last 429, and until when (monotonic)."""
        self._fetcher = Fetcher(hosts=[_TELEGRAM], bases=self._own_bases())

    # -- pure ------------------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return the webhook; where we ask ourselves, nobody is listened to."""
        return [] if self.polls else [Route(method="POST", path=self.settings.path)]

    def verify(self, request: RawRequest) -> Refused | None:
        """Refuse whoever does not show our secret, before anything is read."""
        # As bytes: text with other signs than ASCII cannot be compared in constant time.
        given = request.headers.get(_HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret):
            return Refused(status=401, why="secret")
        return None

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Return what an update says; what is nothing to us is acknowledged and counted."""
        try:
            data = msgspec.json.decode(request.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Refused(status=400, why="body")
        read = self.read(data)
        body = b""
        if read.callback:
            # The answer to the webhook is itself a call: the button stops turning.
            body = msgspec.json.encode(
                {"method": "answerCallbackQuery", "callback_query_id": read.callback}
            )
        return Parsed(
            inbound=(read.inbound,) if read.inbound is not None else (),
            body=body,
            content_type="application/json" if body else "text/plain",
        )

    def read(self, update: Mapping[str, Any]) -> Read:
        """Return what an update says, and count it."""
        read = read_update(update, self._bot, self.site.clock.now())
        if read.ignored:
            self.counts["ignored", read.ignored] += 1
        return read

    def build(self, message: Message) -> Payload:
        """Return the call of the Bot API that says it."""
        return telegram_writing.build(message)

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        """Return what Telegram allows: 30 a second in all, 1 a second a chat, 20 a minute a group.

        A few may come at once.
        """
        return telegram_writing.takes(address)

    def invite(self, token: str, code: str) -> Invitation:
        """Return the link that opens the bot with a token; nothing until we know our name."""
        name = self.username
        if not name:
            return Invitation()
        return Invitation(link=f"https://t.me/{name}?start={token}", number=f"@{name}")

    def gauges(self) -> Mapping[str, float]:
        """Return nothing: all there is are counts."""
        return {}

    # -- edge ------------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """The client, made on first use."""
        if self._client is None:
            self._client = Api(self.settings)
        return self._client

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Send once; a second time, as plain text, only where the markup surely was refused."""
        outcome, unreadable = await self._call(address, payload)
        if unreadable and payload["params"].get("parse_mode"):
            self.counts["sent", "as_plain_text"] += 1
            log.error("markup_refused", extra={"segue": {"reply": row.reply}})
            outcome, _ = await self._call(address, telegram_writing.without_markup(payload))
        return outcome

    async def _call(self, address: Address, payload: Payload) -> tuple[Outcome, bool]:
        try:
            params = telegram_writing.params_for(address, payload)
        except ValueError:
            return NotSent(why="no_chat_id", permanent=True), False
        bot = self.api.bot
        try:
            if payload["method"] == "sendPhoto":
                sent = await bot.send_photo(**params)
            else:
                sent = await bot.send_message(**params)
        except TelegramError as error:
            result = failed(error, partial(self._slow, address))
            return result.outcome, result.unreadable
        except Exception as error:  # noqa: BLE001 - the answer could not be read: it may have been sent
            return Unknown(why=type(error).__name__), False
        return Sent(id=f"{address.id}/{sent.message_id}"), False

    async def typing(self, address: Address) -> None:
        """Show that an answer is being written, for five seconds."""
        try:
            await self.api.bot.send_chat_action(int(address.id), "typing")
        except (TelegramError, ValueError):
            self.counts["typing", "failed"] += 1

    async def fetch(self, media: Media) -> Fetched | None:
        """Fetch a file that a customer sent; Telegram keeps it for us, up to 20 MB."""
        settings = self.settings
        try:
            file = await self.api.bot.get_file(media.ref)
            path = (file.file_path or "").removeprefix(self.api.bot.base_file_url).lstrip("/")
            if not path or ".." in path:
                raise NotFetched("gone")
            token = settings.token.get_secret_value()
            return await self._fetcher.fetch(f"{settings.files}/bot{token}/{path}", name=media.alt)
        except NotFetched as error:
            self.counts["media", error.why] += 1
        except TelegramError:
            self.counts["media", "gone"] += 1
        return None

    async def doctor(self, *, fix: bool) -> Sequence[Checked]:
        """Check the token and how updates come in; with `fix` set the webhook, or remove it."""
        return await telegram_doctor.look(
            self.api, self.settings, self.site.public_url, fix=fix, now=self.site.clock.now()
        )

    # -- life ------------------------------------------------------------------------------------

    async def start(self, gateway: Gateway) -> None:
        """Begin to ask for updates, or tell Telegram where to call; return at once."""
        if self.polls:
            self._poller = Poller(
                self.api,
                gateway,
                job=f"telegram:poll:{self.settings.bot_id}",
                seconds=self.settings.poll_seconds,
                read=self.read,
                take_over=self.settings.mode == "polling",
                clock=self.site.clock,
                counts=self.counts,
            )
            self._poller.start()
        self._introducing = asyncio.create_task(self._introduce())

    async def stop(self) -> None:
        """Stop asking, and close connections."""
        if self._introducing is not None:
            self._introducing.cancel()
            with suppress(asyncio.CancelledError):
                await self._introducing
            self._introducing = None
        if self._poller is not None:
            await self._poller.stop()
            self._poller = None
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _introduce(self) -> None:
        """Learn our name (groups call us by it), and tell Telegram where to call."""
        wait = _RETRY[0]
        while True:
            try:
                me = await self.api.bot.get_me()
                self._bot = Bot(id=self.settings.bot_id, username=me.username or "")
                if not self.polls and self.settings.set_webhook:
                    await self._set_webhook()
                return
            except TelegramError as error:
                self.counts["introduced", "failed"] += 1
                what = {"error": type(error.__cause__ or error).__name__}
                log.warning("telegram_not_reached", extra={"segue": what})
            except Exception as error:
                log.error("telegram_not_understood", exc_info=error)
            await self.site.clock.sleep(wait)
            wait = min(wait * 2, _RETRY[1])

    async def _set_webhook(self) -> None:
        # Each time, also where the address is the same: the secret may be another one.
        if self.site.public_url:
            await telegram_doctor.set_webhook(self.api, self.settings, self.site.public_url)
            log.info("telegram_webhook_set")

    # -- inside ----------------------------------------------------------------------------------

    @property
    def username(self) -> str:
        """The bot's name without @, once Telegram has told it: `t.me/NAME?start=…` leads here."""
        return self._bot.username

    def _slow(self, address: Address) -> str:
        """Return what a 429 is about: this chat; everybody, if another chat got one just now."""
        chat, until = self._slowed
        now = self.site.clock.monotonic()
        self._slowed = (address.id, now + 2)
        if chat not in ("", address.id) and now < until:
            return telegram_writing.EVERYBODY
        return telegram_writing.chat_take(address).bucket

    def _own_bases(self) -> list[str]:
        standard = f"https://{_TELEGRAM}"
        bases = {self.settings.api_base, self.settings.files}
        return [base for base in bases if not base.startswith(standard)]
