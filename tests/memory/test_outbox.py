"""The outbox: decided replies, in order per recipient, until each is settled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from segue.memory import Commit, Committed, Consent, Granted, Idle, Queued, Store
from segue.types import Address, Proof, Receipt

OTHER = Address("telegram", "77")


async def test_a_lane_gives_out_one_row_at_a_time(store: Store, hands: Any) -> None:
    """Of three replies to two recipients, the first of each may be sent; then the next."""
    rows = (hands.row("a1"), hands.row("a2"), hands.row("b1", OTHER))
    claims = await hands.sending(store, *rows)
    assert [claim.row.id for claim in claims] == ["a1", "b1"]
    assert claims[0].row == rows[0]
    following = await store.settle(hands.ada, claims[0], Receipt.SENT)
    assert following is not None
    assert following.row.id == "a2"
    assert await store.settle(hands.ada, claims[1], Receipt.SENT) is None
    assert await store.settle(hands.ada, following, Receipt.SENT) is None
    assert hands.due(store, hands.ada) is None


async def test_a_later_turn_waits_for_its_lane(store: Store, hands: Any) -> None:
    """A reply decided while an earlier one is under way comes back from settling that one."""
    [claim] = await hands.sending(store, hands.row("r1"))
    granted = await store.admit(hands.ada, hands.said(2))
    assert isinstance(granted, Granted)
    done = await store.commit(granted.lease, Commit(state=b"s", ack=2, rows=(hands.row("r2"),)))
    assert isinstance(done, Committed)
    assert done.claims == ()
    following = await store.settle(hands.ada, claim, Receipt.SENT)
    assert following is not None
    assert following.row.id == "r2"


async def test_a_customer_with_unsent_rows_stays_due(store: Store, hands: Any) -> None:
    """Until all is settled somebody will look: when the claim runs out."""
    [claim] = await hands.sending(store, hands.row("r1"))
    due = hands.due(store, hands.ada)
    assert due is not None
    await store.settle(hands.ada, claim, Receipt.SENT)
    assert hands.due(store, hands.ada) is None


async def test_rows_of_a_dead_sender_are_sent_once_more(store: Store, hands: Any) -> None:
    """A claim that ran out is an unknown outcome: an answer goes once more, then it is closed."""
    await hands.sending(store, hands.row("r1"))
    hands.age_claims(store, hands.ada)
    assert await store.sweep() == [hands.ada]
    answer = await store.take(hands.ada)
    assert isinstance(answer, Idle)
    assert [(claim.row.id, claim.sends) for claim in answer.claims] == [("r1", 2)]
    hands.age_claims(store, hands.ada)
    assert await store.take(hands.ada) == Idle()
    assert hands.receipts(store, hands.ada) == [("r1", "unknown")]
    assert hands.due(store, hands.ada) is None


async def test_what_must_not_be_repeated_is_not(store: Store, hands: Any) -> None:
    """A code whose sender died is closed as unknown, and the lane goes on."""
    await hands.sending(store, hands.row("code", repeat=False), hands.row("r2"))
    hands.age_claims(store, hands.ada)
    answer = await store.take(hands.ada)
    assert isinstance(answer, Idle)
    assert [claim.row.id for claim in answer.claims] == ["r2"]
    assert hands.receipts(store, hands.ada) == [("code", "unknown")]


async def test_an_unknown_outcome_is_repeated_once(store: Store, hands: Any) -> None:
    """A sender that does not know gets the row back once; the second time it stays unknown."""
    [claim] = await hands.sending(store, hands.row("r1"))
    again = await store.settle(hands.ada, claim, Receipt.UNKNOWN)
    assert again is not None
    assert (again.row.id, again.sends) == ("r1", 2)
    assert await store.settle(hands.ada, again, Receipt.UNKNOWN) is None
    assert hands.receipts(store, hands.ada) == [("r1", "unknown")]


async def test_a_refused_row_is_closed(store: Store, hands: Any) -> None:
    """What the platform refuses for good is over, and the next may go."""
    [claim] = await hands.sending(store, hands.row("r1"), hands.row("r2"))
    following = await store.settle(hands.ada, claim, Receipt.FAILED)
    assert following is not None
    assert following.row.id == "r2"
    assert hands.receipts(store, hands.ada) == [("r1", "failed")]


async def test_a_row_that_must_wait_holds_its_lane_only(store: Store, hands: Any) -> None:
    """ "Later" puts a row back at the head of its lane for a while; other lanes go on."""
    first, other = await hands.sending(store, hands.row("a1"), hands.row("b1", OTHER))
    wait = timedelta(seconds=60)
    assert await store.settle(hands.ada, first, Receipt.QUEUED, after=wait) is None
    assert await store.settle(hands.ada, other, Receipt.SENT) is None
    assert await store.take(hands.ada) == Idle()
    assert hands.due(store, hands.ada) is not None
    hands.age_claims(store, hands.ada)
    answer = await store.take(hands.ada)
    assert isinstance(answer, Idle)
    assert [(claim.row.id, claim.sends) for claim in answer.claims] == [("a1", 1)]


async def test_a_late_word_about_an_old_claim(store: Store, hands: Any) -> None:
    """A sender that was given up: `sent` still closes the row, anything else is passed by."""
    [old] = await hands.sending(store, hands.row("r1"), hands.row("r2"))
    hands.age_claims(store, hands.ada)
    answer = await store.take(hands.ada)
    assert isinstance(answer, Idle)
    [new] = answer.claims
    assert await store.settle(hands.ada, old, Receipt.FAILED) is None
    following = await store.settle(hands.ada, old, Receipt.SENT)
    assert following is not None
    assert following.row.id == "r2"
    assert await store.settle(hands.ada, new, Receipt.SENT) is None
    assert hands.receipts(store, hands.ada) == [("r1", "sent")]


async def test_a_row_past_its_life_is_not_sent(store: Store, hands: Any) -> None:
    """A reply that waited too long for its lane is closed instead of sent."""
    [claim] = await hands.sending(store, hands.row("r1"), hands.row("r2"))
    hands.row_expires(store, hands.ada, "r2")
    following = await store.settle(hands.ada, claim, Receipt.SENT)
    assert following is None
    assert hands.receipts(store, hands.ada) == [("r1", "sent"), ("r2", "failed")]


async def test_queued_rows_can_be_cancelled(store: Store, hands: Any) -> None:
    """A turn may take back what waits; what is under way is left to its sender."""
    [claim] = await hands.sending(store, hands.row("r1"), hands.row("r2"), hands.row("r3"))
    granted = await store.admit(hands.ada, hands.said(2))
    assert isinstance(granted, Granted)
    await store.commit(granted.lease, Commit(state=b"s", ack=2, cancel=("r1", "r2")))
    following = await store.settle(hands.ada, claim, Receipt.SENT)
    assert following is not None
    assert following.row.id == "r3"
    assert hands.receipts(store, hands.ada) == [("r2", "cancelled"), ("r1", "sent")]


async def test_only_outcomes_can_be_settled(store: Store, hands: Any) -> None:
    """Delivered and read are the platform's later words, not outcomes of a send."""
    [claim] = await hands.sending(store, hands.row("r1"))
    with pytest.raises(ValueError, match="delivered"):
        await store.settle(hands.ada, claim, Receipt.DELIVERED)


