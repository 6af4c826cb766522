"""A web channel on loopback, in front of a gateway in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, DummyCookieJar, WSMsgType

from segue.channel import Site
from segue.server import Gate, Metrics, Server, make_app
from segue_adapters.testing import MemoryGateway
from segue_adapters.web import WebChannel
from segue_adapters.web_settings import WebSettings

SHOP = "https://shop.example"
SECRET = "a-shared-secret-of-the-host-site-which-is-at-least-64-bytes-long!"
AUDIENCE = "shop-widget"


class FakeClock:
    """A clock that only moves when it is told to; its waits end at once."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds > 3600:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    def advance(self, **units: float) -> None:
        step = timedelta(**units)
        self.moment += step
        self.seconds += step.total_seconds()


@dataclass
class Shop:
    """The running server, as a test sees it."""

    channel: WebChannel
    gateway: MemoryGateway
    clock: FakeClock
    server: Server
    client: ClientSession
    sockets: list[ClientWebSocketResponse] = field(default_factory=list)

    SITE = SHOP
    SECRET = SECRET
    AUDIENCE = AUDIENCE

    @staticmethod
    async def read(socket: ClientWebSocketResponse) -> dict[str, Any]:
        """Return the next frame."""
        return await read(socket)

    @staticmethod
    async def closed(socket: ClientWebSocketResponse) -> int:
        """Read until the socket is closed; return the code."""
        return await closed(socket)

    @staticmethod
    async def until(condition: Callable[[], bool]) -> None:
        """Let the loop turn until something is so."""
        await until(condition)

    @property
    def url(self) -> str:
        return f"{self.server.address}/channels/web"

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        return self.channel.counts

    async def post(self, path: str = "messages", **kwargs: Any) -> tuple[int, dict[str, Any]]:
        """Send a POST; return the status and the JSON."""
        session = kwargs.pop("session", None)
        headers = kwargs.pop("headers", {})
        if session is not None:
            headers = {"Authorization": f"Bearer {session}", **headers}
        async with self.client.post(f"{self.url}/{path}", headers=headers, **kwargs) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, session: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {session}"} if session else {}
        async with self.client.get(f"{self.url}/{path}", headers=headers) as answer:
            return answer.status, await answer.json()

    async def begin(self, text: str = "Hello") -> str:
        """Say something as a stranger; return the session."""
        status, said = await self.post("messages?wait=5", json={"text": text})
        assert status == 200
        session = said["session"]
        assert isinstance(session, str)
        return session

    async def connect(
        self, session: str | None = None, after: int = -1, **hello: Any
    ) -> ClientWebSocketResponse:
        """Open a socket and say hello."""
        socket = await self.client.ws_connect(f"{self.url}/socket", origin=self.server.address)
        self.sockets.append(socket)
        await socket.send_json({"type": "hello", "session": session, "after": after, **hello})
        return socket

    def token(self, subject: str = "ada", *, key: Any = SECRET, **changes: Any) -> str:
        """Return a token as the host site signs it."""
        now = int(self.clock.now().timestamp())
        algorithm = changes.pop("algorithm", "HS256")
        headers = changes.pop("headers", None)
        claims = {"sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 600, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


async def read(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next frame."""
    frame = await asyncio.wait_for(socket.receive(), 5)
    assert frame.type is WSMsgType.TEXT, frame
    found = frame.json()
    assert isinstance(found, dict)
    return found


async def closed(socket: ClientWebSocketResponse) -> int:
    """Read until the socket is closed; return the code."""
    async with asyncio.timeout(10):
        while True:
            frame = await socket.receive()
            if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
                return socket.close_code or 0


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; a deadline, not a pace."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.002)


Opening = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Opening]:
    """Start servers with the settings a test wants."""
    shops: list[Shop] = []

    async def start(*, cookies: bool = False, public_url: str = "", **settings: Any) -> Shop:
        clock = FakeClock()
        given = {
            "jwt_keys": {"one": SECRET},
            "audience": AUDIENCE,
            "allowed_origins": (SHOP,),
            **settings,
        }
        channel = WebChannel(
            WebSettings.model_validate(given),
            Site(data_dir=tmp_path, clock=clock, public_url=public_url),
        )
        gateway = MemoryGateway()
        app = make_app({"web": channel}, gateway, metrics=Metrics(), gate=Gate())
        server = Server(app, port=0, grace=1)
        await server.start()
        jar = CookieJar(unsafe=True) if cookies else DummyCookieJar()
        shop = Shop(channel, gateway, clock, server, ClientSession(cookie_jar=jar))
        shops.append(shop)
        return shop

    yield start
    for shop in shops:
        for socket in shop.sockets:
            await socket.close()
        await shop.client.close()
        await shop.channel.stop()
        await shop.server.stop()


@pytest.fixture
async def shop(open_shop: Opening) -> Shop:
    """A server with the usual settings."""
    return await open_shop()
