"""A town with a post office: customers and their rows, on a real store in the test's own time.

The server's clock follows the test's (scripts read it from a key instead of TIME), so that waits,
claims, lives of replies and buckets all pass at once when the clock is moved.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis

from segue.channel import (
    Capabilities,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Sent,
    Take,
    Unknown,
)
from segue.engine.delivery import Delivery
from segue.engine.outcomes import Policy
from segue.engine.state import State, encode
from segue.memory import Commit, Committed, Granted, Limits, Store, open_store
from segue.memory.embedded import Embedded
from segue.memory.records import Got
from segue.memory.scripting import Script
from segue.ports import Chance, to_millis
from segue.testing.clock import FakeClock, FixedChance
from segue.types import Address, Inbound, Message, Paragraph, Proof, Receipt, Row, Text

_TIME = "local t = redis.call('TIME')\n  return t[1] * 1000 + math.floor(t[2] / 1000)"


@dataclass
class Post:
    """A channel whose platform does as it is told, and keeps a ledger."""

    clock: FakeClock
    name: str = "post"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(text_limit=200))
    outcomes: list[Outcome] = field(default_factory=list)
    """What becomes of the next sends; then all are taken."""
    rule: Callable[[Address], Outcome | None] = lambda _address: None
    """The platform's own rules; None: taken."""
    ledger: list[tuple[float, str, str, Outcome]] = field(default_factory=list)
    """(when, to whom, row, outcome) of every send."""
    texts: list[str] = field(default_factory=list)

    def routes(self, gateway: Any) -> Sequence[Any]:
        return ()

    def verify(self, request: RawRequest) -> Refused | None:
        return Refused(status=403, why="test")

    def parse(self, request: RawRequest) -> Parsed | Refused:
        return Refused(status=403, why="test")

    def build(self, message: Message) -> Payload:
        return {"message": message}

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        assert row.customer, "the adapter is told whose row it is"
        outcome = self.outcomes.pop(0) if self.outcomes else None
        outcome = outcome or self.rule(address) or Sent(id=f"m{len(self.ledger)}")
        self.ledger.append((self.clock.monotonic(), address.id, row.id, outcome))
        return outcome

    async def start(self, gateway: Any) -> None: ...

    async def stop(self) -> None: ...

    @property
    def sent(self) -> list[str]:
        """Rows that were taken, in order."""
        return [row for _, _, row, outcome in self.ledger if isinstance(outcome, Sent)]

    @property
    def tried(self) -> list[str]:
        """Every row that was sent, taken or not."""
        return [row for _, _, row, _ in self.ledger]

    def times(self) -> list[float]:
        return [when for when, *_ in self.ledger]


@dataclass
class Limited(Post):
    """One whose platform takes only so much."""

    per_chat: tuple[float, float] = (1.0, 1.0)
    overall: tuple[float, float] = (30.0, 30.0)

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        rate, burst = self.per_chat
        wide, most = self.overall
        return (
            Take(bucket=f"post:chat:{address.id}", rate=rate, burst=burst),
            Take(bucket="post:bot", rate=wide, burst=most),
        )


@dataclass
class Asked(Post):
    """One whose platform can be asked what became of a send."""

    found: list[Outcome] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    async def find(self, address: Address, row: Row) -> Outcome:
        self.asked.append(self.clock.monotonic())
        return self.found.pop(0) if self.found else Unknown(why="still")


class TownClock(FakeClock):
    """The test's clock, and the server's."""

    def __init__(self, client: redis.Redis, key: str) -> None:
        super().__init__()
        self._client, self._key = client, key
        self.tell()

    def tell(self) -> None:
        self._client.set(self._key, to_millis(self.now()), ex=3600)

    def move(self, by: timedelta | float) -> None:
        # The server first: whoever wakes finds the same time there.
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._client.set(self._key, to_millis(self.now() + timedelta(seconds=seconds)), ex=3600)
        super().move(by)

    def next(self) -> float | None:
        """Seconds until somebody wakes."""
        times = [due for due, _, future in self._sleepers if not future.done()]
        return min(times) - self.monotonic() if times else None


