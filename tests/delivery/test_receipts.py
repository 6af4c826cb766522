"""What platforms say later: in any order, before the sender's own word, twice, of lost sends."""

from __future__ import annotations

import asyncio
import itertools

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from town import Asked, Post, Town

from segue.channel import Capabilities, Reason, Report, Sent, Unknown
from segue.memory import Store, open_store
from segue.memory.embedded import Embedded
from segue.memory.outgoing import of_line, row_of
from segue.memory.records import Got
from segue.types import Address, CustomerId, Message, Proof, Purpose, Receipt, Row

RANK = [Receipt.UNKNOWN, Receipt.SENT, Receipt.FAILED, Receipt.DELIVERED, Receipt.READ]
"""The reference: the furthest counts."""
_worlds = itertools.count(1)


def report(receipt: Receipt, id: str = "m0", **more: str | Reason) -> Report:  # noqa: A002
    return Report(id=id, receipt=receipt, **more)  # type: ignore[arg-type]


@pytest.fixture
def post(town: Town) -> Post:
    return Post(town.clock, capabilities=Capabilities(text_limit=200, receipts=True))


async def test_receipts_move_forward_only(town: Town, post: Post) -> None:
    """Delivered after read is passed by; each step is seen by whoever reads the transcript."""
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, town.row("r1", "ada"))
    await sender.settled()
    for said, known in (
        (Receipt.DELIVERED, Receipt.DELIVERED),
        (Receipt.READ, Receipt.READ),
        (Receipt.DELIVERED, Receipt.READ),
        (Receipt.SENT, Receipt.READ),
        (Receipt.FAILED, Receipt.READ),
    ):
        await sender.report("post", report(said))
        assert (await town.got(ada))["r1"].receipt is known


async def test_a_failure_told_later_has_its_reason(town: Town, post: Post) -> None:
    """And where it says that they cannot be reached there, that is kept."""
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, town.row("r1", "ada"))
    await sender.settled()
    await sender.report("post", report(Receipt.FAILED, reason=Reason.NO_ADDRESS))
    got = (await town.got(ada))["r1"]
    assert (got.receipt, got.why) == (Receipt.FAILED, "no_address")
    snapshot = await town.store.snapshot(ada)
    assert snapshot is not None
    assert snapshot.unreachable == {Address("post", "ada")}


async def test_an_early_receipt_is_kept_for_its_row(town: Town, post: Post) -> None:
    """The platform reports before the answer to the send has come: nothing is lost."""
    ada = await town.person("ada")
    sender = town.sender(post)
    await sender.report("post", report(Receipt.DELIVERED))
    await sender.report("post", report(Receipt.QUEUED))
    assert await town.got(ada) == {}
    await town.decide(sender, ada, town.row("r1", "ada"))
    await sender.settled()
    assert (await town.got(ada))["r1"].receipt is Receipt.DELIVERED


async def test_a_receipt_nobody_asks_for_ends_by_itself(town: Town, post: Post) -> None:
    """Of a message that is not ours: parked for an hour, without an error."""
    sender = town.sender(post)
    await sender.report("post", report(Receipt.READ, id="of somebody else"))
    key = town.store.keys.sent("post", "of somebody else")
    assert 0 < town.clock._client.ttl(key) <= 3600


async def test_one_channels_id_is_not_anothers(town: Town) -> None:
    """Two platforms number their messages alike; a receipt finds the row of its own channel."""
    able = Capabilities(text_limit=200, receipts=True)
    post, wire = Post(town.clock, capabilities=able), Post(town.clock, "wire", able)
    ada, zoe = await town.person("ada"), await town.person("zoe", channel="wire")
    sender = town.sender(post, wire)
    await town.decide(sender, ada, town.row("r1", "ada"))
    await town.decide(sender, zoe, town.row("r1", "zoe", "wire"))
    await sender.settled()
    await sender.report("wire", report(Receipt.READ))
    assert (await town.got(ada))["r1"].receipt is Receipt.SENT
    assert (await town.got(zoe))["r1"].receipt is Receipt.READ


async def test_a_status_solves_what_nobody_knew(town: Town) -> None:
    """A row whose fate is unknown is closed by the platform's word, and not sent again."""
    post = Asked(town.clock)
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut")]
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await sender.settled()
    await sender.report("post", report(Receipt.SENT, customer=ada, row="r1"))
    await town.pass_time(30)
    assert post.tried == ["r1", "r2"]
    assert (await town.got(ada))["r1"].receipt is Receipt.SENT


