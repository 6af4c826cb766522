"""Long polling: asking Telegram for updates where it cannot call us.

- One process of the installation asks; who it is, a lease says (`gateway.singleton`).
- An update is confirmed by the offset of the next question, and only when everything before it is
  stored. What could not be stored comes again, and the chat's later ones wait behind it.
- A webhook that somebody set is left alone unless polling was asked for by name: it may be the
  company's bot that runs elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from telegram.error import TelegramError

from segue.channel import Accepted, Gateway
from segue.ports import Clock
from segue.types import Inbound
from segue_adapters.telegram_api import Api, Refusal
from segue_adapters.telegram_reading import Read

log = logging.getLogger("segue_adapters.telegram")

KINDS = ["message", "edited_message", "callback_query", "my_chat_member"]
"""Kinds of updates that are asked for."""
_LEASE = 75.0
_ASIDE = 5.0
_BACKOFF = (1.0, 30.0)
_CONFLICT = 30.0
_TRIES = 3


class Poller:
    """Asks, as long as it runs and holds the job."""

    def __init__(
        self,
        api: Api,
        gateway: Gateway,
        *,
        job: str,
        seconds: float,
        read: Callable[[Mapping[str, Any]], Read],
        take_over: bool,
        clock: Clock,
        counts: Counter[tuple[str, str]],
    ) -> None:
        """`take_over`: a webhook that is set may be taken away."""
        self._api = api
        self._gateway = gateway
        self._job = job
        self._seconds = seconds
        self._read = read
        self._take_over = take_over
        self._clock = clock
        self._counts = counts
        self._offset: int | None = None
        self._tries: Counter[int] = Counter()
        """How often storing an update broke, by its number."""
        self._task: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; whoever asks next gets what was not confirmed."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for task in tuple(self._answers):
            task.cancel()

    async def _run(self) -> None:
        wait = 0.0
        try:
            while True:
                wait = await self._round(wait)
                if wait:
                    await self._clock.sleep(wait)
        finally:
            with suppress(Exception):
                await self._gateway.singleton(self._job, 0)

    async def _round(self, waited: float) -> float:
        """Ask once, if it is ours to ask; return how long to wait before the next time."""
        try:
            if not await self._gateway.singleton(self._job, _LEASE):
                self._offset = None
                return _ASIDE
            try:
                return await self._once()
            except Refusal as error:
                return await self._refused(error, waited)
        except (TelegramError, OSError) as error:
            self._counts["poll", "failed"] += 1
            if _longer(waited) == _BACKOFF[1]:
                log.warning("telegram_away", extra={"segue": _what(error)})
        except Exception as error:
            # Whatever it is (the store is away), asking must go on.
            self._counts["poll", "failed"] += 1
            log.error("poll_failed", exc_info=error)
        return _longer(waited)

    async def _once(self) -> float:
        updates = await self._api.updates(offset=self._offset, seconds=self._seconds, kinds=KINDS)
        if not updates:
            return 0.0
        self._offset = await self.take(updates)
        if self._offset > _number(updates[-1]):
            self._tries.clear()
            return 0.0
        self._counts["poll", "waits"] += 1
        return _BACKOFF[0]

    async def take(self, updates: Sequence[Mapping[str, Any]]) -> int:
        """Store what updates say; return the number of the first that must come again."""
        first: int | None = None
        waiting: set[str] = set()
        for update in updates:
            read = self._read(update)
            if read.callback:
                self._answer(read.callback)
            inbound = read.inbound
            if inbound is None:
                continue
            chat = inbound.address.id
            if chat in waiting or not await self._stored(_number(update), inbound):
                # The same chat's later words must not overtake it.
                waiting.add(chat)
                first = _number(update) if first is None else first
        return _number(updates[-1]) + 1 if first is None else first

    async def _stored(self, number: int, inbound: Inbound) -> bool:
        """Store one; what breaks us each time is given up, so that it does not stop the others."""
        try:
            return isinstance(await self._gateway.receive(inbound), Accepted)
        except Exception as error:
            self._tries[number] += 1
            log.error("update_failed", exc_info=error, extra={"segue": {"update": number}})
            self._counts["poll", "update_failed"] += 1
            return self._tries[number] >= _TRIES

    def _answer(self, callback: str) -> None:
        task = asyncio.create_task(self._stop_turning(callback))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _stop_turning(self, callback: str) -> None:
        try:
            await self._api.bot.answer_callback_query(callback)
        except TelegramError:
            # Too old by now; the press itself was taken.
            self._counts["callback", "late"] += 1

    async def _refused(self, error: Refusal, wait: float) -> float:
        """Return how long to wait after a refusal."""
        self._counts["poll", f"http_{error.status}"] += 1
        if error.status == 409 and "webhook" in error.description:
            if self._take_over:
                await self._api.bot.delete_webhook(drop_pending_updates=False)
                log.info("telegram_webhook_removed")
                return 0.0
            log.error(
                "telegram_has_a_webhook",
                extra={
                    "segue": {
                        "cure": "It may belong to a bot that runs elsewhere. If not: "
                        'channels.telegram.mode = "polling", or segue doctor --fix'
                    }
                },
            )
            return _CONFLICT
        if error.status == 409:
            log.error(
                "telegram_is_asked_by_another",
                extra={"segue": {"cure": "One program may use a token; stop the other one"}},
            )
            return _CONFLICT
        if error.status in (401, 404):
            log.error("telegram_token_refused", extra={"segue": {"cure": "Ask @BotFather"}})
            return _CONFLICT
        if error.status == 429 and error.retry_after is not None:
            return error.retry_after
        return _longer(wait)


def _longer(wait: float) -> float:
    return min(max(_BACKOFF[0], wait * 2), _BACKOFF[1])


def _number(update: Mapping[str, Any]) -> int:
    return int(update["update_id"])


def _what(error: Exception) -> dict[str, str]:
    return {"error": type(error.__cause__ or error).__name__}
