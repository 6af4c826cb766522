"""What ends before the customer does: transcripts, events, parked letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from segue.memory import Commit, Committed, Granted, Limits


async def said(store: Any, hands: Any, number: int) -> int:
    granted = await store.admit(hands.ada, hands.said(number), create=True)
    assert isinstance(granted, Granted)
    lines = tuple(b"%d.%d" % (number, line) for line in range(100))
    done = await store.commit(granted.lease, Commit(state=b"s", ack=granted.number, log=lines))
    assert isinstance(done, Committed)
    await asyncio.gather(*store._tasks)
    return done.cursor


async def test_a_transcript_ends_before_its_customer(
    open_a_store: Callable[..., Any], hands: Any
) -> None:
    """The customer is remembered on; what they say next is numbered on, and read as always."""
    limits = Limits(retention=timedelta(days=100), transcript=timedelta(days=10))
    store = await open_a_store(limits=limits)
    for number in range(4):
        cursor = await said(store, hands, number)
    keys = store.keys.customer(hands.ada)
    assert hands.client.exists(keys.old)
    days = 86400
    assert 9 * days < hands.client.ttl(keys.log) <= 10 * days
    assert 9 * days < hands.client.ttl(keys.old) <= 10 * days
    assert hands.client.ttl(keys.c) > 90 * days
    hands.client.delete(keys.log, keys.old)
    assert await store.lines(hands.ada) == ([], cursor)
    for number in range(10, 16):
        last = await said(store, hands, number)
    assert hands.client.exists(keys.old)
    found, after = [], -1
    while True:
        lines, after = await store.lines(hands.ada, after, 77)
        if not lines:
            break
        found += lines
    assert [number for number, _ in found] == list(range(cursor + 1, last + 1))
    expected = [b"%d.%d" % (number, line) for number in range(10, 16) for line in range(100)]
    assert [line for _, line in found] == expected


async def test_old_events_and_letters_are_let_go_of(
    open_a_store: Callable[..., Any], hands: Any
) -> None:
    """The newer ones stay; what was set to be kept for so long is not kept longer."""
    store = await open_a_store(limits=Limits(events=timedelta(days=7), dead=timedelta(days=2)))
    keys = store.keys.customer(hands.ada)
    now = int(store._clock.now().timestamp() * 1000)
    day = 86_400_000
    for stream in (keys.events, keys.dead):
        for age in (8, 3, 1):
            hands.client.xadd(stream, {"customer": hands.ada, "age": age}, id=now - age * day)
        hands.client.expire(stream, 1000)
    await store.trim()
    ages = [fields[b"age"] for _, fields in hands.client.xrange(keys.events)]
    assert ages == [b"3", b"1"]
    assert [fields[b"age"] for _, fields in hands.client.xrange(keys.dead)] == [b"1"]