async def test_a_status_after_the_end_solves_it_too(town: Town, post: Post) -> None:
    """Closed as unknown, a code is known to have arrived after all."""
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut")]
    await town.decide(sender, ada, town.row("r1", "ada", purpose=Purpose.CODE))
    await sender.settled()
    assert (await town.got(ada))["r1"].receipt is Receipt.UNKNOWN
    await sender.report("post", report(Receipt.DELIVERED, customer=ada, row="r1"))
    assert (await town.got(ada))["r1"].receipt is Receipt.DELIVERED


async def test_a_status_is_quicker_than_a_broken_answer(town: Town, post: Post) -> None:
    """The callback came while the send was under way, and then the connection broke."""
    ada = await town.person("ada")
    sender = town.sender(post)
    plain = post.send

    async def send(address, payload, row):  # type: ignore[no-untyped-def]
        await plain(address, payload, row)
        if row.id == "r1":
            await sender.report("post", report(Receipt.SENT, customer=ada, row="r1"))
            return Unknown(why="cut")
        return Sent(id="m9")

    post.send = send  # type: ignore[method-assign]
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await sender.settled()
    assert post.tried == ["r1", "r2"]
    assert await town.ended(ada) == {"r1": (Receipt.SENT, ""), "r2": (Receipt.SENT, "")}


async def test_readers_get_a_hint(town: Town, post: Post) -> None:
    """Whoever shows the transcript is told to look again."""
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, town.row("r1", "ada"))
    await sender.settled()
    heard: asyncio.Queue[CustomerId] = asyncio.Queue()
    stop = town.store.subscribe(heard.put_nowait)
    await sender.report("post", report(Receipt.READ))
    async with asyncio.timeout(5):
        assert await heard.get() == ada
    stop()


async def test_only_the_last_rows_are_remembered(town: Town, post: Post) -> None:
    """What is kept of one customer's rows stays small."""
    ada = await town.person("ada")
    sender = town.sender(post)
    for n in range(0, 400, 50):
        await town.decide(sender, ada, *(town.row(f"r{n + m}", "ada") for m in range(50)))
        await town.pass_time(1)
    got = await town.got(ada)
    assert 100 <= len(got) <= 150
    assert "r399" in got
    assert "r0" not in got


def test_a_line_is_as_far_as_its_last_part() -> None:
    """A reply that left in three messages is delivered when all are."""

    def one(receipt: Receipt) -> Got:
        return Got(receipt=receipt, at=1)

    got = {"5-1.1": one(Receipt.READ), "5-1.2": one(Receipt.DELIVERED), "5-10": one(Receipt.SENT)}
    assert of_line(got, "5-1") == one(Receipt.DELIVERED)
    assert of_line(got, "5-10") == one(Receipt.SENT)
    assert of_line(got, "5-2") is None
    assert of_line({**got, "5-1.3": one(Receipt.FAILED)}, "5-1") == one(Receipt.FAILED)
    assert [row_of(row) for row in ("5-1", "5-1.2", "5-1~1", "5-1~2-p1")] == ["5-1"] * 4


SAID = st.lists(st.tuples(st.sampled_from(RANK[1:]), st.booleans()), min_size=1, max_size=6)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(said=SAID, marked=st.integers(0, 6))
def test_the_order_of_receipts_does_not_matter(
    valkey: Embedded, said: list[tuple[Receipt, bool]], marked: int
) -> None:
    """By platform id or by row, before or after the send was written down: the furthest counts."""
    asyncio.run(_play(valkey, said, marked))


async def _play(server: Embedded, said: list[tuple[Receipt, bool]], marked: int) -> None:
    prefix = f"receipts{next(_worlds)}:"
    async with await open_store(server.url, prefix=prefix, partitions=1) as store:
        ada = "ada".ljust(22, "_")
        await store.create(ada, Address("post", "ada"), Proof.CHANNEL)
        row = Row(id="r1", address=Address("post", "ada"), message=Message(body=()))
        told: list[Receipt] = []
        for at, (receipt, by_row) in enumerate(said):
            if at == marked:
                await _mark(store, ada, row)
            more = {"customer": ada, "row": "r1"} if by_row else {}
            await store.report("post", report(receipt, **more))
            told.append(receipt)
        if marked >= len(said):
            await _mark(store, ada, row)
        known = (await store.got(ada))["r1"].receipt
        assert known is max(told, key=RANK.index)
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        keys = list(client.scan_iter(match=f"{prefix}*", count=1000))
        assert all(client.ttl(key) > 0 or key.endswith((b"meta", b"due")) for key in keys)
        client.delete(*keys)


async def _mark(store: Store, ada: CustomerId, row: Row) -> None:
    early = await store.trace(ada, row, "m0")
    if early is not None:
        await store.report("post", early)
