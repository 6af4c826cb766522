"""From a URL to what opens a connection: plain ones by ourselves, the others through redis-py.

redis-py reads what it opens; lists of hosts are added here. It is imported where it is needed, and
only there, see `direct.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from segue.errors import SettingsError
from segue.memory.direct import CannotOpen, LoginRefused, direct_opener, place_of
from segue.memory.wire import Opener

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection


def _options(url: str) -> dict[str, Any]:
    from redis.asyncio.connection import parse_url

    try:
        return dict(parse_url(url))
    except ValueError as error:
        raise SettingsError("store.url", str(error), "See docs/store.md for examples") from error


def opener(url: str, timeout: float) -> Opener:
    """Return what opens a connection to the one server of a URL."""
    place = place_of(url)
    if place is not None:
        return direct_opener(place, timeout)
    from redis.asyncio.connection import Connection

    options = _options(url)
    kind = options.pop("connection_class", Connection)
    options |= {"protocol": 2, "socket_timeout": timeout, "socket_connect_timeout": timeout}

    async def open_one() -> asyncio.StreamWriter:
        connection: Connection = kind(**options)
        return await taken_over(connection)

    return open_one


async def taken_over(connection: Connection) -> asyncio.StreamWriter:
    """Let redis-py connect and log in; return the connection, which is ours from then on."""
    from redis.exceptions import AuthenticationError, RedisError

    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except RedisError as error:
        # redis-py wraps it on some kinds of connection.
        if isinstance(error, AuthenticationError) or isinstance(
            error.__cause__, AuthenticationError
        ):
            raise LoginRefused(str(error)) from error
        raise CannotOpen(str(error)) from error
    # These two are redis-py's own; a test pins that they are there.
    writer: asyncio.StreamWriter | None = connection._writer
    connection._reader = connection._writer = None
    assert writer is not None
    return writer


def reviving(open_first: Opener, ensure: Callable[[], Awaitable[None]]) -> Opener:
    """Return what opens a connection and, where nobody answers, first sees to it that one does."""

    async def open_one() -> asyncio.StreamWriter:
        try:
            return await open_first()
        except OSError:
            await ensure()
            return await open_first()

    return open_one


def hosts(netloc: str, default: int) -> list[tuple[str, int]]:
    """Return the hosts and ports of a list like `a:1,b:2`."""
    found = []
    for part in netloc.rpartition("@")[2].split(","):
        split = urlsplit(f"//{part}")
        found.append((split.hostname or "localhost", split.port or default))
    return found


def login(url: str) -> dict[str, Any]:
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


def sentinel_opener(url: str, timeout: float) -> Opener:
    """Return what opens a connection to whoever is master of a service now."""
    parts = urlsplit(url)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise SettingsError(
            "store.url",
            "a sentinel URL without the name of the service",
            "Write redis+sentinel://HOST:PORT,HOST:PORT/SERVICE",
        )
    options = login(url)
    from redis.asyncio.sentinel import Sentinel

    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    guards = {name: options[name] for name in options if name.startswith("ssl") and options["ssl"]}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        hosts(parts.netloc, 26379), sentinel_kwargs={**guards, **times, "protocol": 2}
    )
    options |= {**times, "protocol": 2, "db": int(db or 0)}
    pool = sentinel.master_for(service, **options).connection_pool

    async def open_one() -> asyncio.StreamWriter:
        try:
            return await taken_over(pool.make_connection())
        finally:
            # Asked once per connection, so nothing is kept open to them.
            for watcher in sentinel.sentinels:
                await watcher.aclose()

    return open_one
