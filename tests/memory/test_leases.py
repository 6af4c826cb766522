"""Leases: one holder at a time, and what happens to those who come too late or never come back."""

from __future__ import annotations

import asyncio
from typing import Any

from segue.memory import (
    Busy,
    Commit,
    Committed,
    Fenced,
    Granted,
    Idle,
    Limits,
    Queued,
    Renewed,
    Store,
)


async def test_of_many_only_one_holds_a_customer(open_a_store: Any, hands: Any) -> None:
    """Of 50 messages to two processes at once, one gets the lease and the rest are queued."""
    stores = [await open_a_store(), await open_a_store()]
    await stores[0].create(hands.ada, hands.web, 2)
    answers = await asyncio.gather(
        *(stores[number % 2].admit(hands.ada, hands.said(number)) for number in range(50))
    )
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    assert sum(isinstance(answer, Queued) for answer in answers) == 49


async def test_one_message_sent_fifty_times_is_stored_once(open_a_store: Any, hands: Any) -> None:
    """However often and to however many processes a message comes, there is one letter."""
    stores = [await open_a_store(), await open_a_store()]
    await stores[0].create(hands.ada, hands.web, 2)
    answers = await asyncio.gather(
        *(stores[number % 2].admit(hands.ada, hands.said(1)) for number in range(50))
    )
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    snapshot = await stores[1].snapshot(hands.ada)
    assert snapshot is not None
    assert snapshot.waiting == 1


async def test_a_holder_that_is_late_is_fenced(open_a_store: Any, hands: Any) -> None:
    """A worker that stood still while another took over can neither renew nor write."""
    slow, quick = await open_a_store(), await open_a_store()
    granted = await hands.begin(slow)
    assert await quick.take(hands.ada) == Busy()
    hands.lease_runs_out(slow, hands.ada)
    taken = await quick.take(hands.ada)
    assert isinstance(taken, Granted)
    assert taken.lease.epoch == granted.lease.epoch + 1
    assert await slow.renew(granted.lease) == Fenced()
    assert await slow.record(granted.lease, Commit(state=b"late")) == Fenced()
    assert await slow.commit(granted.lease, Commit(state=b"late", ack=1)) == Fenced()
    done = await quick.commit(taken.lease, Commit(state=b"in time", ack=1))
    assert isinstance(done, Committed)


async def test_a_holder_that_is_late_and_missed_by_nobody_goes_on(store: Store, hands: Any) -> None:
    """A lease that ran out and was taken by nobody is still its holder's."""
    granted = await hands.begin(store)
    hands.lease_runs_out(store, hands.ada)
    assert isinstance(await store.renew(granted.lease), Renewed)
    assert await store.take(hands.ada) == Busy()
    hands.lease_runs_out(store, hands.ada)
    done = await store.commit(granted.lease, Commit(state=b"s", ack=1))
    assert isinstance(done, Committed)


async def test_a_new_message_takes_over_what_a_dead_worker_left(store: Store, hands: Any) -> None:
    """Nobody need wait for the sweeper: the next message gets lease and old letters."""
    await hands.begin(store)
    hands.lease_runs_out(store, hands.ada)
    answer = await store.admit(hands.ada, hands.said(2))
    assert isinstance(answer, Granted)
    # After a failure letters come one at a time, so that the one to blame is found.
    assert [(letter.number, letter.attempts) for letter in answer.letters] == [(1, 1)]
    done = await store.commit(answer.lease, Commit(state=b"s", ack=1))
    assert isinstance(done, Committed)
    assert done.more is not None
    assert [letter.number for letter in done.more.letters] == [2]


async def test_the_sweep_finds_what_a_dead_worker_left(open_a_store: Any, hands: Any) -> None:
    """A customer whose lease ran out is due; one whose lease goes on is not."""
    dead, alive = await open_a_store(), await open_a_store()
    await hands.begin(dead)
    await hands.begin(dead, hands.ben)
    hands.lease_runs_out(dead, hands.ada)
    assert await alive.sweep() == [hands.ada]
    assert isinstance(await alive.take(hands.ada), Granted)


async def test_a_slice_is_swept_by_one_process_at_a_time(open_a_store: Any, hands: Any) -> None:
    """What one process has just swept, another leaves alone for as long as a sweep lasts."""
    one, other = await open_a_store(), await open_a_store()
    await hands.begin(one)
    hands.lease_runs_out(one, hands.ada)
    assert await one.sweep() == [hands.ada]
    assert await other.sweep() == []
    assert await one.sweep() == [hands.ada], "its own slices are still its own"


async def test_a_letter_that_kills_is_parked(store: Store, hands: Any) -> None:
    """After three turns that never ended the first letter is parked, and the next is answered."""
    await hands.begin(store)
    await store.admit(hands.ada, hands.said(2))
    for attempts in (1, 2):
        hands.lease_runs_out(store, hands.ada)
        taken = await store.take(hands.ada)
        assert isinstance(taken, Granted)
        assert [(letter.number, letter.attempts) for letter in taken.letters] == [(1, attempts)]
    hands.lease_runs_out(store, hands.ada)
    taken = await store.take(hands.ada)
    assert isinstance(taken, Granted)
    assert [(letter.number, letter.attempts) for letter in taken.letters] == [(2, 0)]
    assert taken.parked, "the customer is to be told"
    [dead] = await store.dead_letters()
    assert (dead.customer, dead.inbound.text) == (hands.ada, "message 1")
    assert "finished" in dead.why
    done = await store.commit(taken.lease, Commit(state=b"s", ack=2))
    assert isinstance(done, Committed)
    assert done.more is None


