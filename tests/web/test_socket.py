"""The socket: the transcript as it grows, without gap and without double."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from segue.channel import NotAccepted


async def lines(shop, socket, count):
    """Read until `count` lines have come; return them."""
    found = []
    while len(found) < count:
        frame = await shop.read(socket)
        if frame["type"] == "lines":
            assert frame["cursor"] == frame["lines"][-1]["n"]
            found += frame["lines"]
    return found


async def test_a_stranger_is_welcomed_with_a_session(shop):
    """The first hello issues a session; its token is in the welcome and nowhere else."""
    socket = await shop.connect()
    welcome = await shop.read(socket)
    assert welcome["type"] == "welcome"
    assert (await shop.get("messages", welcome["session"]))[0] == 200


async def test_a_message_is_accepted_then_answered(shop):
    """The client hears that its message is stored, then reads it and its answer."""
    socket = await shop.connect(locale="de")
    await shop.read(socket)
    await socket.send_json({"type": "message", "text": "Hallo", "client_message_id": "m1"})
    assert await shop.read(socket) == {
        "type": "accepted",
        "client_message_id": "m1",
        "duplicate": False,
    }
    mine, answer = await lines(shop, socket, 2)
    assert (mine["who"], mine["text"], mine["client_message_id"]) == ("customer", "Hallo", "m1")
    assert (answer["who"], answer["text"]) == ("bot", "You said: Hallo")
    assert shop.gateway.received[0][1].locale == "de"


async def test_an_opening_is_told_once(shop):
    """Two tabs that open the chat for the first time get one greeting."""
    one = await shop.connect()
    session = (await shop.read(one))["session"]
    two = await shop.connect(session)
    await shop.read(two)
    await one.send_json({"type": "opened"})
    await two.send_json({"type": "opened"})
    assert [line["text"] for line in await lines(shop, one, 1)] == ["Hello."]
    assert [line["text"] for line in await lines(shop, two, 1)] == ["Hello."]
    assert [inbound.kind for _, inbound in shop.gateway.received] == ["opened"]


async def test_two_tabs_show_one_conversation(shop):
    """What is said in one is seen in the other."""
    session = await shop.begin()
    one, two = await shop.connect(session), await shop.connect(session)
    await shop.read(one)
    await shop.read(two)
    await one.send_json({"type": "message", "text": "From one", "client_message_id": "1"})
    assert await lines(shop, one, 4) == await lines(shop, two, 4)


@pytest.mark.parametrize("cut", range(9))
async def test_a_client_resumes_where_it_was(shop, cut):
    """Whatever the cursor, what follows comes complete, in order, and once."""
    session = await shop.begin()
    customer = shop.gateway.received[0][0]
    shop.gateway.say(customer, *(f"line {number}" for number in range(6)))
    socket = await shop.connect(session, after=cut)
    welcome = await shop.read(socket)
    assert welcome["cursor"] == cut
    shop.gateway.say(customer, "the last")
    numbers = [line["n"] for line in await lines(shop, socket, 9 - cut)]
    assert numbers == list(range(cut + 1, 10))


async def test_more_than_a_page_comes_in_order(shop):
    """Three hundred lines since the cursor arrive without gap and without double."""
    session = await shop.begin()
    customer = shop.gateway.received[0][0]
    shop.gateway.say(customer, *map(str, range(300)))
    socket = await shop.connect(session, after=2)
    await shop.read(socket)
    assert [line["n"] for line in await lines(shop, socket, 300)] == list(range(3, 303))


async def test_a_newcomer_sees_the_last_two_hundred(shop):
    """A page opened on a long conversation does not load all of it."""
    session = await shop.begin()
    shop.gateway.say(shop.gateway.received[0][0], *map(str, range(1000)))
    socket = await shop.connect(session, after=-1)
    await shop.read(socket)
    assert [line["n"] for line in await lines(shop, socket, 200)] == list(range(803, 1003))


async def test_a_cursor_of_another_conversation_is_no_cursor(shop):
    """Beyond the end, the conversation is shown as to a newcomer."""
    session = await shop.begin()
    socket = await shop.connect(session, after=4711)
    assert (await shop.read(socket))["cursor"] == -1
    assert len(await lines(shop, socket, 2)) == 2


async def test_lost_hints_only_cost_time(open_shop):
    """Where no wake-up arrives, the socket looks by itself."""
    shop = await open_shop(poll_seconds=0.02)
    session = await shop.begin()
    shop.gateway.deaf = True
    socket = await shop.connect(session)
    await lines(shop, socket, 2)
    shop.gateway.say(shop.gateway.received[0][0], "written elsewhere")
    assert (await lines(shop, socket, 1))[0]["text"] == "written elsewhere"


async def test_the_same_id_over_http_and_sockets_is_one_message(shop):
    """Ten copies in parallel, half of them by each way: one message, one answer."""
    session = await shop.begin()
    socket = await shop.connect(session)
    await lines(shop, socket, 2)
    body = {"text": "Once", "client_message_id": "m"}
    await asyncio.gather(
        *(socket.send_json({"type": "message", **body}) for _ in range(5)),
        *(shop.post(json=body, session=session) for _ in range(5)),
    )
    duplicates = []
    while len(duplicates) < 5:
        frame = await shop.read(socket)
        if frame["type"] == "accepted":
            duplicates.append(frame["duplicate"])
    assert [inbound.text for _, inbound in shop.gateway.received].count("Once") == 1
    _, page = await shop.get("messages", session)
    assert [line["text"] for line in page["lines"]].count("You said: Once") == 1


async def test_a_refused_message_says_why_and_whether_to_try_again(open_shop):
    """A message that cannot be taken is refused, and the socket stays open."""
    shop = await open_shop()
    socket = await shop.connect()
    await shop.read(socket)
    shop.gateway.refusing = NotAccepted(why="closed", status=503)
    await socket.send_json({"type": "message", "text": "x", "client_message_id": "1"})
    refused = await shop.read(socket)
    assert (refused["type"], refused["client_message_id"], refused["retry"]) == (
        "refused",
        "1",
        True,
    )
    shop.gateway.refusing = None
    await socket.send_json({"type": "message", "text": "x" * 5000, "client_message_id": "2"})
    refused = await shop.read(socket)
    assert (refused["client_message_id"], refused["retry"]) == ("2", False)
    shop.gateway.broken = True
    await socket.send_json({"type": "message", "text": "x", "client_message_id": "3"})
    refused = await shop.read(socket)
    assert (refused["client_message_id"], refused["retry"]) == ("3", True)
    shop.gateway.broken = False
    await socket.send_json({"type": "message", "text": "Now", "client_message_id": "4"})
    assert [line["text"] for line in await lines(shop, socket, 2)] == ["Now", "You said: Now"]


async def test_typing_is_shown_while_an_answer_is_written(shop):
    """On while a turn runs, off with its lines."""
    shop.gateway.held = asyncio.Event()
    socket = await shop.connect()
    await shop.read(socket)
    await socket.send_json({"type": "message", "text": "x", "client_message_id": "1"})
    frames = [await shop.read(socket), await shop.read(socket)]
    assert {"type": "typing", "on": True} in frames
    shop.gateway.held.set()
    frames = [await shop.read(socket), await shop.read(socket)]
    assert frames[0]["type"] == "lines"
    assert frames[1] == {"type": "typing", "on": False}


async def test_typing_and_reading_are_understood(shop):
    """The client may say that it types and what it has read."""
    socket = await shop.connect()
    await shop.read(socket)
    await socket.send_json({"type": "typing", "on": True})
    await socket.send_json({"type": "read", "cursor": 3})
    await socket.send_json({"type": "message", "text": "x", "client_message_id": "1"})
    assert (await shop.read(socket))["type"] == "accepted"


async def test_a_slow_reader_is_disconnected_and_resumes(open_shop):
    """Who does not read gets no endless queue, and misses nothing afterwards."""
    shop = await open_shop(slow_seconds=0.2, poll_seconds=0.05)
    session = await shop.begin()
    customer = shop.gateway.received[0][0]
    _, writer = await asyncio.open_connection(
        *shop.server.address.removeprefix("http://").split(":"), limit=2**10
    )
    writer.write(
        b"GET /channels/web/socket HTTP/1.1\r\nHost: "
        + shop.server.address[7:].encode()
        + b"\r\nOrigin: "
        + shop.server.address.encode()
        + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    hello = b'{"type":"hello","after":2,"session":"' + session.encode() + b'"}'
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(hello))
    writer.write(b"\x81\xfe" + len(hello).to_bytes(2, "big") + mask + masked)
    await writer.drain()
    await shop.until(lambda: shop.channel.gauges()["open_sockets"] == 1)
    reads = shop.gateway.reads
    for _ in range(20):
        shop.gateway.say(customer, *("x" * 4000 for _ in range(100)))
    await shop.until(lambda: shop.channel.gauges()["open_sockets"] == 0)
    assert shop.gateway.reads - reads < 60, "it went on reading for somebody who does not"
    writer.transport.abort()
    socket = await shop.connect(session, after=2)
    await shop.read(socket)
    assert [line["n"] for line in await lines(shop, socket, 2000)] == list(range(3, 2003))


async def test_too_many_frames_close_the_socket(shop):
    """A client in a loop is told to wait."""
    socket = await shop.connect()
    for _ in range(100):
        await socket.send_json({"type": "typing", "on": True})
    assert await shop.closed(socket) == 4429
    assert shop.counts["refused", "too_many_frames"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"type":"message","text":"x","admin":1}', 1008),
        ('{"type":"nonsense"}', 1008),
        ('{"type":"hello"}', 1008),
        ("[" * 10_000, 1008),
        ("{", 1008),
        ('{"type":"typing","on":"yes"}', 1008),
        ("x" * 100_000, 1009),
        (b"binary", 1008),
    ],
)
async def test_broken_frames_close_the_socket(shop, caplog, frame, code):
    """Too big, too deep, unknown, of the wrong type: closed with a code, nothing logged."""
    socket = await shop.connect()
    await shop.read(socket)
    await (socket.send_bytes if isinstance(frame, bytes) else socket.send_str)(frame)
    assert await shop.closed(socket) == code
    assert not caplog.records


@pytest.mark.parametrize(
    "frame", ['{"type":"opened"}', "{", '{"type":"hello","session":5}', '{"type":"hello","x":1}']
)
async def test_the_first_frame_must_be_a_hello(shop, frame):
    """Anything else is no client of ours."""
    socket = await shop.client.ws_connect(f"{shop.url}/socket", origin=shop.server.address)
    await socket.send_str(frame)
    assert await shop.closed(socket) == 1008


async def test_a_made_up_session_is_ended_at_once(shop):
    """The client is told to forget it."""
    socket = await shop.connect("x" * 22 + "." + "y" * 43 + "." + "z" * 36)
    assert await shop.read(socket) == {"type": "ended", "why": "unknown"}
    assert await shop.closed(socket) == 4401


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://SHOP.example",
        "https://evil.example",
        "http://127.0.0.1:1",
    ],
)
async def test_a_foreign_page_gets_no_socket(shop, origin):
    """The Origin must be on the list, sign by sign."""
    with pytest.raises(WSServerHandshakeError) as refused:
        await shop.client.ws_connect(f"{shop.url}/socket", origin=origin)
    assert refused.value.status == 403


async def test_an_allowed_page_gets_one(shop):
    """The host site, and the server's own pages on this machine."""
    for origin in (shop.SITE, shop.server.address):
        socket = await shop.client.ws_connect(f"{shop.url}/socket", origin=origin)
        await socket.close()


