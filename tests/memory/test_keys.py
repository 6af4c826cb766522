"""The data model: every key in one slot with its customer, and every key ends."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

import segue.memory
from segue.memory import Commit, Granted, Limits, Store
from segue.memory.keys import LASTING, CustomerKeys, Keys
from segue.memory.scripting import script
from segue.types import Proof

SCRIPTS = Path(segue.memory.__file__).parent / "scripts"
VERBS = sorted(path.stem for path in SCRIPTS.glob("[!_]*.lua"))


@pytest.mark.parametrize("name", VERBS)
def test_a_script_says_what_it_takes_and_which_race_it_closes(name: str) -> None:
    """Each script opens with its name, keys, what it gives, and the race."""
    text = (SCRIPTS / f"{name}.lua").read_text()
    header = "\n".join(takewhile(lambda line: line.startswith("--"), text.splitlines()))
    assert header.startswith(f"-- {name}: ")
    for word in ("KEYS  ", "gives ", "race  "):
        assert f"\n-- {word}" in header, word


@pytest.mark.parametrize("name", VERBS)
def test_a_script_touches_only_the_keys_it_is_given(name: str) -> None:
    """No script builds the name of a key: on a cluster it could be in another slot."""
    text = script(name).text.decode()
    for call in re.findall(r"redis\.call\('[A-Z]+', ?([^,)]+)", text):
        assert re.fullmatch(r"[a-z_]+|KEYS\[\w+\]|ARGV\[10?\]|ARGV\[4\]|cursor", call.strip()) or (
            call.strip() == "'TIME'"
        ), call


def test_a_customers_keys_are_in_one_slot() -> None:
    """All keys of a customer carry the hash tag of its partition, and no other."""
    keys = Keys("p:", 512).customer("a" * 22)
    assert isinstance(keys, CustomerKeys)
    tag = b"{%d}" % keys.partition
    named = [value for value in vars(keys).values() if isinstance(value, bytes)]
    assert sum(tag in key for key in named) == len(named) - 1  # the id itself is no key
    assert all(key.count(b"{") == 1 for key in named if key != keys.customer)


def test_a_partition_does_not_depend_on_the_process() -> None:
    """The partition of a customer is the same in every process and release."""
    keys = Keys("p:", 512)
    found = [keys.customer(name).partition for name in ("a" * 22, "b" * 22, "0" * 22)]  # type: ignore[union-attr]
    assert found == [464, 401, 504]


def test_what_is_no_id_has_no_keys() -> None:
    """Ids come out of tokens that anybody may write: what is odd has no key."""
    keys = Keys("p:", 8)
    for name in ("", "{1}", "a:b", "a b", "ä", "a" * 65, "a\n"):
        assert keys.customer(name) is None, name


def test_a_prefix_with_braces_is_refused() -> None:
    """A hash tag in the prefix would put all customers into one slot."""
    with pytest.raises(ValueError, match="braces"):
        Keys("seg{ue}:", 8)


async def test_every_key_ends_by_itself(store: Store, hands: Any) -> None:
    """After a rich conversation each key has an expiry, or is on the short list."""
    granted = await hands.begin(store)
    await store.create(hands.ben, hands.sms, Proof.CHANNEL)
    await store.commit(
        granted.lease,
        Commit(
            state=b"s",
            ack=1,
            log=(b"line",) * 300,
            rows=(hands.row("r1"),),
            events=(b"e",),
            due=granted.lease.deadline + 3_600_000,
        ),
    )
    following = await store.admit(hands.ada, hands.said(2))
    assert isinstance(following, Granted)
    await store.pause("channel", "sms", "sms_paused")
    await store.add_api_key("shop", ["dialogs"], "secret")
    await store.audit("api_key.add", actor="cli")
    await store.add_webhook("shop", "https://shop.example", "secret")
    await store.sweep()
    while store._tasks:
        await next(iter(store._tasks))
    endless, ending = set(), set()
    for key in hands.client.scan_iter(match=f"{hands.prefix}*", count=1000):
        (endless if hands.client.ttl(key) == -1 else ending).add(key.decode().rpartition(":")[2])
    assert endless == {"due", "paused", "meta", "api-keys", "webhooks"} == set(LASTING)
    assert {"in", "log", "old", "out", "seen", "events", hands.ada} <= ending


async def test_retention_is_moved_on_by_a_turn(open_a_store: Any, hands: Any) -> None:
    """A tenth of retention after the last time, a turn moves the end of all the customer's keys."""
    store: Store = await open_a_store()
    granted = await hands.begin(store)
    await store.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"line",)))
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    year = int(Limits().retention.total_seconds())
    assert hands.client.ttl(keys.c) > year - 100
    for key in (keys.c, keys.log):
        hands.client.expire(key, 1000)
    hands.client.hincrby(keys.c, "r", -year // 20)
    for number, ttl in ((2, 1000), (3, year)):
        granted = await store.admit(hands.ada, hands.said(number))
        assert isinstance(granted, Granted)
        await store.commit(granted.lease, Commit(state=b"s", ack=number, log=(b"line",)))
        assert ttl - 100 < hands.client.ttl(keys.c) <= ttl
        assert ttl - 100 < hands.client.ttl(keys.log) <= ttl
        hands.client.hincrby(keys.c, "r", -year // 10)
    assert hands.client.ttl(keys.seen) > 30 * 86400


async def test_what_was_seen_is_forgotten_in_time(store: Store, hands: Any) -> None:
    """The mark of a message is kept for its window, and then taken out by the next message."""
    granted = await hands.begin(store)
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    [(mark, until)] = hands.client.zrange(keys.seen, 0, -1, withscores=True)
    assert len(mark) == 9
    week, now = 7 * 86400, hands.client.time()[0]
    assert abs(until - now - week) < 100
    hands.client.zadd(keys.seen, {mark: now - 1})
    await store.admit(hands.ada, hands.said(2))
    assert mark not in hands.client.zrange(keys.seen, 0, -1)
    await store.add_address(hands.ada, hands.sms, Proof.CHANNEL)
    await store.admit(hands.ada, hands.said(3, hands.sms))
    latest = max(score for _, score in hands.client.zrange(keys.seen, 0, -1, withscores=True))
    assert abs(latest - now - 30 * 86400) < 100, "SMS has no time of sending, so it is kept longer"
    await store.commit(granted.lease, Commit(state=b"s", ack=3))
