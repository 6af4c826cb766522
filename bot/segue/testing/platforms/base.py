"""What all stand-ins of platforms share.

    class Telegram(Platform):
        def routes(self): return [("POST", "/bot{token}/{method}", self._call)]

    async with Telegram(clock=clock) as telegram:
        telegram.fault(Fault("too_fast", retry_after=3))     # told one by one, for the next calls
        ...
        telegram.ledger                                      # every call, taken or not

- A fault is told beforehand, and used up by the first call it fits.
- A webhook is delivered as the platform would: in order, and again after the times of its schedule
  until it is answered with 2xx. Waiting goes by the clock that was given.
- Buckets are the platform's own rules: a sender that respects them never sees a 429.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

import aiohttp
from aiohttp import web

from segue.ports import Clock, SystemClock

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Kind: TypeAlias = Literal["too_fast", "broken", "taken_then_reset", "reset", "stall"]


@dataclass(kw_only=True)
class Call:
    """One request to the platform's API, as it came and what became of it."""

    method: str
    """Of the API: `sendMessage`, `chat.postMessage`, `Messages`."""
    params: dict[str, Any]
    at: datetime
    status: int = 0
    """What was answered; 0: the connection was cut, or it still waits."""
    taken: bool = False
    """Whether the platform did what was asked: a message of a taken call reaches the customer."""
    answer: Any = None


@dataclass
class Fault:
    """What goes wrong with the next fitting call.

    `too_fast` is answered with 429, `broken` with `status` (500), both with nothing done.
    `taken_then_reset` is done, then the connection is cut; `reset` is cut with nothing done.
    `stall` is neither done nor answered until `Platform.release`.
    """

    kind: Kind
    method: str = ""
    """Only calls of this API method; empty: any."""
    retry_after: float = 1
    status: int = 500
    body: Any = None
    """An error body of the platform's own, instead of the usual one."""


@dataclass
class Hook:
    """One delivery of a webhook: what was sent, and the statuses it was answered with."""

    url: str
    body: bytes
    headers: dict[str, str]
    statuses: list[int] = field(default_factory=list)
    """0 stands for a connection that failed or was too slow."""

    @property
    def delivered(self) -> bool:
        """Whether it was taken in the end."""
        return bool(self.statuses) and 200 <= self.statuses[-1] < 300


class Buckets:
    """Token buckets as a platform keeps them: who takes too much is told how long to wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, name: str, *, rate: float, burst: float, cost: float = 1.0) -> float:
        """Take tokens. Returns 0, or, with nothing taken, the seconds until there are enough."""
        now = self._clock.monotonic()
        level, at = self._levels.get(name, (burst, now))
        level = min(burst, level + (now - at) * rate)
        # A sender that waits exactly as long as it must is not refused for a rounding error.
        if level + 1e-6 < min(cost, burst):
            self._levels[name] = (level, now)
            return (min(cost, burst) - level) / rate
        self._levels[name] = (level - cost, now)
        return 0.0


class Platform:
    """A server that behaves as a platform does. Use it as `async with`, or `start` and `stop`."""

    name = "platform"
    retries: Sequence[float] = ()
    """Seconds before a webhook that was not taken is delivered again, the first retry first."""
    patience = 10.0
    """Seconds after which a webhook counts as not answered."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.buckets = Buckets(self.clock)
        self.ledger: list[Call] = []
        self.hooks: list[Hook] = []
        self.url = ""
        """Where it listens: `http://127.0.0.1:PORT`."""
        self._faults: deque[Fault] = deque()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- what a platform adds ----------------------------------------------------------------------

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return (HTTP method, path, handler) of the API."""
        raise NotImplementedError

    # -- life --------------------------------------------------------------------------------------

    async def start(self, port: int = 0) -> str:
        """Listen on loopback; return the address."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for method, path, handler in self.routes():
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        await web.SockSite(self._runner, listener).start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._client = aiohttp.ClientSession()
        return self.url

    async def stop(self) -> None:
        """Stop listening, and give up what is still to be delivered."""
        self._released.set()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- faults ------------------------------------------------------------------------------------

    def fault(self, *faults: Fault) -> None:
        """Let the next fitting calls go wrong, one fault each, in this order."""
        self._faults.extend(faults)

    def release(self) -> None:
        """Let stalled calls end: their connections are cut."""
        self._released.set()
        self._released = asyncio.Event()

    def next_fault(self, method: str) -> Fault | None:
        """Return the fault that this call meets, if any; it is used up."""
        for fault in self._faults:
            if fault.method in ("", method):
                self._faults.remove(fault)
                return fault
        return None

    async def cut(self, request: web.Request) -> web.StreamResponse:
        """Cut the connection without an answer."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)

    async def stalled(self, request: web.Request) -> web.StreamResponse:
        """Answer nothing until `release`; then the connection is cut."""
        await self._released.wait()
        return await self.cut(request)

    # -- webhooks ----------------------------------------------------------------------------------

    def deliver(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str] | Callable[[int], Mapping[str, str]],
        *,
        retries: Sequence[float] | None = None,
    ) -> asyncio.Task[Hook]:
        """Deliver a webhook in the background, again by the schedule until it is taken.

        `headers` may be a function of the attempt (0 is the first): signatures with a time, marks
        of a retry.
        """
        task = asyncio.get_running_loop().create_task(
            self._deliver(url, body, headers, self.retries if retries is None else retries)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def delivered(self) -> None:
        """Wait until no webhook is under way any more."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _deliver(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str] | Callable[[int], Mapping[str, str]],
        retries: Sequence[float],
    ) -> Hook:
        hook = Hook(url=url, body=body, headers={})
        self.hooks.append(hook)
        for attempt, wait in enumerate((0.0, *retries)):
            if wait:
                await self.clock.sleep(wait)
            hook.headers = dict(headers(attempt) if callable(headers) else headers)
            hook.statuses.append(await self.post(url, body, hook.headers))
            if hook.delivered:
                break
        return hook

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post once; return the status, 0 where the connection failed or was too slow."""
        assert self._client is not None, "start the platform first"
        try:
            async with self._client.post(
                url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self.patience),
            ) as answer:
                await self.answered(url, answer.status, await answer.read())
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    async def answered(self, url: str, status: int, body: bytes) -> None:
        """Do what the platform does with an answer (TwiML, a method in the body); else nothing."""
