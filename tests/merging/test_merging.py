"""Two customers become one, and two again: what is promised, seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from segue.identity.merging import Merged, NotMerged, Parted, UnderWay, Why
from segue.memory import Granted, Moved
from segue.types import Address, Proof


async def joined(town: Any) -> tuple[str, str, Address, Address, str]:
    """Ada by SMS and Ben on Telegram, who talked in turns and are one now."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    for number in range(3):
        await town.write(phone, f"ada {number}")
        await town.write(app, f"ben {number}")
    done = await town.merging.merge(ada, ben, actor="cli")
    assert isinstance(done, Merged)
    assert done.customer == ada
    return ada, ben, phone, app, done.merge


async def test_a_merge_leaves_one_customer(town: Any) -> None:
    """One has all addresses; whoever still asks for the other is told where they are."""
    ada, ben, phone, app, _ = await joined(town)
    assert await town.addresses(ada) == {phone, app}
    assert await town.store.owner(app) == ada
    assert await town.store.who(ben) == ada
    assert await town.store.admit(ben, town.said(app, "x")) == Moved(to=ada)
    assert await town.write(app, "hello") == ada


async def test_lines_are_interleaved_by_time(town: Any) -> None:
    """The transcript reads as it was said, and each line says who it came from."""
    ada, ben, *_ = await joined(town)
    expected = [w for n in range(3) for c in ("ada", "ben") for w in (f"{c} {n}", f"re {c} {n}")]
    assert await town.words(ada) == expected
    assert {line.joined for _, line in await town.read(ada) if "ben" in line.text} == {ben}


async def test_a_cursor_skips_and_repeats_nothing(town: Any) -> None:
    """A reader who had read half of either goes on: with what is new to them, each line once."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    await town.write(phone, "one")
    await town.write(app, "two")
    read = await town.read(ada)
    cursor, cursor_of_ben = read[-1][0], (await town.read(ben))[-1][0]
    await town.merging.merge(ada, ben, actor="cli")
    await town.write(app, "three")
    new = await town.read(ada, cursor)
    assert [line.text for _, line in new] == ["two", "re two", "three", "re three"]
    assert [number for number, _ in new] == list(range(cursor + 1, cursor + 5))
    # Who watches the other goes on with what is said from now on.
    new = await town.read(ben, cursor_of_ben)
    assert [line.text for _, line in new] == ["three", "re three"]


async def test_a_long_transcript_comes_along_whole(town: Any) -> None:
    """Also what was folded away, and it is folded again."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    for number in range(170):
        await town.write(app, f"b{number}")
        if number % 3 == 0:
            await town.write(phone, f"a{number}")
    await asyncio.gather(*town.store._tasks)
    await town.merging.merge(ada, ben, actor="cli")
    words = await town.words(ada)
    assert [w for w in words if w.startswith("b")] == [f"b{number}" for number in range(170)]
    assert words.index("b3") < words.index("a3") < words.index("b4")
    numbers = [number for number, _ in await town.read(ada)]
    assert numbers == list(range(1, len(words) + 1))
    assert town.store.server is not None


async def test_what_is_seen_stays_seen(town: Any) -> None:
    """A message that a platform sends again after the merge is known as a copy."""
    ada, _phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    again = town.said(app, "once")
    await town.deliver(again)
    await town.merging.merge(ada, ben, actor="cli")
    await town.deliver(again)
    assert (await town.words(ada)).count("once") == 1


async def test_what_waits_comes_along(town: Any) -> None:
    """Letters and replies that waited with the one who goes are answered and sent, once."""
    ada, _phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    granted = await town.store.admit(ben, town.said(app, "first"))
    assert isinstance(granted, Granted)
    await town.store.release(granted.lease)
    done = await town.merging.merge(ada, ben, actor="cli")
    assert isinstance(done, Merged)
    late = town.said(app, "second")
    await town.deliver(late)
    await town.sweep()
    assert await town.words(ada) == ["first", "second", "re first", "re second"]
    assert town.sent == [(app, "re first"), (app, "re second")]


