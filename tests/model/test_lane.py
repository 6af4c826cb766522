"""The outbox on a real store: whatever becomes of a send, and is said of it, a lane keeps order."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.channel import Report
from segue.memory import Limits, Store, open_store
from segue.memory.embedded import Embedded
from segue.memory.records import Claim, Commit, Granted
from segue.types import Address, Inbound, Message, Proof, Receipt, Row

LANES = (Address("sms", "+1"), Address("telegram", "7"))
OUTCOMES = (Receipt.SENT, Receipt.FAILED, Receipt.UNKNOWN, Receipt.QUEUED)
RANK = (Receipt.UNKNOWN, Receipt.SENT, Receipt.FAILED, Receipt.DELIVERED, Receipt.READ)
REPORTS = (Receipt.SENT, Receipt.DELIVERED, Receipt.FAILED)
_worlds = itertools.count(1)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.lists(st.integers(0, 1), min_size=1, max_size=4)),
        st.tuples(st.just("settle"), st.integers(0, 3), st.sampled_from(OUTCOMES)),
        st.tuples(st.just("forget"), st.integers(0, 3)),
        st.tuples(st.just("time"), st.just(0)),
        st.tuples(st.just("sweep"), st.just(0)),
        st.tuples(st.just("late"), st.integers(0, 3)),
        st.tuples(st.just("back"), st.integers(0, 3)),
        st.tuples(st.just("report"), st.integers(0, 9), st.sampled_from(REPORTS)),
        st.tuples(st.just("stop"), st.just(0)),
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
        self.stopped: set[str] = set()
        """Rows that were cancelled: those under way may end, none is sent again."""
        self.looks = 0
        self.told: dict[str, list[Receipt]] = {}
        """What the platform said of rows."""
        self.refused: set[str] = set()
        """Rows whose last sending was surely not taken: no platform says anything of those."""
        self._count = itertools.count(1)

    async def begin(self) -> None:
        await self.store.create(self.customer, LANES[0], Proof.CHANNEL)

    def _take(self, claims: tuple[Claim, ...]) -> None:
        for claim in claims:
            assert claim.row.id not in self.closed, "I3: what was sent is not sent again"
            self.claims.append(claim)
            if claim.doubt:
                assert claim.row.address.channel == "telegram", "only this one can be asked"
                assert claim.doubt <= 3
                self.looks += 1
                continue
            assert claim.row.id not in self.stopped, "I8: what was cancelled is not sent"
            self.refused.discard(claim.row.id)
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
        row = claim.row.id
        if row in self.told and outcome is Receipt.QUEUED:
            outcome = Receipt.SENT  # No sender is refused what the platform has.
        following = await self.store.settle(self.customer, claim, outcome)
        if outcome in (Receipt.SENT, Receipt.FAILED) or row in self.told:
            self.closed.add(row)
        elif outcome is Receipt.QUEUED:
            self.refused.add(row)
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

    async def back(self, which: int) -> None:
        """Nothing was tried: the claim is given back, and the row is as it was."""
        if not self.claims:
            return
        if self.claims[which % len(self.claims)].row.id in self.told:
            return
        claim = self.claims.pop(which % len(self.claims))
        if not claim.doubt:
            self.sends.remove((claim.row.address.channel, claim.row.id))
        following = await self.store.give_back(self.customer, claim, after=timedelta(0))
        self._take((following,) if following else ())

    async def report(self, which: int, receipt: Receipt) -> None:
        """The platform says what became of a row that was sent."""
        if not self.sends:
            return
        channel, row = self.sends[which % len(self.sends)]
        if row in self.refused:
            return
        said = Report(id="", receipt=receipt, customer=self.customer, row=row)
        await self.store.report(channel, said)
        if not any(claim.row.id == row for claim in self.claims):
            self.closed.add(row)
        self.told.setdefault(row, []).append(receipt)

    async def stop(self, _: int) -> None:
        """They opt out of one channel, and in again: what was queued is gone."""
        lane = LANES[0]
        await self.store.consent(self.customer, lane.channel, opted_out=True, how="test")
        await self.store.consent(self.customer, lane.channel, opted_out=False, how="test")
        self.stopped |= set(self.decided[lane.channel])

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
        # A late word may close a row that is being repeated at this moment.
        open_ = [claim for claim in self.claims if claim.row.id not in self.closed]
        under_way = Counter(claim.row.address.channel for claim in open_)
        assert all(n <= 1 for n in under_way.values()), "one row of a lane at a time"
        for lane, rows in self.decided.items():
            left = [row for by, row in self.sends if by == lane]
            assert left == sorted(left, key=rows.index), f"I4: {left}"
            # What was cancelled before it was sent is no gap.
            going = [row for row in rows if row not in self.stopped or row in left]
            assert set(left) == set(going[: len(set(left))]), "I4: no row is jumped over"

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
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS)
def test_a_lane_keeps_its_order(valkey: Embedded, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """Refused, unknown, put off, forgotten, late, reported, cancelled: rows leave in order."""
    asyncio.run(_play(valkey, steps))


async def _play(server: Embedded, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    prefix = f"lanes{next(_worlds)}:"
    limits = Limits(claim=timedelta(seconds=60))
    async with await open_store(server.url, prefix=prefix, partitions=1, limits=limits) as store:
        store.lookable = frozenset({"telegram"})
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
                least = 0 if row in lanes.stopped else 1
                assert least <= sends[row] <= 2 + put_off, "sent, and repeated once at most"
        known = await store.got(lanes.customer)
        for row, told in lanes.told.items():
            assert RANK.index(known[row].receipt) >= max(map(RANK.index, told))
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.delete(*client.scan_iter(match=f"{prefix}*", count=1000))
