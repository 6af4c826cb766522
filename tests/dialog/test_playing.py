"""What a play does with each verb: what is new comes up once, what is recorded answers silently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from pydantic import BaseModel

from segue import Cancelled, Chat, Email, StepFailed, Text, dialog
from segue.dialog import Journal, play
from segue.dialog.outcome import (
    Answer,
    Broken,
    CalledOff,
    CallOff,
    Ended,
    Hold,
    Restarting,
    Running,
    Skip,
    TimedOut,
    Waiting,
)


@dataclass
class Order:
    number: str
    price: Decimal


def find_order(number: str) -> Order | None:
    return Order(number, Decimal("9.90")) if number.startswith("A") else None


@dialog("buy")
async def buy(chat: Chat) -> str:
    await chat.say("hello")
    number = await chat.ask("ask_number", Text)
    await chat.say("looking")
    order = await chat.run(find_order, number)
    if order is None:
        await chat.say("no_such_order", number=number)
        return "none"
    await chat.say("found", order=order)
    if not await chat.confirm("buy_it", order=order):
        return "dropped"
    await chat.milestone("bought")
    await chat.say("thanks")
    return order.number


class Parcel(BaseModel):
    number: str
    weight: Decimal


def find_parcel() -> Parcel | None:
    return Parcel(number="P1", weight=Decimal("1.50"))


@dialog("modelled")
async def modelled(chat: Chat) -> str:
    parcel = await chat.run(find_parcel)
    await chat.ask("more", Text, parcel=parcel)
    return repr(parcel)


def test_a_talk_goes_from_question_to_question_and_says_everything_once(talk: Any) -> None:
    """Each reply is said once, however often the dialog is played, and in the dialog's order."""
    t = talk(buy)
    t.start()
    assert (t.asks, t.said) == ("ask_number", ["hello"])
    t.start()
    assert t.said == ["hello"]
    t.say("A1")
    assert (t.asks, t.said) == ("buy_it", ["hello", "looking", "found"])
    t.say(True)
    assert t.result == "A1"
    assert t.said == ["hello", "looking", "found", "thanks"]
    assert t.did == [("find_order", ("A1",))]


def test_a_play_changes_nothing_that_it_is_given(talk: Any) -> None:
    """The same journal played again gives the same, whatever the first play recorded."""
    t = talk(buy)
    t.start()
    before = t.journal.encode()
    reader = lambda _q, _e: Answer(value="A1", raw="a1")  # noqa: E731
    one = play(buy, t.journal, facts=t.facts(), reader=reader)
    two = play(buy, t.journal, facts=t.facts(), reader=reader)
    assert t.journal.encode() == before
    assert isinstance(one, Running)
    assert isinstance(two, Running)
    assert (one.journal, one.fresh, one.entry, one.digest) == (
        two.journal,
        two.fresh,
        two.entry,
        two.digest,
    )


def test_an_answered_question_is_told_with_its_entry(talk: Any) -> None:
    """`Waiting.asked` lists what may be corrected, by entry name."""
    t = talk(buy)
    t.start()
    outcome = t.say("A1")
    assert isinstance(outcome, Waiting)
    assert outcome.entry == "ask:buy_it#1"
    assert [(entry, ask.reply) for entry, ask in outcome.asked] == [
        ("ask:ask_number#1", "ask_number")
    ]


def test_several_questions_may_be_answered_in_one_play(talk: Any) -> None:
    """A reader that answers goes on in the same pass; replies on the way are said."""

    @dialog("two")
    async def two(chat: Chat) -> list[str]:
        first = await chat.ask("first", Text)
        await chat.say("between")
        second = await chat.ask("second", Text)
        return [first, second]

    t = talk(two)
    t.answer_by({"first": "1", "second": "2"})
    assert (t.result, t.said) == (["1", "2"], ["between"])


# -- steps --------------------------------------------------------------------------------------


def test_a_step_result_has_its_annotated_type_on_replay_too(talk: Any) -> None:
    """A dataclass with a Decimal is one the first time, and one from the store."""
    kinds: list[tuple[type, type]] = []

    @dialog("typed")
    async def typed(chat: Chat) -> None:
        order = await chat.run(find_order, "A1")
        assert order is not None
        kinds.append((type(order), type(order.price)))
        await chat.ask("more", Text)

    t = talk(typed, kept=None)
    t.start()
    t.start()
    assert kinds == [(Order, Decimal), (Order, Decimal)]
    assert len(t.did) == 1


