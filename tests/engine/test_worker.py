"""What the engine promises around a turn: round trips, leases, progress, takeover, pauses."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from types import ModuleType

import pytest

from segue.app import App
from segue.channel import Accepted
from segue.dialog import Chat, Registry, dialog
from segue.engine.playing import Player
from segue.engine.speech import Speech
from segue.engine.state import encode
from segue.engine.turn import Turn
from segue.memory.records import Commit, Granted
from segue.memory.scripting import Script
from segue.slots import Integer
from segue.testing import Rehearsal
from segue.types import Address, Inbound, Proof, Who

WEB = Address("web", "web-of-the-customer")


def inbound(text: str, number: int) -> Inbound:
    return Inbound(address=WEB, message_id=f"i{number}", text=text)


async def test_a_turn_is_two_round_trips(rehearsal: Rehearsal) -> None:
    """Admit and commit, and nothing else, before the answer is delivered."""
    await rehearsal.say("return an order")
    store, core = rehearsal.app.store, rehearsal.app.core
    before = store.round_trips
    accepted = await core.receive(inbound("A1001", 1), customer=rehearsal.customer)
    assert isinstance(accepted, Accepted)
    page = await core.answered(rehearsal.customer, "i1", within=5)
    assert page is not None
    assert [line.who for _n, line in page.lines] == [Who.CUSTOMER, Who.BOT]
    assert store.round_trips - before == 2


async def test_a_turn_leaves_no_circle_behind(rehearsal: Rehearsal) -> None:
    """All of a turn is freed when it ends, and the garbage collector has nothing to go through:
    whatever a turn is given that points back at it, `Turn.end` lets go of."""
    await rehearsal.say("return an order")
    core, customer = rehearsal.app.core, rehearsal.customer
    gc.collect()
    gc.disable()
    try:
        for number, late in enumerate((None, lambda: None)):
            await core.receive(inbound("A1001", number), customer=customer, waits=bool(late))
            await core.answered(customer, f"i{number}", within=5, late=late)
        assert await core.settled(customer, within=5)
        left = [type(one) for one in gc.get_objects() if type(one) in (Turn, Player, Speech)]
    finally:
        gc.enable()
    assert left == []


async def test_the_answer_is_the_transcript(rehearsal: Rehearsal) -> None:
    """What `answered` returns is what a reader of the transcript finds under the same numbers."""
    await rehearsal.say("return an order")
    core = rehearsal.app.core
    await core.receive(inbound("A1001", 1), customer=rehearsal.customer)
    page = await core.answered(rehearsal.customer, "i1", within=5)
    assert page is not None
    first = page.lines[0][0]
    read = await core.page(rehearsal.customer, after=first - 1)
    assert read.lines == page.lines
    assert read.cursor == page.cursor


async def test_three_quick_lines_get_one_answer(rehearsal: Rehearsal) -> None:
    """What came while a turn ran is read together, in order, and answered once."""
    go = asyncio.Event()

    @dialog("slowly", examples=["do it slowly please"])
    async def slowly(chat: Chat) -> None:
        await chat.run(go.wait)
        await chat.say("thanks")

    @dialog("send_back", examples=["i want to send something back"])
    async def send_back(chat: Chat) -> None:
        await chat.ask("ask_order", Integer)

    await swap(rehearsal, slowly, send_back)
    core, customer = rehearsal.app.core, rehearsal.customer
    lines = ("do it slowly please", "i want", "to send", "something back")
    for number, text in enumerate(lines):
        await core.receive(inbound(text, number), customer=customer)
    go.set()
    said = await rehearsal.settle()
    assert [str(message) for message in said] == ["Thank you.", "Which order?"]
    page = await core.page(customer, after=-1)
    assert tuple(line.text for _n, line in page.lines if line.who == Who.CUSTOMER) == lines


async def test_quick_answers_are_read_one_by_one(rehearsal: Rehearsal) -> None:
    """Two answers in a row answer two questions; the one in between is not asked any more."""
    await rehearsal.say("return an order")
    core = rehearsal.app.core
    for number, text in enumerate(("A1001", "too big")):
        await core.receive(inbound(text, number), customer=rehearsal.customer)
    said = await rehearsal.settle()
    assert str(said[-1]) == "Send the lamp back? [Yes] [No]"


async def test_a_slow_step_says_first_what_was_said_so_far(rehearsal: Rehearsal) -> None:
    """After half a second the words so far are stored and shown, and typing is shown."""
    go = asyncio.Event()

    async def slow() -> int:
        await go.wait()
        return 7

    @dialog("slowly", examples=["do it slowly please"])
    async def slowly(chat: Chat) -> None:
        await chat.say("thanks")
        number = await chat.run(slow)
        await chat.say("sum", total=number)

    await swap(rehearsal, slowly)
    core, customer = rehearsal.app.core, rehearsal.customer
    grew = asyncio.Event()
    core.watch(customer, grew.set)
    await core.receive(inbound("do it slowly please", 1), customer=customer)
    async with asyncio.timeout(5):
        await grew.wait()
    page = await core.page(customer, after=-1)
    assert [line.reply for _n, line in page.lines if line.who == Who.BOT][-1] == "common/thanks"
    assert page.typing
    go.set()
    said = await rehearsal.settle()
    assert [str(message) for message in said][-2:] == ["Thank you.", "That makes 7."]
    page = await core.page(customer, after=-1)
    assert [line.text for _n, line in page.lines].count("do it slowly please") == 1
    assert not page.typing


async def test_each_result_is_kept_before_the_next_step(rehearsal: Rehearsal) -> None:
    """A second step starts only when the first one's result is in the store."""
    seen: list[int] = []

    async def first() -> int:
        return 1

    async def second() -> int:
        frame = (await rehearsal.state()).frames[-1]
        seen.append(len([name for name in frame.journal.entries if name.startswith("run:")]))
        return 2

    @dialog("twice", examples=["do both of them"])
    async def twice(chat: Chat) -> None:
        await chat.say("sum", total=await chat.run(first) + await chat.run(second))

    await swap(rehearsal, twice)
    said = await rehearsal.say("do both of them")
    assert seen == [1]
    assert [str(message) for message in said] == ["That makes 3."]


