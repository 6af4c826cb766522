"""The channel in front of the real core: two processes' worth of it, on one store."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import jwt
import pytest
from aiohttp import ClientSession, DummyCookieJar, ServerDisconnectedError

from segue.app import App
from segue.server import Server, make_app
from segue.settings import load

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-shared-secret-of-the-host-site-which-is-at-least-64-bytes-long!"


class Process:
    """One app with its server, and a client."""

    def __init__(self, app: App, server: Server, client: ClientSession) -> None:
        self.app = app
        self.server = server
        self.client = client

    async def call(self, method, path, session=None, **kwargs):
        headers = {"Authorization": f"Bearer {session}"} if session else {}
        url = f"{self.server.address}/channels/web/{path}"
        async with self.client.request(method, url, headers=headers, **kwargs) as answer:
            return answer.status, await answer.json()

    async def say(self, text, session=None, **more):
        return await self.call("POST", "messages?wait=10", session, json={"text": text, **more})

    async def connect(self, session, after=-1):
        socket = await self.client.ws_connect(
            f"{self.server.address}/channels/web/socket", origin=self.server.address
        )
        await socket.send_json({"type": "hello", "session": session, "after": after})
        return socket


@pytest.fixture
async def two(valkey, store_prefix, tmp_path):
    """Two processes of one installation, with the sample company."""
    settings = load(
        environ={},
        store={
            "url": f"unix://{valkey.socket}",
            "prefix": store_prefix,
            "partitions": 4,
            "data_dir": str(tmp_path),
        },
        dialogs={"path": str(ROOT / "dialogs")},
        voice={"path": str(ROOT / "brand_voice")},
        channels={
            "web": {
                "jwt_keys": {"one": SECRET},
                "audience": "shop",
                "poll_seconds": 0.3,
                "customer_rate": 0,
            }
        },
    )
    processes = []
    for _ in range(2):
        app = App(settings)
        await app.start()
        await app.watch()
        server = Server(make_app(app.adapters, app.core, ready={"store": app.ready}), port=0)
        await server.start()
        processes.append(Process(app, server, ClientSession(cookie_jar=DummyCookieJar())))
    yield processes
    for process in processes:
        await process.client.close()
        process.server.gate.closed = True
        await process.app.stop(grace=2)
        await process.server.stop()


async def frames(socket, until):
    """Read frames until one satisfies; return them all."""
    found = []
    async with asyncio.timeout(10):
        while True:
            frame = (await socket.receive()).json()
            found.append(frame)
            if until(frame):
                return found


def identity(subject: str) -> str:
    now = int(time.time())
    claims = {"sub": subject, "aud": "shop", "iat": now, "exp": now + 300, "name": "Ada"}
    return jwt.encode(claims, SECRET, algorithm="HS256")


async def test_a_conversation_goes_on_in_another_process(two):
    """Begun here, continued there: same session, same customer, same open question."""
    here, there = two
    status, said = await here.say("I want to send something back")
    assert status == 200
    assert said["replies"]
    session = said["session"]
    status, said = await there.say("A1001", session)
    assert status == 200
    assert said["duplicate"] is False
    _, one = await here.call("GET", "messages", session)
    _, other = await there.call("GET", "messages", session)
    assert one["lines"] == other["lines"]
    numbers = [line["n"] for line in one["lines"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [line["text"] for line in one["lines"] if line["who"] == "customer"] == [
        "I want to send something back",
        "A1001",
    ]


async def test_a_socket_hears_of_what_another_process_did(two):
    """The hint comes over the store; the lines come by cursor, complete."""
    here, there = two
    _, said = await here.say("Hello")
    session = said["session"]
    socket = await there.connect(session)
    await frames(socket, lambda frame: frame["type"] == "lines")
    await here.say("How long does delivery take?", session, client_message_id="q1")
    found = await frames(
        socket,
        lambda frame: frame["type"] == "lines" and frame["lines"][-1]["who"] == "bot",
    )
    lines = [line for frame in found if frame["type"] == "lines" for line in frame["lines"]]
    assert lines[0]["client_message_id"] == "q1"
    await socket.close()


async def test_a_session_ended_here_is_dead_there(two):
    """Logout in one process: the other refuses the token and closes its socket."""
    here, there = two
    _, said = await here.say("Hello")
    session = said["session"]
    socket = await there.connect(session)
    await frames(socket, lambda frame: frame["type"] == "lines")
    status, _ = await here.call("POST", "logout", session, json={})
    assert status == 200
    assert (await there.say("Still me", session))[0] == 401
    assert (await there.call("GET", "messages", session))[0] == 401
    found = await frames(socket, lambda frame: frame["type"] == "ended")
    assert found[-1] == {"type": "ended", "why": "revoked"}
    await socket.close()


async def test_one_person_identified_in_two_places_at_once_is_one_customer(two):
    """However the two race, both sessions see one conversation."""
    here, there = two
    answers = await asyncio.gather(
        *(
            process.call("POST", "identify", json={"token": identity("ada")})
            for process in (here, there, here, there)
        )
    )
    assert [status for status, _ in answers] == [200] * 4
    sessions = [said["session"] for _, said in answers]
    assert len({session.split(".")[0] for session in sessions}) == 1
    await here.say("I am Ada", sessions[0])
    _, page = await there.call("GET", "messages", sessions[1])
    assert "I am Ada" in [line["text"] for line in page["lines"]]


async def test_a_retry_gets_the_answer_it_missed(two):
    """The same id, asked again elsewhere: not a second message, and the replies of the first."""
    here, there = two
    _, said = await here.say("Hello")
    session = said["session"]
    _, first = await here.say("What are your opening hours?", session, client_message_id="m")
    status, again = await there.say("What are your opening hours?", session, client_message_id="m")
    assert (status, again["duplicate"]) == (200, True)
    assert again["replies"] == first["replies"]


async def test_a_stopping_process_keeps_what_it_accepted(two):
    """What was accepted before the stop is answered; what comes after is told to try again."""
    here, there = two
    _, said = await here.say("Hello")
    session = said["session"]
    status, _ = await here.call("POST", "messages", session, json={"text": "Opening hours?"})
    assert status == 202
    here.server.gate.closed = True
    await here.app.stop(grace=5)
    assert (await here.call("POST", "messages", session, json={"text": "x"}))[0] == 503
    await there.app.core.settled(session.split(".")[0], within=5)
    _, page = await there.call("GET", "messages", session)
    texts = [line["text"] for line in page["lines"]]
    assert "Opening hours?" in texts
    assert page["lines"][-1]["who"] == "bot"


def hold_commits(process, monkeypatch):
    """Let this process's commits wait for the first event; the second says that one does."""
    go, waits, commit = asyncio.Event(), asyncio.Event(), process.app.store.commit

    async def held(*args):
        waits.set()
        await go.wait()
        return await commit(*args)

    monkeypatch.setattr(process.app.store, "commit", held)
    return go, waits