async def test_a_running_turn_is_waited_for(town: Any) -> None:
    """What its steps did is kept: the merge goes on by itself when the turn has ended."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    granted = await town.store.admit(ada, town.said(phone, "running"))
    assert isinstance(granted, Granted)
    begun = await town.merging.begin(ada, ben, actor="customer")
    assert isinstance(begun, UnderWay)
    await town.write(app, "meanwhile")
    assert await town.words(ben) == []
    await town.answer(granted)
    await asyncio.sleep(0.05)
    await town.sweep()
    await town.sweep()
    assert await town.store.who(ben) == ada
    assert sorted(await town.words(ada)) == ["meanwhile", "re meanwhile", "re running", "running"]


async def test_merging_those_who_are_one_is_done_already(town: Any) -> None:
    """By either name; and whom nobody knows cannot be merged."""
    ada, ben, *_ = await joined(town)
    assert await town.merging.merge(ben, ada, actor="cli") == Merged(customer=ada)
    gone = await town.merging.merge(ada, "nobody".ljust(22, "x"), actor="cli")
    assert gone == NotMerged(why=Why.GONE)


async def test_two_merges_that_cross(open_town: Callable[..., Any]) -> None:
    """A into B and B into A at once: one of them stays, with everything."""
    one, two = await open_town(), await open_town()
    ada, phone = await one.customer("ada")
    ben, app = await one.customer("ben", "telegram")
    await one.write(phone, "a")
    await one.write(app, "b")
    found = await asyncio.gather(
        one.merging.merge(ada, ben, actor="cli"), two.merging.merge(ben, ada, actor="cli")
    )
    assert {each.customer for each in found} in ({ada}, {ben})
    stays = found[0].customer
    assert await one.addresses(stays) == {phone, app}
    assert sorted(await one.words(stays)) == ["a", "b", "re a", "re b"]


async def test_a_chain_of_merges(open_town: Callable[..., Any]) -> None:
    """A into B while B goes into C: all three are one, and nothing is lost."""
    one, two = await open_town(), await open_town()
    people = [
        await one.customer(name, channel)
        for name, channel in (("ada", "sms"), ("ben", "telegram"), ("cyd", "slack"))
    ]
    for number, (_, address) in enumerate(people):
        await one.write(address, f"w{number}")
    (ada, _), (ben, _), (cyd, _) = people
    await asyncio.gather(
        one.merging.merge(ben, ada, actor="cli"), two.merging.merge(cyd, ben, actor="cli")
    )
    last = {await one.store.who(ada), await one.store.who(ben), await one.store.who(cyd)}
    last = {await one.store.who(each) for each in last}
    assert last == {cyd}
    assert await one.addresses(cyd) == {address for _, address in people}
    assert sorted(await one.words(cyd)) == ["re w0", "re w1", "re w2", "w0", "w1", "w2"]


async def test_an_undo_gives_each_their_own(town: Any) -> None:
    """Addresses, lines from before, and what was said since at those addresses."""
    ada, ben, phone, app, merge = await joined(town)
    await town.write(app, "ben since")
    await town.write(phone, "ada since")
    undone = await town.merging.undo(merge, actor="cli")
    assert undone == Parted(customer=ada, other=ben)
    assert await town.addresses(ada) == {phone}
    assert await town.addresses(ben) == {app}
    assert [w for w in await town.words(ada) if "ben" in w] == []
    assert [w for w in await town.words(ben) if "ada" in w] == []
    assert (await town.words(ben))[-2:] == ["ben since", "re ben since"]
    assert (await town.words(ada))[-2:] == ["ada since", "re ada since"]
    assert await town.write(app, "again") == ben
    assert await town.write(phone, "again") == ada


async def test_an_undo_keeps_cursors(town: Any) -> None:
    """Lines that went leave their numbers: a reader goes on where they were."""
    ada, _ben, phone, _app, merge = await joined(town)
    cursor = (await town.read(ada))[-1][0]
    await town.merging.undo(merge, actor="cli")
    await town.write(phone, "next")
    assert [line.text for _, line in await town.read(ada, cursor)] == ["next", "re next"]


async def test_letters_that_wait_go_back_by_address(town: Any) -> None:
    """An undo while messages of both wait: each is answered as who wrote it."""
    ada, ben, phone, app, merge = await joined(town)
    await town.write(app, "b waits", answer=False)
    await town.write(phone, "a waits", answer=False)
    assert isinstance(await town.merging.undo(merge, actor="cli"), Parted)
    await town.sweep()
    assert (await town.words(ben))[-2:] == ["b waits", "re b waits"]
    assert (await town.words(ada))[-2:] == ["a waits", "re a waits"]


async def test_an_undo_comes_too_late(open_town: Callable[..., Any]) -> None:
    """When what it needs has been let go of, it is said so; a second undo finds nothing."""
    town = await open_town()
    ada, ben, phone, app, merge = await joined(town)
    assert isinstance(await town.merging.undo(merge, actor="cli"), Parted)
    assert await town.merging.undo(merge, actor="cli") == NotMerged(why=Why.TOO_LATE)
    assert await town.write(phone, "x") == ada
    assert await town.write(app, "x") == ben


async def test_a_merge_after_an_undo(town: Any) -> None:
    """They may be linked again, and undone again."""
    ada, ben, _phone, app, merge = await joined(town)
    await town.merging.undo(merge, actor="cli")
    done = await town.merging.merge(ada, ben, actor="cli")
    assert isinstance(done, Merged)
    assert done.merge
    assert await town.write(app, "x") == ada
    assert isinstance(await town.merging.undo(done.merge, actor="cli"), Parted)
    assert await town.write(app, "y") == ben
    assert (await town.words(ben))[-4:] == ["x", "re x", "y", "re y"]


async def test_merged_on_is_undone_in_order(town: Any) -> None:
    """A merge whose customer became another's is undone after that one."""
    ada, _ben, *_, merge = await joined(town)
    cyd, _ = await town.customer("cyd", "slack")
    later = await town.merging.merge(cyd, ada, actor="cli")
    assert isinstance(later, Merged)
    found = await town.merging.undo(merge, actor="cli")
    assert found == NotMerged(why=Why.MERGED_ON, other=cyd)
    assert isinstance(await town.merging.undo(later.merge, actor="cli"), Parted)
    assert isinstance(await town.merging.undo(merge, actor="cli"), Parted)


