"""Webhooks: what happened is told, signed, at least once, in order for each customer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from segue.api.events import RESERVED, TYPES, events_of
from segue.api.webhooks import Teller
from segue.cli.webhooks import _EVENTS
from segue.engine.summary import Summary, encode
from segue.memory import Commit, Granted, Store
from segue.memory.hooks import Happened
from segue.ports import Clock
from segue.testing.clock import FakeClock, FixedChance
from segue.types import Address, Inbound, Proof

ADA, BEN = "ada" + "0" * 19, "ben" + "0" * 19


class Receiver:
    """A system that is told things, and may not want to hear them."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, Any]], int] = lambda _event: 200
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        app.router.add_post("/away", self._away)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answer(json.loads(body))
        if status == 200:
            self.got.append((dict(request.headers), body))
        return web.Response(status=status)

    async def _away(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/hook")

    @property
    def told(self) -> list[tuple[str, str]]:
        """(customer, milestone or type) of what was taken."""
        events = [json.loads(body) for _, body in self.got]
        return [(e["customer"], e["data"].get("milestone", e["type"])) for e in events]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def teller(store: Store, clock: FakeClock) -> AsyncIterator[Teller]:
    made = telling(store, clock)
    yield made
    await made.close()


def telling(store: Store, clock: Clock, **more: Any) -> Teller:
    return Teller(store, clock=clock, chance=FixedChance(), **{"private": True, **more})


_numbers = iter(range(1, 10_000))


async def happens(store: Store, customer: str, *milestones: str, **more: Any) -> None:
    """A turn of a customer reaches milestones."""
    address = Address("web", customer)
    inbound = Inbound(address=address, message_id=f"m{next(_numbers)}", text="x")
    granted = await store.admit(customer, inbound, create=True)
    assert isinstance(granted, Granted)
    summary = Summary(
        turn=1,
        channel="web",
        locale="en",
        dialog="",
        replies=["common/hello"],
        milestones=list(milestones),
        unsure=0,
        **more,
    )
    commit = Commit(state=b"", ack=granted.number, events=(encode(summary),))
    await store.commit(granted.lease, commit)


async def test_a_milestone_is_told_and_signed(
    store: Store, teller: Teller, receiver: Receiver
) -> None:
    """The receiver checks the signature with what is in the documentation, and reads ids only."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "whsec_s")
    await store.create(ADA, Address("web-user", "/shop-17"), Proof.VERIFIED)
    await store.add_address(ADA, Address("web", ADA), Proof.CHANNEL)
    await happens(store, ADA, "label_sent")
    await teller.tell()
    [(headers, body)] = receiver.got
    event = json.loads(body)
    assert event["type"] == "milestone.reached"
    assert (event["customer"], event["external"]) == (ADA, ["shop-17"])
    assert event["data"] == {"milestone": "label_sent", "channel": "web"}
    assert headers["Segue-Event"] == event["id"]
    stamp, digest = headers["Segue-Signature"].removeprefix("t=").split(",v1=")
    expected = hmac.new(b"whsec_s", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, digest)


async def test_what_happened_before_is_not_told(
    store: Store, teller: Teller, receiver: Receiver
) -> None:
    """A webhook hears of what happens from when it was added."""
    await happens(store, ADA, "before")
    await asyncio.sleep(0.005)
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    await happens(store, ADA, "after")
    await teller.tell()
    assert receiver.told == [(ADA, "after")]
    await teller.tell()
    assert receiver.told == [(ADA, "after")]


async def test_only_the_types_it_wants(store: Store, teller: Teller, receiver: Receiver) -> None:
    """A webhook may ask for some types."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s", ["dialog.dropped"])
    await happens(store, ADA, "a", facts=["size"], started=["s1"], dropped=[("s2", "values")])
    await teller.tell()
    assert receiver.told == [(ADA, "dialog.dropped")]
    assert json.loads(receiver.got[0][1])["data"] == {"id": "s2", "why": "values"}


async def test_a_customers_events_keep_their_order_and_hold_up_nobody_else(
    store: Store, teller: Teller, receiver: Receiver, clock: FakeClock
) -> None:
    """While Ada's first is refused her second waits; Ben's is told."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    receiver.answer = lambda event: 400 if event["data"]["milestone"] == "one" else 200
    await happens(store, ADA, "one")
    await happens(store, ADA, "two")
    await happens(store, BEN, "three")
    await teller.tell()
    assert receiver.told == [(BEN, "three")]
    receiver.answer = lambda _event: 200
    await teller.tell()
    assert receiver.told == [(BEN, "three")], "not before its wait is over"
    clock.move(6)
    await teller.tell()
    assert receiver.told == [(BEN, "three"), (ADA, "one"), (ADA, "two")]


async def test_a_day_of_trying_then_it_is_parked_and_may_be_retried(
    store: Store, teller: Teller, receiver: Receiver, clock: FakeClock
) -> None:
    """It is tried later each time; after a day the next ones go on without it."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    tries = []

    def answer(event: dict[str, Any]) -> int:
        tries.append(event["id"])
        return 422

    receiver.answer = answer
    await happens(store, ADA, "one")
    for _ in range(26 * 60):
        await teller.tell()
        clock.move(60)
    queue = await store.queue("shop")
    assert len(set(tries)) == 1
    assert 20 < len(tries) < 40
    assert (queue.waiting, [event.why for event in queue.parked]) == (0, ["422"])
    assert queue.past[0].fate == "park"
    receiver.answer = lambda _event: 200
    assert await store.revive_event("shop", queue.parked[0])
    assert not await store.revive_event("shop", queue.parked[0])
    await teller.tell()
    assert receiver.told == [(ADA, "one")]


