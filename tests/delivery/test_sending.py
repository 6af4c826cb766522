"""A lane from the decision to the end: what is sent when, and what follows when it is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from town import Asked, Limited, Post, Town, later, refused

from segue.channel import NotSent, Outcome, Payload, Reason, Sent, Unknown
from segue.engine.delivery import Delivery
from segue.engine.outcomes import Policy
from segue.engine.state import State, encode
from segue.memory import Commit, Consent
from segue.ports import to_millis
from segue.types import (
    Address,
    Button,
    Inbound,
    Message,
    Paragraph,
    Proof,
    Purpose,
    Receipt,
    Row,
    Strong,
    Text,
)

SENT = (Receipt.SENT, "")
UNKNOWN = (Receipt.UNKNOWN, "")


async def test_rows_of_a_lane_leave_in_order(town: Town, post: Post) -> None:
    """One after the other, and all that is known of each is that it was sent."""
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, *(town.row(f"r{n}", "ada") for n in range(3)))
    await sender.settled()
    assert post.sent == ["r0", "r1", "r2"]
    assert await town.ended(ada) == {"r0": SENT, "r1": SENT, "r2": SENT}


async def test_a_time_named_by_the_platform_is_kept(town: Town, post: Post) -> None:
    """No call before it is over; the lane waits, another goes on; it is not counted as a try."""
    ada, ben = await town.person("ada"), await town.person("ben")
    sender = town.sender(post, policy=Policy(attempts=1))
    post.outcomes = [later(7)]
    await town.decide(sender, ada, town.row("a1", "ada"), town.row("a2", "ada"))
    await sender.settled()
    await town.decide(sender, ben, town.row("b1", "ben"))
    await town.pass_time(6.9)
    assert post.tried == ["a1", "b1"]
    await town.pass_time(2)
    assert post.tried == ["a1", "b1", "a1", "a2"]
    assert min(when for when, _, row, _ in post.ledger[2:]) >= 7


async def test_a_pause_of_a_bucket_holds_all_its_lanes(town: Town) -> None:
    """In every process; when it is over they go at the bucket's pace, not all at once."""
    post = Limited(town.clock, overall=(2.0, 5.0))
    sender = town.sender(post)
    other = town.sender(post, store=await town.another())  # type: ignore[attr-defined]
    people = [await town.person(f"p{n}") for n in range(6)]
    post.outcomes = [later(20, pause="post:bot")]
    await town.decide(sender, people[0], town.row("r0", "p0"))
    await sender.settled()
    for n in range(1, 6):
        await town.decide((sender, other)[n % 2], people[n], town.row(f"r{n}", f"p{n}"))
    await town.pass_time(19.5, sender, other)
    assert post.tried == ["r0"]
    await town.pass_time(25, sender, other)
    assert sorted(post.sent) == [f"r{n}" for n in range(6)]
    times = post.times()[1:]
    assert times[0] >= 20
    assert all(b >= a + 2.9 for a, b in zip(times, times[6:], strict=False))
    assert len([when for when in times if when < times[0] + 0.5]) <= 2


async def test_refused_for_now_is_tried_again_with_patience(town: Town, post: Post) -> None:
    """Waits double up to a limit; then the reply is given up, and the lane goes on."""
    ada = await town.person("ada")
    sender = town.sender(post, policy=Policy(attempts=4, backoff=1, limit=3))
    post.outcomes = [later()] * 4
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.pass_time(30, every=0.25)
    assert post.tried == ["r1"] * 4 + ["r2"]
    gaps = [b - a for a, b in zip(post.times()[:3], post.times()[1:4], strict=True)]
    assert [round(gap, 1) >= least for gap, least in zip(gaps, (0.7, 1.5, 2.2), strict=True)]
    assert max(gaps) < 3
    assert (await town.ended(ada)) == {"r1": (Receipt.FAILED, "gave_up"), "r2": SENT}


