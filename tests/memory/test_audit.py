"""The audit: rows are appended in order, and whoever changes one is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from typing import Any

import pytest

from segue.memory import Store


async def written(store: Store, count: int = 5) -> None:
    """Some rows."""
    for number in range(count):
        await store.audit("customer.link", actor="cli", details={"number": str(number)})


def rewritten(
    store: Store,
    hands: Any,
    change: Callable[[bytes], bytes] = bytes,
    numbers: Container[int] = (),
    ids: Callable[[int], str] | None = None,
) -> None:
    """Write the stream anew, past the script, with some rows changed or with other ids."""
    stream = store.keys.audit[0]
    entries = hands.client.xrange(stream)
    hands.client.delete(stream)
    for ident, fields in entries:
        number = int(fields[b"n"])
        if number in numbers:
            fields[b"row"] = change(fields[b"row"])
        hands.client.xadd(stream, fields, id=ids(number) if ids else ident)
    hands.client.expire(stream, 1000)


async def test_rows_are_read_in_the_order_they_were_written(store: Store) -> None:
    """Each row has the next number, and says who did what to whom."""
    await store.audit(
        "customer.link", actor="customer", customer="c" * 22, details={"channel": "sms"}
    )
    await store.audit("api_key.add", actor="cli")
    first, second = await store.audited()
    assert (first.number, first.action, first.actor) == (1, "customer.link", "customer")
    assert (first.customer, first.details) == ("c" * 22, {"channel": "sms"})
    assert (second.number, second.customer) == (2, "")
    assert await store.audited(after=first.id) == [second]
    assert await store.audited(customer="c" * 22) == [first]
    assert await store.audited(limit=1) == [first]


async def test_processes_that_write_at_once_make_one_chain(open_a_store: Any) -> None:
    """However many append at once, rows are numbered without gaps and the chain is whole."""
    stores = [await open_a_store() for _ in range(3)]
    await asyncio.gather(*(store.audit("a.b", actor="x") for store in stores for _ in range(8)))
    rows = await stores[0].audited()
    assert [row.number for row in rows] == list(range(1, 25))
    verdict = await stores[1].check_audit()
    assert (verdict.problems, verdict.rows, verdict.number) == ((), 24, 24)


async def test_a_row_whose_answer_was_lost_is_written_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is repeated with the same arguments, as the client does after a failover."""
    run = store.server.run

    async def twice(*call: Any) -> Any:
        await run(*call)
        return await run(*call)

    monkeypatch.setattr(store.server, "run", twice)
    await written(store)
    monkeypatch.undo()
    assert len(await store.audited()) == 5
    assert not (await store.check_audit()).problems


@pytest.mark.parametrize("place", [0, 2, 4])
async def test_a_row_taken_out_is_noticed(store: Store, hands: Any, place: int) -> None:
    """T31: the first, a middle one and the last row are missed alike."""
    await written(store)
    rows = await store.audited()
    hands.client.xdel(store.keys.audit[0], rows[place].id)
    [problem] = (await store.check_audit()).problems
    assert problem.startswith(f"row {place + 1} is missing")


async def test_a_changed_row_is_noticed(store: Store, hands: Any) -> None:
    """T31: other words in a row, with the digest left or made anew, do not fit the chain."""
    await written(store)
    rewritten(store, hands, lambda row: row.replace(b"customer.link", b"customer.show"), {3})
    assert (await store.check_audit()).problems == ("row 3 was changed, or the one before it",)


async def test_a_row_put_in_is_noticed(store: Store, hands: Any) -> None:
    """T31: a row appended past the script is not the one that was written last."""
    await written(store)
    hands.client.xadd(store.keys.audit[0], {"n": 6, "row": b"x", "digest": b"y"})
    assert (await store.check_audit()).problems


async def test_old_rows_end_and_the_rest_is_still_whole(store: Store, hands: Any) -> None:
    """Retention takes rows from the front; that is no missing row."""
    await written(store, 3)
    rewritten(store, hands, ids=lambda number: f"{number}-0")
    await written(store, 1)
    assert [row.number for row in await store.audited()] == [4]
    verdict = await store.check_audit()
    assert (verdict.problems, verdict.rows, verdict.number) == ((), 1, 4)


async def test_what_is_personal_is_blotted_out(store: Store) -> None:
    """A phone number or an address in a detail does not get into the audit; ids do."""
    details = {"to": "+43 660 1234567", "mail": "ada@example.com", "row": "17-2"}
    await store.audit("a.b", actor="cli", details=details)
    [row] = await store.audited()
    assert row.details == {"to": "•••", "mail": "•••", "row": "17-2"}


async def test_an_action_is_a_name(store: Store) -> None:
    """What is done comes from a list of names, never from outside."""
    with pytest.raises(ValueError, match="write one like"):
        await store.audit("Ada says: hi", actor="cli")
