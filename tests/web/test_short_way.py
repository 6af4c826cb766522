"""The short way of a small request: what takes it, what does not, and that nobody can tell."""

from __future__ import annotations

import asyncio
import json
import socket
from unittest.mock import Mock

import pytest
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from segue.channel import Answered, Route
from segue.server import Gate, Metrics, Server, make_app
from segue.server.short import read_small, written
from segue_adapters.testing import MemoryGateway

PATH = "/messages"
WHOLE = (
    b"POST /messages?wait=5 HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)


def test_a_whole_request_is_read():
    """Path, headers by small names, and body come out as they were sent."""
    small = read_small(WHOLE)
    assert small is not None
    assert (small.method, small.raw_path, small.body) == ("POST", "/messages?wait=5", b"{}")
    assert small.headers == {
        "host": "a.example",
        "content-type": "application/json",
        "content-length": "2",
    }


@pytest.mark.parametrize(
    "data",
    [
        WHOLE[:-1],
        WHOLE + b"P",
        WHOLE + WHOLE,
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE.replace(b"POST", b"PUT"),
        WHOLE.replace(b"POST /", b"POST http://b.example/"),
        WHOLE.replace(b"Length: 2", b"Length: +2"),
        WHOLE.replace(b"Length: 2", b"Length: 0x2"),
        WHOLE.replace(b"Length: 2", b"Length: 1"),
        WHOLE.replace(b"Length: 2", b"Length: 3"),
        WHOLE.replace(b"Content-Length: 2\r\n", b""),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nContent-Length: 2\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nTransfer-Encoding: chunked\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\ntransfer-encoding: x\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nExpect: 100-continue\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nUpgrade: websocket\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nConnection: close\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nX: one\r\n two\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nX : one\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nX: o\x00ne\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nX: o\rne\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\r\nX: \xc3\xa4\r\n"),
        WHOLE.replace(b"Length: 2\r\n", b"Length: 2\n"),
        WHOLE.replace(b"Host: a.example\r\n", b""),
        WHOLE.replace(b"Host: a.example\r\n", b"Host: a.example\r\nHost: b.example\r\n"),
        WHOLE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 9000 + b"\r\n\r\n"),
    ],
)
def test_what_is_not_beyond_doubt_goes_the_long_way(data):
    """A request in pieces, several at once, and everything that two readers may read differently
    (RELIABILITY-SECURITY: request smuggling) is left to the library as it came."""
    assert read_small(data) is None


LINES = st.sampled_from(
    [
        b"POST /a HTTP/1.1",
        b"POST /a?b=%2f HTTP/1.1",
        b"POST //a HTTP/1.1",
        b"Host: x",
        b"Content-Length: 0",
        b"Content-Length: 3",
        b"content-length:3 ",
        b"Content-Length: 03",
        b"Transfer-Encoding: chunked",
        b"Connection: Keep-Alive",
        b"Connection: x, close",
        b"X-Y: a:b\tc",
        b"X-Y:",
        b"A b: c",
        b" folded",
        b"",
    ]
)
REQUESTS = st.one_of(
    st.builds(
        lambda first, lines, end, body: b"\r\n".join([first, *lines]) + end + body,
        LINES,
        st.lists(LINES, max_size=5),
        st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n"]),
        st.sampled_from([b"", b"abc", b"0\r\n\r\n", b"abcPOST /a HTTP/1.1\r\nHost: x\r\n\r\n"]),
    ),
    st.builds(
        lambda data, at, byte: data[:at] + bytes([byte]) + data[at + 1 :],
        st.just(WHOLE),
        st.integers(0, len(WHOLE) - 1),
        st.integers(0, 255),
    ),
)


@given(REQUESTS)
def test_both_ways_read_the_same(data):
    """What takes the short way is, to the library, the same one request with the same body."""
    small = read_small(data)
    if small is None:
        return
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(Mock(_reading_paused=False), loop, 2**16)
        messages, upgraded, tail = parser.feed_data(data)
        [(message, payload)] = messages
        assert (upgraded, tail, message.should_close) == (False, b"", False)
        assert (message.method, message.path) == (small.method, small.raw_path)
        assert {k.lower(): v for k, v in message.headers.items()} == small.headers
        assert payload.is_eof()
        assert b"".join(payload._buffer) == small.body
    finally:
        loop.close()


def test_no_header_of_an_answer_begins_another():
    """A value with a line break is refused, wherever it came from."""
    with pytest.raises(ValueError, match="header"):
        written(Answered(more=(("X", "a\r\nSet-Cookie: b"),)))
    with pytest.raises(ValueError, match="header"):
        written(Answered(headers={"X": "a\nb"}))


