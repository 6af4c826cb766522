"""The connection: shared, repeated when in doubt, and honest when there is nothing to be done."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from segue.errors import SettingsError, StoreUnavailable, StoreUnfit
from segue.memory import Commit, Committed, Fenced, Granted, Store, open_store
from segue.memory.connection import connect
from segue.memory.direct import CannotOpen, Place, direct_opener, place_of
from segue.memory.embedded import Embedded, embedded
from segue.memory.scripting import script
from segue.memory.wire import Lost, Wire


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Embedded]:
    """A server of this test's own, which it may mistreat."""
    async with embedded(tmp_path) as server:
        yield server


@pytest.fixture
def admin(server: Embedded) -> Any:
    """An operator's client on that server."""
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        yield client


async def opened(server: Embedded, **settings: Any) -> Store:
    return await open_store(server.url, partitions=4, **settings)


async def test_scripts_are_loaded_when_missing(server: Embedded, admin: Any, hands: Any) -> None:
    """A server that has forgotten all scripts (a restart, a failover) gets them again."""
    async with await opened(server) as store:
        granted = await hands.begin(store)
        admin.script_flush()
        done = await store.commit(granted.lease, Commit(state=b"s", ack=1))
        assert isinstance(done, Committed)
        assert admin.script_exists(script("commit").sha.decode()) == [True]


async def test_a_lost_connection_is_opened_again(server: Embedded, admin: Any, hands: Any) -> None:
    """Calls during a cut connection are made again on the next one, and applied once."""
    async with await opened(server) as store:
        await store.create(hands.ada, hands.web, 2)

        async def one(number: int) -> Any:
            if number % 10 == 0:
                admin.client_kill_filter(_type="normal", skipme=True)
            return await store.admit(hands.ada, hands.said(number))

        answers = await asyncio.gather(*(one(number) for number in range(60)))
        assert sum(isinstance(answer, Granted) for answer in answers) == 1
        snapshot = await store.snapshot(hands.ada)
        assert snapshot is not None
        assert snapshot.waiting == 60


async def test_hints_come_again_after_a_cut(server: Embedded, admin: Any, hands: Any) -> None:
    """The listening connection is opened again too."""
    async with await opened(server) as store:
        heard: asyncio.Queue[str] = asyncio.Queue()
        store.subscribe(heard.put_nowait)
        admin.client_kill_filter(_type="pubsub")
        granted = await hands.begin(store)
        lease = granted.lease
        while heard.empty():
            noted = await store.record(lease, Commit(state=b"s", log=(b"line",)))
            assert isinstance(noted, Committed)
            assert noted.lease is not None
            lease = noted.lease
        assert heard.get_nowait() == hands.ada


async def test_a_silent_server_is_asked_again(server: Embedded, admin: Any, hands: Any) -> None:
    """A reply that does not come in time is asked for again; what was done is not done twice."""
    short = timedelta(seconds=0.1)
    async with await opened(server, timeout=short) as store:
        granted = await hands.begin(store)
        admin.client_pause(400, all=True)
        done = await store.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"line",)))
        assert isinstance(done, Committed)
        assert (done.version, done.cursor) == (1, 1)
        assert await store.commit(granted.lease, Commit(state=b"t")) == Fenced()


async def test_patience_ends(tmp_path: Path, hands: Any) -> None:
    """Where nobody answers, the error comes after the patience, and says that it may be tried."""
    connection = connect(f"unix://{tmp_path}/nobody.sock", patience=0.2)
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        await connection.run(script("owner"), (b"id",), (1,))
    assert caught.value.retry
    await connection.close()


async def test_a_full_server_is_unavailable_at_once(
    server: Embedded, admin: Any, hands: Any
) -> None:
    """A server out of memory is not asked again and again; nothing is half written."""
    async with await opened(server, patience=timedelta(seconds=60)) as store:
        granted = await hands.begin(store)
        before = await store.snapshot(hands.ada)
        admin.config_set("maxmemory", 1)
        with pytest.raises(StoreUnavailable, match="takes no writes"):
            await store.admit(hands.ada, hands.said(2))
        with pytest.raises(StoreUnavailable, match="takes no writes"):
            await store.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"line",)))
        assert await store.snapshot(hands.ada) == before
        admin.config_set("maxmemory", 0)
        done = await store.commit(granted.lease, Commit(state=b"s", ack=1))
        assert isinstance(done, Committed)


def by_option(password: str) -> Callable[[str], str]:
    """Return what makes a URL that redis-py opens."""
    return lambda url: f"{url}?password={password}"


