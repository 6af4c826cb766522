"""The platform behind the sample channel: it checks what it is sent as strictly as a real one.

Faults are told to it one by one; every request lands in its ledger, taken or not.
"""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
from aiohttp import web
from msgspec import Struct

_TAGS = {"b", "i", "code", "a", "br"}


class PressButton(Struct, forbid_unknown_fields=True):
    id: str
    label: str


class Send(Struct, forbid_unknown_fields=True):
    to: str
    html: str
    buttons: tuple[PressButton, ...]


class Shown(HTMLParser):
    """What a person would see of a message: words, links and mentions. Raises on broken markup."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            raise ValueError(f"<{self._open[-1]}> is not closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise ValueError(f"<{tag}> is not allowed")
        if tag == "br":
            self.text += "\n"
            return
        names = [name for name, _ in attrs]
        if names != (["href"] if tag == "a" else []):
            raise ValueError(f"<{tag}> with {names}")
        if tag == "a":
            self.links.append(attrs[0][1] or "")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise ValueError("comments are not allowed")

    def handle_decl(self, decl: str) -> None:
        raise ValueError("declarations are not allowed")

    def handle_pi(self, data: str) -> None:
        raise ValueError("instructions are not allowed")

    def unknown_decl(self, data: str) -> None:
        raise ValueError("declarations are not allowed")


class Platform:
    """The stand-in server."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.faults: list[str] = []
        """What to do with the next requests, one after the other; then they succeed."""
        self.asked: list[Send] = []
        """Every well-formed request."""
        self.taken: list[Send] = []
        """Those that were taken: a person has seen them."""
        self.complaints: list[str] = []
        """What was wrong with the others."""
        app = web.Application()
        app.router.add_post("/send", self._send)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.url = ""

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _send(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self._secret}":
            return self._complain(401, "authorization")
        try:
            send = msgspec.json.decode(await request.read(), type=Send)
            shown = Shown(send.html)
        except (msgspec.MsgspecError, ValueError) as error:
            return self._complain(400, str(error))
        if len(shown.text) > 1000 or len(send.buttons) > 3:
            return self._complain(400, "too long")
        self.asked.append(send)
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "" | "no id" | "nonsense" | "reset after" | "bad gateway after":
                self.taken.append(send)
        match fault:
            case "":
                return web.json_response({"id": f"p{len(self.taken)}"})
            case "no id":
                return web.json_response({})
            case "nonsense":
                return web.Response(body=b"\xff<html>")
            case "reset after" | "reset before":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "hangs":
                import asyncio

                await asyncio.Event().wait()
            case "bad gateway after":
                return web.Response(status=502)
            case "too fast":
                return web.Response(status=429, headers={"Retry-After": "7"})
            case "too fast, and says not how long":
                return web.Response(status=429, headers={"Retry-After": "soon"})
        return web.Response(status=int(fault))

    def _complain(self, status: int, why: str) -> web.Response:
        self.complaints.append(why)
        return web.json_response({"error": why}, status=status)
