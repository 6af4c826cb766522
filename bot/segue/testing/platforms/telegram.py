"""A stand-in for Telegram's Bot API server, as strict as the real one.

    async with Telegram() as telegram:
        settings["channels"]["telegram"] = {"token": telegram.token, "api_base": telegram.url}
        ...
        ada = telegram.customer("Ada")
        ada.write("hello")
        assert (await ada.answer()).text == "Hi, Ada!"

- A wrong token, parameter, tag or keyboard is refused with the real status and description.
- What customers do is an update: it waits for `getUpdates`, or goes to the webhook that was set,
  with its secret, in order within a chat, again until it is taken.
- Who sends too fast gets a 429: 30 a second in all, 1 a second to a chat (a few at once), 20 a
  minute to a group.
- Unlike the real one it lets a webhook be `http://` on this machine.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from segue.testing.platforms.base import Call, Fault, Handler
from segue.testing.platforms.telegram_markup import (
    CAPTION_LIMIT,
    BadRequest,
    keyboard,
    shown_text,
)
from segue.testing.platforms.telegram_people import Chat, Shown
from segue.testing.platforms.telegram_updates import Answer, Updates

_FILE_LIMIT = 20 * 1024 * 1024


class Telegram(Updates):
    """The server, with its customers and groups."""

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the paths of the Bot API."""
        return [
            ("GET", "/file/bot{token:[^/]*}/{path:.*}", self._file),
            ("*", "/bot{token:[^/]*}/{method:[^/]*}", self._call),
        ]

    # -- the API -----------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method, params = request.match_info["method"], await _params(request)
        call = Call(method=method, params=params, at=self.clock.now())
        self.ledger.append(call)
        fault = self.next_fault(method)
        try:
            if request.match_info["token"] != self.token:
                well_formed = re.fullmatch(r"\d+:[\w-]{30,}", request.match_info["token"])
                raise Answer(401, "Unauthorized") if well_formed else Answer(404, "Not Found")
            if fault is not None:
                answer = await self._faulty(fault, request, call)
                if answer is not None:
                    return answer
            result = await self.do(method, params)
        except BadRequest as error:
            return _told(call, Answer(400, str(error)))
        except Answer as error:
            return _told(call, error)
        call.status, call.taken, call.answer = 200, True, result
        if fault is not None:  # taken_then_reset
            call.status = 0
            return await self.cut(request)
        return web.json_response({"ok": True, "result": result})

    async def _faulty(
        self, fault: Fault, request: web.Request, call: Call
    ) -> web.StreamResponse | None:
        match fault.kind:
            case "too_fast":
                raise _too_fast(fault.retry_after)
            case "broken" if fault.body is not None:
                call.status = fault.status
                if isinstance(fault.body, bytes | str):
                    return web.Response(status=fault.status, body=fault.body)
                return web.json_response(fault.body, status=fault.status)
            case "broken":
                raise Answer(fault.status, "Internal Server Error")
            case "reset":
                return await self.cut(request)
            case "stall":
                return await self.stalled(request)
        return None

    async def do(self, method: str, params: dict[str, Any]) -> Any:
        """Carry out a call. Raises `Answer` or `BadRequest`."""
        # Method names have no case.
        action = {name.lower(): each for name, each in self._methods().items()}.get(method.lower())
        if action is None:
            raise Answer(404, "Not Found: method not found")
        result = action(params)
        return await result if asyncio.iscoroutine(result) else result

    def _methods(self) -> dict[str, Any]:
        return {
            "getMe": lambda _: self.me,
            "getUpdates": self.get_updates,
            "setWebhook": self.set_webhook,
            "deleteWebhook": self.delete_webhook,
            "getWebhookInfo": self.webhook_info,
            "sendMessage": self._send_message,
            "sendPhoto": self._send_photo,
            "editMessageText": self._edit_text,
            "sendChatAction": self._action,
            "answerCallbackQuery": self._answer_callback,
            "getFile": self._get_file,
        }

    # -- messages ----------------------------------------------------------------------------------

    def _chat(self, params: Mapping[str, Any]) -> Chat:
        if params.get("chat_id") in (None, ""):
            raise BadRequest("chat_id is empty")
        chat = self.chats.get(int(params["chat_id"])) if _is_number(params["chat_id"]) else None
        if chat is None:
            raise BadRequest("chat not found")
        if chat.moved_to:
            raise Answer(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.moved_to,
            )
        if chat.blocked:
            raise Answer(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise Answer(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def _paced(self, chat: Chat) -> None:
        def take(name: str, rate: float, burst: float) -> float:
            return self.buckets.take(name, rate=rate * self.pace, burst=burst * self.pace)

        wait = take("bot", 30, 30)
        if not wait and chat.kind != "private":
            wait = take(f"group:{chat.id}", 20 / 60, 20)
        elif not wait:
            wait = take(f"chat:{chat.id}", 1, 3)
        if wait:
            raise _too_fast(wait)

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(params)
        text, entities = shown_text(params.get("text"), params.get("parse_mode"))
        return self._sent(chat, params, text, entities, {"text": text})

    def _send_photo(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(params)
        photo = str(params.get("photo") or "")
        if not photo.startswith("https://"):
            raise BadRequest(
                "wrong remote file identifier specified: Wrong character in the string"
            )
        text, entities = shown_text(
            params.get("caption"),
            params.get("parse_mode"),
            limit=CAPTION_LIMIT,
            may_be_empty=True,
        )
        size = {"file_id": "AgAC", "file_unique_id": "AQAD", "width": 90, "height": 90}
        fields = {"photo": [size], **({"caption": text} if text else {})}
        return self._sent(chat, params, text, entities, fields, photo)

    def _sent(
        self,
        chat: Chat,
        params: Mapping[str, Any],
        text: str,
        entities: Sequence[Any],
        fields: Mapping[str, Any],
        photo: str = "",
    ) -> dict[str, Any]:
        buttons = [each for row in keyboard(params.get("reply_markup")) for each in row]
        self._paced(chat)
        ident = self.next_number("message")
        chat.add(_shown(ident, text, entities, buttons, photo))
        return self.message(chat, self.me, ident, fields)

    def _edit_text(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(params)
        ident = int(params.get("message_id") or 0)
        old = next((m for m in chat.messages if m.id == ident and m.who == "bot"), None)
        if old is None:
            raise BadRequest("message to edit not found")
        text, entities = shown_text(params.get("text"), params.get("parse_mode"))
        buttons = [each for row in keyboard(params.get("reply_markup")) for each in row]
        new = _shown(ident, text, entities, buttons, "")
        if new == old:
            raise BadRequest(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        chat.add(new)
        edited = {"text": text, "edit_date": self.date()}
        return self.message(chat, self.me, ident, edited)

    def _action(self, params: dict[str, Any]) -> bool:
        chat = self._chat(params)
        if params.get("action") not in ("typing", "upload_photo", "upload_document"):
            raise BadRequest("wrong parameter action in request")
        chat.actions.append(str(params["action"]))
        return True

    def _answer_callback(self, params: dict[str, Any]) -> bool:
        press = str(params.get("callback_query_id") or "")
        for customer in self.customers.values():
            if press in customer.turning:
                customer.turning.discard(press)
                return True
        raise BadRequest("query is too old and response timeout expired or query ID is invalid")

    # -- files -------------------------------------------------------------------------------------

    def _get_file(self, params: dict[str, Any]) -> dict[str, Any]:
        ident = str(params.get("file_id") or "")
        if ident not in self.files:
            raise BadRequest("wrong file_id or the file is temporarily unavailable")
        path, body = self.files[ident]
        if len(body) > _FILE_LIMIT:
            raise BadRequest("file is too big")
        about = {"file_id": ident, "file_unique_id": ident[-8:], "file_size": len(body)}
        return {**about, "file_path": path}

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = dict(self.files.values()).get(request.match_info["path"])
        if request.match_info["token"] != self.token or found is None:
            return web.json_response(Answer(404, "Not Found").body, status=404)
        return web.Response(body=found, content_type="application/octet-stream")


async def _params(request: web.Request) -> dict[str, Any]:
    """Return the parameters, however they were sent; all of these the Bot API takes."""
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        with suppress(ValueError):
            told = await request.json()
            params |= told if isinstance(told, dict) else {}
    elif request.can_read_body:
        params |= dict(await request.post())
    return params


def _shown(
    ident: int,
    text: str,
    entities: Sequence[Any],
    buttons: Sequence[Mapping[str, str]],
    photo: str,
) -> Shown:
    return Shown(
        id=ident,
        who="bot",
        text=text,
        buttons=tuple(button["text"] for button in buttons),
        data=tuple(button.get("callback_data", "") for button in buttons),
        links=frozenset(each.url for each in entities if each.url),
        entities=tuple(entities),
        photo=photo,
    )


def _told(call: Call, answer: Answer) -> web.Response:
    call.status, call.answer = answer.status, answer.body
    return web.json_response(answer.body, status=answer.status)


def _too_fast(wait: float) -> Answer:
    seconds = max(1, math.ceil(wait))
    return Answer(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _is_number(value: Any) -> bool:
    return re.fullmatch(r"-?\d{1,19}", str(value)) is not None