async def test_a_claim_never_runs_out_while_it_waits(town: Town) -> None:
    """A lane that must wait for minutes gives its row back: it is sent once, never unknown."""
    post = Limited(town.clock, per_chat=(1 / 120, 1.0))
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.pass_time(130, every=5)
    assert post.tried == ["r1", "r2"]
    assert post.times()[1] >= 120
    assert await town.ended(ada) == {"r1": SENT, "r2": SENT}


async def test_stop_reaches_what_waits_for_the_platform(town: Town) -> None:
    """A row that was claimed and waits for tokens when STOP comes is not sent any more."""
    post = Limited(town.clock, per_chat=(0.2, 1.0))
    ada = await town.person("ada")
    sender = town.sender(post)
    await town.decide(sender, ada, *(town.row(f"r{n}", "ada") for n in range(50)))
    await town.pass_time(1)
    assert post.sent == ["r0"]
    await town.store.admit(
        ada, Inbound(address=Address("post", "ada"), message_id="stop"), consent=Consent.STOP
    )
    await town.pass_time(60)
    assert post.sent == ["r0"]
    assert (await town.ended(ada))["r1"] == (Receipt.FAILED, "cancelled")
    assert await town.unsent(ada) == 0


async def test_stop_reaches_what_was_refused_for_now(town: Town, post: Post) -> None:
    """The send under way when STOP came was refused with "later": there is no later."""
    ada = await town.person("ada")
    sender = town.sender(post)

    def stop_comes(_: Address) -> NotSent:
        return later(2)

    post.rule = stop_comes
    claims = []
    begin, sender.begin = sender.begin, lambda customer, claim: claims.append((customer, claim))  # type: ignore[method-assign]
    await town.decide(sender, ada, town.row("r1", "ada"))
    await town.store.admit(
        ada, Inbound(address=Address("post", "ada"), message_id="stop"), consent=Consent.STOP
    )
    begin(*claims[0])
    sender.begin = begin  # type: ignore[method-assign]
    await town.pass_time(10)
    assert post.tried == ["r1"]
    assert await town.ended(ada) == {"r1": (Receipt.FAILED, "cancelled")}


# -- nobody knows --------------------------------------------------------------------------------


async def test_an_answer_is_repeated_once(town: Town, post: Post) -> None:
    """And after a second time without a word it stays unknown."""
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut"), Unknown(why="cut")]
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.pass_time(5)
    assert post.tried == ["r1", "r1", "r2"]
    assert await town.ended(ada) == {"r1": UNKNOWN, "r2": SENT}


async def test_codes_and_what_we_write_first_are_never_repeated(town: Town, post: Post) -> None:
    """Also where the row was made without thinking of it."""
    ada = await town.person("ada")
    sender = town.sender(post)
    for purpose in (Purpose.CODE, Purpose.PROACTIVE):
        post.outcomes = [Unknown(why="cut")]
        await town.decide(sender, ada, town.row(purpose.value, "ada", purpose=purpose))
        await town.pass_time(3)
    assert post.tried == ["code", "proactive"]
    assert await town.ended(ada) == {"code": UNKNOWN, "proactive": UNKNOWN}


async def test_a_platform_that_can_be_asked_is_asked_first(town: Town) -> None:
    """It has it: nothing is sent again. The next of the lane waits until that is known."""
    post = Asked(town.clock, found=[Unknown(why="not yet"), Sent(id="m1")])
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut")]
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.pass_time(20)
    assert post.tried == ["r1", "r2"]
    assert [round(when) for when in post.asked] == [2, 10]
    assert post.times()[1] >= 10
    assert await town.ended(ada) == {"r1": SENT, "r2": SENT}


async def test_what_the_platform_surely_has_not_is_sent(town: Town) -> None:
    """Even a code: it is no repetition."""
    post = Asked(town.clock, found=[NotSent(why="not there", permanent=False)])
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut")]
    await town.decide(sender, ada, town.row("r1", "ada", purpose=Purpose.CODE))
    await town.pass_time(5)
    assert post.tried == ["r1", "r1"]
    assert await town.ended(ada) == {"r1": SENT}


