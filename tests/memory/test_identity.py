"""Whose address is whose: the record is the truth, the index only says where to ask."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segue.memory import Gone, Granted, Moved, NotMine, Queued, Store
from segue.memory.keys import Keys, addresses, digest, needle
from segue.types import Address, Proof, Receipt

texts = st.text(max_size=12) | st.text(alphabet="\t\n%09A{}:1", max_size=12)
some_addresses = st.builds(Address, texts, texts)


async def test_one_address_has_one_owner(open_a_store: Any, hands: Any) -> None:
    """Two processes that meet a new address at once end with the same customer."""
    one, other = await open_a_store(), await open_a_store()
    owners = await asyncio.gather(
        one.create(hands.ada, hands.sms, Proof.CHANNEL),
        other.create(hands.ben, hands.sms, Proof.CHANNEL),
    )
    assert owners[0] == owners[1]
    assert await one.owner(hands.sms) == owners[0]
    assert await other.has_address(owners[0], hands.sms)


async def test_nobody_owns_an_unknown_address(store: Store, hands: Any) -> None:
    """An address that was never seen is nobody's."""
    assert await store.owner(hands.sms) is None
    assert not await store.has_address(hands.ada, hands.sms)
    assert not await store.add_address(hands.ada, hands.sms, Proof.CLAIMED)
    assert await store.owner(hands.sms) is None


async def test_dropping_an_address_is_immediate(store: Store, hands: Any) -> None:
    """From then on nothing is let in from it, nothing queued is sent to it; others stay."""
    claims = await hands.sending(store, hands.row("r1"), hands.row("r2"))
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    await store.drop_address(hands.ada, hands.sms)
    assert await store.admit(hands.ada, hands.said(2, hands.sms)) == NotMine()
    assert await store.owner(hands.sms) is None
    assert not await store.has_address(hands.ada, hands.sms)
    assert await store.has_address(hands.ada, hands.web)
    assert await store.settle(hands.ada, claims[0], Receipt.SENT) is None
    assert hands.receipts(store, hands.ada) == [("r2", "cancelled"), ("r1", "sent")]


async def test_a_new_proof_replaces_the_old(store: Store, hands: Any) -> None:
    """An address stands in the record once, with what is proved now."""
    await store.create(hands.ada, hands.web, Proof.CHANNEL)
    for proof in (Proof.CLAIMED, Proof.VERIFIED, Proof.VERIFIED):
        assert await store.add_address(hands.ada, hands.sms, proof)
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert set(snapshot.addresses) == {
        (hands.web, Proof.CHANNEL),
        (hands.sms, Proof.VERIFIED),
    }


async def test_an_address_that_is_anothers_stays_theirs_in_the_index(
    store: Store, hands: Any
) -> None:
    """Adding an address that the index gives to somebody else does not take it from them."""
    await store.create(hands.ada, hands.sms, Proof.CHANNEL)
    await store.create(hands.ben, hands.web, Proof.CHANNEL)
    await store.add_address(hands.ben, hands.sms, Proof.CLAIMED)
    assert await store.owner(hands.sms) == hands.ada
    await store.drop_address(hands.ben, hands.sms)
    assert await store.owner(hands.sms) == hands.ada


async def test_a_merged_customer_points_to_the_other(store: Store, hands: Any) -> None:
    """After a merge nothing is stored with the old record; the answer says where to go."""
    await store.create(hands.ada, hands.web, Proof.CHANNEL)
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    hands.client.hset(keys.c, "m", hands.ben)
    assert await store.admit(hands.ada, hands.said(1)) == Moved(to=hands.ben)
    assert await store.take(hands.ada) == Moved(to=hands.ben)


async def test_a_customer_that_ended_is_gone(store: Store, hands: Any) -> None:
    """When the record has ended, a due customer is gone and no longer due."""
    await hands.begin(store)
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    hands.client.delete(keys.c, keys.inbox, keys.seen)
    assert await store.take(hands.ada) == Gone()
    assert hands.due(store, hands.ada) is None
    assert await store.admit(hands.ada, hands.said(2)) == Gone()
    assert isinstance(await store.admit(hands.ada, hands.said(2), create=True), Granted)
    assert isinstance(await store.admit(hands.ada, hands.said(3)), Queued)


async def test_odd_addresses_are_told_apart(store: Store, hands: Any) -> None:
    """Tabs, newlines, percent signs and lone surrogates in an id open nobody else's record."""
    odd = Address("web", "a\t2\nweb\tb%09\ud800")
    await store.create(hands.ada, odd, Proof.CHANNEL)
    assert await store.has_address(hands.ada, odd)
    assert not await store.has_address(hands.ada, Address("web", "b"))
    assert await store.admit(hands.ada, hands.said(1, Address("web", "a"))) == NotMine()
    snapshot = await store.snapshot(hands.ada)
    assert snapshot is not None
    assert snapshot.addresses == ((odd, Proof.CHANNEL),)


@given(some_addresses, some_addresses)
def test_different_addresses_have_different_keys(one: Address, other: Address) -> None:
    """Index key and record entry are equal for equal addresses and for no others."""
    keys = Keys("p:", 8)
    assert (keys.index(one) == keys.index(other)) == (one == other)
    assert (needle(one) == needle(other)) == (one == other)


@given(st.lists(st.tuples(some_addresses, st.sampled_from(Proof)), max_size=5))
def test_a_record_is_read_as_it_was_written(entries: list[tuple[Address, Proof]]) -> None:
    """Whatever stands in an address comes back the same."""
    record = b"".join(needle(address) + b"%d" % proof for address, proof in entries)
    assert list(addresses(record)) == entries


@given(texts, texts, texts, texts)
def test_different_messages_have_different_digests(a: str, b: str, c: str, d: str) -> None:
    """Channel and message id cannot be cut differently into the same digest."""
    assert (digest(a, b) == digest(c, d)) == ((a, b) == (c, d))
