"""The real Telegram adapter against a stand-in that keeps Telegram's own limits, in real time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from segue.engine.delivery import Delivery
from segue.memory import Commit, Committed, Granted, Store
from segue.ports import SystemClock
from segue.testing.platforms.base import Fault
from segue.testing.platforms.telegram import Telegram
from segue.types import Address, Inbound, Message, Paragraph, Proof, Receipt, Row, Text
from segue_adapters.telegram import TelegramChannel, TelegramSettings


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as platform:
        yield platform


class Office:
    """Processes that send over Telegram."""

    def __init__(self, telegram: Telegram) -> None:
        self.telegram = telegram
        self.processes: list[tuple[Store, Delivery, TelegramChannel]] = []

    def process(self, store: Store) -> Delivery:
        settings = TelegramSettings.model_validate(
            {"token": self.telegram.token, "api_base": self.telegram.url, "mode": "polling"}
        )
        channel = TelegramChannel(settings)
        delivery = Delivery(store, {"telegram": channel}, SystemClock())
        self.processes.append((store, delivery, channel))
        return delivery

    async def decide(self, place: int, name: str, *texts: str) -> str:
        """Let a turn of a new customer say these texts."""
        store, delivery, _ = self.processes[place % len(self.processes)]
        person = self.telegram.customer(name)
        person.start()
        address, ident = Address("telegram", str(person.id)), name.ljust(22, "_")
        await store.create(ident, address, Proof.CHANNEL)
        granted = await store.admit(ident, Inbound(address=address, message_id="1", text="x"))
        assert isinstance(granted, Granted)
        rows = tuple(
            Row(id=f"{n}", address=address, message=Message(body=(Paragraph((Text(text),)),)))
            for n, text in enumerate(texts)
        )
        done = await store.commit(granted.lease, Commit(state=b"", ack=1, rows=rows))
        assert isinstance(done, Committed)
        for claim in done.claims:
            delivery.begin(ident, claim)
        return ident

    async def all_sent(self, count: int, within: float) -> None:
        """Sweep, as the processes do, until so many were taken."""
        async with asyncio.timeout(within):
            while len(self.taken()) < count:
                await asyncio.sleep(0.1)
                for store, delivery, _ in self.processes:
                    for customer in await store.sweep():
                        answer = await store.take(customer)
                        for claim in getattr(answer, "claims", ()):
                            delivery.begin(customer, claim)
        for _, delivery, _ in self.processes:
            await delivery.settled()

    def taken(self) -> list[str]:
        return [
            f"{call.params['chat_id']}:{call.params['text']}"
            for call in self.telegram.ledger
            if call.taken and call.method == "sendMessage"
        ]

    def statuses(self) -> Counter[int]:
        return Counter(c.status for c in self.telegram.ledger if c.method == "sendMessage")


@pytest.fixture
async def office(telegram: Telegram) -> AsyncIterator[Office]:
    office = Office(telegram)
    yield office
    for _, delivery, channel in office.processes:
        await delivery.drain(1)
        await channel.stop()


async def test_two_processes_never_meet_a_429(
    office: Office, open_a_store: Callable[..., object]
) -> None:
    """150 replies to 75 people: at Telegram's pace, in order, none refused, none twice."""
    for _ in range(2):
        office.process(await open_a_store())  # type: ignore[arg-type, misc]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(75):
        await office.decide(n, f"person{n}", "one", "two")
    await office.all_sent(150, within=30)
    assert office.statuses() == {200: 150}
    assert len(set(office.taken())) == 150
    for chat in {entry.partition(":")[0] for entry in office.taken()}:
        mine = [entry.partition(":")[2] for entry in office.taken() if entry.startswith(chat)]
        assert mine == ["one", "two"]
    assert loop.time() - began >= (150 - 30) / 30


async def test_a_429_is_waited_out(office: Office, store: Store) -> None:
    """Somebody else used the token: no call before the time that Telegram named."""
    office.process(store)
    office.telegram.fault(Fault("too_fast", method="sendMessage", retry_after=2))
    ada = await office.decide(0, "ada", "one")
    await office.all_sent(1, within=15)
    first, second = (c for c in office.telegram.ledger if c.method == "sendMessage")
    assert (first.status, second.status) == (429, 200)
    assert (second.at - first.at).total_seconds() >= 2
    assert (await store.got(ada))["0"].receipt is Receipt.SENT


async def test_taken_and_then_the_connection_broke(office: Office, store: Store) -> None:
    """Nobody can ask Telegram: an answer is sent once more, and no oftener."""
    office.process(store)
    office.telegram.fault(
        Fault("taken_then_reset", method="sendMessage"),
        Fault("taken_then_reset", method="sendMessage"),
    )
    ada = await office.decide(0, "ada", "one", "two")
    await office.all_sent(3, within=15)
    assert [entry.partition(":")[2] for entry in office.taken()] == ["one", "one", "two"]
    assert (await store.got(ada))["0"].receipt is Receipt.UNKNOWN


async def test_a_customer_who_blocked_the_bot(office: Office, store: Store) -> None:
    """The reply is closed with its reason, and the address is marked."""
    office.process(store)
    office.telegram.fault()
    ada = await office.decide(0, "ada")
    person = next(iter(office.telegram.customers.values()))
    person.block()
    address = Address("telegram", str(person.id))
    granted = await store.admit(ada, Inbound(address=address, message_id="2", text="x"))
    assert isinstance(granted, Granted)
    row = Row(id="9", address=address, message=Message(body=(Paragraph((Text("hi"),)),)))
    done = await store.commit(granted.lease, Commit(state=b"", ack=granted.number, rows=(row,)))
    assert isinstance(done, Committed)
    delivery = office.processes[0][1]
    delivery.begin(ada, done.claims[0])
    await delivery.settled()
    got = (await store.got(ada))["9"]
    assert (got.receipt, got.why) == (Receipt.FAILED, "blocked")
    snapshot = await store.snapshot(ada)
    assert snapshot is not None
    assert snapshot.unreachable == {address}
