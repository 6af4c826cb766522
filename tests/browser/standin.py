"""A stand-in for the web channel: its protocol, a memory, and a bot that knows one short story.

It is a real server on loopback that keeps its memory when it is stopped and started again, so the
widget can be tested alone and every trouble can be made on purpose. `test_demo.py` plays against
the real thing.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec
from aiohttp import WSMsgType, web

from segue_adapters.static import widget_script

KEY = "a key for tests only, 32 bytes long"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "606060000000050001a5f645400000000049454e44ae426082"
)


@dataclass
class Customer:
    """One conversation."""

    id: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    step: int = 0
    sockets: dict[web.WebSocketResponse, int] = field(default_factory=dict)
    tokens: dict[web.WebSocketResponse, str] = field(default_factory=dict)


Reply = dict[str, Any]
Script = Callable[[Customer, dict[str, Any]], list[Reply]]


def para(*inline: Any) -> list[Any]:
    return ["p", [["t", part] if isinstance(part, str) else part for part in inline]]


def reply(*blocks: Any, buttons: dict[str, str] | None = None, media: Any = None) -> Reply:
    body = [para(block) if isinstance(block, str) else block for block in blocks]
    return {
        "body": body,
        "buttons": [{"id": k, "label": v} for k, v in (buttons or {}).items()],
        "media": media or [],
    }


def story(customer: Customer, message: dict[str, Any]) -> list[Reply]:
    """Ask for an order, a postcode and a reason; then it is done."""
    customer.step += 1
    match customer.step:
        case 1:
            return [
                reply(para("Happy to help. Which order is it, like ", ["b", [["t", "A1001"]]], "?"))
            ]
        case 2:
            return [reply("Thanks. And the postcode on that order?")]
        case 3:
            reasons = {
                "wrong_size": "Wrong size",
                "damaged": "Arrived damaged",
                "changed_mind": "Changed my mind",
            }
            return [reply("Why are you sending back the Fell jacket?", buttons=reasons)]
        case _:
            return [reply(f"Noted: {message['text']}. Your label is on its way.")]


class StandIn:
    """The server. `stop` and `start` keep the memory and the port."""

    def __init__(self, script: Script = story) -> None:
        self.script = script
        self.customers: dict[str, Customer] = {}
        self.sessions: dict[str, str] = {}
        self.received: list[dict[str, Any]] = []
        self.port = 0
        self.sockets_blocked = False
        self.cookies = True
        self.refuse: list[dict[str, Any]] = []
        self.silent = False
        self.upload_status = 200
        self.typing_before_answer = False
        self.extra_routes: list[web.RouteDef | web.AbstractRouteDef] = []
        self.csp = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            " connect-src 'self'; base-uri 'none'; form-action 'none';"
            " require-trusted-types-for 'script'"
        )
        self.page_attributes = 'mode="inline" name="Tarnwood" privacy-url="/privacy"'
        self.page_lang = "en"
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application(client_max_size=12 * 1024 * 1024)
        app.add_routes(
            [
                web.get("/channels/web/widget.js", self._widget),
                web.get("/channels/web/socket", self._socket),
                web.post("/channels/web/messages", self._post),
                web.get("/channels/web/messages", self._get),
                web.post("/channels/web/media", self._upload),
                web.get("/channels/web/media/{name}", self._media),
                web.post("/channels/web/session", self._session),
                web.post("/channels/web/identify", self._identify),
                web.post("/channels/web/logout", self._logout),
                web.get("/host.css", self._css),
                web.get("/host", self._page),
                *self.extra_routes,
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for customer in self.customers.values():
            for socket in list(customer.sockets):
                await socket.close(code=1001)
        if self._runner:
            await self._runner.cleanup()

    # -- memory ----------------------------------------------------------------------------------

    def who(self, token: str | None) -> Customer | None:
        return self.customers.get(self.sessions.get(token or "", ""))

    def begin(self, customer_id: str = "") -> tuple[str, Customer]:
        token = secrets.token_urlsafe(32)
        customer_id = customer_id or secrets.token_urlsafe(16)
        customer = self.customers.setdefault(customer_id, Customer(customer_id))
        self.sessions[token] = customer_id
        return token, customer

    def add(self, customer: Customer, who: str, **line: Any) -> None:
        at = line.pop("at", int(time.time() * 1000))
        text = line.pop("text", "")
        number = len(customer.lines)
        row = {"n": number, "who": who, "at": at, "channel": "web", "text": text, **line}
        customer.lines.append({key: value for key, value in row.items() if value not in ([], None)})

    def take(self, customer: Customer, message: dict[str, Any]) -> bool:
        """Store a message and what the bot says to it. False: it had been stored before."""
        self.received.append(message)
        identifier = message["client_message_id"]
        if identifier in customer.seen:
            return False
        customer.seen.add(identifier)
        text = message.get("text") or self._label(customer, message.get("choice"))
        media = [
            {"kind": "image", "url": f"/channels/web/media/{ref}", "alt": "Photo"}
            for ref in message.get("media", [])
        ]
        self.add(customer, "customer", text=text, client_message_id=identifier, media=media)
        if not self.silent:
            for answer in self.script(customer, {**message, "text": text}):
                self.add(customer, "bot", reply="story", **answer)
        return True

    def _label(self, customer: Customer, choice: str | None) -> str:
        for line in reversed(customer.lines):
            for button in line.get("buttons", []):
                if button["id"] == choice:
                    return str(button["label"])
        return choice or ""

    async def push(self, customer: Customer) -> None:
        for socket, cursor in list(customer.sockets.items()):
            lines = [line for line in customer.lines if line["n"] > cursor]
            if not lines:
                continue
            customer.sockets[socket] = lines[-1]["n"]
            for at in range(0, len(lines), 50):
                part = lines[at : at + 50]
                await socket.send_json({"type": "lines", "lines": part, "cursor": part[-1]["n"]})

    # -- requests --------------------------------------------------------------------------------

    def _token(self, request: web.Request) -> str | None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return bearer or (request.cookies.get("segue_session") if self.cookies else None)

    def _handed(self, response: web.StreamResponse, token: str) -> None:
        if self.cookies:
            response.set_cookie("segue_session", token, httponly=True, samesite="Lax", path="/")

    async def _widget(self, _: web.Request) -> web.Response:
        return web.Response(body=widget_script().body, content_type="text/javascript")

    async def _css(self, _: web.Request) -> web.Response:
        css = (
            "html,body,main{height:100%;margin:0} .box{height:100%;max-width:480px;margin:auto}"
            " h1{position:absolute;clip-path:inset(50%)}"
        )
        return web.Response(text=css, content_type="text/css")

    async def _page(self, _: web.Request) -> web.Response:
        html = (
            f'<!doctype html><html lang="{self.page_lang}"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<title>Host page</title><link rel="icon" href="data:,">'
            '<link rel="stylesheet" href="/host.css">'
            '<script src="/channels/web/widget.js" defer></script>'
            f"<main><h1>Host page</h1><div class='box'><segue-chat {self.page_attributes}>"
            "</segue-chat></div></main>"
        )
        headers = {"Content-Security-Policy": self.csp}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _post(self, request: web.Request) -> web.Response:
        message = msgspec.json.decode(await request.read())
        token = self._token(request)
        customer = self.who(token)
        issued = {}
        if customer is None:
            if request.headers.get("Authorization"):
                return web.json_response({"why": "session"}, status=401)
            token, customer = self.begin()
            issued = {"session": token}
        if self.refuse:
            refusal = self.refuse.pop(0)
            return web.json_response(refusal, status=503 if refusal["retry"] else 422)
        fresh = self.take(customer, message)
        await self.push(customer)
        answer = {"accepted": True, "duplicate": not fresh, "cursor": len(customer.lines) - 1}
        response = web.json_response({**answer, **issued}, status=202)
        if issued and token:
            self._handed(response, token)
        return response

    async def _get(self, request: web.Request) -> web.Response:
        customer = self.who(self._token(request))
        if customer is None:
            return web.json_response({"why": "session"}, status=401)
        after = int(request.query.get("after", -1))
        lines = [line for line in customer.lines if line["n"] > after]
        return web.json_response({"lines": lines, "cursor": max(after, len(customer.lines) - 1)})

    async def _upload(self, request: web.Request) -> web.Response:
        await request.read()
        if self.upload_status != 200:
            return web.json_response({"why": "no"}, status=self.upload_status)
        name = secrets.token_hex(8)
        return web.json_response({"ref": name, "url": f"/channels/web/media/{name}"})

    async def _media(self, _: web.Request) -> web.Response:
        return web.Response(body=PIXEL, content_type="image/png")

    async def _session(self, request: web.Request) -> web.Response:
        bearer = "Authorization" in request.headers
        token = self._token(request)
        known = self.who(token) is not None
        response = web.json_response({"cookie": known and not bearer})
        if known and bearer and token:
            self._handed(response, token)
        return response

    async def _identify(self, request: web.Request) -> web.Response:
        token = msgspec.json.decode(await request.read())["token"]
        claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="segue")
        await self._end(self._token(request))
        session, _ = self.begin(f"user:{claims['sub']}")
        response = web.json_response({"session": session})
        self._handed(response, session)
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        await self._end(self._token(request))
        response = web.json_response({})
        response.del_cookie("segue_session")
        return response

    async def _end(self, token: str | None) -> None:
        customer = self.who(token)
        self.sessions.pop(token or "", None)
        for socket in list(customer.sockets) if customer else []:
            if customer and customer.tokens[socket] == token:
                await socket.send_json({"type": "ended"})
                await socket.close()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.sockets_blocked:
            return web.Response(status=403)
        socket = web.WebSocketResponse(heartbeat=30)
        cookie = request.cookies.get("segue_session") if self.cookies else None
        await socket.prepare(request)
        hello = await socket.receive_json()
        token = hello.get("session") or cookie
        customer = self.who(token)
        if customer is None and hello.get("session"):
            await socket.send_json({"type": "ended"})
            return socket
        welcome: dict[str, Any] = {"type": "welcome"}
        if customer is None:
            customer = Customer(secrets.token_urlsafe(16))
            token = welcome["session"] = secrets.token_urlsafe(32)
            self.customers[customer.id] = customer
            self.sessions[token] = customer.id
        after = hello["after"] if hello["after"] < len(customer.lines) else -1
        identified = customer.id.startswith("user:")
        await socket.send_json({**welcome, "cursor": after, "identified": identified})
        customer.sockets[socket] = after
        customer.tokens[socket] = token or ""
        await self.push(customer)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._frame(socket, customer, frame.json())
        finally:
            customer.sockets.pop(socket, None)
            customer.tokens.pop(socket, None)
        return socket

    async def _frame(
        self, socket: web.WebSocketResponse, customer: Customer, frame: dict[str, Any]
    ) -> None:
        match frame.pop("type"):
            case "message":
                identifier = frame["client_message_id"]
                if self.refuse:
                    refusal = {"client_message_id": identifier, **self.refuse.pop(0)}
                    await socket.send_json({"type": "refused", "why": "no", **refusal})
                    return
                if self.typing_before_answer:
                    await socket.send_json({"type": "typing", "on": True})
                    await asyncio.sleep(0.3)
                    await socket.send_json({"type": "typing", "on": False})
                fresh = self.take(customer, frame)
                accepted = {"client_message_id": identifier, "duplicate": not fresh}
                await socket.send_json({"type": "accepted", **accepted})
                await self.push(customer)
            case "opened" if not customer.lines and not self.silent:
                self.add(
                    customer,
                    "bot",
                    **reply("You're writing with Tarnwood's automated assistant. How can I help?"),
                )
                await self.push(customer)


def token_for(subject: str) -> str:
    now = int(time.time())
    claims = {"sub": subject, "aud": "segue", "iat": now, "exp": now + 600}
    return jwt.encode(claims, KEY, algorithm="HS256")
