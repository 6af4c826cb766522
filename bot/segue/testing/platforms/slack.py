"""A stand-in of Slack: the Web API, the Events API, interactivity, commands and Socket Mode.

    async with Slack() as slack:
        # channels.slack: bot_token = slack.bot_token, signing_secret = slack.signing_secret,
        #                 api_base = slack.api_base
        slack.call_at("http://127.0.0.1:8080")         # or Socket Mode: nothing to be called
        ada = slack.person("Ada")
        await ada.write("I want to send something back")
        ada.screen[-1].text, ada.screen[-1].labels
        await ada.press("Wrong size")

It is as strict as Slack: tokens, arguments, Block Kit, sizes, one message a second into a
conversation, the tiers of the other methods. Events come signed, and again (at once, after a
minute, after five) until they are taken; `Slack.copies` lets each come several times under other
event ids, as it has happened. `slack.ledger` has every call, and `slack.fault` tells what goes
wrong with the next ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from aiohttp import WSMsgType, web

from segue.ports import Clock
from segue.testing.platforms.base import Call, Handler, Platform
from segue.testing.platforms.slack_api import METHODS, TIERS, Failure, said
from segue.testing.platforms.slack_blocks import Json, Shown, shown
from segue.testing.platforms.slack_people import Person

SCOPES = "chat:write,im:history,im:read,im:write,app_mentions:read,commands,files:read"


@dataclass(kw_only=True)
class Conversation:
    """A DM or a channel, with what was said in it."""

    id: str
    members: set[str] = field(default_factory=set)
    messages: list[Json] = field(default_factory=list)
    archived: bool = False

    @property
    def is_dm(self) -> bool:
        """Whether it is between one person and the bot."""
        return self.id.startswith("D")


@dataclass(kw_only=True)
class Response:
    """Where a command may be answered."""

    user: str
    channel: str
    at: float
    uses: int = 0


class Slack(Platform):
    """One workspace with one app in it."""

    name = "slack"
    retries = (0.0, 60.0, 300.0)
    patience = 3.0

    def __init__(self, *, clock: Clock | None = None, team: str = "T0SEGUE") -> None:
        super().__init__(clock=clock)
        self.bot_token = f"xoxb-stand-in-{team.lower()}"
        self.app_token = f"xapp-stand-in-{team.lower()}"
        self.signing_secret = hashlib.sha256(team.encode()).hexdigest()[:32]
        self.team, self.app, self.bot_user, self.bot_id = team, "A0SEGUE", "U0BOT", "B0BOT"
        self.scopes = SCOPES
        self.copies = 1
        """How often each event is delivered, under an event id each."""
        self.people: dict[str, Person] = {}
        self.conversations: dict[str, Conversation] = {}
        self.homes: dict[str, Json] = {}
        """User → the view that was published last."""
        self.files: dict[str, tuple[Json, bytes]] = {}
        self.responses: dict[str, Response] = {}
        self.revoked = False
        """Set it, and the bot's token is worth nothing."""
        self.rate = 1.0
        """Messages a second into one conversation; a short burst of five passes."""
        self._urls: dict[str, str] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._came = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._numbers = count(1)
        self._last_ts = 0.0

    # -- where things are --------------------------------------------------------------------------

    @property
    def api_base(self) -> str:
        """`channels.slack.api_base`, while it runs."""
        return f"{self.url}/api"

    @property
    def file_base(self) -> str:
        """`channels.slack.file_base`, while it runs."""
        return self.url

    def call_at(self, base: str, path: str = "/channels/slack") -> None:
        """Deliver to a server by HTTP: the three request URLs of an app."""
        self._urls = {
            name: f"{base}{path}/{name}" for name in ("events", "interactive", "commands")
        }

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the paths of the API, of files and of Socket Mode."""
        return [
            ("POST", "/api/{method}", self._call),
            ("GET", "/api/{method}", self._call),
            ("GET", "/files-pri/{file}/{name}", self._file),
            ("GET", "/link", self._socket),
            ("POST", "/commands/{id}", self._respond),
        ]

    # -- people ------------------------------------------------------------------------------------

    def person(self, name: str = "Ada", *, user: str = "", bot: bool = False) -> Person:
        """Return somebody who uses Slack; the same name is the same person."""
        user = user or f"U0{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
        if user not in self.people:
            self.people[user] = Person(self, name=name, user=user, bot=bot)
        return self.people[user]

    def dm(self, user: str) -> Conversation:
        """Return the DM of a person with the bot; it is made when it is first asked for."""
        return self.conversation(f"D{user[1:]}", {user, self.bot_user})

    def conversation(self, id_: str, members: set[str] | None = None) -> Conversation:
        """Return a conversation by id."""
        if id_ not in self.conversations:
            self.conversations[id_] = Conversation(id=id_, members=set(members or ()))
        return self.conversations[id_]

    def next_ts(self) -> str:
        """Return a time that is the id of a message: it never comes twice."""
        self._last_ts = max(self._last_ts + 0.000001, self.clock.now().timestamp())
        return f"{self._last_ts:.6f}"

    def new_id(self, kind: str) -> str:
        """Return an id of a kind: `Ev0000000001`."""
        return f"{kind}{next(self._numbers):010d}"

    # -- the Web API -------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        params = await _arguments(request)
        call = Call(method=method, params=params, at=self.clock.now())
        self.ledger.append(call)
        fault = self.next_fault(method)
        if fault is not None:
            match fault.kind:
                case "stall":
                    return await self.stalled(request)
                case "reset":
                    return await self.cut(request)
                case "too_fast":
                    return self._too_fast(call, fault.retry_after)
                case "broken":
                    body = fault.body or {"ok": False, "error": "internal_error"}
                    return self._answered(call, body, fault.status)
        answer = self._done(call, request)
        if fault is not None and fault.kind == "taken_then_reset":
            return await self.cut(request)
        if isinstance(answer, float):
            return self._too_fast(call, answer)
        return self._answered(call, answer)

    def _done(self, call: Call, request: web.Request) -> Json | float:
        """Do what was asked. Returns the answer, or after how many seconds it may be asked."""
        wanted = METHODS.get(call.method)
        if wanted is None:
            return {"ok": False, "error": "unknown_method", "req_method": call.method}
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        right = self.app_token if call.method == "apps.connections.open" else self.bot_token
        if not token:
            return {"ok": False, "error": "not_authed"}
        if token != right:
            return {"ok": False, "error": "invalid_auth"}
        if self.revoked:
            return {"ok": False, "error": "token_revoked"}
        if call.method in TIERS:
            tier = TIERS[call.method]
            wait = self.buckets.take(call.method, rate=tier / 60, burst=tier)
        else:
            name = f"say:{call.params.get('channel')}"
            wait = self.buckets.take(name, rate=self.rate, burst=5)
        if wait:
            return wait
        try:
            answer = wanted(self, call.params)
        except Failure as failure:
            return {"ok": False, "error": failure.args[0], **failure.more}
        call.taken = True
        return {"ok": True, **answer}

    def _answered(self, call: Call, answer: Json, status: int = 200) -> web.Response:
        call.status, call.answer = status, answer
        return web.json_response(answer, status=status, headers={"X-OAuth-Scopes": self.scopes})

    def _too_fast(self, call: Call, after: float) -> web.Response:
        call.status, call.answer = 429, {"ok": False, "error": "ratelimited"}
        # Whole seconds, as Slack says it.
        headers = {"Retry-After": str(max(1, -int(-after // 1)))}
        return web.json_response(call.answer, status=429, headers=headers)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = self.files.get(request.match_info["file"])
        allowed = request.headers.get("Authorization") == f"Bearer {self.bot_token}"
        if found is None or not allowed:
            # Slack shows a page to sign in, with 200.
            return web.Response(
                text="<!DOCTYPE html><title>Slack</title>", content_type="text/html"
            )
        return web.Response(body=found[1], content_type=found[0]["mimetype"])

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """Take an answer to a command: five at the most, within half an hour."""
        given = self.responses.get(request.match_info["id"])
        call = Call(method="response_url", params=await request.json(), at=self.clock.now())
        self.ledger.append(call)
        if given is None or self.clock.monotonic() - given.at > 1800 or given.uses >= 5:
            call.status = 404
            return web.Response(status=404, text="expired_url")
        try:
            message = said(self, call.params)
        except Failure as failure:
            call.status = 400
            return web.Response(status=400, text=str(failure.args[0]))
        given.uses += 1
        call.status, call.taken = 200, True
        if call.params.get("response_type") != "in_channel":
            message["ephemeral_to"] = given.user
        self.conversation(given.channel).messages.append(message)
        return web.Response(text="ok")

    def response_url(self, user: str, channel: str) -> str:
        """Return the address at which a command may be answered."""
        id_ = self.new_id("R")
        self.responses[id_] = Response(user=user, channel=channel, at=self.clock.monotonic())
        return f"{self.url}/commands/{id_}"

    # -- events ------------------------------------------------------------------------------------

    def sign(self, body: bytes) -> dict[str, str]:
        """Return the headers that prove a body is from here, now."""
        moment = str(int(self.clock.now().timestamp()))
        signed = b"v0:" + moment.encode() + b":" + body
        digest = hmac.new(self.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}

    async def tell(self, event: Json) -> None:
        """Deliver an event, and wait until it was taken or given up."""
        payload = {
            "token": "obsolete",
            "team_id": self.team,
            "api_app_id": self.app,
            "event": event,
            "type": "event_callback",
            "event_time": int(self.clock.now().timestamp()),
            "authorizations": [{"team_id": self.team, "user_id": self.bot_user, "is_bot": True}],
        }
        await asyncio.gather(
            *(
                self._deliver_one("events", {**payload, "event_id": self.new_id("Ev")})
                for _ in range(self.copies)
            )
        )

    async def interact(self, payload: Json) -> None:
        """Deliver what somebody pressed."""
        await self._deliver_one("interactive", payload)

    async def command(self, fields: Json) -> None:
        """Deliver a slash command."""
        await self._deliver_one("commands", fields)

    async def challenge(self) -> str:
        """Ask the events URL for the word that Slack wants back before it uses it."""
        word = self.new_id("challenge")
        body = json.dumps({"token": "x", "challenge": word, "type": "url_verification"}).encode()
        headers = {"Content-Type": "application/json", **self.sign(body)}
        assert self._client is not None
        async with self._client.post(self._urls["events"], data=body, headers=headers) as answer:
            return await answer.text() if answer.status == 200 else ""

    async def _deliver_one(self, kind: str, payload: Json) -> None:
        if not self._urls:
            await self._send_envelope(kind, payload)
            return
        body, content_type = _encoded(kind, payload)

        def headers(attempt: int) -> Mapping[str, str]:
            marks = {"Content-Type": content_type, **self.sign(body)}
            if attempt:
                marks |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_error"}
            return marks

        # What people press and command is delivered once: they see that it failed, and try again.
        retries = None if kind == "events" else ()
        await self.deliver(self._urls[kind], body, headers, retries=retries)

    # -- Socket Mode -------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1})
        self._sockets.append(socket)
        self._came.set()
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    waiting = self._waiting.pop(json.loads(frame.data).get("envelope_id"), None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(None)
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)
        return socket

    async def connected(self, sockets: int = 1) -> None:
        """Wait until so many connections are open."""
        while len(self._sockets) < sockets:
            self._came.clear()
            await self._came.wait()

    async def refresh(self) -> None:
        """Say that the connections will be closed, as Slack does every few hours."""
        for socket in tuple(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def drop(self) -> None:
        """Close all connections without a word."""
        for socket in tuple(self._sockets):
            self._sockets.remove(socket)
            await socket.close()

    async def _send_envelope(self, kind: str, payload: Json) -> None:
        types = {"events": "events_api", "interactive": "interactive", "commands": "slash_commands"}
        for attempt in range(3):
            await self.connected()
            envelope = self.new_id("envelope")
            taken = asyncio.get_running_loop().create_future()
            self._waiting[envelope] = taken
            frame = {
                "envelope_id": envelope,
                "type": types[kind],
                "payload": payload,
                "accepts_response_payload": kind != "events",
                **({"retry_attempt": attempt, "retry_reason": "timeout"} if attempt else {}),
            }
            socket = self._sockets[-1]
            try:
                await socket.send_json(frame)
                async with asyncio.timeout(self.patience):
                    await taken
                return
            except (TimeoutError, ConnectionError):
                self._waiting.pop(envelope, None)

    async def stop(self) -> None:
        """Stop, and close what is connected."""
        await self.drop()
        await super().stop()


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Return what was asked, from JSON, a form or the address."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given = await request.json()
        found |= given if isinstance(given, dict) else {}
    else:
        found |= dict((await request.post()).items())
    for key in ("blocks", "view", "metadata"):
        if isinstance(found.get(key), str):
            found[key] = json.loads(found[key])
    return found


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events":
        return json.dumps(payload).encode(), "application/json"
    fields = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


__all__ = ["Person", "Shown", "Slack", "shown"]