def test_structs_and_plain_data_come_back_as_they_are(talk: Any) -> None:
    """A msgspec Struct, a list of dataclasses, bytes and a mapping with numbers for keys."""

    class Point(Struct):
        x: int

    def point() -> Point:
        return Point(3)

    def orders() -> list[Order]:
        return [Order("A1", Decimal(1))]

    def raw() -> bytes:
        return b"\x00\xff"

    def counts() -> dict[int, str]:
        return {1: "one"}

    @dialog("kinds")
    async def kinds(chat: Chat) -> Any:
        return [await chat.run(f) for f in (point, orders, raw, counts)]

    point.__annotations__["return"] = Point
    t = talk(kinds)
    t.start()
    assert t.result == [Point(3), [Order("A1", Decimal(1))], b"\x00\xff", {1: "one"}]


def test_the_same_step_twice_is_two_executions(talk: Any) -> None:
    """Two throws of a dice are two results, found by their occurrence."""
    thrown = iter([4, 2])

    def throw() -> int:
        return next(thrown)

    @dialog("dice")
    async def dice(chat: Chat) -> tuple[int, int]:
        one = await chat.run(throw)
        two = await chat.run(throw)
        await chat.ask("more", Text)
        return one, two

    t = talk(dice)
    t.start()
    t.say("go on")
    assert t.result == (4, 2)


def test_a_failed_step_raises_inside_the_dialog_and_on_replay(talk: Any) -> None:
    """What the dialog makes of a failure is the same on every replay."""

    @dialog("failing")
    async def failing(chat: Chat) -> str:
        try:
            await chat.run(find_order, "A1")
        except StepFailed as error:
            await chat.say("sorry", kind=error.kind)
        await chat.ask("more", Text)
        return "tidy"

    t = talk(failing)
    running = play(failing, Journal(), facts=t.facts(), reader=lambda _q, _e: Hold())
    assert isinstance(running, Running)
    t.journal = running.journal
    t.journal.record_failure(running.entry, running.digest, "TimeoutError", "too slow")
    t.start()
    assert t.said == ["sorry"]
    t.say("go on")
    assert (t.result, t.said, t.did) == ("tidy", ["sorry"], [])


def test_an_unhandled_failure_can_be_tried_again(talk: Any) -> None:
    """`forget_failures` lets the next play run the step again, under the same key."""
    t = talk(buy)
    t.start()
    running = play(
        buy, t.journal, facts=t.facts(), reader=lambda _q, _e: Answer(value="A1", raw="A1")
    )
    assert isinstance(running, Running)
    t.journal = running.journal
    t.journal.record_failure(running.entry, running.digest, "ConnectionError", "down")
    assert isinstance(t.start(), Broken)
    assert t.journal.forget_failures()
    again = play(buy, t.journal, facts=t.facts(), reader=lambda _q, _e: Hold())
    assert isinstance(again, Running)
    assert (again.entry, again.digest) == (running.entry, running.digest)


def test_a_failing_answer_is_not_lost(talk: Any) -> None:
    """A dialog that breaks keeps what the customer answered, and says nothing half."""

    @dialog("breaking")
    async def breaking(chat: Chat) -> None:
        await chat.ask("ask_number", Text)
        await chat.say("never_said")
        raise ZeroDivisionError

    t = talk(breaking)
    t.start()
    outcome = t.say("A1")
    assert isinstance(outcome, Broken)
    assert isinstance(outcome.error, ZeroDivisionError)
    assert outcome.fresh.says == ()
    assert [answer.value for _, answer in outcome.journal.answers()] == ["A1"]


# -- other dialogs -----------------------------------------------------------------------------


def test_a_called_dialog_returns_its_result_and_takes_values(talk: Any) -> None:
    """Values become what the parameters are annotated with, results what is returned."""

    @dialog("inner")
    async def inner(chat: Chat, order: Order, note: str = "") -> Order:
        more = await chat.ask("ask_note", Text)
        return Order(order.number + more, order.price)

    @dialog("outer")
    async def outer(chat: Chat) -> Order:
        return await chat.call(inner, order=Order("A1", Decimal(1)))

    t = talk(outer)
    t.answer_by({"ask_note": "!"})
    assert t.result == Order("A1!", Decimal(1))


def test_a_call_with_a_wrong_value_is_broken_with_advice(talk: Any) -> None:
    """The mistake is told at the line of the call."""

    @dialog("inner")
    async def inner(chat: Chat, number: str) -> None: ...

    @dialog("outer")
    async def outer(chat: Chat) -> None:
        await chat.call(inner, nmber="A1")

    outcome = talk(outer).start()
    assert isinstance(outcome, Broken)
    assert "nmber" in str(outcome.error)