async def test_unlinking_leaves_nothing_behind(town: Any) -> None:
    """The address is a customer without history; what was queued for it is not sent."""
    ada, _ben, phone, app, _ = await joined(town)
    fresh = await town.merging.unlink(ada, app, actor="customer")
    assert fresh not in (None, ada)
    assert await town.addresses(ada) == {phone}
    assert await town.write(app, "who am i") == fresh
    assert await town.words(fresh) == ["who am i", "re who am i"]
    assert await town.merging.unlink(ada, app, actor="customer") is None


async def test_a_turn_that_runs_says_nothing_at_an_address_that_was_unlinked(town: Any) -> None:
    """T20: after the unlink no byte goes there, also not what was being decided."""
    ada, _ben, _phone, app, _ = await joined(town)
    await town.sweep()
    granted = await town.store.admit(ada, town.said(app, "secret"))
    assert isinstance(granted, Granted)
    before = len(town.sent)
    await town.merging.unlink(ada, app, actor="customer")
    await town.answer(granted)
    await town.sweep()
    assert len(town.sent) == before


async def test_merges_are_in_the_audit(town: Any) -> None:
    """Who linked, undid, unlinked whom; by id, with no address."""
    ada, ben, phone, app, merge = await joined(town)
    await town.merging.undo(merge, actor="agent-7")
    await town.merging.unlink(ada, phone, actor="customer")
    rows = await town.store.audited(customer=ada)
    assert [(row.action, row.actor) for row in rows] == [
        ("customer.merge", "cli"),
        ("customer.undo", "agent-7"),
        ("customer.unlink", "customer"),
    ]
    assert rows[0].details == {"merge": merge, "other": ben}
    assert all(app.id not in str(row) and phone.id not in str(row) for row in rows)


async def test_who_still_uses_the_old_name_means_who_they_are_now(town: Any) -> None:
    """An agent who takes over, and an address that is taken away, follow the merge."""
    ada, ben, _phone, app, _ = await joined(town)
    assert await town.store.control(ben, "agent-7") == "agent-7"
    snapshot = await town.store.snapshot(ada)
    assert snapshot.controller == "agent-7"
    await town.store.drop_address(ben, app)
    assert app not in await town.addresses(ada)


async def test_what_waits_from_an_unlinked_address_is_not_answered_there(town: Any) -> None:
    """T20: it was accepted and is kept, but its answer would go to somebody else now."""
    ada, _ben, _phone, app, _ = await joined(town)
    await town.sweep()
    await town.write(app, "waits", answer=False)
    before = len(town.sent)
    await town.merging.unlink(ada, app, actor="cli")
    await town.sweep()
    assert len(town.sent) == before
    assert "waits" in await town.words(ada)
    # Proved again, it is spoken to again.
    await town.store.add_address(ada, app, Proof.CHANNEL, indexed=False)
    granted = await town.store.admit(ada, town.said(app, "back"))
    assert isinstance(granted, Granted)
    await town.answer(granted)
    assert town.sent[-1] == (app, "re back")