async def test_asked_in_vain_the_replys_policy_decides(town: Town) -> None:
    """Three times; then an answer goes once more, and what may not is closed as unknown."""
    post = Asked(town.clock)
    ada, ben = await town.person("ada"), await town.person("ben")
    sender = town.sender(post)
    post.outcomes = [Unknown(why="cut"), Unknown(why="cut")]
    await town.decide(sender, ada, town.row("a", "ada"))
    await town.decide(sender, ben, town.row("b", "ben", repeat=False))
    await town.pass_time(60)
    assert post.tried == ["a", "b", "a"]
    assert len(post.asked) == 6
    assert await town.ended(ada) == {"a": SENT}
    assert await town.ended(ben) == {"b": UNKNOWN}


# -- refused for good ----------------------------------------------------------------------------


async def test_a_moved_address_is_followed(town: Town, post: Post) -> None:
    """The record, the index and all that is queued; the reply is sent once more, to there."""
    ada = await town.person("ada")
    sender = town.sender(post)
    there = Address("post", "ada-2")
    post.outcomes = [refused(reason=Reason.MOVED, moved_to=there)]
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.pass_time(5)
    assert [(to, row) for _, to, row, _ in post.ledger] == [
        ("ada", "r1"),
        ("ada-2", "r1"),
        ("ada-2", "r2"),
    ]
    assert await town.store.owner(there) == ada
    assert await town.store.owner(Address("post", "ada")) is None
    assert await town.store.has_address(ada, there)
    assert not await town.store.has_address(ada, Address("post", "ada"))


async def test_nobody_is_moved_into_somebody_elses_address(town: Town, post: Post) -> None:
    """What was meant for Ada does not go to Ben."""
    ada, ben = await town.person("ada"), await town.person("ben")
    sender = town.sender(post)
    post.outcomes = [refused(reason=Reason.MOVED, moved_to=Address("post", "ben"))]
    await town.decide(sender, ada, town.row("r1", "ada"))
    await town.pass_time(3)
    assert post.tried == ["r1"]
    assert await town.ended(ada) == {"r1": (Receipt.FAILED, "moved")}
    assert await town.store.owner(Address("post", "ben")) == ben


def two_channels(town: Town) -> tuple[Post, Post]:
    return Post(town.clock), Post(town.clock, name="wire")


async def test_who_blocked_us_gets_the_answer_elsewhere(town: Town) -> None:
    """On another address of theirs where we have spoken; readers see where it went."""
    post, wire = two_channels(town)
    ada = await town.person("ada", Address("wire", "77"))
    sender = town.sender(post, wire)
    post.outcomes = [refused(reason=Reason.BLOCKED)]
    known = State(disclosed=["post", "wire"])
    await town.decide(sender, ada, town.row("r1", "ada"), town.row("r2", "ada"), state=known)
    await town.pass_time(3)
    assert [(to, row) for _, to, row, _ in wire.ledger] == [("77", "r1~1")]
    assert post.sent == ["r2"]
    got = await town.got(ada)
    assert (got["r1"].receipt, got["r1"].why, got["r1"].instead) == (
        Receipt.FAILED,
        "blocked",
        "wire",
    )
    assert got["r1~1"].receipt is Receipt.SENT
    snapshot = await town.store.snapshot(ada)
    assert snapshot is not None
    assert snapshot.unreachable == {Address("post", "ada")}
    await town.store.admit(ada, Inbound(address=Address("post", "ada"), message_id="back"))
    snapshot = await town.store.snapshot(ada)
    assert snapshot is not None
    assert snapshot.unreachable == frozenset()


