"""Changing one's mind: what follows from an answer follows from the corrected one."""

from __future__ import annotations

from typing import Any

import pytest

from segue import Chat, Email, Text, dialog
from segue.dialog import Journal, Why
from segue.dialog.outcome import Ended, Waiting


def find(number: str) -> str:
    return f"order {number}"


def book(order: str) -> str:
    return f"booked {order}"


@dialog("order")
async def order(chat: Chat) -> list[str]:
    number = await chat.ask("ask_number", Text)
    found = await chat.run(find, number)
    await chat.say("found", order=found)
    colour = await chat.ask("ask_colour", Text)
    size = await chat.ask("ask_size", Text, order=found)
    booked = await chat.run(book, found, final=True)
    more = await chat.ask("ask_more", Text)
    return [number, colour, size, booked, more]


def _up_to_size(talk: Any) -> Any:
    t = talk(order)
    t.start()
    t.say("1")
    t.say("red")
    assert t.asks == "ask_size"
    return t


def test_a_correction_asks_again_only_what_depends_on_it(talk: Any) -> None:
    """The colour stays; the step is done for the new number; the reply about it is said again."""
    t = _up_to_size(talk)
    assert t.journal.correct("ask_number", "2", "no, 2") is Why.DONE
    t.start()
    assert t.asks == "ask_size"
    assert t.did == [("find", ("1",)), ("find", ("2",))]
    assert t.said == ["found", "found"]
    values = {entry: answer.value for entry, answer in t.journal.answers()}
    assert values == {"ask:ask_number#1": "2", "ask:ask_colour#1": "red"}


def test_an_answer_with_other_inputs_is_asked_again(talk: Any) -> None:
    """The size was asked for another order, so the old answer is not used."""

    @dialog("dependent")
    async def dependent(chat: Chat) -> list[str]:
        number = await chat.ask("ask_number", Text)
        size = await chat.ask("ask_size", Text, number=number)
        more = await chat.ask("ask_more", Text)
        return [number, size, more]

    t = talk(dependent)
    t.start()
    t.say("1")
    t.say("L")
    assert t.asks == "ask_more"
    assert not t.journal.correct("ask:ask_number#1", "2")
    t.start()
    assert t.asks == "ask_size"
    t.say("M")
    t.say("x")
    assert t.result == ["2", "M", "x"]


def test_correcting_back_and_forth_uses_the_step_that_was_done(talk: Any) -> None:
    """A, then B, then A again: three answers, two executions."""
    t = _up_to_size(talk)
    t.journal.correct("ask_number", "2")
    t.start()
    t.journal.correct("ask_number", "1")
    t.start()
    assert t.did == [("find", ("1",)), ("find", ("2",))]
    assert t.asks == "ask_size"


def test_back_takes_back_one_answer_at_a_time(talk: Any) -> None:
    """Twice back from the third question is the first."""
    t = _up_to_size(talk)
    assert not t.journal.back()
    t.start()
    assert t.asks == "ask_colour"
    assert not t.journal.back()
    t.start()
    assert t.asks == "ask_number"
    assert t.journal.back() is Why.NOT_ASKED
    t.say("1")
    assert t.asks == "ask_colour"
    assert t.did == [("find", ("1",))]


def test_what_was_said_after_the_same_answer_is_not_said_again(talk: Any) -> None:
    """Back and the same answer again: the reply with the same values is not repeated."""
    t = _up_to_size(talk)
    t.journal.back()
    t.start()
    t.say("red")
    assert t.said == ["found"]


def test_nothing_reaches_back_across_a_final_step(talk: Any) -> None:
    """What was booked is booked: back and corrections say why not, and change nothing."""
    t = _up_to_size(talk)
    t.say("L")
    assert t.asks == "ask_more"
    before = t.journal.encode()
    assert t.journal.correct("ask_number", "2") is Why.FINAL
    assert t.journal.back() is Why.FINAL
    assert t.journal.encode() == before


def test_answers_after_a_final_step_may_be_corrected(talk: Any) -> None:
    """The way back is closed at the step, not at everything after it."""

    @dialog("afterwards")
    async def afterwards(chat: Chat) -> list[str]:
        await chat.run(book, "1", final=True)
        one = await chat.ask("one", Text)
        two = await chat.ask("two", Text)
        return [one, two]

    t = talk(afterwards)
    t.start()
    t.say("a")
    assert not t.journal.correct("one", "b")
    t.start()
    t.say("c")
    assert t.result == ["b", "c"]