# -- STOP, and an agent who takes over --------------------------------------------------------


async def test_stop_cancels_what_waits(store: Store, hands: Any) -> None:
    """STOP takes effect when it is stored: queued replies to that address are gone."""
    claims = await hands.sending(
        store, hands.row("s1"), hands.row("s2"), hands.row("t1", OTHER), hands.row("t2", OTHER)
    )
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    stop = await store.admit(hands.ada, hands.said("x", hands.sms, "STOP"), consent=Consent.STOP)
    assert isinstance(stop, Granted)
    assert stop.opted_out == {"sms"}
    assert await store.settle(hands.ada, claims[0], Receipt.SENT) is None
    following = await store.settle(hands.ada, claims[1], Receipt.SENT)
    assert following is not None
    assert following.row.id == "t2"


async def test_stop_during_a_turn_silences_it_on_that_channel(store: Store, hands: Any) -> None:
    """The running turn keeps its state; what it would have said after STOP is dropped."""
    granted = await hands.begin(store)
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    stop = await store.admit(hands.ada, hands.said("x", hands.sms, "STOP"), consent=Consent.STOP)
    assert isinstance(stop, Queued)
    done = await store.commit(
        granted.lease,
        Commit(
            state=b"kept",
            ack=1,
            log=(b"theirs", b"ours"),
            said=1,
            rows=(hands.row("r1"), hands.row("t1", OTHER)),
        ),
    )
    assert isinstance(done, Committed)
    assert done.silenced
    assert [claim.row.id for claim in done.claims] == ["t1"]
    assert [line for _, line in (await store.lines(hands.ada))[0]] == [b"theirs"]
    # The turn that answers STOP itself may confirm it.
    assert done.more is not None
    assert done.more.opted_out == {"sms"}
    confirmed = await store.commit(
        done.more.lease,
        Commit(state=b"kept", ack=2, rows=(hands.row("no"), hands.row("bye", notice=True))),
    )
    assert isinstance(confirmed, Committed)
    assert [claim.row.id for claim in confirmed.claims] == ["bye"]