async def test_a_name_that_points_here_is_not_this_machine(shop):
    """A foreign name resolved to this machine (rebinding) is a foreign site."""
    with pytest.raises(WSServerHandshakeError) as refused:
        await shop.client.ws_connect(
            f"{shop.url}/socket",
            headers={"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
        )
    assert refused.value.status == 403


async def test_with_a_public_url_only_it_and_the_list_count(open_shop):
    """A production server does not take a loopback name for its own."""
    shop = await open_shop(public_url="https://chat.shop.example")
    socket = await shop.client.ws_connect(f"{shop.url}/socket", origin="https://chat.shop.example")
    await socket.close()
    with pytest.raises(WSServerHandshakeError):
        await shop.client.ws_connect(f"{shop.url}/socket", origin=shop.server.address)


async def test_the_number_of_sockets_is_limited(open_shop):
    """Beyond it, a client hears to come again later."""
    shop = await open_shop(max_sockets=2)
    await shop.connect()
    await shop.connect()
    with pytest.raises(WSServerHandshakeError) as refused:
        await shop.connect()
    assert refused.value.status == 503


async def test_a_closed_socket_leaves_nothing_behind(shop):
    """No watcher, no entry, no count."""
    socket = await shop.connect()
    await shop.read(socket)
    assert shop.gateway.watched() == 1
    await socket.close()
    await shop.until(lambda: shop.channel.gauges()["open_sockets"] == 0)
    assert shop.gateway.watched() == 0
    assert shop.channel._visitors._sockets == {}


async def test_stopping_sends_clients_elsewhere(shop):
    """Every socket is closed with 1001, which means: connect again."""
    sockets = [await shop.connect() for _ in range(3)]
    for socket in sockets:
        await shop.read(socket)
    codes, _ = await asyncio.gather(
        asyncio.gather(*(shop.closed(socket) for socket in sockets)), shop.channel.stop()
    )
    assert codes == [1001, 1001, 1001]


async def test_a_store_that_comes_back_is_read_on(shop):
    """While the store is away the socket stays; then it goes on where it was."""
    session = await shop.begin()
    socket = await shop.connect(session)
    await lines(shop, socket, 2)
    customer = shop.gateway.received[0][0]
    shop.gateway.broken = True
    shop.gateway.say(customer, "while it was away")
    await shop.until(lambda: len(shop.clock.slept) > 2)
    shop.gateway.broken = False
    assert (await lines(shop, socket, 1))[0]["text"] == "while it was away"