async def test_only_an_address_that_may_be_used_is_used(town: Town) -> None:
    """Not one we never spoke on, not for what nobody asked for, not one of less proof."""
    post, wire = two_channels(town)
    sender = town.sender(post, wire)
    post.rule = lambda _address: refused(reason=Reason.BLOCKED)
    silent = await town.person("one", Address("wire", "1"))
    await town.decide(sender, silent, town.row("r1", "one"), state=State(disclosed=["post"]))
    both = State(disclosed=["post", "wire"])
    first = await town.person("two", Address("wire", "2"))
    await town.decide(sender, first, town.row("r1", "two", purpose=Purpose.PROACTIVE), state=both)
    claimed = await town.person("three")
    await town.store.add_address(claimed, Address("wire", "3"), Proof.CLAIMED)
    await town.decide(sender, claimed, town.row("r1", "three"), state=both)
    await town.pass_time(3)
    assert wire.ledger == []
    for customer in (silent, first, claimed):
        assert await town.ended(customer) == {"r1": (Receipt.FAILED, "blocked")}


async def test_a_refused_token_stops_its_channel_only(town: Town) -> None:
    """Nothing is lost: it is tried again slowly, and goes out when the token is mended."""
    post, wire = two_channels(town)
    sender = town.sender(post, wire)
    post.rule = lambda _address: refused(reason=Reason.CREDENTIAL)
    people = [await town.person(f"p{n}") for n in range(5)]
    zoe = await town.person("zoe", channel="wire")
    for n, person in enumerate(people):
        await town.decide(sender, person, town.row(f"r{n}", f"p{n}"))
        await town.quiet()
    await town.decide(sender, zoe, town.row("z", "zoe", "wire"))
    await town.pass_time(120)
    assert wire.sent == ["z"]
    assert 2 <= len(post.tried) <= 5
    assert sender.breakers.open("post")
    assert not sender.breakers.open("wire")
    post.rule = lambda _address: None
    await town.pass_time(400)
    assert sorted(post.sent) == [f"r{n}" for n in range(5)]
    assert not sender.breakers.open("post")


async def test_a_platform_that_is_down_is_left_alone(town: Town) -> None:
    """After five failures in a row the breaker opens; a probe now and then finds it mended."""
    post, wire = two_channels(town)
    sender = town.sender(post, wire)
    post.rule = lambda _address: later()
    for n in range(40):
        person = await town.person(f"p{n}")
        await town.decide(sender, person, town.row(f"r{n}", f"p{n}"))
        await town.quiet()
    assert len(post.tried) == 5
    await town.pass_time(60)
    assert len(post.tried) < 15
    post.rule = lambda _address: None
    await town.pass_time(120)
    assert sorted(post.sent) == sorted(f"r{n}" for n in range(40))


async def test_a_probe_that_waits_for_limits_is_a_probe_all_the_same(town: Town) -> None:
    """Where every send waits for tokens, a channel that is mended comes back as well."""
    post = Limited(town.clock, overall=(0.5, 1.0))
    sender = town.sender(post)
    post.rule = lambda _address: later()
    for n in range(12):
        await town.decide(sender, await town.person(f"p{n}"), town.row(f"r{n}", f"p{n}"))
    await town.pass_time(60)
    assert sender.breakers.open("post")
    post.rule = lambda _address: None
    await town.pass_time(240)
    assert sorted(post.sent) == sorted(f"r{n}" for n in range(12))


async def test_content_goes_once_as_plain_text(town: Town, post: Post) -> None:
    """Without markup and buttons; if the platform likes that no better, the lane goes on."""
    ada = await town.person("ada")
    sender = town.sender(post)
    bold = Message(body=(Paragraph((Strong((Text("Sure?"),)),)),), buttons=(Button("yes", "Yes"),))
    built: list[Message] = []
    build = post.build
    post.build = lambda message: built.append(message) or build(message)  # type: ignore[method-assign]
    post.outcomes = [refused(reason=Reason.CONTENT)]
    await town.decide(sender, ada, town.row("r1", "ada", message=bold), town.row("r2", "ada"))
    await town.pass_time(2)
    assert post.sent == ["r1", "r2"]
    assert built[1].buttons == ()
    assert "Strong" not in repr(built[1])
    assert "Yes" in repr(built[1])
    post.outcomes = [refused(reason=Reason.CONTENT)] * 2
    await town.decide(sender, ada, town.row("r3", "ada", message=bold), town.row("r4", "ada"))
    await town.pass_time(2)
    ended = await town.ended(ada)
    assert ended["r3"] == (Receipt.FAILED, "content")
    assert ended["r4"] == SENT