async def test_who_has_waited_long_enough_is_answered_and_the_turn_goes_on(two, monkeypatch):
    """A turn runs in the task of the request that waits for it. When the time is up the request is
    answered without it (202); the turn ends all the same, and the connection serves others."""
    here, _ = two
    _, said = await here.say("I want to send something back")
    session = said["session"]
    go, _waits = hold_commits(here, monkeypatch)
    status, late = await here.call(
        "POST", "messages?wait=0.2", session, json={"text": "A1001", "client_message_id": "m1"}
    )
    assert status == 202
    assert "replies" not in late
    [customer] = here.app.worker._running
    assert here.app.worker.busy(customer) is not None
    status, _ = await here.call("GET", "messages", session)
    assert status == 200
    go.set()
    assert await here.app.core.settled(customer, within=5)
    _, transcript = await here.call("GET", "messages", session)
    assert [line["who"] for line in transcript["lines"]][-2:] == ["customer", "bot"]
    assert here.app.worker.counts.turns == 2


async def test_who_hangs_up_ends_no_turn(two, monkeypatch):
    """The client is gone while its turn runs in its request's task: the turn is finished."""
    here, _ = two
    _, said = await here.say("I want to send something back")
    session = said["session"]
    go, waits = hold_commits(here, monkeypatch)
    _, writer = await asyncio.open_connection(
        "127.0.0.1", int(here.server.address.rpartition(":")[2])
    )
    body = b'{"text": "A1001", "client_message_id": "m1"}'
    writer.write(
        b"POST /channels/web/messages?wait=10 HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nAuthorization: Bearer %b\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (session.encode(), len(body), body)
    )
    await asyncio.wait_for(waits.wait(), 5)
    [customer] = here.app.worker._running
    writer.close()
    await asyncio.sleep(0.05)
    go.set()
    assert await here.app.core.settled(customer, within=5)
    _, transcript = await here.call("GET", "messages", session)
    assert [line["who"] for line in transcript["lines"]][-2:] == ["customer", "bot"]


async def test_what_is_cut_off_at_the_stop_is_handed_back(two, monkeypatch):
    """A turn in a request's task that outlasts the grace gives its lease back, and another process
    answers; nothing is lost and nothing said twice."""
    here, there = two
    _, said = await here.say("I want to send something back")
    session = said["session"]
    _go, waits = hold_commits(here, monkeypatch)
    asking = asyncio.create_task(
        here.call("POST", "messages?wait=10", session, json={"text": "A1001"})
    )
    await asyncio.wait_for(waits.wait(), 5)
    [customer] = here.app.worker._running
    await here.app.worker.drain(0.05)
    with pytest.raises(ServerDisconnectedError):
        await asking
    await there.app.worker.look_after(customer)
    assert await there.app.core.settled(customer, within=5)
    _, transcript = await there.call("GET", "messages", session)
    assert [line["who"] for line in transcript["lines"]][-2:] == ["customer", "bot"]
    assert [line["text"] for line in transcript["lines"]].count("A1001") == 1