def test_restart_begins_anew_with_its_values(talk: Any) -> None:
    """`return await chat.restart(…)` empties the journal; the loop costs nothing."""

    @dialog("round")
    async def around(chat: Chat, times: int = 0) -> int:
        await chat.say("again", times=times)
        if times == 3:
            return times
        return await chat.restart(times=times + 1)

    t = talk(around)
    t.start()
    assert (t.result, t.said) == (3, ["again"] * 4)
    first = play(around, Journal(), facts=t.facts(), reader=lambda _q, _e: Hold())
    assert isinstance(first, Restarting)
    assert first.values == {"times": 1}


def test_the_opening_words_reach_a_parameter_named_utterance(talk: Any) -> None:
    """Pattern and fallback dialogs may look at the words that began them."""

    @dialog("fallback", fallback=True)
    async def fallback(chat: Chat, utterance: str) -> str:
        return utterance

    assert talk(fallback).start().result == "hi"


# -- giving up and time ------------------------------------------------------------------------


def test_calling_off_lets_the_dialog_tidy_up(talk: Any) -> None:
    """`Cancelled` is raised at the open question; verbs work in its handler, on replay too."""

    @dialog("tidy")
    async def tidy(chat: Chat) -> None:
        try:
            await chat.ask("ask_number", Text)
        except Cancelled:
            await chat.run(find_order, "A1")
            await chat.say("dropped")
            raise

    t = talk(tidy)
    t.start()
    outcome = t.give(CallOff())
    assert isinstance(outcome, CalledOff)
    assert (t.said, len(t.did)) == (["dropped"], 1)
    assert isinstance(t.start(), CalledOff)
    assert (t.said, len(t.did)) == (["dropped"], 1)


def test_except_exception_does_not_swallow_calling_off(talk: Any) -> None:
    """`Cancelled` passes what catches ordinary errors."""

    @dialog("careful")
    async def careful(chat: Chat) -> None:
        try:
            await chat.ask("ask_number", Text)
        except Exception:
            await chat.say("never_said")

    t = talk(careful)
    t.start()
    assert isinstance(t.give(CallOff()), CalledOff)
    assert t.said == []


@pytest.mark.parametrize("reading", [Skip(), TimedOut()])
def test_skipped_or_late_answers_are_none(talk: Any, reading: Any) -> None:
    """`skippable=True` and `timeout=` make None a result, which is kept."""

    @dialog("maybe")
    async def maybe(chat: Chat) -> str:
        first = await chat.ask("first", Text, skippable=True, timeout=timedelta(hours=1))
        second = await chat.ask("second", Text)
        return f"{first} {second}"

    t = talk(maybe)
    t.start()
    t.give(reading)
    assert t.asks == "second"
    t.say("x")
    assert t.result == "None x"


def test_a_wait_is_over_when_its_time_is_up(talk: Any) -> None:
    """Until then the play waits at it, and anything else the customer says leaves it open."""

    @dialog("patient")
    async def patient(chat: Chat) -> None:
        await chat.say("see_you")
        await chat.wait(for_=timedelta(days=1))
        await chat.say("hello_again")

    t = talk(patient)
    assert isinstance(t.start(), Waiting)
    assert t.said == ["see_you"]
    t.give(TimedOut())
    assert isinstance(t.outcome, Ended)
    assert t.said == ["see_you", "hello_again"]


# -- reading what is known ---------------------------------------------------------------------


def test_clock_chance_and_facts_are_read_once(talk: Any) -> None:
    """A replay sees the time, the number and the fact that the first play saw."""
    seen: list[Any] = []

    @dialog("knowing")
    async def knowing(chat: Chat) -> None:
        seen.append(
            (
                await chat.now(),
                await chat.random(),
                await chat.know("size"),
                await chat.channel(),
                await chat.locale(),
            )
        )
        await chat.ask("more", Text)

    t = talk(knowing, profile={"size": 42})
    t.start()
    t.profile["size"] = 43
    t.start()
    assert seen[0] == seen[1]
    assert seen[0][2:] == (42, "web", "en")


def test_milestones_reminders_and_logs_come_up_once(talk: Any) -> None:
    """They are new the first time and silent after, though no question lies between."""

    @dialog("telling")
    async def telling(chat: Chat) -> None:
        await chat.milestone("there")
        await chat.log("arrived", count=1)
        await chat.remind("still_there", after=timedelta(hours=2), name="Ada")
        await chat.ask("more", Text)

    t = talk(telling)
    outcome = t.start()
    assert isinstance(outcome, Waiting)
    assert [m.name for m in outcome.fresh.milestones] == ["there"]
    assert [(e, r.reply) for e, r in outcome.fresh.reminders] == [
        ("remind:still_there#1", "still_there")
    ]
    assert [entry.event for entry in outcome.fresh.logs] == ["arrived"]
    again = t.start()
    assert (again.fresh.milestones, again.fresh.reminders, again.fresh.logs) == ((), (), ())


