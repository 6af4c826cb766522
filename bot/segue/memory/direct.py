"""Opening a connection to one server by ourselves, for the addresses that ask for nothing special.

    unix:///path    redis://HOST    redis://USER:PASSWORD@HOST:PORT/DB

redis-py can open these too, but importing it takes a fifth of the time until a server is ready. So
whatever is more than a host, a login and a database (TLS, options, lists of hosts) is left to it,
and it is imported only there.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

import hiredis
from msgspec import Struct

from segue.memory.wire import Opener, pack


class CannotOpen(OSError):
    """No connection could be opened just now; another try may do."""


class LoginRefused(Exception):
    """The server does not take this login; another try will not help."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a server is, and as whom we come."""

    path: str = ""
    """Of its socket; empty for a host."""
    host: str = ""
    port: int = 6379
    user: str = ""
    password: str = ""
    database: int = 0


def place_of(url: str) -> Place | None:
    """Return what a URL says, or None where it says more than we do by ourselves."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.query or parts.fragment or parts.scheme not in ("unix", "redis"):
        return None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and not password:
        return None
    path = unquote(parts.path)
    if parts.scheme == "unix":
        named = parts.netloc.rpartition("@")[2]
        return None if named or not path else Place(path=path, user=user, password=password)
    database = path.strip("/") or "0"
    if not (database.isascii() and database.isdigit()):
        return None
    return Place(
        host=parts.hostname or "localhost",
        port=port or 6379,
        user=user,
        password=password,
        database=int(database),
    )


def direct_opener(place: Place, timeout: float) -> Opener:
    """Return what opens a connection to this place, logged in; it raises what is above."""
    login: list[tuple[str, ...]] = []
    if place.password:
        login.append(("AUTH", *([place.user] if place.user else []), place.password))
    if place.database:
        login.append(("SELECT", str(place.database)))

    async def open_one() -> asyncio.StreamWriter:
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await (
                    asyncio.open_unix_connection(place.path)
                    if place.path
                    else asyncio.open_connection(place.host, place.port)
                )
                try:
                    for command in login:
                        _judge(command[0], await ask(reader, writer, *command))
                except BaseException:
                    writer.close()
                    raise
                return writer
        except TimeoutError:
            raise CannotOpen(f"no connection within {timeout:g} s") from None

    return open_one


def _judge(command: str, reply: Any) -> None:
    if isinstance(reply, hiredis.ReplyError):
        code = str(reply).partition(" ")[0]
        if command == "AUTH" and code not in ("LOADING", "MASTERDOWN", "BUSY"):
            raise LoginRefused(str(reply))
        raise CannotOpen(f"{command}: {reply}")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *command: str) -> Any:
    """Send one command on a connection nobody else uses yet, and return its reply.

    Raises `CannotOpen` where there is none, or none that can be read.
    """
    writer.write(pack(command))
    replies = hiredis.Reader(notEnoughData=Ellipsis)
    try:
        while (reply := replies.gets()) is Ellipsis:
            data = await reader.read(65536)
            if not data:
                raise CannotOpen("the server closed the connection")
            replies.feed(data)
    except hiredis.ProtocolError as error:
        raise CannotOpen(f"unreadable reply: {error}") from error
    return reply
