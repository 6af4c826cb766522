"""The server around the channels: webhooks, health, metrics, proxies, one guard for all."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from segue.channel import (
    Capabilities,
    NotAccepted,
    Parsed,
    RawRequest,
    Refused,
    Report,
    Route,
)
from segue.errors import SettingsError, StoreUnavailable
from segue.server import Gate, Metrics, Server, make_app
from segue.server.proxies import Proxies
from segue.types import Address, Inbound, Receipt
from segue_adapters.testing import MemoryGateway


@dataclass
class Sample:
    """A webhook channel that takes one word per request."""

    name: str = "sample"
    path: str = "/channels/sample/webhook"
    capabilities: Capabilities = field(default_factory=Capabilities)
    seen: list[RawRequest] = field(default_factory=list)
    problem: Exception | None = None

    def routes(self, gateway):
        return [Route(method="POST", path=self.path)]

    def verify(self, request):
        self.seen.append(request)
        if self.problem is not None:
            raise self.problem
        if request.headers.get("x-signature") != "right":
            return Refused(status=401, why="signature")
        return None

    def parse(self, request):
        if request.body == b"raise":
            raise ValueError("canary words")
        if request.body == b"nonsense":
            return Refused(status=400, why="nonsense")
        words = request.body.decode().split()
        inbound = tuple(
            Inbound(address=Address("sample", "canary-address"), message_id=word, text=word)
            for word in words
        )
        return Parsed(inbound=inbound, receipts=RECEIPTS, body=b"<ok/>")


RECEIPTS = (
    Report(id="1", receipt=Receipt.READ),
    Report(id="2", receipt=Receipt.FAILED),
)


@dataclass
class House:
    adapter: Sample
    gateway: MemoryGateway
    metrics: Metrics
    gate: Gate
    server: Server
    client: aiohttp.ClientSession

    async def send(self, body=b"hello", **headers):
        return await self.client.post(
            URL(self.server.address + self.adapter.path + "?b=2&a=1%2f", encoded=True),
            data=body,
            headers={"X-Signature": "right", **headers},
        )

    async def until(self, condition):
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            await asyncio.sleep(0.002)

    def number(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels) or 0


@pytest.fixture
async def house():
    adapter, gateway, metrics, gate = Sample(), MemoryGateway(), Metrics(), Gate()
    problems: list[str] = []

    async def ready():
        return problems[0] if problems else None

    async def broken():
        raise ValueError("canary words")

    async def fails(request):
        raise ValueError("canary words of a customer")

    async def away(request):
        raise StoreUnavailable("redis://user:canary@host")

    async def gone(request):
        raise web.HTTPGone(text="canary")

    app = make_app(
        {"sample": adapter},
        gateway,
        ready={"store": ready},
        routes=[
            Route(method="GET", path="/fails", handler=fails),
            Route(method="GET", path="/away", handler=away),
            Route(method="GET", path="/gone", handler=gone),
        ],
        public_url="https://chat.shop.example",
        trusted_proxies=["10.0.0.0/8"],
        body_limit=10_000,
        metrics=metrics,
        gate=gate,
    )
    server = Server(app, port=0, grace=1)
    await server.start()
    async with aiohttp.ClientSession() as client:
        house = House(adapter, gateway, metrics, gate, server, client)
        house.problems = problems
        house.broken = broken
        yield house
    await server.stop()


async def test_a_webhook_is_verified_parsed_received_and_answered(house):
    """The platform hears what the adapter says it should, after every message was stored."""
    answer = await house.send(b"one two")
    assert (answer.status, await answer.text()) == (200, "<ok/>")
    assert [inbound.text for _, inbound in house.gateway.received] == ["one", "two"]
    labels = {"channel": "sample", "outcome": "accepted"}
    assert house.number("segue_webhooks_total", **labels) == 2
    assert house.number("segue_receipts_total", channel="sample", receipt="read") == 1
    assert house.number("segue_receipts_total", channel="sample", receipt="failed") == 1
    assert [report.id for _, report in house.gateway.reports] == ["1", "2"]


async def test_the_request_reaches_the_adapter_as_it_came(house):
    """Names of headers in lower case, everything else byte for byte, the address from settings."""
    await house.send(b"\xff\x00")
    (request,) = house.adapter.seen[-1:]
    assert request.query == "b=2&a=1%2f"
    assert request.body == b"\xff\x00"
    assert request.headers["x-signature"] == "right"
    assert request.url == "https://chat.shop.example/channels/sample/webhook?b=2&a=1%2f"
    await house.send(b"x", Host="evil.example", **{"X-Forwarded-Host": "evil.example"})
    assert house.adapter.seen[-1].url.startswith("https://chat.shop.example/")


@pytest.mark.parametrize(
    ("body", "headers", "status", "why"),
    [
        (b"hello", {"X-Signature": "wrong"}, 401, "signature"),
        (b"nonsense", {}, 400, "nonsense"),
        (b"raise", {}, 400, "parse_raised"),
        (b"x" * 10_001, {}, 413, "too_large"),
        (b"hello", {"Content-Encoding": "gzip"}, 400, "encoding"),
    ],
)
async def test_what_is_not_let_in_is_one_sentence_and_a_counter(
    house, caplog, body, headers, status, why
):
    """Nothing is stored, and nothing that was sent is in answer or log."""
    answer = await house.send(body, **headers)
    assert answer.status == status
    assert set(await answer.json()) == {"error"}
    assert house.number("segue_webhooks_total", channel="sample", outcome=why) == 1
    assert house.gateway.received == []
    assert "canary" not in await answer.text()


async def test_an_adapter_that_raises_in_verify_lets_nobody_in(house):
    """401, not 500: an attacker learns nothing from a fault."""
    house.adapter.problem = TypeError("comparing strings with non-ASCII characters")
    answer = await house.send()
    assert answer.status == 401
    labels = {"channel": "sample", "outcome": "verify_raised"}
    assert house.number("segue_webhooks_total", **labels) == 1


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(house):
    """The platform gets a 503 with Retry-After and sends again; what was stored stays stored."""
    for refusing in (NotAccepted(why="full", status=429), NotAccepted(why="closed", status=503)):
        house.gateway.refusing = refusing
        answer = await house.send()
        assert answer.status == refusing.status
        assert "Retry-After" in answer.headers
    house.gateway.refusing = None
    house.gateway.broken = True
    assert (await house.send()).status == 503
    house.gateway.broken = False
    assert (await house.send()).status == 200
    assert (await house.send()).status == 200
    assert len(house.gateway.received) == 1


async def test_a_client_that_leaves_does_not_stop_what_was_begun(house):
    """The handler goes on after the connection is gone: the message is stored and answered."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    receive = house.gateway.receive

    async def slow(inbound, *, customer=None):
        begun.set()
        await go_on.wait()
        return await receive(inbound, customer=customer)

    house.gateway.receive = slow
    sending = asyncio.create_task(house.send())
    await begun.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()
    await house.until(lambda: house.gateway.received)