async def test_start_opts_in_again(store: Store, hands: Any) -> None:
    """START ends the opt-out of its channel and of no other."""
    granted = await hands.begin(store)
    await store.commit(granted.lease, Commit(state=b"s", ack=1))
    for number, (channel, consent, after) in enumerate(
        [
            ("sms", Consent.STOP, {"sms"}),
            ("telegram", Consent.STOP, {"sms", "telegram"}),
            ("sms", Consent.STOP, {"sms", "telegram"}),
            ("sms", Consent.START, {"telegram"}),
            ("sms", Consent.START, {"telegram"}),
            ("telegram", Consent.START, set()),
        ]
    ):
        address = Address(channel, "1")
        await store.add_address(hands.ada, address, Proof.CHANNEL)
        answer = await store.admit(hands.ada, hands.said(f"c{number}", address), consent=consent)
        assert isinstance(answer, Granted)
        assert answer.opted_out == after
        await store.commit(answer.lease, Commit(state=b"s", ack=answer.number))


async def test_an_agent_who_takes_over_silences_the_bot(store: Store, hands: Any) -> None:
    """Takeover does not fence a running turn: its results are kept and its words dropped."""
    [claim] = await hands.sending(store, hands.row("r1"), hands.row("r2"))
    granted = await store.admit(hands.ada, hands.said(2))
    assert isinstance(granted, Granted)
    assert await store.control(hands.ada, "agent-7", instead_of="") == "agent-7"
    assert await store.control(hands.ada, "agent-8", instead_of="") == "agent-7"
    done = await store.commit(
        granted.lease,
        Commit(
            state=b"with step results",
            ack=2,
            log=(b"theirs", b"ours"),
            said=1,
            rows=(hands.row("r3"),),
        ),
    )
    assert isinstance(done, Committed)
    assert done.silenced
    assert done.claims == ()
    assert await store.settle(hands.ada, claim, Receipt.SENT) is None
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert (snapshot.state, snapshot.controller) == (b"with step results", "agent-7")
    assert snapshot.unsent == 0
    assert [line for _, line in (await store.lines(hands.ada))[0]] == [b"theirs"]
    following = await store.admit(hands.ada, hands.said(3))
    assert isinstance(following, Granted)
    assert following.controller == "agent-7"
    await store.control(hands.ada, "")
    spoken = await store.commit(
        following.lease, Commit(state=b"s", ack=3, log=(b"a", b"b"), said=1)
    )
    assert isinstance(spoken, Committed)
    assert not spoken.silenced
    assert spoken.cursor == 3
