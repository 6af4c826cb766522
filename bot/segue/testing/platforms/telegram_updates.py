"""How updates come to a bot on the stand-in for Telegram: asked for, or delivered to a webhook.

- An update waits until an offset confirms it, or until the webhook was answered with 2xx.
- Within a chat they are delivered in order: what is not taken holds up the next.
- Of two who ask at once the first is sent away, and nobody may ask while a webhook is set.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from segue.ports import Clock
from segue.testing.platforms.base import Platform
from segue.testing.platforms.telegram_markup import BadRequest
from segue.testing.platforms.telegram_people import Chat, Customer, Group, Shown

_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
_OTHER_POLLER = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)


class Answer(Exception):
    """What is answered instead of a result."""

    def __init__(self, status: int, description: str, **parameters: float) -> None:
        super().__init__(description)
        self.status = status
        self.body: dict[str, Any] = {
            "ok": False,
            "error_code": status,
            "description": description,
        }
        if parameters:
            self.body["parameters"] = parameters


class Updates(Platform):
    """The part of the server that customers write to."""

    name = "telegram"
    retries: Sequence[float] = (1, 2, 5, 10, 30, *(60,) * 1439)
    """For a day; then an update is dropped."""
    patience = 60.0

    def __init__(
        self,
        *,
        token: str = "123456:stand-in-AAEhBOweik9ai2o01JsQ4mn8Z",  # noqa: S107 - of no real bot
        username: str = "segue_bot",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock=clock)
        self.token = token
        self.me: dict[str, Any] = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Segue",
            "username": username,
        }
        self.chats: dict[int, Chat] = {}
        self.customers: dict[int, Customer] = {}
        self.pace = 1.0
        """How many times faster than at Telegram a bot may send."""
        self.webhook: dict[str, Any] = {}
        """Parameters of the last `setWebhook`; empty: none is set."""
        self.pending: list[tuple[int, dict[str, Any]]] = []
        """(chat, update) that the bot has not taken yet."""
        self.files: dict[str, tuple[str, bytes]] = {}
        """file id → (path, contents)."""
        self._numbers = {"update": 700_000_000, "message": 0, "file": 0, "press": 4_000_000_000}
        self._news = asyncio.Event()
        self._polling = 0
        self._delivering: set[int] = set()

    # -- people ------------------------------------------------------------------------------------

    def customer(
        self, name: str = "Ada", *, language: str = "en", user: int = 0, is_bot: bool = False
    ) -> Customer:
        """Return a person who has not written yet; `user` is their id."""
        user = user or 1_000_000 + len(self.chats)
        chat = self.chats[user] = Chat(id=user, kind="private", title=name)
        found = self.customers[user] = Customer(self, chat, language=language, is_bot=is_bot)
        return found

    def group(self, title: str = "Friends") -> Group:
        """Return a group that the bot was added to."""
        ident = -(500_000 + len(self.chats))
        chat = self.chats[ident] = Chat(id=ident, kind="group", title=title, started=True)
        return Group(self, chat)

    # -- updates (called by people) ----------------------------------------------------------------

    def date(self) -> int:
        """Return now, as updates have it."""
        return int(self.clock.now().timestamp())

    def message(
        self, chat: Chat, sender: Mapping[str, Any], ident: int, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return a `Message`."""
        about = {"message_id": ident, "date": self.date(), "chat": chat.described()}
        return {**about, "from": dict(sender), **fields}

    def said(self, who: Customer, chat: Chat, fields: Mapping[str, Any], shown: str) -> int:
        """Let somebody say something in a chat."""
        ident = self.next_number("message")
        chat.add(Shown(id=ident, who=who.chat.title, text=shown))
        self.update(chat.id, {"message": self.message(chat, who.described(), ident, fields)})
        return ident

    def edited(self, who: Customer, chat: Chat, ident: int, text: str) -> None:
        """Let somebody change what they said."""
        chat.add(Shown(id=ident, who=who.chat.title, text=text))
        fields = {"text": text, "edit_date": self.date()}
        self.update(chat.id, {"edited_message": self.message(chat, who.described(), ident, fields)})

    def pressed(self, who: Customer, shown: Shown, place: int) -> str:
        """Let somebody press a button."""
        press = str(self.next_number("press"))
        rows = [
            [{"text": label, "callback_data": data}]
            for label, data in zip(shown.buttons, shown.data, strict=True)
        ]
        fields = {"text": shown.text, "reply_markup": {"inline_keyboard": rows}}
        query = {
            "id": press,
            "from": who.described(),
            "message": self.message(who.chat, self.me, shown.id, fields),
            "chat_instance": "1",
            "data": shown.data[place],
        }
        self.update(who.chat.id, {"callback_query": query})
        return press

    def membership(self, who: Customer, before: str, after: str) -> None:
        """Let somebody block or unblock the bot."""

        def member(status: str) -> dict[str, Any]:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"user": self.me, "status": status, **until}

        change = {
            "chat": who.chat.described(),
            "from": who.described(),
            "date": self.date(),
            "old_chat_member": member(before),
            "new_chat_member": member(after),
        }
        self.update(who.chat.id, {"my_chat_member": change})

    def migrated(self, chat: Chat) -> int:
        """Let a group become a supergroup."""
        new = chat.moved_to = -1_000_000_000_000 + chat.id
        self.chats[new] = Chat(id=new, kind="supergroup", title=chat.title, started=True)
        admin = {"id": 1, "is_bot": False, "first_name": "Admin"}
        moved = {"migrate_to_chat_id": new}
        self.update(
            chat.id, {"message": self.message(chat, admin, self.next_number("message"), moved)}
        )
        return new

    def keep(self, body: bytes, path: str) -> dict[str, Any]:
        """Keep a file that somebody sent; returns what an update says of it."""
        ident = f"AgACAgIAAxkBAAI{self.next_number('file'):08d}"
        self.files[ident] = (path.replace("file", f"file_{len(self.files)}"), body)
        return {"file_id": ident, "file_unique_id": ident[-8:], "file_size": len(body)}

    def update(self, chat: int, content: Mapping[str, Any]) -> int:
        """Put an update on its way, as it is; returns its number. Tests may make up new kinds."""
        number = self.next_number("update")
        self.pending.append((chat, {"update_id": number, **content}))
        self._news.set()
        self._deliver_all()
        return number

    def next_number(self, what: str) -> int:
        """Return the next number of an `update`, `message`, `file` or `press`."""
        self._numbers[what] += 1
        return self._numbers[what]

    # -- webhooks ----------------------------------------------------------------------------------

    def _deliver_all(self) -> None:
        for chat in {chat for chat, _ in self.pending}:
            if self.webhook and chat not in self._delivering:
                self._delivering.add(chat)
                task = asyncio.get_running_loop().create_task(self._deliver_chat(chat))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver_chat(self, chat: int) -> None:
        """Deliver a chat's updates one after the other: what is not taken holds up the next."""
        try:
            while self.webhook:
                entry = next((each for each in self.pending if each[0] == chat), None)
                if entry is None:
                    return
                headers = {"Content-Type": "application/json"}
                if self.webhook.get("secret_token"):
                    headers[_HEADER] = str(self.webhook["secret_token"])
                body = json.dumps(entry[1]).encode()
                await self.deliver(str(self.webhook["url"]), body, headers)
                with suppress(ValueError):
                    self.pending.remove(entry)
        finally:
            self._delivering.discard(chat)

    async def answered(self, url: str, status: int, body: bytes) -> None:
        """Carry out the call that a webhook was answered with, if any."""
        with suppress(ValueError, Answer, BadRequest):
            told = json.loads(body) if 200 <= status < 300 and body else None
            if isinstance(told, dict) and "method" in told:
                await self.do(str(told.pop("method")), told)

    async def do(self, method: str, params: dict[str, Any]) -> Any:
        """Carry out a call of the Bot API. Raises `Answer` or `BadRequest`."""
        raise NotImplementedError

    # -- how the bot gets them ---------------------------------------------------------------------

    async def get_updates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what waits, or wait for it; an offset confirms all before it."""
        if self.webhook:
            raise Answer(409, _WEBHOOK_ACTIVE)
        self._polling += 1
        mine = self._polling
        self._news.set()  # Whoever asked before is sent away.
        await asyncio.sleep(0)
        offset = int(params.get("offset") or 0)
        if offset > 0:
            self.pending = [each for each in self.pending if each[1]["update_id"] >= offset]
        elif offset < 0:
            self.pending = self.pending[offset:]
        limit = min(max(int(params.get("limit") or 100), 1), 100)
        wait = asyncio.ensure_future(self.clock.sleep(float(params.get("timeout") or 0)))
        try:
            while not self.pending and not wait.done():
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait({wait, news}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if self.webhook:
                    raise Answer(409, _WEBHOOK_ACTIVE)
                if self._polling != mine:
                    raise Answer(409, _OTHER_POLLER)
        finally:
            wait.cancel()
        return [update for _, update in self.pending[:limit]]

    def set_webhook(self, params: dict[str, Any]) -> bool:
        """Deliver from now on, also what waits."""
        url, secret = str(params.get("url") or ""), params.get("secret_token")
        parts = urlsplit(url)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if url and parts.scheme != "https" and not here:
            raise BadRequest("bad webhook: An HTTPS URL must be provided for webhook")
        if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", str(secret)):
            raise BadRequest("secret token contains unallowed characters")
        self.webhook = {**params, "url": url} if url else {}
        if str(params.get("drop_pending_updates", "")).lower() == "true":
            self.pending.clear()
        self._news.set()
        self._deliver_all()
        return True

    def delete_webhook(self, params: dict[str, Any]) -> bool:
        """Deliver no more."""
        self.webhook = {}
        if str(params.get("drop_pending_updates", "")).lower() == "true":
            self.pending.clear()
        return True

    def webhook_info(self, _: dict[str, Any]) -> dict[str, Any]:
        """Return where is delivered to, and how that went."""
        info: dict[str, Any] = {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if self.hooks and not self.hooks[-1].delivered:
            info |= {
                "last_error_date": self.date(),
                "last_error_message": "Wrong response from the webhook",
            }
        return info
