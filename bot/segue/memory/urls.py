"""From a URL to what opens a connection: redis-py does the reading, we add lists of hosts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from segue.errors import SettingsError
from segue.memory.wire import Opener


def _options(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError as error:
        raise SettingsError("store.url", str(error), "See docs/store.md for examples") from error


def opener(url: str, timeout: float) -> Opener:
    """Return what opens a connection to the one server of a URL."""
    options = _options(url)
    kind = options.pop("connection_class", Connection)
    options |= {"protocol": 2, "socket_timeout": timeout, "socket_connect_timeout": timeout}

    async def open_one() -> Connection:
        connection: Connection = kind(**options)
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    return open_one


def reviving(open_first: Opener, ensure: Callable[[], Awaitable[None]]) -> Opener:
    """Return what opens a connection and, where nobody answers, first sees to it that one does."""

    async def open_one() -> Connection:
        try:
            return await open_first()
        except (RedisError, OSError):
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
    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    guards = {name: options[name] for name in options if name.startswith("ssl") and options["ssl"]}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        hosts(parts.netloc, 26379), sentinel_kwargs={**guards, **times, "protocol": 2}
    )
    options |= {**times, "protocol": 2, "db": int(db or 0)}
    pool = sentinel.master_for(service, **options).connection_pool

    async def open_one() -> Connection:
        connection: Connection = pool.make_connection()
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
        finally:
            # Asked once per connection, so nothing is kept open to them.
            for watcher in sentinel.sentinels:
                await watcher.aclose()
        return connection

    return open_one
