"""One turn in the memory: admit, commit, and what may come between them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from segue.memory import (
    Commit,
    Committed,
    Duplicate,
    Fenced,
    Flag,
    Full,
    Gone,
    Granted,
    Idle,
    Limits,
    NotMine,
    Queued,
    Renewed,
    Store,
)
from segue.types import Address, Proof


async def test_a_turn_is_two_round_trips(store: Store, hands: Any) -> None:
    """A message is stored and its turn committed with one call each, also the very first."""
    before = store.server.tally.copy()
    granted = await hands.begin(store)
    done = await store.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"one", b"two")))
    assert isinstance(done, Committed)
    spent = store.server.tally - before
    del spent["pause"]  # looked at every second, by the process and not by the turn
    assert spent == {"admit": 1, "commit": 1}


async def test_the_lease_brings_the_state_with_it(store: Store, hands: Any) -> None:
    """Whoever gets the lease gets the state, the letters and the addresses in the same reply."""
    first = await hands.begin(store)
    assert (first.state, first.number, first.lease.version) == (b"", 1, 0)
    assert first.addresses == ((hands.web, Proof.CHANNEL),)
    await store.commit(first.lease, Commit(state=b"\x00\xffstate", ack=1))
    second = await store.admit(hands.ada, hands.said(2, text="a\x00ü😀"))
    assert isinstance(second, Granted)
    assert (second.state, second.number, second.lease.version) == (b"\x00\xffstate", 2, 1)
    assert [letter.inbound.text for letter in second.letters] == ["a\x00ü😀"]
    assert second.lease.epoch > first.lease.epoch


async def test_a_message_that_comes_again_does_nothing(store: Store, hands: Any) -> None:
    """The same message id on the same channel is the same message: in the turn, and after it."""
    granted = await hands.begin(store)
    assert await store.admit(hands.ada, hands.said(1)) == Duplicate()
    await store.commit(granted.lease, Commit(state=b"s", ack=1))
    assert await store.admit(hands.ada, hands.said(1)) == Duplicate()
    assert await store.take(hands.ada) == Idle()


async def test_the_same_id_on_another_channel_is_another_message(store: Store, hands: Any) -> None:
    """Message ids of different channels have nothing to do with each other."""
    await hands.begin(store)
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    assert await store.admit(hands.ada, hands.said(1, hands.sms)) == Queued(number=2)


async def test_what_comes_during_a_turn_is_handed_over(store: Store, hands: Any) -> None:
    """Commit answers with the messages that came meanwhile, under the lease it has, in order."""
    granted = await hands.begin(store)
    assert await store.admit(hands.ada, hands.said(2)) == Queued(number=2)
    assert await store.admit(hands.ada, hands.said(3)) == Queued(number=3)
    done = await store.commit(granted.lease, Commit(state=b"s1", ack=1))
    assert isinstance(done, Committed)
    assert done.more is not None
    assert done.more.state == b"s1"
    assert [letter.number for letter in done.more.letters] == [2, 3]
    last = await store.commit(done.more.lease, Commit(state=b"s2", ack=3))
    assert isinstance(last, Committed)
    assert last.more is None
    assert await store.take(hands.ada) == Idle()


async def test_letters_that_are_not_acknowledged_stay(store: Store, hands: Any) -> None:
    """A turn that answered only the first of three gets the other two again."""
    granted = await hands.begin(store)
    await store.admit(hands.ada, hands.said(2))
    done = await store.commit(granted.lease, Commit(state=b"s"))
    assert isinstance(done, Committed)
    assert done.more is not None
    assert [letter.number for letter in done.more.letters] == [1, 2]


async def test_at_most_sixteen_letters_are_given_out(store: Store, hands: Any) -> None:
    """A long inbox comes in parts of sixteen."""
    granted = await hands.begin(store)
    for number in range(2, 31):
        assert isinstance(await store.admit(hands.ada, hands.said(number)), Queued)
    done = await store.commit(granted.lease, Commit(state=b"s", ack=1))
    assert isinstance(done, Committed)
    assert done.more is not None
    assert [letter.number for letter in done.more.letters] == list(range(2, 18))


async def test_a_full_inbox_refuses(open_a_store: Any, hands: Any) -> None:
    """More unanswered messages than the limit are refused, and may come again later."""
    store: Store = await open_a_store(limits=Limits(inbox=2))
    granted = await hands.begin(store)
    await store.admit(hands.ada, hands.said(2))
    assert await store.admit(hands.ada, hands.said(3)) == Full()
    await store.commit(granted.lease, Commit(state=b"s", ack=2))
    assert isinstance(await store.admit(hands.ada, hands.said(3)), Granted)


async def test_an_address_that_is_not_theirs_is_refused(store: Store, hands: Any) -> None:
    """Nothing is stored for a message from an address that the customer does not have."""
    granted = await hands.begin(store)
    await store.commit(granted.lease, Commit(state=b"s", ack=1))
    for address in (Address("web", "a"), Address("web", "a11"), Address("eb", "a1"), hands.sms):
        assert await store.admit(hands.ada, hands.said(2, address)) == NotMine()
    assert await store.take(hands.ada) == Idle()


async def test_who_does_not_exist_is_gone(store: Store, hands: Any) -> None:
    """A message for a customer without a record is not stored, unless told to create one."""
    assert await store.admit(hands.ada, hands.said(1)) == Gone()
    assert await store.admit("not an id", hands.said(1), create=True) == Gone()
    assert await store.take(hands.ada) == Gone()


async def test_record_keeps_the_lease_and_the_letters(store: Store, hands: Any) -> None:
    """In the middle of a turn the state lands; the message is only answered by the commit."""
    granted = await hands.begin(store)
    noted = await store.record(granted.lease, Commit(state=b"half", ack=1, log=(b"working",)))
    assert isinstance(noted, Committed)
    assert noted.lease is not None
    assert noted.lease.version == 1
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert (snapshot.state, snapshot.waiting) == (b"half", 1)
    assert isinstance(await store.admit(hands.ada, hands.said(2)), Queued)
    done = await store.commit(noted.lease, Commit(state=b"whole", ack=2))
    assert isinstance(done, Committed)
    assert (done.version, done.cursor, done.more) == (2, 1, None)


async def test_an_old_version_is_fenced(store: Store, hands: Any) -> None:
    """Who goes on from a state that has changed since writes nothing."""
    granted = await hands.begin(store)
    noted = await store.record(granted.lease, Commit(state=b"new"))
    assert isinstance(noted, Committed)
    assert await store.commit(granted.lease, Commit(state=b"old", ack=1)) == Fenced()
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert snapshot.state == b"new"


async def test_flags_reach_the_running_turn(store: Store, hands: Any) -> None:
    """What a customer asks for while a turn runs is in the next renewal, and gone after it."""
    granted = await hands.begin(store)
    assert await store.renew(granted.lease) != Fenced()
    await store.admit(hands.ada, hands.said(2), flag=Flag.PERSON)
    await store.admit(hands.ada, hands.said(3), flag=Flag.CANCEL)
    renewed = await store.renew(granted.lease)
    assert isinstance(renewed, Renewed)
    assert (renewed.flags, renewed.waiting) == (Flag.PERSON | Flag.CANCEL, 3)
    assert renewed.lease.deadline >= granted.lease.deadline
    done = await store.commit(renewed.lease, Commit(state=b"s", ack=1))
    assert isinstance(done, Committed)
    assert done.more is not None
    again = await store.renew(done.more.lease)
    assert isinstance(again, Renewed)
    assert again.flags == Flag.NONE


async def test_a_released_lease_is_free_at_once(store: Store, hands: Any) -> None:
    """Handing back loses nothing and is no failed try: the letter is due at once."""
    granted = await hands.begin(store)
    await store.release(granted.lease)
    assert await store.renew(granted.lease) == Fenced()
    assert await store.commit(granted.lease, Commit(state=b"late", ack=1)) == Fenced()
    assert hands.ada in await store.sweep()
    taken = await store.take(hands.ada)
    assert isinstance(taken, Granted)
    assert [(letter.number, letter.attempts) for letter in taken.letters] == [(1, 0)]


async def test_everything_of_a_turn_lands_together_or_not_at_all(store: Store, hands: Any) -> None:
    """A fenced commit leaves no trace in transcript, outbox, events, timers or inbox."""
    granted = await hands.begin(store)
    hands.lease_runs_out(store, hands.ada)
    other = await store.take(hands.ada)
    assert isinstance(other, Granted)
    before = await store.snapshot(hands.ada)
    late = Commit(
        state=b"late",
        ack=1,
        log=(b"line",),
        said=1,
        rows=(hands.row("r1"),),
        events=(b"event",),
        due=1,
    )
    assert await store.commit(granted.lease, late) == Fenced()
    assert await store.snapshot(hands.ada) == before
    assert await store.lines(hands.ada) == ([], 0)
    assert hands.receipts(store, hands.ada) == []
    done = await store.commit(other.lease, replace(late, state=b"in time"))
    assert isinstance(done, Committed)
    assert (done.cursor, len(done.claims)) == (1, 1)