@pytest.mark.parametrize(
    ("path", "status"), [("/fails", 500), ("/away", 503), ("/gone", 410), ("/nothing", 404)]
)
async def test_an_error_is_one_sentence(house, caplog, path, status):
    """No traceback, no words of anybody; a fault of ours is logged by type and counted."""
    with caplog.at_level(logging.DEBUG):
        answer = await house.client.get(house.server.address + path)
    text = await answer.text()
    assert answer.status == status
    assert "canary" not in text
    assert "Traceback" not in text
    events = [record.msg for record in caplog.records if record.name == "segue.server"]
    assert events == (["request_failed"] if status == 500 else [])
    if status == 500:
        labels = {"channel": "pages", "error": "ValueError"}
        assert house.number("segue_request_failures_total", **labels) == 1


async def test_health_and_readiness_are_two_questions(house):
    """Alive is alive whatever is wrong; ready says what stands in the way."""
    house.problems.append("cannot be reached")
    answer = await house.client.get(house.server.address + "/readyz")
    assert answer.status == 503
    assert await answer.json() == {"ready": False, "why": {"store": "cannot be reached"}}
    assert (await house.client.get(house.server.address + "/healthz")).status == 200
    house.problems.clear()
    answer = await house.client.get(house.server.address + "/readyz")
    assert (answer.status, await answer.json()) == (200, {"ready": True, "why": {}})