# -- remembering -------------------------------------------------------------------------------


@dialog("mailing")
async def mailing(chat: Chat) -> str:
    return await chat.ask("ask_email", Email, remember="email")


@dialog("careful_mailing")
async def careful_mailing(chat: Chat) -> str:
    return await chat.ask("ask_email", Email, remember="email", check="still_yours")


def test_an_answer_is_remembered_and_used_without_asking(talk: Any) -> None:
    """`remember=` fills the profile the first time and asks nobody the second."""
    t = talk(mailing)
    t.start()
    assert t.asks == "ask_email"
    t.say("ada@example.com")
    assert t.profile == {"email": "ada@example.com"}
    again = talk(mailing, profile=t.profile)
    again.start()
    assert again.result == "ada@example.com"


def test_a_remembered_answer_does_not_change_under_a_dialog(talk: Any) -> None:
    """What the profile answered is journaled: a later change of it is for later dialogs."""

    @dialog("longer")
    async def longer(chat: Chat) -> str:
        email = await chat.ask("ask_email", Email, remember="email")
        await chat.ask("more", Text)
        return email

    t = talk(longer, profile={"email": "ada@example.com"})
    t.start()
    t.profile["email"] = "new@example.com"
    t.say("x")
    assert t.result == "ada@example.com"


def test_a_remembered_answer_may_be_confirmed_first(talk: Any) -> None:
    """The check passes the value; yes uses it, no asks."""
    yes = talk(careful_mailing, profile={"email": "ada@example.com"})
    outcome = yes.start()
    assert isinstance(outcome, Waiting)
    assert yes.asks == "still_yours"
    assert outcome.question.values == {"value": "ada@example.com"}  # type: ignore[union-attr]
    yes.say(True)
    assert yes.result == "ada@example.com"

    no = talk(careful_mailing, profile={"email": "ada@example.com"})
    no.start()
    no.say(False)
    assert no.asks == "ask_email"
    no.say("ben@example.com")
    assert (no.result, no.profile) == ("ben@example.com", {"email": "ben@example.com"})


def test_a_fact_of_another_type_is_not_used(talk: Any) -> None:
    """A profile that holds something else than the slot gives is asked about."""
    t = talk(mailing, profile={"email": 42})
    t.start()
    assert t.asks == "ask_email"


# -- limits ------------------------------------------------------------------------------------


def test_a_loop_without_a_restart_is_named(talk: Any) -> None:
    """501 entries are an error that says which name goes round, where, and what to do."""

    @dialog("endless")
    async def endless(chat: Chat) -> None:
        while True:
            await chat.say("and_again")

    outcome = talk(endless).start()
    assert isinstance(outcome, Broken)
    assert type(outcome.error).__name__ == "JournalTooLong"
    assert "say:and_again came" in str(outcome.error)
    assert "chat.restart" in str(outcome.error)
    assert "test_playing.py:" in str(outcome.error)


def test_a_journal_that_grows_too_big_names_its_largest_entry(talk: Any) -> None:
    """64 kB are the most a journal may take."""

    def much(part: int) -> str:
        return "x" * (29_000 + part)

    @dialog("greedy")
    async def greedy(chat: Chat) -> None:
        for part in range(3):
            await chat.run(much, part)
            await chat.ask("more", Text)

    t = talk(greedy)
    outcome = t.answer_by({"more": "go on"})
    assert isinstance(outcome, Broken)
    assert type(outcome.error).__name__ == "JournalTooLong"
    assert "run:much#3" in str(outcome.error)


def test_a_step_that_returns_too_much_is_named(talk: Any) -> None:
    """A result of over 32 kB is not kept; the step is not done again."""

    def everything() -> str:
        return "x" * 40_000

    @dialog("hoarding")
    async def hoarding(chat: Chat) -> None:
        await chat.run(everything)

    t = talk(hoarding)
    outcome = t.start()
    assert isinstance(outcome, Broken)
    assert "everything" in str(outcome.error)
    assert isinstance(t.start(), Broken)
    assert len(t.did) == 1


def test_a_journal_is_small(talk: Any) -> None:
    """A finished purchase takes less than 250 bytes."""
    t = talk(buy)
    t.start()
    t.say("A1")
    t.say(True)
    assert t.journal.size() < 250


def test_a_pydantic_model_comes_back_as_one(talk: Any) -> None:
    """Whatever a shop's client speaks in: validated again on every replay."""
    t = talk(modelled)
    t.start()
    t.say("x")
    assert t.result == "Parcel(number='P1', weight=Decimal('1.50'))"
    assert len(t.did) == 1
