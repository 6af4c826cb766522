"""The transcript: numbered for ever, the newest lines at hand, the rest put away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from segue.memory import Commit, Committed, Granted, Store
from segue.memory.store import CHUNK, KEPT_LINES


async def write(store: Store, hands: Any, lines: list[bytes]) -> None:
    """One turn that says all this."""
    count = (await store.snapshot(hands.ada) or await nobody()).version
    granted = await store.admit(hands.ada, hands.said(f"w{count}"))
    assert isinstance(granted, Granted)
    done = await store.commit(
        granted.lease, Commit(state=b"s", ack=granted.number, log=tuple(lines))
    )
    assert isinstance(done, Committed)
    await settled(store)


async def nobody() -> Any:
    pytest.fail("the customer is not there")


async def settled(store: Store) -> None:
    """Folding happens beside the turn; wait for it."""
    while store._tasks:
        await asyncio.gather(*store._tasks)


@pytest.fixture
async def long(store: Store, hands: Any) -> list[bytes]:
    """A conversation of a thousand lines; returns them."""
    await store.create(hands.ada, hands.web, 2)
    lines = [b"line %d \x00\xff" % number for number in range(1, 1001)]
    for at in range(0, 1000, 50):
        await write(store, hands, lines[at : at + 50])
    return lines


async def test_every_line_can_be_read_for_ever(store: Store, hands: Any, long: list[bytes]) -> None:
    """Reading on by cursor gives each line once, in order, with its number, folded or not."""
    found: list[tuple[int, bytes]] = []
    cursor = -1
    while True:
        lines, cursor = await store.lines(hands.ada, after=cursor, limit=150)
        if not lines:
            break
        assert cursor == lines[-1][0]
        found += lines
    assert found == list(enumerate(long, 1))
    assert cursor == 1000


async def test_old_lines_are_put_away(store: Store, hands: Any, long: list[bytes]) -> None:
    """However long the conversation, the list stays short and the rest is small."""
    keys = store.keys.customer(hands.ada)
    assert keys is not None
    kept = hands.client.llen(keys.log)
    assert KEPT_LINES <= kept < KEPT_LINES + CHUNK
    assert hands.client.llen(keys.old) * CHUNK + kept == 1000
    assert hands.client.memory_usage(keys.old) < sum(map(len, long[:-kept])) / 2


@pytest.mark.parametrize("after", [0, 1, 63, 64, 65, 700, 736, 800, 801, 999])
async def test_a_cursor_may_be_anywhere(
    store: Store, hands: Any, long: list[bytes], after: int
) -> None:
    """Wherever a reader has stopped, the next line is the next number."""
    lines, cursor = await store.lines(hands.ada, after=after, limit=3)
    assert lines == list(enumerate(long, 1))[after : after + 3]
    assert cursor == min(after + 3, 1000)


async def test_nothing_new_gives_nothing(store: Store, hands: Any, long: list[bytes]) -> None:
    """At the end, or with a cursor from another life, there is nothing, and where the end is."""
    assert await store.lines(hands.ada, after=1000) == ([], 1000)
    assert await store.lines(hands.ada, after=5000) == ([], 1000)
    assert await store.lines("nobody") == ([], 0)
    assert await store.lines("not an id") == ([], 0)


async def test_two_processes_fold_once(open_a_store: Any, hands: Any) -> None:
    """When two see that a transcript is long, each line is put away once."""
    one, other = await open_a_store(), await open_a_store()
    await one.create(hands.ada, hands.web, 2)
    lines = [b"line %d" % number for number in range(300)]
    granted = await one.admit(hands.ada, hands.said(1))
    assert isinstance(granted, Granted)
    done = await one.commit(granted.lease, Commit(state=b"s", ack=1, log=tuple(lines)))
    assert isinstance(done, Committed)
    keys = one.keys.customer(hands.ada)
    assert keys is not None
    await asyncio.gather(other._fold(keys, 300, 300), one._fold(keys, 300, 300))
    await settled(one)
    found, _ = await one.lines(hands.ada, limit=1000)
    assert [line for _, line in found] == lines
    assert hands.client.llen(keys.log) + CHUNK * hands.client.llen(keys.old) == 300


async def test_who_listens_is_told(open_a_store: Any, hands: Any) -> None:
    """A commit that adds lines wakes every process that listens; one that adds none does not."""
    one, other = await open_a_store(), await open_a_store()
    heard: asyncio.Queue[str] = asyncio.Queue()
    stop = other.subscribe(heard.put_nowait)
    granted = await hands.begin(one)
    noted = await one.record(granted.lease, Commit(state=b"s"))
    assert isinstance(noted, Committed)
    assert noted.lease is not None
    await one.commit(noted.lease, Commit(state=b"s", ack=1, log=(b"line",)))
    assert await asyncio.wait_for(heard.get(), 5) == hands.ada
    assert heard.empty()
    stop()
    granted = await hands.begin(one, hands.ben)
    await one.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"line",)))
    await other.owner(hands.web)
    assert heard.empty()
