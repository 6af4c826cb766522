"""How Segue talks to the server: one small surface, whatever the server is.

    redis://  rediss://  unix://         one server, one shared connection (see `wire`)
    redis+sentinel://host:port,host:port/service     the same, to whoever is master now
    redis+cluster://host:port,host:port              redis-py's cluster client

Only scripts are run, so a reply looks the same everywhere. A lost connection or a failover means
that the outcome is *unknown*: the call is sent again, with the same arguments and so with the same
operation id, until `patience` is over; the scripts answer a repeated operation without applying it
again. After that it is `StoreUnavailable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import hiredis

from segue.errors import SettingsError, StoreError, StoreUnavailable, StoreUnfit
from segue.memory.direct import LoginRefused
from segue.memory.scripting import Script
from segue.memory.server import AGAIN, FULL, Base, Patience, Server, parse_info
from segue.memory.urls import opener, reviving, sentinel_opener
from segue.memory.wire import Lost, Opener, Wire, pack
from segue.ports import Chance, SystemChance


def connect(
    url: str,
    *,
    timeout: float = 2.0,
    patience: float | None = None,
    chance: Chance | None = None,
    ensure: Callable[[], Awaitable[None]] | None = None,
) -> Server:
    """Return a server that connects when first used.

    `timeout` is for one reply, `patience` for a call with all its repetitions, in seconds.
    `ensure` starts a server of our own again when nobody answers.
    """
    chance = chance or SystemChance()
    scheme = urlsplit(url).scheme
    if scheme == "redis+cluster":
        from segue.memory.cluster import Cluster  # with all of redis-py: see `direct.py`

        return Cluster(url, timeout=timeout, patience=patience or 20.0, chance=chance)
    if scheme in ("redis+sentinel", "rediss+sentinel"):
        open_one = sentinel_opener(url, timeout)
    elif scheme in ("redis", "rediss", "unix"):
        open_one = opener(url, timeout)
    else:
        raise SettingsError(
            "store.url",
            f"{scheme or url!r} is no scheme that is known here",
            "Use embedded:, redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://",
        )
    if ensure is not None:
        open_one = reviving(open_one, ensure)
    return Single(open_one, timeout=timeout, patience=patience or 5.0, chance=chance)


class Single(Base):
    """One server (or the master that Sentinel names) behind one shared connection."""

    def __init__(self, opener: Opener, *, timeout: float, patience: float, chance: Chance) -> None:
        super().__init__(timeout, patience, chance)
        self._opener = opener
        self._wire: Wire | None = None
        self._opening: asyncio.Task[Wire] | None = None
        self._closed = False

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        packed: bytes | None = None,
    ) -> Any:
        """Run one script over the shared connection."""
        self.calls += 1
        self.tally[script.name] += 1
        command = packed or pack((b"EVALSHA", script.sha, len(keys), *keys, *args))
        wire = self._wire
        if wire is not None and not wire.closed:
            try:
                reply = await wire.send(command)
            except Lost as lost:
                return await self._again(script, keys, args, command, lost)
            if not isinstance(reply, hiredis.ReplyError):
                return reply
            return await self._again(script, keys, args, command, reply)
        return await self._again(script, keys, args, command, None)

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[bytes], Sequence[Any]]]
    ) -> list[Any]:
        """Run independent scripts side by side."""
        before = self.calls
        replies = await asyncio.gather(*(self.run(*call) for call in calls))
        self.calls = before + 1
        return list(replies)

    async def _again(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        command: bytes,
        problem: Exception | None,
    ) -> Any:
        """Whatever went wrong the first time: load, wait, connect, repeat."""
        patience = Patience(self._patience, self._chance)
        while True:
            if isinstance(problem, hiredis.ReplyError):
                code = str(problem).partition(" ")[0]
                if code == "NOSCRIPT":
                    command = pack((b"EVAL", script.text, len(keys), *keys, *args))
                elif code in FULL:
                    raise StoreUnavailable(f"the store takes no writes: {problem}") from problem
                elif code in AGAIN:
                    if code == "READONLY" and self._wire is not None:
                        self._wire.close("the master is a replica now")
                    await patience.wait(problem)
                elif code in ("MOVED", "ASK"):
                    raise StoreUnfit(
                        "the store is a node of a cluster. Write redis+cluster:// in store.url"
                    ) from problem
                else:
                    raise StoreError(f"{script.name}: {problem}") from problem
            elif problem is not None:
                await patience.wait(problem)
            try:
                reply = await (await self._connected(patience)).send(command)
            except Lost as lost:
                problem = lost
                continue
            if not isinstance(reply, hiredis.ReplyError):
                return reply
            problem = reply

    async def _connected(self, patience: Patience) -> Wire:
        """Return the connection, opening it once for all who wait."""
        while True:
            if self._wire is not None and not self._wire.closed:
                return self._wire
            if self._closed:
                raise StoreUnavailable("the store was closed")
            if self._opening is None:
                self._opening = asyncio.get_running_loop().create_task(self._open())
            opening = self._opening
            try:
                return await asyncio.wait_for(asyncio.shield(opening), max(patience.left(), 0.01))
            except LoginRefused as error:
                raise StoreUnfit(f"the store refuses store.url's login: {error}") from error
            except (OSError, TimeoutError) as error:
                await patience.wait(error)

    async def _open(self) -> Wire:
        try:
            self._wire = Wire(await self._opener(), self._timeout)
            return self._wire
        finally:
            self._opening = None

    async def info(self) -> list[dict[str, str]]:
        """Return the server's INFO."""
        wire = await self._connected(Patience(self._patience, self._chance))
        self.calls += 1
        return [parse_info(await wire.send(pack((b"INFO",))))]

    async def _listening_connection(self) -> asyncio.StreamWriter:
        return await self._opener()

    async def close(self) -> None:
        """End all connections; whoever still waits gets `StoreUnavailable`."""
        self._closed = True
        await self._end()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._wire is not None:
            self._wire.close()
