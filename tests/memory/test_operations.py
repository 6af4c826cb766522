"""A call whose answer was lost is made again, and gets its answer without being applied again.

The client repeats a call with the same arguments; here every script is called twice in this way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from segue.memory import Commit, Committed, Fenced, Granted, Idle, Queued, Renewed, Store
from segue.memory.outgoing import SETTLE
from segue.memory.store import ADMIT, COMMIT, TAKE
from segue.types import Proof, Receipt


@pytest.fixture
async def twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """Every call is made twice; the caller gets the second answer. Pairs of answers are kept."""
    run = store.server.run
    pairs: list[Any] = []

    async def run_twice(script: Any, keys: Any, args: Any, packed: Any = None) -> Any:
        first = await run(script, keys, args, packed)
        second = await run(script, keys, args, packed)
        pairs.append((script, first, second))
        return second

    monkeypatch.setattr(store.server, "run", run_twice)
    return pairs


def same(pairs: list[Any], script: Any, but: tuple[int, ...] = ()) -> bool:
    """Whether every repetition of a script was answered as its first call."""
    answers = [(first, second) for ran, first, second in pairs if ran is script]
    assert answers
    return all(
        [part for at, part in enumerate(first) if at not in but]
        == [part for at, part in enumerate(second) if at not in but]
        for first, second in answers
    )


async def test_a_whole_conversation_with_every_call_made_twice(
    store: Store, twice: list[Any], hands: Any
) -> None:
    """Two turns, with a step recorded and rows sent, end as if every call were made once."""
    assert await store.create(hands.ada, hands.web, Proof.CHANNEL) == hands.ada
    assert await store.add_address(hands.ada, hands.sms, Proof.VERIFIED)
    granted = await store.admit(hands.ada, hands.said(1))
    assert isinstance(granted, Granted)
    assert await store.admit(hands.ada, hands.said(2)) == Queued(number=2)
    noted = await store.record(granted.lease, Commit(state=b"half", log=(b"one",)))
    assert isinstance(noted, Committed)
    assert noted.lease is not None
    assert isinstance(await store.renew(noted.lease), Renewed)
    commit = Commit(
        state=b"s1",
        ack=1,
        log=(b"two", b"three"),
        rows=(hands.row("r1"), hands.row("r2")),
        events=(b"event",),
    )
    done = await store.commit(noted.lease, commit)
    assert isinstance(done, Committed)
    assert (done.version, done.cursor, len(done.claims)) == (2, 3, 1)
    assert done.more is not None
    assert [letter.number for letter in done.more.letters] == [2]
    following = await store.settle(hands.ada, done.claims[0], Receipt.SENT)
    assert following is not None
    assert following.row.id == "r2"
    assert await store.settle(hands.ada, following, Receipt.SENT) is None
    last = await store.commit(done.more.lease, Commit(state=b"s2", ack=2, log=(b"four",)))
    assert isinstance(last, Committed)
    assert (last.version, last.cursor, last.more, last.lease) == (3, 4, None, None)

    assert same(twice, ADMIT)
    assert same(twice, COMMIT)
    assert same(twice, SETTLE)
    lines, _ = await store.lines(hands.ada)
    assert [line for _, line in lines] == [b"one", b"two", b"three", b"four"]
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert (snapshot.waiting, snapshot.unsent, snapshot.version) == (0, 0, 3)
    assert hands.receipts(store, hands.ada) == [("r1", "sent"), ("r2", "sent")]


async def test_taking_twice_is_one_try(store: Store, twice: list[Any], hands: Any) -> None:
    """A repeated take answers with the same lease, and does not count as another failed try."""
    await hands.begin(store)
    for attempts in (1, 2):
        hands.lease_runs_out(store, hands.ada)
        taken = await store.take(hands.ada)
        assert isinstance(taken, Granted)
        assert taken.letters[0].attempts == attempts
    assert same(twice, TAKE)


async def test_a_repeated_take_answers_with_the_same_rows(
    store: Store, twice: list[Any], hands: Any
) -> None:
    """Rows that a take claimed come again in its repeated answer, and count as one sending."""
    [first] = await hands.sending(store, hands.row("r1"))
    hands.age_claims(store, hands.ada)
    answer = await store.take(hands.ada)
    assert isinstance(answer, Idle)
    assert [(claim.row.id, claim.sends) for claim in answer.claims] == [("r1", 2)]
    assert answer.claims[0].token != first.token


async def test_creating_twice_creates_once(store: Store, twice: list[Any], hands: Any) -> None:
    """The very first message, repeated, makes one customer with one letter."""
    granted = await hands.begin(store)
    assert [letter.number for letter in granted.letters] == [1]
    assert granted.lease.epoch == 1


async def test_a_commit_repeated_after_others_went_on_is_still_answered(
    store: Store, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that asks late learns that its turn landed, though another has had two since."""
    calls: list[Any] = []
    run = store.server.run

    async def note(*call: Any) -> Any:
        calls.append(call)
        return await run(*call)

    monkeypatch.setattr(store.server, "run", note)
    granted = await hands.begin(store)
    done = await store.commit(granted.lease, Commit(state=b"s1", ack=1, log=(b"one",)))
    assert isinstance(done, Committed)
    mine = calls[-1]
    for number in (2, 3):
        later = await store.admit(hands.ada, hands.said(number))
        assert isinstance(later, Granted)
        await store.commit(later.lease, Commit(state=b"later", ack=number))
    again = await run(*mine)
    assert (again[0], again[1]) == (b"committed", 1)
    assert again[7] is None, "the lease is not handed out by a repeated answer"
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert snapshot.state == b"later"
    other = Commit(state=b"never", ack=3)
    assert await store.commit(granted.lease, other) == Fenced()
