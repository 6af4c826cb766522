"""Listen, and stop so that nothing accepted is lost.

SIGTERM   1  not ready any more, and nothing new is let in (503)
          2  running turns finish, or their leases are handed back (`stop`)
          3  connections close, and the process ends with 0
again     at once, with 1: what was stored is stored, another process goes on with it
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from segue.errors import SettingsError
from segue.server.application import GATE, METRICS, SHORT
from segue.server.connection import Connection
from segue.server.logs import log_loop_errors

log = logging.getLogger("segue.server")

_NEXT = 50
_BACKLOG = 1024
_KEPT = 75.0
_ALLOCATIONS = 20_000
"""New objects after which the youngest are looked through for circles: many requests' worth."""


class Server:
    """One listening application."""

    def __init__(
        self,
        app: web.Application,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        next_free: bool = False,
        unix: Path | None = None,
        grace: float = 20.0,
    ) -> None:
        """`next_free` takes the next free port if this one is taken; port 0 takes any."""
        self.app = app
        self.gate = app[GATE]
        self._short = app[SHORT]
        self._host = host
        self._port = port
        self._next_free = next_free
        self._unix = unix
        self._runner = web.AppRunner(
            app, handle_signals=False, shutdown_timeout=max(1.0, min(grace, 10.0))
        )
        self._listening: asyncio.Server | None = None
        self.address = ""
        """Where it listens, once started: `http://127.0.0.1:8080`, or the path of the socket."""

    async def start(self) -> str:
        """Listen. Returns the address. Raises `SettingsError` if the port is taken."""
        loop = asyncio.get_running_loop()
        if self._unix is not None:
            await self._runner.setup()
            self._listening = await loop.create_unix_server(
                self._connection, str(self._unix), backlog=_BACKLOG
            )
            self.address = str(self._unix)
            return self.address
        listener = self._listener()
        await self._runner.setup()
        self._listening = await loop.create_server(
            self._connection, sock=listener, backlog=_BACKLOG
        )
        port = listener.getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        self.address = f"http://{host}:{port}"
        return self.address

    async def stop(self) -> None:
        """Stop listening and close connections; requests under way get their answer."""
        self.gate.closed = True
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def _connection(self) -> Connection:
        server = self._runner.server
        assert server is not None
        connection = Connection(
            server,
            loop=asyncio.get_running_loop(),
            # No access log: addresses of requests say who looked at what.
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=_KEPT,
        )
        connection.count = self._count_broken
        connection.short = self._short
        return connection

    def _count_broken(self, status: int) -> None:
        self.app[METRICS].broken.add(str(status))

    def _listener(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        last = self._port + (_NEXT if self._next_free and self._port else 0)
        for port in range(self._port, last + 1):
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self._host, port))
                listener.listen(_BACKLOG)
            except OSError as error:
                listener.close()
                if error.errno == errno.EADDRINUSE and port < last:
                    continue
                raise self._cannot(error) from error
            listener.setblocking(False)
            return listener
        raise AssertionError("range is never empty")

    def _cannot(self, error: OSError) -> SettingsError:
        if error.errno == errno.EADDRINUSE:
            return SettingsError(
                "server.port",
                f"{self._port} is taken by another program",
                "Choose another one, or 0 for any free port",
            )
        return SettingsError(
            "server.host",
            f"cannot listen on {self._host} port {self._port} ({error.strerror})",
            "Use an address of this machine, 127.0.0.1 for this machine alone",
        )


async def serve(
    server: Server,
    *,
    stop: Callable[[], Awaitable[None]],
    started: Callable[[str], None] = lambda address: None,
    until: asyncio.Event | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT (or `until` is set). Returns the exit code.

    `stop` finishes running turns or hands back their leases, and closes the store; it is called
    once, after intake has ended.
    """
    loop = asyncio.get_running_loop()
    log_loop_errors(loop)
    ending = until or asyncio.Event()

    def asked(number: int) -> None:
        if server.gate.closed:
            log.warning("stopped_at_once", extra={"segue": {"signal": number}})
            os._exit(1)
        server.gate.closed = True
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    try:
        try:
            address = await server.start()
            _leave_alone()
            started(address)
            await ending.wait()
        finally:
            server.gate.closed = True
            log.info("stopping")
            await stop()
            await server.stop()
            log.info("stopped")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return 0


def _leave_alone() -> None:
    """Keep the garbage collector from going through what was loaded, again and again.

    Code, dialogs and templates stay until the end. What a request makes is freed when it is
    answered; circles are few. Measured: a tenth of a turn's cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)
    gc.enable()
