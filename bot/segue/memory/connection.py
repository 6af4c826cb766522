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
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import hiredis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import NoScriptError, RedisError, ResponseError

from segue.errors import SettingsError, StoreError, StoreUnavailable
from segue.memory.scripting import Script
from segue.memory.wire import Ear, Lost, Opener, Wire, pack
from segue.ports import Chance, SystemChance

log = logging.getLogger(__name__)

AGAIN = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY")
"""Error replies that pass: a server that starts, a failover, a slot that moves."""
FULL = ("OOM", "MISCONF")
"""Error replies of a server that takes no writes now; waiting a second does not help."""


class Server(Protocol):
    """What the store needs of a connection."""

    clustered: bool
    calls: int
    """Round trips so far: a batch counts once."""
    tally: Counter[str]
    """Runs of each script so far."""

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        packed: bytes | None = None,
    ) -> Any:
        """Run one script and return its reply; `packed` is the same call, ready to be sent."""
        ...

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[bytes], Sequence[Any]]]
    ) -> list[Any]:
        """Run independent scripts in one batch."""
        ...

    async def info(self) -> list[dict[str, str]]:
        """Return what each server says of itself (INFO)."""
        ...

    async def listen(self, patterns: list[bytes], heard: Callable[[bytes, bytes], None]) -> None:
        """Return when subscribed; goes on by itself until `close`."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


def connect(
    url: str,
    *,
    timeout: float = 2.0,
    patience: float | None = None,
    chance: Chance | None = None,
) -> Server:
    """Return a server that connects when first used.

    `timeout` is for one reply, `patience` for a call with all its repetitions, in seconds.
    """
    chance = chance or SystemChance()
    scheme = urlsplit(url).scheme
    if scheme == "redis+cluster":
        return Cluster(url, timeout=timeout, patience=patience or 20.0, chance=chance)
    if scheme in ("redis+sentinel", "rediss+sentinel"):
        opener = _sentinel_opener(url, timeout)
    elif scheme in ("redis", "rediss", "unix"):
        opener = _opener(url, timeout)
    else:
        raise SettingsError(
            "store.url",
            f"{scheme or url!r} is no scheme that is known here",
            "Use embedded:, redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://",
        )
    return Single(opener, timeout=timeout, patience=patience or 5.0, chance=chance)


def _options(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError as error:
        raise SettingsError("store.url", str(error), "See docs/store.md for examples") from error


def _opener(url: str, timeout: float) -> Opener:
    options = _options(url)
    kind = options.pop("connection_class", Connection)
    options |= {"protocol": 2, "socket_timeout": timeout, "socket_connect_timeout": timeout}

    async def opener() -> Connection:
        connection: Connection = kind(**options)
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    return opener


def _hosts(netloc: str, default: int) -> list[tuple[str, int]]:
    hosts = []
    for part in netloc.rpartition("@")[2].split(","):
        split = urlsplit(f"//{part}")
        hosts.append((split.hostname or "localhost", split.port or default))
    return hosts


def _login(url: str) -> dict[str, Any]:
    """Return what a list-of-hosts URL says besides its hosts, as redis-py's options."""
    parts = urlsplit(url)
    at = parts.netloc.rpartition("@")[0]
    netloc = f"{at}@localhost" if at else "localhost"
    secure = parts.scheme.startswith("rediss") or "ssl=true" in parts.query.lower()
    query = "&".join(p for p in parts.query.split("&") if p and not p.lower().startswith("ssl="))
    plain = urlunsplit(("rediss" if secure else "redis", netloc, "", query, ""))
    options = _options(plain)
    options.pop("host", None)
    options.pop("connection_class", None)
    options["ssl"] = secure
    return options


def _sentinel_opener(url: str, timeout: float) -> Opener:
    parts = urlsplit(url)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise SettingsError(
            "store.url",
            "a sentinel URL without the name of the service",
            "Write redis+sentinel://HOST:PORT,HOST:PORT/SERVICE",
        )
    options = _login(url)
    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    guards = {name: options[name] for name in options if name.startswith("ssl") and options["ssl"]}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(parts.netloc, 26379), sentinel_kwargs={**guards, **times, "protocol": 2}
    )
    options |= {**times, "protocol": 2, "db": int(db or 0)}
    pool = sentinel.master_for(service, **options).connection_pool

    async def opener() -> Connection:
        connection: Connection = pool.make_connection()
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    return opener


class _Patience:
    """The rhythm of trying again: 20 to 500 ms with jitter, until the time is over."""

    def __init__(self, seconds: float, chance: Chance) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds
        self._chance = chance
        self._pause = 0.02

    def left(self) -> float:
        return self._end - self._loop.time()

    async def wait(self, why: Exception) -> None:
        pause = self._pause * (0.5 + self._chance.random())
        if self.left() <= pause:
            raise StoreUnavailable(f"the store cannot be reached: {why}") from why
        self._pause = min(self._pause * 2, 0.5)
        await asyncio.sleep(pause)