class Town:
    """A store, senders, customers."""

    def __init__(self, clock: TownClock, prefix: str) -> None:
        self.clock = clock
        self.prefix = prefix
        self.store: Store
        self.busy = 0
        self.granted: list[Granted] = []
        """Turns that sweeping began."""
        self.play: Callable[[Granted], Commit] = lambda granted: Commit(state=granted.state)
        self.deliveries: list[Delivery] = []
        self._messages = 0

    async def open(self, server: Embedded, stack: list[Store]) -> Store:
        store = await open_store(
            server.url, prefix=self.prefix, partitions=4, clock=self.clock, limits=Limits()
        )
        stack.append(store)
        run, scripts = store.server.run, dict[str, Script]()

        async def in_our_time(
            script: Script, keys: Any, args: Any, packed: bytes | None = None
        ) -> Any:
            if script.name not in scripts:
                now = f"return tonumber(redis.call('GET', '{self.prefix}now'))"
                text = script.text.decode().replace(_TIME, now).encode()
                sha = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
                scripts[script.name] = Script(script.name, text, sha, script.keys)
            self.busy += 1
            try:
                return await run(scripts[script.name], keys, args)
            finally:
                self.busy -= 1

        store.server.run = in_our_time  # type: ignore[method-assign]
        return store

    def sender(
        self,
        *adapters: Post,
        store: Store | None = None,
        policy: Policy | None = None,
        chance: Chance | None = None,
    ) -> Delivery:
        """Return a process that sends over these channels."""
        delivery = Delivery(
            store or self.store,
            {adapter.name: adapter for adapter in adapters},
            self.clock,
            policy=policy,
            chance=chance or FixedChance(0.0),
        )
        self.deliveries.append(delivery)
        return delivery

    async def person(
        self, name: str, *others: Address, channel: str = "post", ident: str = ""
    ) -> str:
        """Make a customer with an address on the channel, and further ones."""
        ident = (ident or name).ljust(22, "_")
        await self.store.create(ident, Address(channel, name), Proof.CHANNEL)
        for address in others:
            await self.store.add_address(ident, address, Proof.CHANNEL)
        return ident

    def row(self, name: str, to: str, channel: str = "post", **more: Any) -> Row:
        message = more.pop("message", None) or Message(body=(Paragraph((Text(name),)),))
        return Row(id=name, address=Address(channel, to), message=message, **more)

    async def decide(
        self, delivery: Delivery, customer: str, *rows: Row, state: State | None = None
    ) -> None:
        """Let a turn decide these rows; what may go is sent."""
        self._messages += 1
        inbound = Inbound(
            address=rows[0].address if rows else Address("post", "x"),
            message_id=str(self._messages),
            text="x",
        )
        granted = await self.store.admit(customer, inbound)
        assert isinstance(granted, Granted), granted
        done = await self.store.commit(
            granted.lease,
            Commit(state=encode(state or State()), ack=granted.number, rows=rows),
        )
        assert isinstance(done, Committed)
        for claim in done.claims:
            delivery.begin(customer, claim)

    async def sweep(self, delivery: Delivery, store: Store | None = None) -> None:
        """Look after whoever is due."""
        store = store or self.store
        for customer in await store.sweep():
            answer = await store.take(customer)
            if isinstance(answer, Granted):
                self.granted.append(answer)
                done = await store.commit(answer.lease, self.play(answer))
                assert isinstance(done, Committed)
                for claim in done.claims:
                    delivery.begin(customer, claim)
            for claim in getattr(answer, "claims", ()):
                delivery.begin(customer, claim)

    async def quiet(self) -> None:
        """Wait until everybody waits for the clock."""
        still = 0
        while still < 8:
            await asyncio.sleep(0)
            still = 0 if self.busy else still + 1
            if self.busy:
                await asyncio.sleep(0.0002)

    async def pass_time(self, seconds: float, *senders: Delivery, every: float = 1.0) -> None:
        """Let time pass, sweeping as the processes would."""
        end = self.clock.monotonic() + seconds
        swept = self.clock.monotonic()
        await self.quiet()
        while self.clock.monotonic() < end:
            soon = min(swept + every, end) - self.clock.monotonic()
            asleep = self.clock.next()
            self.clock.move(max(min(soon, asleep) if asleep is not None else soon, 0.001))
            await self.quiet()
            if self.clock.monotonic() >= swept + every - 1e-6:
                swept = self.clock.monotonic()
                for sender in senders or self.deliveries[:1]:
                    await self.sweep(sender, sender._store)
                await self.quiet()

    async def got(self, customer: str) -> dict[str, Got]:
        return await self.store.got(customer)

    async def ended(self, customer: str) -> dict[str, tuple[Receipt, str]]:
        """What became of rows: receipt and why."""
        return {row: (got.receipt, got.why) for row, got in (await self.got(customer)).items()}

    async def unsent(self, customer: str) -> int:
        snapshot = await self.store.snapshot(customer)
        assert snapshot is not None
        return snapshot.unsent


def refused(**more: Any) -> NotSent:
    """Return a refusal for good."""
    return NotSent(why="test", permanent=True, **more)


def later(seconds: float | None = None, pause: str = "") -> NotSent:
    """Return a refusal for now."""
    after = timedelta(seconds=seconds) if seconds is not None else None
    return NotSent(why="test", permanent=False, retry_after=after, pause=pause)