async def test_cancelling_while_a_step_runs_stops_the_next_one(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word reaches the running turn by its lease; the step that runs is finished, no other."""
    done: list[str] = []
    go = asyncio.Event()

    async def first() -> int:
        await go.wait()
        done.append("first")
        return 1

    async def second() -> int:
        done.append("second")
        return 2

    @dialog("both", examples=["do both of them"])
    async def both(chat: Chat) -> None:
        await chat.run(first)
        await chat.run(second)
        await chat.say("thanks")

    monkeypatch.setattr(rehearsal.app.worker, "_third", 0.05)
    await swap(rehearsal, both)
    core, customer = rehearsal.app.core, rehearsal.customer
    await core.receive(inbound("do both of them", 1), customer=customer)
    await core.receive(inbound("never mind", 2), customer=customer)
    await asyncio.sleep(0.2)  # the lease is renewed in real time, by the server's clock
    go.set()
    said = await rehearsal.settle()
    assert done == ["first"]
    assert [str(message) for message in said] == ["Cancelled."]
    assert (await rehearsal.state()).frames == []


async def test_an_agent_who_takes_over_silences_the_bot(rehearsal: Rehearsal) -> None:
    """The step's result is kept and the words are dropped, until the agent gives it back."""
    go = asyncio.Event()

    async def slow() -> int:
        await go.wait()
        return 7

    @dialog("slowly", examples=["do it slowly please"])
    async def slowly(chat: Chat) -> None:
        number = await chat.run(slow)
        await chat.say("sum", total=number)
        await chat.ask("ask_number", Integer)
        await chat.say("thanks")

    await swap(rehearsal, slowly)
    core, customer, store = rehearsal.app.core, rehearsal.customer, rehearsal.app.store
    await core.receive(inbound("do it slowly please", 1), customer=customer)
    assert await store.control(customer, "agent-1") == "agent-1"
    go.set()
    assert await rehearsal.settle() == []
    frame = (await rehearsal.state()).frames[-1]
    assert any(name.startswith("run:") for name in frame.journal.entries)
    assert await rehearsal.say("hello?") == []
    page = await core.page(customer, after=-1)
    assert [line.text for _n, line in page.lines][-1] == "hello?"
    assert await store.control(customer, "") == ""
    assert [str(message) for message in await rehearsal.say("5")] == ["Thank you."]


async def test_a_stale_worker_writes_nothing(rehearsal: Rehearsal) -> None:
    """Whoever lost the lease is fenced, whatever it decided."""
    await rehearsal.say("return an order")
    store, customer = rehearsal.app.store, rehearsal.customer
    granted = await store.admit(customer, inbound("A1001", 1))
    assert isinstance(granted, Granted)
    await store.release(granted.lease)
    taken = await store.take(customer)
    assert isinstance(taken, Granted)
    before = await store.snapshot(customer)
    late = await store.commit(granted.lease, Commit(state=b"\x90", ack=granted.letters[-1].number))
    assert type(late).__name__ == "Fenced"
    assert await store.snapshot(customer) == before


async def test_a_dialog_that_is_gone_is_answered(rehearsal: Rehearsal, house: ModuleType) -> None:
    """After a deploy without the dialog a customer was in, a named reply says so."""
    await rehearsal.say("help me with the size")
    app = rehearsal.app
    rest = [one for name, one in house.HOUSE.items() if name not in ("size", "order_it")]
    app.setup = app.make_setup(Registry(rest), app.setup.voice)
    said = await rehearsal.say("180")
    assert [str(message) for message in said] == [
        "We have changed how this works. What would you like to do?"
    ]
    assert (await rehearsal.state()).frames == []


async def test_a_paused_dialog_and_channel(rehearsal: Rehearsal) -> None:
    """What is paused says its named reply instead; the rest goes on."""
    store = rehearsal.app.store
    await store.pause("dialog", "size", "paused")
    said = await rehearsal.say("help me with the size")
    assert [str(message) for message in said] == ["This is paused."]
    said = await rehearsal.say("return an order")
    assert [str(message) for message in said] == ["Which order?"]
    await store.pause("channel", "web", "paused")
    said = await rehearsal.say("A1001")
    assert [str(message) for message in said] == ["This is paused."]
    await store.unpause("channel", "web")
    said = await rehearsal.say("A1001")
    assert str(said[0]).startswith("Why does the lamp come back?")


async def test_a_newer_state_is_left_alone(rehearsal: Rehearsal) -> None:
    """An old worker in a rolling deploy does not touch what a newer one wrote."""
    await rehearsal.say("return an order")
    store, customer = rehearsal.app.store, rehearsal.customer
    state = await rehearsal.state()
    state.schema = 99
    taken = await store.admit(customer, inbound("A1001", 1))
    assert isinstance(taken, Granted)
    await store.record(taken.lease, Commit(state=encode(state)))
    before = await store.snapshot(customer)
    await store.release((await store.renew(taken.lease)).lease)  # type: ignore[union-attr]
    await rehearsal.app.worker.look_after(customer)
    await rehearsal.settle()
    after = await store.snapshot(customer)
    assert before is not None
    assert after is not None
    assert (after.state, after.waiting) == (before.state, 1)


async def test_opening_the_page_greets_once(rehearsal: Rehearsal) -> None:
    """A first visit is greeted; coming back is not."""

    @dialog("welcome", opening=True)
    async def welcome(chat: Chat) -> None:
        await chat.say("thanks")

    await swap(rehearsal, welcome)
    assert [str(m) for m in await rehearsal.say("", kind="opened")] == ["Thank you."]
    assert await rehearsal.say("", kind="opened") == []


async def test_a_card_number_is_not_stored(rehearsal: Rehearsal) -> None:
    """What a customer pastes by mistake is masked before the store sees it."""
    await rehearsal.say("my card is 4111 1111 1111 1111 ok")
    page = await rehearsal.app.core.page(rehearsal.customer, after=-1)
    text = page.lines[0][1].text
    assert "4111 1111" not in text
    assert "1111" in text


async def swap(rehearsal: Rehearsal, *dialogs: object) -> None:
    """Let the bot have other dialogs, and the customer be known already."""
    app = rehearsal.app
    app.setup = app.make_setup(Registry(dialogs), app.setup.voice)  # type: ignore[arg-type]
    if not rehearsal.customer:
        await rehearsal._own(Address("web", "web-of-the-customer"))
    assert await app.store.has_address(rehearsal.customer, WEB)


async def test_a_message_that_breaks_every_turn_is_parked_and_said(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three turns that died the message is put aside, the customer is told, and goes on."""
    await rehearsal.say("return an order")
    app, customer = rehearsal.app, rehearsal.customer
    run, begun = Turn.run, []

    async def dies(turn: Turn) -> Commit:
        if any(letter.inbound.text == "A1001" for letter in turn.granted.letters):
            begun.append(turn.granted.letters[0].attempts)
            raise RuntimeError("toxic")
        return await run(turn)

    monkeypatch.setattr(Turn, "run", dies)
    await app.core.receive(inbound("A1001", 1), customer=customer)
    for _ in range(3):
        await app.core.settled(customer, within=5)
        await lease_ends(rehearsal)
        await app.worker.look_after(customer)
    said = await rehearsal.settle()
    assert begun == [0, 1, 2]
    assert [str(message) for message in said] == [
        "One of your messages was too much for me.",
        "Which order?",
    ]
    (dead,) = await app.store.dead_letters()
    assert dead.inbound is not None
    assert dead.inbound.text == "A1001"
    monkeypatch.setattr(Turn, "run", run)
    assert await app.store.retry(dead.id)
    await app.worker.look_after(customer)
    assert str((await rehearsal.settle())[0]).startswith("Why does the lamp come back?")


async def lease_ends(rehearsal: Rehearsal) -> None:
    """Let the customer's lease run out, as if its holder had died long ago."""
    text = b"-- KEYS c\nreturn redis.call('HSET', KEYS[1], 'd', 1)"
    ended = Script("lease_ends", text, hashlib.sha1(text).hexdigest().encode(), ("c",))
    keys = rehearsal.app.store.keys.customer(rehearsal.customer)
    assert keys is not None
    await rehearsal.app.store.server.run(ended, (keys.c,), ())


async def test_what_the_host_site_signed_for_is_not_asked(rehearsal: Rehearsal) -> None:
    """Somebody who is signed in has told their e-mail; a later word of theirs replaces it."""
    await rehearsal._own(WEB)
    signed = Inbound(
        address=WEB,
        message_id="signed",
        text="hello there",
        proof=Proof.VERIFIED,
        data={"email": "ada@example.com"},
    )
    await rehearsal.app.core.receive(signed, customer=rehearsal.customer)
    await rehearsal.settle()
    assert await rehearsal.profile() == {"email": "ada@example.com"}


async def test_an_answer_from_another_process_is_found_in_a_long_conversation(
    rehearsal: Rehearsal,
) -> None:
    """Whoever waits here gets the lines that another process wrote, however many came before."""
    app = rehearsal.app
    await rehearsal.say("count with me")
    for _ in range(110):
        await rehearsal.say("1")
    taken = await app.store.admit(rehearsal.customer, inbound("1", 1))
    assert isinstance(taken, Granted)
    waiting = asyncio.ensure_future(app.core.answered(rehearsal.customer, "i1", within=5))
    await asyncio.sleep(0)
    other = App(app.settings, clock=app.clock, ids=app.ids, adapters=app.adapters)
    other.setup = app.setup
    await other.start()
    try:
        other.worker.begin(taken)
        page = await waiting
    finally:
        await other.stop(grace=5)
    assert page is not None
    assert [line.text for _n, line in page.lines if line.who == Who.CUSTOMER] == ["1"]
    assert len(page.lines) == 3


async def test_words_written_before_the_question_was_shown_are_no_wrong_answer(
    rehearsal: Rehearsal,
) -> None:
    """A "please" that was on its way when the question came is not told off."""
    await rehearsal.say("return an order")
    asked = (await rehearsal.state()).frames[-1].open
    assert asked is not None
    early = Inbound(address=WEB, message_id="early", text="please", received_at=asked.asked - 500)
    await rehearsal.app.core.receive(early, customer=rehearsal.customer)
    assert await rehearsal.settle() == []
    late = Inbound(address=WEB, message_id="late", text="please", received_at=asked.asked + 500)
    await rehearsal.app.core.receive(late, customer=rehearsal.customer)
    said = await rehearsal.settle()
    assert [str(message) for message in said] == ["An order number looks like A1001."]