class _Base:
    """What both kinds share: listening with reconnection, and tasks that end with `close`."""

    clustered = False

    def __init__(self, timeout: float, patience: float, chance: Chance) -> None:
        self.calls = 0
        self.tally: Counter[str] = Counter()
        self._timeout = timeout
        self._patience = patience
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self._ear: Ear | None = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listening_connection(self) -> Connection:
        raise NotImplementedError

    async def listen(self, patterns: list[bytes], heard: Callable[[bytes, bytes], None]) -> None:
        """Subscribe, and subscribe again whenever the connection is lost."""
        ear = self._ear = Ear(await self._listening_connection(), patterns, heard)
        await ear.listening

        async def keep() -> None:
            pause = 0.02
            while True:
                if self._ear is not None:
                    await self._ear.ended
                    self._ear = None
                await asyncio.sleep(pause * (0.5 + self._chance.random()))
                try:
                    self._ear = Ear(await self._listening_connection(), patterns, heard)
                    pause = 0.02
                except (RedisError, OSError, StoreError) as error:
                    pause = min(pause * 2, 0.5)
                    log.debug("store.listen_failed", extra={"error": str(error)})

        self._spawn(keep())

    async def _end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._ear is not None:
            self._ear.close()


class Single(_Base):
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
        patience = _Patience(self._patience, self._chance)
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

    async def _connected(self, patience: _Patience) -> Wire:
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
            except (RedisError, OSError, TimeoutError, AttributeError, TypeError) as error:
                await patience.wait(error)

    async def _open(self) -> Wire:
        try:
            self._wire = Wire(await self._opener(), self._timeout)
            return self._wire
        finally:
            self._opening = None

    async def info(self) -> list[dict[str, str]]:
        """Return the server's INFO."""
        wire = await self._connected(_Patience(self._patience, self._chance))
        self.calls += 1
        return [parse_info(await wire.send(pack((b"INFO",))))]

    async def _listening_connection(self) -> Connection:
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


class Cluster(_Base):
    """A cluster, through redis-py's client, with our own patience around it."""

    clustered = True

    def __init__(self, url: str, *, timeout: float, patience: float, chance: Chance) -> None:
        super().__init__(timeout, patience, chance)
        self._hosts = _hosts(urlsplit(url).netloc, 6379)
        options = _login(url)
        options.pop("db", None)
        self._options = options | {
            "protocol": 2,
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
        }
        self._client: RedisCluster | None = None

    def _connected(self) -> RedisCluster:
        if self._client is None:
            nodes = [ClusterNode(host, port) for host, port in self._hosts]
            self._client = RedisCluster(startup_nodes=nodes, **self._options)
        return self._client

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        packed: bytes | None = None,
    ) -> Any:
        """Run one script on the node that holds its keys."""
        self.calls += 1
        self.tally[script.name] += 1
        patience: _Patience | None = None
        while True:
            try:
                client = self._connected()
                try:
                    return await client.execute_command(
                        "EVALSHA", script.sha, len(keys), *keys, *args
                    )
                except NoScriptError:
                    return await client.execute_command(
                        "EVAL", script.text, len(keys), *keys, *args
                    )
            except ResponseError as error:
                if str(error).startswith(FULL):
                    raise StoreUnavailable(f"the store takes no writes: {error}") from error
                if not str(error).startswith(AGAIN):
                    raise StoreError(f"{script.name}: {error}") from error
                problem: Exception = error
            except (RedisError, OSError, TimeoutError, AttributeError, TypeError) as error:
                # The last two escape from redis-py while it rebuilds its table of slots.
                problem = error
            patience = patience or _Patience(self._patience, self._chance)
            await patience.wait(problem)

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[bytes], Sequence[Any]]]
    ) -> list[Any]:
        """Run independent scripts side by side."""
        before = self.calls
        replies = await asyncio.gather(*(self.run(*call) for call in calls))
        self.calls = before + 1
        return list(replies)

    async def info(self) -> list[dict[str, str]]:
        """Return the INFO of every primary."""
        patience = _Patience(self._patience, self._chance)
        while True:
            try:
                client = self._connected()
                await client.initialize()
                found = []
                for node in client.get_primaries():
                    connection = node.acquire_connection()
                    try:
                        await connection.connect()  # type: ignore[no-untyped-call]
                        await connection.send_command("INFO")
                        found.append(parse_info(await connection.read_response()))
                    finally:
                        node.release(connection)
                self.calls += 1
                return found
            except (RedisError, OSError, TimeoutError, AttributeError, TypeError) as error:
                await patience.wait(error)

    async def _listening_connection(self) -> Connection:
        # A published message reaches every node of a cluster, so any one will do.
        client = self._connected()
        await client.initialize()
        options = {k: v for k, v in self._options.items() if k != "ssl"}
        problem: Exception = StoreUnavailable("the cluster has no nodes")
        for node in client.get_nodes():
            try:
                kind = node.connection_class
                connection: Connection = kind(host=node.host, port=node.port, **options)
                await connection.connect()  # type: ignore[no-untyped-call]
            except (RedisError, OSError) as error:
                problem = error
            else:
                return connection
        raise problem

    async def close(self) -> None:
        """End all connections."""
        await self._end()
        if self._client is not None:
            await self._client.aclose()


def parse_info(reply: bytes | Exception) -> dict[str, str]:
    """Return the fields of an INFO reply."""
    if isinstance(reply, Exception):
        raise StoreError(f"INFO: {reply}")
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}
