"""A file server that says what it was asked, and misbehaves on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200


class FileServer:
    """Answers each path as a test told it to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        """(path, Authorization) of each request."""
        self.answers: dict[str, Callable[[], web.Response] | float] = {}
        """A number is the pause between the bytes of an answer that never ends."""
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.answers[path] = lambda: web.Response(status=status, headers={"Location": to})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        answer = self.answers.get(request.path)
        if isinstance(answer, float):
            stream = web.StreamResponse()
            await stream.prepare(request)
            while True:
                await stream.write(b"x")
                await asyncio.sleep(answer)
        return answer() if answer else web.Response(body=PNG, content_type="text/html")


@pytest.fixture
async def files() -> AsyncIterator[FileServer]:
    """The platform's file server."""
    server = FileServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def elsewhere() -> AsyncIterator[FileServer]:
    """Another server on this machine, which nobody configured."""
    server = FileServer()
    await server.start()
    yield server
    await server.stop()
