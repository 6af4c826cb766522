"""Platforms' limits: shared by all processes, kept to the message, and used to the full."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from town import Limited, Post, Town, later

from segue.channel import Outcome, Take
from segue.testing.platforms.base import Buckets
from segue.types import Address


class Strict:
    """The platform's own buckets: who sends too fast is refused."""

    def __init__(self, post: Limited) -> None:
        self.post = post
        self.buckets = Buckets(post.clock)
        self.refusals = 0
        post.rule = self

    def __call__(self, address: Address) -> Outcome | None:
        (rate, burst), (wide, most) = self.post.per_chat, self.post.overall
        wait = self.buckets.take(address.id, rate=rate, burst=burst)
        wait = wait or self.buckets.take("all", rate=wide, burst=most)
        if not wait:
            return None
        self.refusals += 1
        return later(wait)


async def drain(town: Town, people: int, rows: int, processes: int = 1) -> tuple[Limited, Strict]:
    """Let a backlog go out at the platform's pace."""
    post = Limited(town.clock)
    platform = Strict(post)
    senders = [
        town.sender(post, store=town.store if not n else await town.another())  # type: ignore[attr-defined]
        for n in range(processes)
    ]
    for n in range(people):
        person = await town.person(f"p{n}")
        await town.decide(
            senders[n % processes], person, *(town.row(f"r{n}.{m}", f"p{n}") for m in range(rows))
        )
        town.clock.move(0.001)
    while len(post.sent) < people * rows:
        before = len(post.sent)
        await town.pass_time(30, *senders)
        assert len(post.sent) > before, "it came to a stand"
    return post, platform


def check(post: Limited, platform: Strict, rows: int, within: float) -> None:
    assert platform.refusals == 0
    sent = post.sent
    assert len(set(sent)) == len(sent) == len(post.tried)
    lanes: dict[str, list[str]] = {}
    for row in sent:
        lanes.setdefault(row.partition(".")[0], []).append(row)
    assert all(lane == [f"{who}.{n}" for n in range(rows)] for who, lane in lanes.items()), (
        "I4: order of a lane"
    )
    rate, burst = post.overall
    took = post.times()[-1] - post.times()[0]
    least = (len(sent) - burst) / rate
    assert least * 0.999 <= took <= least * (1 + within), (took, least)


async def test_a_backlog_drains_at_the_platforms_pace(town: Town) -> None:
    """10,000 replies to 1,000 customers, within 5 % of the limit, and never a 429."""
    post, platform = await drain(town, 1000, 10)
    check(post, platform, 10, 0.05)
    # The oldest first: halfway through, the first half of the customers is nearly served.
    half = Counter(int(row[1:].partition(".")[0]) < 500 for row in post.sent[:5000])
    assert half[True] >= 4500
    calls = town.store.server.tally["tokens"]
    assert calls < len(post.sent) / 3, "many are asked for together"


async def test_two_processes_share_a_bucket(town: Town) -> None:
    """Together they send no faster than the platform takes it, and no slower."""
    post, platform = await drain(town, 400, 2, processes=2)
    check(post, platform, 2, 0.05)


async def test_a_full_bucket_delays_its_own_lane_only(town: Town) -> None:
    """One chat that is written to a lot does not hold up the others."""
    post = Limited(town.clock, per_chat=(0.1, 1.0))
    ada, ben = await town.person("ada"), await town.person("ben")
    sender = town.sender(post)
    await town.decide(sender, ada, *(town.row(f"a{n}", "ada") for n in range(5)))
    await town.quiet()
    await town.decide(sender, ben, town.row("b", "ben"))
    await town.quiet()
    assert post.sent == ["a0", "b"]
    await town.pass_time(45)
    assert post.sent == ["a0", "b", "a1", "a2", "a3", "a4"]
    assert sender.pacing.waits == {("post", "chat"): 4}


async def test_without_limits_a_send_costs_no_round_trip_more(town: Town) -> None:
    """Commit, send, settle; where the platform has limits, one more for the tokens."""
    ada = await town.person("ada")
    for post, more in ((Post(town.clock), 0), (Limited(town.clock), 1)):
        sender = town.sender(post)
        before = town.store.round_trips
        await town.decide(sender, ada, town.row(f"r{more}", "ada"))
        await sender.settled()
        assert town.store.round_trips - before == 3 + more


async def test_many_at_once_cost_one_round_trip(town: Town) -> None:
    """Tokens for all who ask together are fetched together."""
    post = Limited(town.clock, overall=(1000.0, 1000.0))
    sender = town.sender(post)
    for n in range(40):
        await town.person(f"p{n}")
    begun = []
    begin, sender.begin = sender.begin, lambda *claim: begun.append(claim)  # type: ignore[method-assign]
    for n in range(40):
        await town.decide(sender, f"p{n}".ljust(22, "_"), town.row(f"r{n}", f"p{n}"))
    for claim in begun:
        begin(*claim)
    await sender.settled()
    assert len(post.sent) == 40
    assert town.store.server.tally["tokens"] == 1


async def test_a_dear_send_is_not_starved_by_cheap_ones(town: Town) -> None:
    """Who waits longest for a bucket keeps later ones out of it."""
    cheap = (Take(bucket="b", rate=1, burst=10),)
    dear = (Take(bucket="b", rate=1, burst=10, cost=8),)
    store = town.store
    assert (await store.tokens("post", [dear]))[0] == (0.0, None)
    (wait, _), (later_wait, _) = await store.tokens("post", [dear, cheap])
    assert (wait, later_wait) == (6.3, 6.3)
    town.clock.move(6.3)
    assert [wait for wait, _ in await store.tokens("post", [dear, cheap])] == [0.0, 1.0]


async def test_what_costs_more_than_a_bucket_holds_goes_when_it_is_full(town: Town) -> None:
    """And the debt is paid before the next."""
    huge = (Take(bucket="b", rate=1, burst=3, cost=5),)
    one = (Take(bucket="b", rate=1, burst=3),)
    assert (await town.store.tokens("post", [huge]))[0][0] == 0.0
    assert (await town.store.tokens("post", [one]))[0][0] == 3.3


async def test_all_takes_or_none(town: Town) -> None:
    """A send that waits for one bucket takes nothing from the other."""
    narrow = Take(bucket="n", rate=1, burst=1)
    wide = Take(bucket="w", rate=1, burst=2)
    given = await town.store.tokens("post", [(narrow, wide), (narrow, wide), (wide,), (wide,)])
    assert [wait for wait, _ in given] == [0.0, 1.3, 0.0, 1.3]
    assert [take.bucket if take else "" for _, take in given] == ["", "n", "", "w"]


@settings(max_examples=60)
@given(
    rate=st.floats(0.1, 50),
    burst=st.floats(1, 30),
    waits=st.lists(st.floats(0, 3), min_size=1, max_size=80),
)
def test_a_bucket_is_never_overdrawn(rate: float, burst: float, waits: list[float]) -> None:
    """The stand-ins' buckets, which judge here, give no more than burst and rate allow."""
    from segue.testing.clock import FakeClock

    clock = FakeClock()
    buckets = Buckets(clock)
    given_out = 0
    for wait in waits:
        clock.move(wait)
        given_out += not buckets.take("b", rate=rate, burst=burst)
        assert given_out <= burst + clock.monotonic() * rate + 1e-3