class House:
    """A server with one path that echoes, one that waits and one that fails."""

    def __init__(self) -> None:
        self.open, self.went_on = asyncio.Event(), asyncio.Event()
        self.gate, self.metrics = Gate(), Metrics()
        self.asked: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []
        routes = [
            Route(method="POST", path=PATH, short=self.echo),
            Route(method="POST", path="/wait", short=self.wait),
            Route(method="POST", path="/fails", short=self.fails),
            Route(method="POST", path="/much", short=self.much),
            Route(method="POST", path="/early", short=self.early),
        ]
        app = make_app(
            {},
            MemoryGateway(),
            routes=routes,
            metrics=self.metrics,
            gate=self.gate,
            trusted_proxies=["127.0.0.1/32"],
        )
        self.server = Server(app, port=0, grace=1)

    async def echo(self, request):
        body = await request.read()
        self.asked.append(request.remote)
        return Answered(body=body, headers={"Content-Type": "text/plain", "Server": "segue"})

    async def wait(self, request):
        await request.read()
        await self.open.wait()
        return Answered(body=b"waited")

    async def fails(self, request):
        raise ValueError("canary words of a customer")

    async def early(self, request):
        request.answer(Answered(status=202, body=b"early"))
        request.answer(Answered(status=202, body=b"twice"))
        await self.open.wait()
        self.went_on.set()
        return Answered(body=b"late")

    async def much(self, request):
        await request.read()
        return Answered(body=b"x" * 500_000)

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    @property
    def port(self):
        return int(self.server.address.rpartition(":")[2])


@pytest.fixture
async def house():
    house = House()
    await house.server.start()
    yield house
    house.open.set()
    for writer in house.writers:
        writer.close()
    await house.server.stop()


def asking(path: str, body: bytes = b"hello", head: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode()
        + body
    )


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(5):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, await reader.readexactly(int(headers["content-length"]))


async def test_nobody_can_tell_the_ways_apart(house):
    """In one piece or in two, the answer is the same; the connection goes on, either way."""
    reader, writer = await house.connect()
    answers = []
    for pieces in ([asking(PATH)], [asking(PATH)[:20], asking(PATH)[20:]], [asking(PATH)]):
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        answers.append(await answer(reader))
    for _status, headers, _body in answers:
        headers.pop("date")
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][::2] == (200, b"hello")


async def test_a_look_between_two_messages_changes_nothing(house):
    """GETs on the same connection are the library's, and what follows them is read afresh."""
    reader, writer = await house.connect()
    for data, body in (
        (asking(PATH), b"hello"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", None),
    ):
        for _ in range(2):
            writer.write(data)
            status, _, said = await answer(reader)
            assert (status, said) == (200, body or said)
    writer.write(asking(PATH, b"again"))
    assert (await answer(reader))[2] == b"again"


async def test_requests_one_behind_the_other_are_answered_in_order(house):
    """What comes while an answer is awaited is held, and read when that answer has gone out."""
    reader, writer = await house.connect()
    writer.write(asking("/wait"))
    await asyncio.sleep(0.02)
    writer.write(asking(PATH, b"second") + asking(PATH, b"third")[:30])
    await asyncio.sleep(0.02)
    writer.write(asking(PATH, b"third")[30:])
    house.open.set()
    assert [(await answer(reader))[2] for _ in range(3)] == [b"waited", b"second", b"third"]


async def test_faults_and_stopping_are_one_sentence(house):
    """A fault is a 500 that says nothing of what was sent; a server that stops answers 503."""
    reader, writer = await house.connect()
    writer.write(asking("/fails"))
    status, headers, body = await answer(reader)
    assert status == 500
    assert json.loads(body).keys() == {"error"}
    assert b"canary" not in body
    writer.write(asking(PATH))
    assert (await answer(reader))[0] == 200
    house.gate.closed = True
    writer.write(asking(PATH))
    status, headers, body = await answer(reader)
    assert (status, headers["retry-after"], headers["connection"]) == (503, "2", "close")
    assert await reader.read() == b""


async def test_the_proxy_says_who_asks(house):
    """Behind a trusted proxy the peer is the last address that is not ours, as on the long way."""
    reader, writer = await house.connect()
    writer.write(asking(PATH, head="X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\n"))
    await answer(reader)
    assert house.asked == ["9.9.9.9"]


async def test_an_answer_under_way_outlives_the_stop(house):
    """A server that stops waits for what it has begun to answer, then closes the connection."""
    reader, writer = await house.connect()
    writer.write(asking("/wait"))
    await asyncio.sleep(0.02)
    stopping = asyncio.create_task(house.server.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    house.open.set()
    assert (await answer(reader))[2] == b"waited"
    assert await reader.read() == b""
    await stopping


async def test_who_leaves_is_not_waited_for(house):
    """A client that hangs up ends nothing: the handler goes on, and the server stops at once."""
    _, writer = await house.connect()
    writer.write(asking("/wait"))
    await asyncio.sleep(0.02)
    writer.close()
    await asyncio.sleep(0.02)
    house.open.set()
    async with asyncio.timeout(2):
        await house.server.stop()


async def test_who_does_not_read_is_not_read(house):
    """Answers nobody takes do not pile up: nothing more is read until they are on their way."""
    one, two = socket.socket(), asking("/much")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, ("127.0.0.1", house.port))
    for _ in range(20):
        await loop.sock_sendall(one, two)
        await asyncio.sleep(0.01)
    [connection] = house.server._runner.server.connections
    assert connection.transport.get_write_buffer_size() <= 600_000
    one.close()


async def test_an_early_answer_leaves_the_connection_to_others(house):
    """The handler goes on by itself; what it returns in the end goes nowhere."""
    reader, writer = await house.connect()
    writer.write(asking("/early"))
    assert (await answer(reader))[::2] == (202, b"early")
    writer.write(asking(PATH, b"next"))
    assert (await answer(reader))[::2] == (200, b"next")
    house.open.set()
    await asyncio.wait_for(house.went_on.wait(), 5)
    writer.write(asking(PATH, b"last"))
    assert (await answer(reader))[::2] == (200, b"last")