async def test_a_receiver_that_is_away_is_not_asked_for_each_event(
    store: Store, teller: Teller, receiver: Receiver, clock: FakeClock
) -> None:
    """It rests, longer each time, and is tried with one; then all is told."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    asked = []

    def answer(event: dict[str, Any]) -> int:
        asked.append(event["id"])
        return 503

    receiver.answer = answer
    customers = [f"c{number:02}".ljust(22, "0") for number in range(20)]
    for customer in customers:
        await happens(store, customer, "one")
    for _ in range(60):
        await teller.tell()
        clock.move(1)
    assert len(asked) < 20
    receiver.answer = lambda _event: 200
    clock.move(3600)
    for _ in range(3):
        await teller.tell()
        clock.move(3600)
    assert sorted(receiver.told) == [(customer, "one") for customer in customers]


async def test_who_dies_between_sending_and_noting_tells_it_again(
    store: Store, clock: FakeClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the same event, with the same id, and nothing is left out."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    await happens(store, ADA, "one")
    await happens(store, ADA, "two")
    first = telling(store, clock)

    async def dies(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "settle_event", dies)
        with pytest.raises(KeyboardInterrupt):
            await first._lane((await store.webhooks())[0], [*(await _taken_in(first, store))])
    await first.close()
    second = telling(store, clock)
    await second.tell()
    await second.close()
    assert receiver.told == [(ADA, "one"), (ADA, "one"), (ADA, "two")]
    ids = [json.loads(body)["id"] for _, body in receiver.got]
    assert ids[0] == ids[1]


async def _taken_in(teller: Teller, store: Store) -> Any:
    [hook] = await store.webhooks()
    await teller._take_in(hook, await store.queue(hook.name))
    return (await store.queue(hook.name)).events


async def test_who_dies_before_the_line_leaves_the_cursor(store: Store, clock: FakeClock) -> None:
    """Reading twice what happened puts it into the line once each time the cursor stood still."""
    await store.add_webhook("shop", "https://shop.example/", "s")
    await happens(store, ADA, "one")
    stale = await store.queue("shop")
    happened, cursors = await store.happened(stale)
    again, same = await store.happened(stale)
    assert (again, same) == (happened, cursors)
    events = [event for entry in happened for event in events_of(entry)]
    await store.put_events("shop", events, cursors)
    assert await store.happened(await store.queue("shop")) == ([], {})
    assert (await store.queue("shop")).waiting == 1


async def test_putting_whose_answer_was_lost_is_done_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client repeats the call with the same operation."""
    await store.add_webhook("shop", "https://shop.example/", "s")
    await happens(store, ADA, "one")
    happened, cursors = await store.happened(await store.queue("shop"))
    run = store.server.run

    async def twice(*call: Any) -> Any:
        await run(*call)
        return await run(*call)

    monkeypatch.setattr(store.server, "run", twice)
    await store.put_events("shop", [e for h in happened for e in events_of(h)], cursors)
    assert (await store.queue("shop")).waiting == 1


async def test_a_removed_webhook_is_told_nothing(
    store: Store, teller: Teller, receiver: Receiver
) -> None:
    """And what waited for it is gone."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    assert not await store.add_webhook("shop", "https://other.example/", "s")
    await happens(store, ADA, "one")
    assert await store.remove_webhook("shop")
    assert not await store.remove_webhook("shop")
    await teller.tell()
    assert receiver.told == []
    assert not (await store.queue("shop")).known


async def test_a_customer_who_is_forgotten_is_not_told_of(
    store: Store, teller: Teller, receiver: Receiver
) -> None:
    """T35: what waits or is parked about them goes; what is about others stays."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    receiver.answer = lambda _event: 400
    await happens(store, ADA, "one")
    await happens(store, BEN, "two")
    await teller.tell()
    await store.forget_events([ADA])
    queue = await store.queue("shop")
    assert [event.customer for event in queue.events] == [BEN]


async def test_a_redirect_is_not_followed(store: Store, teller: Teller, receiver: Receiver) -> None:
    """T32: wherever it leads."""
    await store.add_webhook("shop", f"{receiver.url}/away", "s")
    await happens(store, ADA, "one")
    await teller.tell()
    assert receiver.told == []
    assert (await store.queue("shop")).events[0].why == "302"


async def test_a_private_host_is_not_called(
    store: Store, clock: FakeClock, receiver: Receiver
) -> None:
    """T32: also if it was added while that was allowed."""
    await store.add_webhook("shop", f"{receiver.url}/hook", "s")
    await happens(store, ADA, "one")
    strict = telling(store, clock, private=False)
    await strict.tell()
    await strict.close()
    assert receiver.told == []
    assert (await store.queue("shop")).events[0].why.startswith("refused")


def test_an_event_holds_ids_and_names() -> None:
    """Nothing of a turn but what is listed; the types are those that can be asked for."""
    summary = Summary(
        turn=1, channel="sms", locale="en", dialog="d", replies=["r"], milestones=["m"],
        unsure=0, facts=["b", "a"], started=["s"], dropped=[("t", "too_late")],
    )  # fmt: skip
    happened = Happened(id="3-17-0", at=1_780_000_000_000, customer=ADA, summary=encode(summary))
    events = events_of(happened)
    assert {event.type for event in events} == set(TYPES) == set(_EVENTS)
    assert len({event.id for event in events}) == 4
    assert not set(RESERVED) & set(TYPES)
    for event in events:
        assert set(json.loads(event.body)) == {"id", "type", "at", "customer", "external", "data"}
    assert events_of(Happened(id="3-18-0", at=1, customer=ADA, summary=b"\xc1")) == []