def by_login(password: str) -> Callable[[str], str]:
    """Return what makes a URL that is opened directly."""
    return lambda url: url.replace("unix://", f"unix://:{password}@")


@pytest.mark.parametrize("way", [by_option, by_login])
async def test_a_wrong_login_is_said_at_once(server: Embedded, admin: Any, way: Any) -> None:
    """A password the server does not take is no reason to wait."""
    wrong, right = way("wrong"), way("right")
    admin.config_set("requirepass", "right")
    with pytest.raises(StoreUnfit, match="login"):
        await open_store(wrong(server.url), patience=timedelta(seconds=60))
    async with await open_store(right(server.url)) as store:
        assert await store.snapshot("nobody") is None
    admin.config_set("requirepass", "")


async def test_a_caller_who_gives_up_confuses_nobody(server: Embedded, hands: Any) -> None:
    """The reply to a cancelled call is not taken for somebody else's."""
    async with await opened(server) as store:
        for number in range(20):
            await store.create(f"c{number}", hands.sms, 2)
        calls = [
            asyncio.ensure_future(store.admit(f"c{number}", hands.said(1), create=True))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*(store.snapshot(f"c{number}") for number in range(20)))
        assert [answer.customer for answer in answers if answer] == [
            f"c{number}" for number in range(20)
        ]
        await asyncio.gather(*calls, return_exceptions=True)


async def test_calls_of_one_moment_leave_together(server: Embedded) -> None:
    """Replies come back in order, each to its caller, though all went out in one write."""
    connection = connect(server.url)
    replies = await asyncio.gather(
        *(connection.run(script("singleton"), (b"k%d" % n,), ("me", 1000)) for n in range(500))
    )
    assert replies == [1] * 500
    assert connection.calls == 500
    before = connection.calls
    await connection.run_many([(script("owner"), (b"id%d" % n,), (1,)) for n in range(50)])
    assert connection.calls == before + 1, "a batch is one round trip"
    await connection.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await connection.run(script("owner"), (b"id",), (1,))


async def test_an_unreadable_reply_ends_the_connection(tmp_path: Path) -> None:
    """Something that does not speak the protocol is not believed."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    path = tmp_path / "babble.sock"
    async with await asyncio.start_unix_server(babble, path):
        wire = Wire(await direct_opener(Place(path=str(path)), 1.0)(), 1.0)
        with pytest.raises(Lost, match="unreadable"):
            await wire.send(b"*1\r\n$4\r\nPING\r\n")
        with pytest.raises(Lost, match="closed"):
            await wire.send(b"*1\r\n$4\r\nPING\r\n")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://somewhere", "http"),
        ("localhost:6379", "store.url"),
        ("redis+sentinel://host:26379", "name of the service"),
        ("redis://host?socket_timeout=soon", "socket_timeout"),
    ],
)
def test_a_wrong_url_is_explained(url: str, says: str) -> None:
    """A URL that cannot be used is one sentence with the cure."""
    with pytest.raises(SettingsError, match=says):
        connect(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("unix:///run/valkey.sock", Place(path="/run/valkey.sock")),
        ("unix://:a%2Fb@/run/v.sock", Place(path="/run/v.sock", password="a/b")),
        ("redis://host", Place(host="host")),
        ("redis://", Place(host="localhost")),
        (
            "redis://ada:se%20cret@[::1]:7000/3",
            Place(host="::1", port=7000, user="ada", password="se cret", database=3),
        ),
        ("redis://host/three", None),
        ("redis://host:port", None),
        ("redis://host?ssl_cert_reqs=none", None),
        ("redis://ada@host", None),
        ("rediss://host", None),
        ("unix://host/run/v.sock", None),
    ],
)
def test_plain_addresses_are_opened_without_redis_py(url: str, place: Place | None) -> None:
    """A host, a login and a database are all that we read ourselves; the rest is redis-py's."""
    assert place_of(url) == place


async def test_a_database_that_is_not_there_is_no_connection(server: Embedded) -> None:
    """What the server refuses before the first script is an error that is tried again."""
    place = Place(path=str(server.socket), database=99)
    with pytest.raises(CannotOpen, match="SELECT"):
        await direct_opener(place, 1.0)()


def test_a_plain_store_imports_no_redis_py(tmp_path: Path) -> None:
    """The start does not pay for a client that it does not use."""
    code = (
        "import sys, segue.app; from segue.memory.urls import opener; "
        "opener('redis://host:6379/1', 1.0); "
        "print([name for name in sys.modules if name.partition('.')[0] == 'redis'])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