async def test_a_letter_that_kills_is_parked_by_admit_too(store: Store, hands: Any) -> None:
    """A customer who goes on writing gets past the letter that kills, without a sweep."""
    await hands.begin(store)
    for number in (2, 3):
        hands.lease_runs_out(store, hands.ada)
        assert isinstance(await store.admit(hands.ada, hands.said(number)), Granted)
    hands.lease_runs_out(store, hands.ada)
    answer = await store.admit(hands.ada, hands.said(4))
    assert isinstance(answer, Granted)
    assert [letter.number for letter in answer.letters] == [2, 3, 4]
    assert len(await store.dead_letters()) == 1


async def test_a_customer_who_cannot_even_be_told_is_left_alone(
    open_a_store: Any, hands: Any
) -> None:
    """Where the turn that would tell of a parked letter dies as well, nobody tries for ever."""
    store: Store = await open_a_store(limits=Limits(tries=1))
    granted = await hands.begin(store)
    hands.lease_runs_out(store, hands.ada)
    told = await store.take(hands.ada)
    assert isinstance(told, Granted)
    await store.release(told.lease)
    assert hands.due(store, hands.ada) is not None, "handed back, and still to be told"
    assert isinstance(await store.take(hands.ada), Granted)
    hands.lease_runs_out(store, hands.ada)
    assert await store.take(hands.ada) == Idle()
    assert hands.due(store, hands.ada) is None
    assert await store.commit(granted.lease, Commit(state=b"late")) == Fenced()


async def test_progress_forgives_failed_tries(store: Store, hands: Any) -> None:
    """A turn that records a step and then dies has got on, and starts counting anew."""
    granted = await hands.begin(store)
    for step in range(5):
        noted = await store.record(granted.lease, Commit(state=b"step"))
        assert isinstance(noted, Committed), step
        hands.lease_runs_out(store, hands.ada)
        taken = await store.take(hands.ada)
        assert isinstance(taken, Granted)
        granted = taken
    assert await store.dead_letters() == []


async def test_the_next_turn_under_a_lease_starts_counting_anew(store: Store, hands: Any) -> None:
    """What was handed over by a commit has not failed before."""
    granted = await hands.begin(store)
    await store.admit(hands.ada, hands.said(2))
    hands.lease_runs_out(store, hands.ada)
    taken = await store.take(hands.ada)
    assert isinstance(taken, Granted)
    assert taken.lease.epoch == granted.lease.epoch + 1
    done = await store.commit(taken.lease, Commit(state=b"s", ack=1))
    assert isinstance(done, Committed)
    assert done.more is not None
    assert [(letter.number, letter.attempts) for letter in done.more.letters] == [(2, 0)]


async def test_a_parked_letter_can_be_tried_again(open_a_store: Any, hands: Any) -> None:
    """Retry puts it back at the end of the inbox, once; discard throws it away, once."""
    store: Store = await open_a_store(limits=Limits(tries=1))
    await hands.begin(store)
    hands.lease_runs_out(store, hands.ada)
    told = await store.take(hands.ada)
    assert isinstance(told, Granted)
    assert (told.parked, told.letters) == (True, ())
    await store.commit(told.lease, Commit(state=b"told"))
    assert await store.take(hands.ada) == Idle()
    [dead] = await store.dead_letters()
    assert await store.retry(dead.id)
    assert not await store.retry(dead.id)
    assert hands.ada in await store.sweep()
    taken = await store.take(hands.ada)
    assert isinstance(taken, Granted)
    assert [letter.inbound.text for letter in taken.letters] == ["message 1"]
    hands.lease_runs_out(store, hands.ada)
    await store.take(hands.ada)
    [dead] = await store.dead_letters()
    assert await store.discard(dead.id)
    assert not await store.discard(dead.id)
    assert await store.dead_letters() == []


async def test_a_timer_brings_the_lease_without_letters(store: Store, hands: Any) -> None:
    """When its time has come, a customer with nothing to say is taken all the same."""
    granted = await hands.begin(store)
    later = 1000 * (granted.lease.deadline // 1000 + 3600)
    await store.commit(granted.lease, Commit(state=b"s", ack=1, due=later))
    assert await store.take(hands.ada) == Idle()
    due = hands.due(store, hands.ada)
    assert due is not None
    assert abs(due - later) < 60_000
    hands.timer_comes(store, hands.ada)
    assert await store.sweep() == [hands.ada]
    taken = await store.take(hands.ada)
    assert isinstance(taken, Granted)
    assert taken.letters == ()
    done = await store.commit(taken.lease, Commit(state=b"s2"))
    assert isinstance(done, Committed)
    assert hands.due(store, hands.ada) is None


async def test_a_timer_that_kills_is_parked(store: Store, hands: Any) -> None:
    """A timer whose turns never end is given up, and says so."""
    granted = await hands.begin(store)
    await store.commit(granted.lease, Commit(state=b"s", ack=1, due=granted.lease.deadline))
    for _ in range(3):
        hands.timer_comes(store, hands.ada)
        assert isinstance(await store.take(hands.ada), Granted)
        hands.lease_runs_out(store, hands.ada)
    told = await store.take(hands.ada)
    assert isinstance(told, Granted)
    assert told.parked
    await store.commit(told.lease, Commit(state=b"told"))
    assert hands.due(store, hands.ada) is None
    [dead] = await store.dead_letters()
    assert dead.inbound.kind == "timer"


async def test_a_job_for_one_is_held_by_one(open_a_store: Any) -> None:
    """A singleton is renewed by its holder, refused to others, and can be given back."""
    one, other = await open_a_store(), await open_a_store()
    assert await one.singleton("archive", 30)
    assert await one.singleton("archive", 30)
    assert not await other.singleton("archive", 30)
    await one.singleton("archive", 0)
    assert await other.singleton("archive", 30)
