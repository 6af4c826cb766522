"""The record of consent, and what it keeps from being sent."""

from __future__ import annotations

from typing import Any

from segue.memory import Commit, Committed, Consent, Granted, Queued, Store
from segue.memory.embedded import Embedded
from segue.types import Address, Proof, Receipt

OTHER = Address("telegram", "77")


async def _customer(store: Store, hands: Any) -> None:
    granted = await hands.begin(store)
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    await store.add_address(hands.ada, OTHER, Proof.CHANNEL)
    await store.commit(granted.lease, Commit(state=b"s", ack=1))


async def test_a_platforms_word_opts_out(store: Store, hands: Any) -> None:
    """What the platform knows is noted once, cancels what waits, and nothing more is let out."""
    claims = await hands.sending(store, hands.row("s1"), hands.row("s2"), hands.row("t1", OTHER))
    assert await store.consent(hands.ada, "sms", opted_out=True, how="21610")
    assert not await store.consent(hands.ada, "sms", opted_out=True, how="21610")
    assert hands.receipts(store, hands.ada) == [("s2", "cancelled")]
    assert await store.settle(hands.ada, claims[0], Receipt.SENT) is None
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert snapshot.opted_out == {"sms"}
    more = await store.admit(hands.ada, hands.said(2))
    assert isinstance(more, Granted)
    done = await store.commit(
        more.lease,
        Commit(
            state=b"s",
            ack=2,
            log=(b"\x93\xa1b\x01\xa3web",),
            said=1,
            rows=(hands.row("s3"), hands.row("s4", notice=True), hands.row("t2", OTHER)),
        ),
    )
    assert isinstance(done, Committed)
    assert [claim.row.id for claim in done.claims] == ["s4"], "t2 waits for t1, s3 is not let out"
    assert len((await store.lines(hands.ada))[0]) == 1, "what is said elsewhere stays said"


async def test_the_record_says_when_what_and_how(store: Store, hands: Any) -> None:
    """Opt-outs, opt-ins, what was asked and what was shown, in the order of time."""
    await _customer(store, hands)
    stop = await store.admit(hands.ada, hands.said("x", hands.sms), consent=Consent.STOP)
    assert isinstance(stop, Granted)
    await store.commit(
        stop.lease, Commit(state=b"s", ack=2, rows=(hands.row("you are out", notice=True),))
    )
    asked = await store.admit(hands.ada, hands.said("y", hands.sms), consent=Consent.ASKED)
    assert isinstance(asked, Granted)
    assert await store.consent(hands.ada, "sms", opted_out=False, how="api:shop\tx")
    assert await store.consent(hands.ada, "tele\tgram\n", opted_out=True, how="21610")
    noted = await store.consents(hands.ada)
    assert [(each.channel, each.what, each.how) for each in noted] == [
        ("sms", "out", "word"),
        ("sms", "shown", "reply"),
        ("sms", "asked", "word"),
        ("sms", "in", "api:shop x"),
        ("tele\tgram\n", "out", "21610"),
    ]
    assert noted[1].shown == hands.row("you are out").message
    assert all(each.at > 1_700_000_000_000 for each in noted)
    assert await store.consents(hands.ben) == []
    assert not await store.consent(hands.ben, "sms", opted_out=True, how="21610")


async def test_a_word_is_stored_as_what_it_did(store: Store, hands: Any) -> None:
    """The message is marked where the word took effect, and only there."""
    await _customer(store, hands)
    told = []
    for number, consent in enumerate(
        [Consent.START, Consent.STOP, Consent.STOP, Consent.START, Consent.START], 2
    ):
        answer = await store.admit(
            hands.ada,
            hands.said(f"c{number}", hands.sms, "plain"),
            consent=consent,
            effective=hands.said(f"c{number}", hands.sms, "effective"),
        )
        assert isinstance(answer, Granted)
        told.append(answer.letters[0].inbound.text)
        await store.commit(answer.lease, Commit(state=b"s", ack=number))
    assert told == ["plain", "effective", "plain", "effective", "plain"]


async def test_a_row_under_way_at_a_stop_does_not_go_again(store: Store, hands: Any) -> None:
    """It was handed out before; if the platform did not take it, it stays unsent."""
    first, other = await hands.sending(store, hands.row("s1"), hands.row("t1", OTHER))
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    await store.admit(hands.ada, hands.said("x", hands.sms), consent=Consent.STOP)
    assert await store.settle(hands.ada, first, Receipt.QUEUED) is None
    assert ("s1", "cancelled") in hands.receipts(store, hands.ada)
    assert await store.settle(hands.ada, other, Receipt.UNKNOWN) is not None


async def test_a_notice_goes_out_while_an_agent_talks_and_never_twice(
    store: Store, hands: Any
) -> None:
    """Law and carrier do not ask who speaks; whether it came through is not tried out."""
    await _customer(store, hands)
    await store.control(hands.ada, "agent-1")
    stop = await store.admit(hands.ada, hands.said("x", hands.sms), consent=Consent.STOP)
    assert isinstance(stop, Granted)
    done = await store.commit(
        stop.lease,
        Commit(
            state=b"s",
            ack=2,
            log=(b"theirs", b"notice", b"ours"),
            said=1,
            rows=(hands.row("n1", notice=True), hands.row("s1")),
        ),
    )
    assert isinstance(done, Committed)
    assert [line for _, line in (await store.lines(hands.ada))[0]] == [b"theirs", b"notice"]
    [claim] = done.claims
    assert claim.row.id == "n1"
    assert await store.settle(hands.ada, claim, Receipt.UNKNOWN) is None
    assert hands.receipts(store, hands.ada) == [("n1", "unknown")]


async def test_stop_is_let_in_where_too_much_waits(open_a_store: Any, hands: Any) -> None:
    """A customer who has written a lot is still heard when they say STOP; once."""
    from segue.memory import Full, Limits

    store: Store = await open_a_store(limits=Limits(inbox=2))
    await hands.begin(store)
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    assert isinstance(await store.admit(hands.ada, hands.said(2, hands.sms)), Queued)
    assert isinstance(await store.admit(hands.ada, hands.said(3, hands.sms)), Full)
    stop = await store.admit(hands.ada, hands.said(4, hands.sms), consent=Consent.STOP)
    assert isinstance(stop, Queued)
    again = await store.admit(hands.ada, hands.said(5, hands.sms), consent=Consent.STOP)
    assert isinstance(again, Full)


async def test_the_record_ends_and_stays_short(store: Store, hands: Any, valkey: Embedded) -> None:
    """It has an expiry, and keeps the last hundred entries."""
    await _customer(store, hands)
    for number in range(60):
        await store.consent(hands.ada, "sms", opted_out=number % 2 == 0, how=f"{number}")
        await store.consent(hands.ada, "telegram", opted_out=number % 2 == 0, how=f"{number}")
    noted = await store.consents(hands.ada)
    assert len(noted) == 100
    assert noted[-1].how == "59"
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    assert hands.client.ttl(keys.consent) > 300 * 86400
