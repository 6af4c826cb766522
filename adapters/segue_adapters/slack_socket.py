"""Socket Mode: Slack's events over a WebSocket that we open, for servers nobody can call.

- An envelope is acknowledged when what it says is stored, and not before: an envelope that is not
  acknowledged comes again, perhaps to another process.
- Every process has its own connection: Slack allows ten of an app and gives each envelope to one.
- Slack closes a connection now and then and says so before; the next one is opened first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import msgspec

from segue.channel import Accepted, Gateway, Parsed, Site
from segue.errors import StoreUnavailable
from segue_adapters.slack_calls import FAILED, Calls
from segue_adapters.slack_events import Json, Ours, read_event
from segue_adapters.slack_reading import read_action, read_command

log = logging.getLogger("segue.slack")

Read: TypeAlias = Callable[[str, object], Parsed | None]
_SOON, _LATEST = 1.0, 60.0
_HEARTBEAT = 20.0
_LARGEST = 1_048_576


def reader(ours: Ours, count: Callable[[str], None]) -> Read:
    """Return what reads an envelope: its type and payload → what it says, None if unknown."""

    def read(kind: str, payload: object) -> Parsed | None:
        match kind:
            case "events_api":
                return read_event(payload, ours, count)
            case "interactive":
                return read_action(payload, ours, count)
            case "slash_commands" if isinstance(payload, dict):
                return read_command(payload, ours, count)
        count("unknown_request")
        return None

    return read


class SocketMode:
    """Keeps one connection open, from `start` to `stop`."""

    def __init__(
        self,
        calls: Calls,
        *,
        app_token: str,
        api_base: str,
        read: Read,
        site: Site,
        counts: Counter[tuple[str, str]],
    ) -> None:
        self._calls = calls
        self._app_token = app_token
        self._host = urlsplit(api_base).hostname or ""
        self._read = read
        self._site = site
        self._counts = counts
        self._tasks: set[asyncio.Task[None]] = set()
        self.open = 0
        """Connections that are open now."""

    def start(self, gateway: Gateway) -> None:
        """Begin to connect, in the background."""
        self._spawn(self._stay(gateway))

    async def stop(self) -> None:
        """Close; what was not acknowledged comes again."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._counts["ended", "socket"] += 1

    # -- staying connected -------------------------------------------------------------------------

    async def _stay(self, gateway: Gateway) -> None:
        wait = _SOON
        while True:
            leave = asyncio.Event()
            talking = self._spawn(self._talk(gateway, leave))
            leaving = asyncio.ensure_future(leave.wait())
            try:
                await asyncio.wait({talking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
            if leave.is_set():
                # Not at once, should Slack say so of every connection.
                wait = _SOON
                await self._site.clock.sleep(_SOON)
                continue
            error = talking.exception()
            wait = _SOON if error is None else min(wait * 2, _LATEST)
            why = type(error).__name__ if error else "closed"
            self._counts["reconnected", "socket"] += 1
            log.warning("slack_socket_lost", extra={"segue": {"why": why, "again_in": wait}})
            await self._site.clock.sleep(wait)

    async def _talk(self, gateway: Gateway, leave: asyncio.Event) -> None:
        answer = await self._calls.client(self._app_token).apps_connections_open(
            app_token=self._app_token
        )
        url = str(answer["url"])
        if not self._ours(url):
            raise ValueError("Slack named an address that is not its own")
        async with self._calls.session.ws_connect(
            url,
            heartbeat=_HEARTBEAT,
            max_msg_size=_LARGEST,
            timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
        ) as socket:
            self.open += 1
            try:
                async for frame in socket:
                    if frame.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    envelope = _decoded(frame.data)
                    if envelope.get("type") == "disconnect":
                        # This one still gets what is under way, the next one is opened meanwhile.
                        leave.set()
                    elif "envelope_id" in envelope:
                        await self._answer(gateway, envelope, socket.send_str)
            finally:
                self.open -= 1

    def _ours(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host == self._host:
            return parts.scheme in ("ws", "wss")
        return parts.scheme == "wss" and host.endswith(".slack.com")

    # -- one envelope ------------------------------------------------------------------------------

    async def _answer(
        self, gateway: Gateway, envelope: Json, send: Callable[[str], Awaitable[None]]
    ) -> None:
        parsed = self._read(str(envelope.get("type")), envelope.get("payload"))
        for inbound in parsed.inbound if parsed is not None else ():
            try:
                stored = await gateway.receive(inbound)
            except StoreUnavailable:
                stored = None
            if not isinstance(stored, Accepted):
                self._counts["refused", "not_stored"] += 1
                return
            what = "duplicate" if stored.duplicate else "accepted"
            self._counts["envelope", what] += 1
        with suppress(*FAILED):  # Not acknowledged: it comes again and is recognised.
            await send(msgspec.json.encode({"envelope_id": envelope["envelope_id"]}).decode())


def _decoded(data: str) -> Json:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