async def test_every_other_reason_closes_the_row_and_frees_the_lane(town: Town, post: Post) -> None:
    """With the reason, for whoever reads the transcript."""
    ada = await town.person("ada")
    sender = town.sender(post)
    reasons = [Reason.OTHER, Reason.NO_ADDRESS, Reason.WINDOW, Reason.SPENT]
    post.outcomes = [refused(reason=reason) for reason in reasons]
    await town.decide(
        sender, ada, *(town.row(reason.value, "ada") for reason in reasons), town.row("z", "ada")
    )
    await town.pass_time(3)
    assert post.tried == [*(reason.value for reason in reasons), "z"]
    assert await town.ended(ada) == {
        **{reason.value: (Receipt.FAILED, reason.value) for reason in reasons},
        "z": SENT,
    }


async def test_the_platforms_opt_out_is_ours_too(town: Town, post: Post) -> None:
    """The consent record follows, and what is queued for that channel is not tried."""
    ada = await town.person("ada")
    sender = town.sender(post)
    post.outcomes = [refused(reason=Reason.OPTED_OUT)]
    await town.decide(sender, ada, *(town.row(f"r{n}", "ada") for n in range(3)))
    await town.pass_time(3)
    assert post.tried == ["r0"]
    assert await town.ended(ada) == {
        "r0": (Receipt.FAILED, "opted_out"),
        "r1": (Receipt.FAILED, "cancelled"),
        "r2": (Receipt.FAILED, "cancelled"),
    }
    snapshot = await town.store.snapshot(ada)
    assert snapshot is not None
    assert snapshot.opted_out == {"post"}


# -- processes come and go -------------------------------------------------------------------------


async def test_a_sender_that_died_leaves_a_question(town: Town) -> None:
    """Killed between send and settle: the platform is asked, and what it has is not sent again."""
    post = Asked(town.clock, found=[Sent(id="m0"), NotSent(why="not there", permanent=False)])
    ada, ben = await town.person("ada"), await town.person("ben")
    dying, heir = town.sender(post), town.sender(post, store=await town.another())  # type: ignore[attr-defined]
    for person, name, sent in ((ada, "ada", True), (ben, "ben", False)):
        await _die_in_send(town, post, dying, person, name, sent=sent)
    assert post.tried == ["ada-1"]
    await town.pass_time(60, heir)
    assert post.tried == ["ada-1", "ben-1"]
    assert await town.ended(ada) == {"ada-1": SENT}
    assert await town.ended(ben) == {"ben-1": SENT}


async def test_a_sender_that_died_where_nobody_can_be_asked(town: Town, post: Post) -> None:
    """An answer is sent once more, a code is not; what is not known is shown."""
    ada, ben = await town.person("ada"), await town.person("ben")
    dying, heir = town.sender(post), town.sender(post, store=await town.another())  # type: ignore[attr-defined]
    await _die_in_send(town, post, dying, ada, "ada", sent=True)
    await _die_in_send(town, post, dying, ben, "ben", sent=True, purpose=Purpose.CODE)
    await town.pass_time(60, heir)
    assert post.tried == ["ada-1", "ben-1", "ada-1"]
    assert await town.ended(ada) == {"ada-1": SENT}
    assert await town.ended(ben) == {"ben-1": UNKNOWN}