async def test_a_question_that_fails_is_an_answer():
    """What raises or hangs is not ready; the endpoint answers all the same."""

    async def broken():
        raise ValueError("canary")

    app = make_app({}, MemoryGateway(), ready={"voice": broken})
    server = Server(app, port=0)
    await server.start()
    async with aiohttp.ClientSession() as client:
        answer = await client.get(server.address + "/readyz")
        assert answer.status == 503
        assert await answer.json() == {
            "ready": False,
            "why": {"voice": "could not answer (ValueError)"},
        }
    await server.stop()


async def test_a_stopping_server_takes_nothing_new(house):
    """503 for messages and new sockets, readiness off; health and metrics go on."""
    house.gate.closed = True
    assert (await house.send()).status == 503
    answer = await house.client.get(
        house.server.address + "/fails", headers={"Upgrade": "websocket"}
    )
    assert answer.status == 503
    answer = await house.client.get(house.server.address + "/readyz")
    assert (await answer.json())["why"]["server"] == "stopping"
    assert (await house.client.get(house.server.address + "/healthz")).status == 200
    assert (await house.client.get(house.server.address + "/metrics")).status == 200
    assert house.gateway.received == []


async def test_metrics_name_nobody(house):
    """A scrape shows numbers by channel; no address, no words."""
    await house.send(b"canary")
    text = await (await house.client.get(house.server.address + "/metrics")).text()
    assert 'segue_webhooks_total{channel="sample",outcome="accepted"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    for secret in ("canary", house.gateway.received[0][0]):
        assert secret not in text


async def test_two_channels_cannot_have_one_path():
    """Found before anything listens."""
    with pytest.raises(SettingsError, match="is taken by one"):
        make_app({"one": Sample(name="one"), "two": Sample(name="two")}, MemoryGateway())


async def test_the_next_free_port_is_taken_where_asked(house):
    """The demo moves on to the next port, a server says which one is taken."""
    port = int(house.server.address.rsplit(":", 1)[1])
    other = Server(make_app({}, MemoryGateway()), port=port)
    with pytest.raises(SettingsError, match="taken by another program"):
        await other.start()
    moved = Server(make_app({}, MemoryGateway()), port=port, next_free=True)
    assert int((await moved.start()).rsplit(":", 1)[1]) > port
    await moved.stop()


async def test_a_unix_socket_works_too(tmp_path):
    """For a proxy on the same machine."""
    path = tmp_path / "segue.sock"
    server = Server(make_app({}, MemoryGateway()), unix=path)
    assert await server.start() == str(path)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client:
        assert (await client.get("http://segue/healthz")).status == 200
    await server.stop()


class Asked:
    """A request, as far as `Proxies` looks at one."""

    def __init__(self, remote, *forwarded):
        from multidict import CIMultiDict

        self.remote = remote
        self.headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.1",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.2.3.4, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.1, 10.0.0.2",), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.1", "10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1, <script>",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("::ffff:10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
        ("10.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("", ("198.51.100.1",), "198.51.100.1"),
    ],
)
def test_only_our_own_proxies_are_believed(remote, forwarded, expected):
    """The list is read from its end, past our own networks; from others it is not read at all."""
    assert Proxies(["10.0.0.0/8"]).peer(Asked(remote, *forwarded)) == expected


async def test_behind_a_proxy_the_adapter_sees_who_asks():
    """What an adapter counts by IP address is the visitor's, not the proxy's."""
    seen = []

    async def who(request):
        seen.append(request.remote)
        return web.Response(text=await request.text())

    app = make_app(
        {},
        MemoryGateway(),
        routes=[Route(method="POST", path="/who", handler=who)],
        trusted_proxies=["127.0.0.0/8"],
    )
    server = Server(app, port=0)
    await server.start()
    async with aiohttp.ClientSession() as client:
        for forwarded in ("198.51.100.1", "1.2.3.4, 198.51.100.2"):
            answer = await client.post(
                server.address + "/who", data="body", headers={"X-Forwarded-For": forwarded}
            )
            assert await answer.text() == "body"
    await server.stop()
    assert seen == ["198.51.100.1", "198.51.100.2"]


def test_without_proxies_nobody_is_believed():
    """No network is ours unless the settings say so."""
    proxies = Proxies([])
    assert not proxies
    assert proxies.peer(Asked("127.0.0.1", "1.2.3.4")) == "127.0.0.1"
