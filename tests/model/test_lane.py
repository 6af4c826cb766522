"""The outbox on a real store: whatever becomes of a send, a lane keeps its order."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.memory import Limits, Store, open_store
from segue.memory.embedded import Embedded
from segue.memory.records import Claim, Commit, Granted
from segue.types import Address, Inbound, Message, Proof, Receipt, Row

LANES = (Address("sms", "+1"), Address("telegram", "7"))
OUTCOMES = (Receipt.SENT, Receipt.FAILED, Receipt.UNKNOWN, Receipt.QUEUED)
_worlds = itertools.count(1)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.lists(st.integers(0, 1), min_size=1, max_size=4)),
        st.tuples(st.just("settle"), st.integers(0, 3), st.sampled_from(OUTCOMES)),
        st.tuples(st.just("forget"), st.integers(0, 3)),
        st.tuples(st.just("time"), st.just(0)),
        st.tuples(st.just("sweep"), st.just(0)),
        st.tuples(st.just("late"), st.integers(0, 3)),
    ),
    max_size=25,
)


class Lanes:
    """A customer with two lanes, and whoever sends."""

    def __init__(self, store: Store, server: Embedded, prefix: str) -> None:
        self.store, self.server, self.prefix = store, server, prefix
        self.customer = "customer-with-two-lanes"
        self.decided: dict[str, list[str]] = {lane.channel: [] for lane in LANES}
        self.sends: list[tuple[str, str]] = []
        """(lane, row) as they would have left."""
        self.claims: list[Claim] = []
        self.lost: list[Claim] = []
        """Claims whose process is gone, or is only slow."""
        self.closed: set[str] = set()
        self._count = itertools.count(1)

    async def begin(self) -> None:
        await self.store.create(self.customer, LANES[0], Proof.CHANNEL)

    def _take(self, claims: tuple[Claim, ...]) -> None:
        for claim in claims:
            assert claim.row.id not in self.closed, "I3: what was sent is not sent again"
            self.claims.append(claim)
            self.sends.append((claim.row.address.channel, claim.row.id))

    async def decide(self, lanes: list[int]) -> None:
        inbound = Inbound(address=LANES[0], message_id=str(next(self._count)), text="x")
        granted = await self.store.admit(self.customer, inbound)
        assert isinstance(granted, Granted)
        rows = []
        for lane in lanes:
            row = Row(id=f"r{next(self._count)}", address=LANES[lane], message=Message(body=()))
            rows.append(row)
            self.decided[row.address.channel].append(row.id)
        done = await self.store.commit(
            granted.lease, Commit(state=b"s", ack=granted.number, rows=tuple(rows))
        )
        self._take(done.claims)  # type: ignore[union-attr]

    async def settle(self, which: int, outcome: Receipt) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(which % len(self.claims))
        following = await self.store.settle(self.customer, claim, outcome)
        if outcome in (Receipt.SENT, Receipt.FAILED):
            self.closed.add(claim.row.id)
        self._take((following,) if following else ())

    async def forget(self, which: int) -> None:
        if self.claims:
            self.lost.append(self.claims.pop(which % len(self.claims)))

    async def late(self, which: int) -> None:
        """A slow process says after all that it has sent."""
        if self.lost:
            claim = self.lost.pop(which % len(self.lost))
            self.closed.add(claim.row.id)
            following = await self.store.settle(self.customer, claim, Receipt.SENT)
            self._take((following,) if following else ())

    async def time(self, _: int) -> None:
        """Claims run out: whoever had one is too late."""
        with redis.Redis(unix_socket_path=str(self.server.socket)) as client:
            client.eval(
                """local rows = redis.call('LRANGE', KEYS[1], 0, -1)
                for i = 1, #rows do
                  local row = cmsgpack.unpack(rows[i])
                  row[4] = 1
                  redis.call('LSET', KEYS[1], i - 1, cmsgpack.pack(row))
                end""",
                1,
                f"{self.prefix}{{0}}:c:{self.customer}:out",
            )
        self.lost += self.claims
        self.claims = []

    async def sweep(self, _: int) -> None:
        self._take((await self.store.take(self.customer)).claims)  # type: ignore[union-attr]

    def check(self) -> None:
        under_way = Counter(claim.row.address.channel for claim in self.claims)
        assert all(n <= 1 for n in under_way.values()), "one row of a lane at a time"
        for lane, rows in self.decided.items():
            left = [row for by, row in self.sends if by == lane]
            assert left == sorted(left, key=rows.index), f"I4: {left}"
            assert set(left) == set(rows[: len(set(left))]), "I4: no row is jumped over"

    async def finish(self) -> None:
        """Send what is left, as patient senders would."""
        for _ in range(200):
            await self.time(0)
            await self.sweep(0)
            while self.claims:
                await self.settle(0, Receipt.SENT)
            snapshot = await self.store.snapshot(self.customer)
            assert snapshot is not None
            if not snapshot.unsent:
                return
        raise AssertionError("I9: rows are left")


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS)
def test_a_lane_keeps_its_order(valkey: Embedded, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """Refused, unknown, put off, forgotten or late: rows of a lane leave in order, and all do."""
    asyncio.run(_play(valkey, steps))


async def _play(server: Embedded, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    prefix = f"lanes{next(_worlds)}:"
    limits = Limits(claim=timedelta(seconds=60))
    async with await open_store(server.url, prefix=prefix, partitions=1, limits=limits) as store:
        lanes = Lanes(store, server, prefix)
        await lanes.begin()
        for name, *args in steps:
            await getattr(lanes, name)(*args)
            lanes.check()
        await lanes.finish()
        lanes.check()
        sends = Counter(row for _, row in lanes.sends)
        put_off = sum(step[0] == "settle" and step[2] == Receipt.QUEUED for step in steps)
        for rows in lanes.decided.values():
            for row in rows:
                assert 1 <= sends[row] <= 2 + put_off, "sent, and repeated once at most"
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.delete(*client.scan_iter(match=f"{prefix}*", count=1000))