def test_nothing_reaches_back_across_a_finished_dialog(talk: Any) -> None:
    """The sub-dialog is over; it cannot be entered in the middle again."""

    @dialog("inner")
    async def inner(chat: Chat) -> str:
        return await chat.ask("inside", Text)

    @dialog("outer")
    async def outer(chat: Chat) -> list[str]:
        one = await chat.ask("one", Text)
        inside = await chat.call(inner)
        return [one, inside, await chat.ask("two", Text)]

    t = talk(outer)
    t.answer_by({"one": "1", "inside": "2"})
    assert t.asks == "two"
    assert t.journal.correct("one", "x") is Why.SUB_DIALOG
    assert t.journal.back() is Why.SUB_DIALOG


@pytest.mark.parametrize("question", ["ask_nothing", "ask:ask_number#2", "run:find#1"])
def test_an_answer_that_is_not_there_cannot_be_corrected(talk: Any, question: str) -> None:
    """Unknown questions, occurrences and steps are all "not asked"."""
    t = _up_to_size(talk)
    assert t.journal.correct(question, "x") is Why.NOT_ASKED


def test_a_bare_name_means_its_last_occurrence(talk: Any) -> None:
    """In a loop, "no, I meant" is about the latest round."""

    @dialog("loop")
    async def loop(chat: Chat) -> list[str]:
        return [await chat.ask("item", Text) for _ in range(3)]

    t = talk(loop)
    t.start()
    t.say("a")
    t.say("b")
    t.journal.correct("item", "B")
    t.start()
    t.say("c")
    assert t.result == ["a", "B", "c"]


def test_a_correction_reaches_the_profile(talk: Any) -> None:
    """A corrected answer with `remember=` replaces the remembered value, once."""

    @dialog("mailing")
    async def mailing(chat: Chat) -> str:
        email = await chat.ask("ask_email", Email, remember="email")
        await chat.ask("more", Text)
        return email

    t = talk(mailing, profile={"email": "ada@example.com"})
    t.start()
    assert not t.journal.correct("ask_email", "ada@example.org")
    outcome = t.start()
    assert outcome.fresh.facts == (("email", "ada@example.org"),)
    assert t.profile == {"email": "ada@example.org"}
    assert t.start().fresh.facts == ()


def test_an_answer_from_the_profile_can_be_taken_back(talk: Any) -> None:
    """Taken back it is asked, although the profile knows one; `back` passes over it."""

    @dialog("mailing")
    async def mailing(chat: Chat) -> str:
        await chat.ask("first", Text)
        email = await chat.ask("ask_email", Email, remember="email")
        await chat.ask("more", Text)
        return email

    t = talk(mailing, profile={"email": "ada@example.com"})
    t.start()
    t.say("x")
    assert t.asks == "more"
    taken = Journal.decode(t.journal.encode())
    assert not taken.take_back("ask_email")
    asked = talk(mailing, journal=taken, profile=t.profile)
    asked.start()
    assert asked.asks == "ask_email"
    t.journal.back()
    t.start()
    assert t.asks == "first"


def test_no_to_the_check_survives_a_correction_before_it(talk: Any) -> None:
    """The profile's old value does not come back through a stale entry."""

    @dialog("mailing")
    async def mailing(chat: Chat) -> list[str]:
        one = await chat.ask("one", Text)
        email = await chat.ask("ask_email", Email, remember="email", check="still_yours")
        return [one, email, await chat.ask("more", Text)]

    t = talk(mailing, profile={"email": "ada@example.com"})
    t.start()
    t.say("1")
    t.say(True)
    assert t.asks == "more"
    t.journal.back()
    t.start()
    assert t.asks == "still_yours"
    t.say(False)
    t.say("ben@example.com")
    t.say("x")
    assert t.result == ["1", "ben@example.com", "x"]


def test_corrections_do_not_bring_back_what_was_once_only(talk: Any) -> None:
    """Milestones are not reached twice because an answer changed."""

    @dialog("miles")
    async def miles(chat: Chat) -> None:
        await chat.ask("one", Text)
        await chat.milestone("half")
        await chat.ask("two", Text)

    t = talk(miles)
    t.start()
    assert [m.name for m in t.say("a").fresh.milestones] == ["half"]
    t.journal.correct("one", "b")
    outcome = t.start()
    assert isinstance(outcome, Waiting)
    assert outcome.fresh.milestones == ()
    assert isinstance(t.say("c"), Ended)