async def _die_in_send(
    town: Town,
    post: Post,
    dying: Delivery,
    person: str,
    name: str,
    *,
    sent: bool,
    purpose: Purpose = Purpose.ANSWER,
) -> None:
    """Let a process die during a send, after or before the platform took it."""
    send, hangs = post.send, asyncio.Event()

    async def never_answers(address: Address, payload: Payload, row: Row) -> Outcome:
        if sent:
            await send(address, payload, row)
        hangs.set()
        await asyncio.Event().wait()
        raise AssertionError

    post.send = never_answers  # type: ignore[method-assign]
    await town.decide(dying, person, town.row(f"{name}-1", name, purpose=purpose))
    await hangs.wait()
    for task in tuple(dying._tasks):
        task.cancel()
    await asyncio.gather(*dying._tasks, return_exceptions=True)
    post.send = send  # type: ignore[method-assign]


async def test_what_waits_for_limits_is_handed_on_at_a_stop(town: Town) -> None:
    """A process that ends gives its waiting rows back at once; another sends them."""
    post = Limited(town.clock, per_chat=(0.2, 1.0))
    ada = await town.person("ada")
    ending, heir = town.sender(post), town.sender(post, store=await town.another())  # type: ignore[attr-defined]
    await town.decide(ending, ada, town.row("r1", "ada"), town.row("r2", "ada"))
    await town.quiet()
    await ending.drain(1)
    assert not ending._tasks
    await town.pass_time(7, heir)
    assert post.sent == ["r1", "r2"]


async def test_only_so_many_sends_are_under_way(town: Town, post: Post) -> None:
    """A backlog does not pile up inside a slow client, where it would look lost."""
    sender = town.sender(post)
    send, under_way, most = post.send, 0, 0

    async def slow(address: Address, payload: Payload, row: Row) -> Outcome:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await town.clock.sleep(1)
        under_way -= 1
        return await send(address, payload, row)

    post.send = slow  # type: ignore[method-assign]
    for n in range(500):
        await town.decide(sender, await town.person(f"p{n}"), town.row(f"r{n}", f"p{n}"))
    await town.pass_time(30)
    assert most == 64
    assert len(post.sent) == len(set(post.sent)) == 500


# -- the life of a reply -------------------------------------------------------------------------


async def test_what_is_too_old_is_owned_up_to_once(town: Town, post: Post) -> None:
    """Ten answers that came too late are one turn's word, and that one is not owned up to."""
    ada = await town.person("ada")
    sender = town.sender(post, policy=Policy(attempts=1000))
    post.rule = lambda _address: later()
    life = to_millis(town.clock.now() + timedelta(minutes=15))
    rows = [town.row(f"r{n}", "ada", expires_at=life) for n in range(10)]
    await town.decide(sender, ada, *rows)
    town.play = lambda _granted: _sorry(town)
    await town.pass_time(16 * 60, every=30)
    assert [granted.late for granted in town.granted] == [True]
    ended = await town.ended(ada)
    assert ended == {f"r{n}": (Receipt.FAILED, "late") for n in range(10)}
    await town.pass_time(26 * 3600, every=600)
    assert len(town.granted) == 1
    assert (await town.ended(ada))["sorry"] == (Receipt.FAILED, "late")
    assert await town.unsent(ada) == 0


def _sorry(town: Town) -> Commit:
    day = to_millis(town.clock.now() + timedelta(days=1))
    row = town.row("sorry", "ada", late=True, expires_at=day)
    return Commit(state=encode(State()), rows=(row,))


async def test_an_answer_that_was_given_up_is_owned_up_to(town: Town, post: Post) -> None:
    """As one that came too late; what we wrote first is missed by nobody."""
    ada, ben = await town.person("ada"), await town.person("ben")
    sender = town.sender(post, policy=Policy(attempts=1))
    post.outcomes = [later(), later()]
    await town.decide(sender, ada, town.row("a", "ada"))
    await town.decide(sender, ben, town.row("b", "ben", purpose=Purpose.PROACTIVE))
    await town.pass_time(5)
    assert [(granted.lease.customer, granted.late) for granted in town.granted] == [(ada, True)]
    assert await town.ended(ada) == {"a": (Receipt.FAILED, "gave_up")}
    assert await town.ended(ben) == {"b": (Receipt.FAILED, "gave_up")}
