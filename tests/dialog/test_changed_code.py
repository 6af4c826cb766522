"""Code changes while customers are inside: old journals under new code, and new ones under old.

`golden/` holds journals that were recorded by earlier code, as JSON. They are replayed on every
run; they are never recorded anew, for they stand for the journals that are in a store somewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segue import Chat, Integer, Text, dialog, slot
from segue.dialog import Dialog, Journal
from segue.dialog.outcome import Broken, Ended, Waiting

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
OrderNumber = slot(r"[A-Z]\d{4}", name="order_number", example="A1001")


@dataclass
class Order:
    number: str
    item: str


def find_order(number: str, postcode: str) -> Order | None:
    return Order(number, "boots")


def create_label(number: str, reason: str) -> str:
    return f"label for {number}"


@dialog("return_item")
async def old(chat: Chat) -> str:
    number = await chat.ask("ask_order", OrderNumber)
    postcode = await chat.ask("ask_postcode", Text)
    order = await chat.run(find_order, number, postcode)
    assert order is not None
    await chat.say("found", order=order)
    reason = await chat.choose("ask_reason", ["wrong_size", "damaged"], order=order)
    if not await chat.confirm("confirm_return", order=order):
        return "dropped"
    label = await chat.run(create_label, order.number, reason, final=True)
    await chat.say("label_ready", label=label)
    return f"{reason} {label}"


@dialog("return_item", renamed={"ask_reason": "ask_why"})
async def new(chat: Chat) -> str:
    """Asks for a colour too, has another name for the reason and says more and other things."""
    await chat.say("welcome_to_returns")
    number = await chat.ask("ask_order", OrderNumber, hint="on the receipt")
    colour = await chat.ask("ask_colour", Text)
    postcode = await chat.ask("ask_postcode", Text)
    order = await chat.run(find_order, number, postcode)
    assert order is not None
    await chat.say("found_it", order=order)
    reason = await chat.choose("ask_why", ["damaged", "changed_mind", "wrong_size"], order=order)
    if not await chat.confirm("confirm_return", order=order, colour=colour):
        return "dropped"
    label = await chat.run(create_label, order.number, reason, final=True)
    await chat.say("label_ready", label=label)
    return f"{reason} {colour} {label}"


@dialog("return_item")
async def short(chat: Chat) -> str:
    """Does without the postcode, and so without the step as it was."""
    number = await chat.ask("ask_order", OrderNumber)
    order = await chat.run(find_order, number, "")
    assert order is not None
    reason = await chat.choose("ask_reason", ["wrong_size", "damaged"], order=order)
    return f"{reason} {order.item}"


CODE: dict[str, Dialog[Any]] = {"old": old, "new": new, "short": short}
ANSWERS = {
    "ask_order": "A1001",
    "ask_postcode": "10115",
    "ask_colour": "red",
    "ask_reason": "damaged",
    "ask_why": "damaged",
    "confirm_return": True,
}
QUESTIONS = {
    "old": ["ask_order", "ask_postcode", "ask_reason", "confirm_return"],
    "new": ["ask_order", "ask_colour", "ask_postcode", "ask_why", "confirm_return"],
}


def _stopped_at(talk: Any, code: str, question: str) -> Any:
    """Return a talk with `code` that has come to `question`."""
    t = talk(CODE[code])
    t.start()
    while t.asks != question:
        t.say(ANSWERS[t.asks])
    return t


@pytest.mark.parametrize(
    ("first", "then"), [("old", "new"), ("new", "old")], ids=["deploy", "rollback"]
)
@pytest.mark.parametrize("place", range(4))
def test_nobody_repeats_an_answer_that_both_versions_ask(
    talk: Any, first: str, then: str, place: int
) -> None:
    """Wherever the deploy catches a customer, known answers stay and new questions are asked."""
    t = _stopped_at(talk, first, QUESTIONS[first][place])
    known = set(QUESTIONS[first][:place])
    t.dialog = CODE[then]
    t.start()
    asked: list[str] = []
    while isinstance(t.outcome, Waiting):
        asked.append(t.asks)
        t.say(ANSWERS[t.asks])
    known_by_name = known | ({"ask_why"} if "ask_reason" in known else set())
    assert not known_by_name & set(asked), asked
    assert isinstance(t.outcome, Ended)
    colour = " red" if then == "new" else ""
    assert t.result == f"damaged{colour} label for A1001"
    assert [step for step, _ in t.did] == ["find_order", "create_label"]


def test_old_and_new_may_alternate_turn_by_turn(talk: Any) -> None:
    """In a rolling deploy each turn may meet another version; nobody answers anything twice."""
    t = talk(old)
    asked: list[str] = []
    t.start()
    turn = 0
    while isinstance(t.outcome, Waiting):
        asked.append(t.asks)
        t.say(ANSWERS[t.asks])
        turn += 1
        t.dialog = (old, new)[turn % 2]
        t.start()
    assert isinstance(t.outcome, Ended)
    assert len(asked) == len(set(asked)), asked
    assert [step for step, _ in t.did].count("create_label") == 1


def test_nothing_is_said_late(talk: Any) -> None:
    """Replies that new code says before an answer that is there are passed over."""
    t = _stopped_at(talk, "old", "confirm_return")
    t.dialog = new
    t.start()
    assert "welcome_to_returns" not in t.said
    assert "found_it" not in t.said


def test_a_removed_question_is_kept_for_the_old_code(talk: Any) -> None:
    """Code without the postcode ignores it; rolled back, the old code still has it."""
    t = _stopped_at(talk, "old", "ask_reason")
    t.dialog = short
    t.start()
    assert t.asks == "ask_reason"
    t.dialog = old
    t.start()
    assert t.asks == "ask_reason"
    assert [step for step, _ in t.did] == ["find_order", "find_order"]
    t.say("damaged")
    t.say(True)
    assert t.result == "damaged label for A1001"


def test_words_are_read_again_when_the_slot_changes(talk: Any) -> None:
    """A number is made of the words, if the words are one; else the question is asked again."""

    @dialog("count")
    async def as_text(chat: Chat) -> str:
        count = await chat.ask("ask_count", Text)
        await chat.ask("more", Text)
        return count

    @dialog("count")
    async def as_number(chat: Chat) -> int:
        count = await chat.ask("ask_count", Integer)
        await chat.ask("more", Text)
        return count

    for words, result in (("three", 3), ("lots", None)):
        t = talk(as_text)
        t.start()
        t.say(words)
        t.dialog = as_number
        t.start()
        if result is None:
            assert t.asks == "ask_count"
            t.dialog = as_text
            t.start()
            assert t.asks == "more"
        else:
            t.say("x")
            assert t.result == result


def test_an_option_that_is_gone_is_asked_again(talk: Any) -> None:
    """A recorded choice is used as long as it is one of the options, wherever it stands now."""

    def version(*options: str) -> Dialog[Any]:
        @dialog("choice")
        async def choice(chat: Chat) -> str:
            chosen = await chat.choose("ask_reason", options)
            await chat.ask("more", Text)
            return chosen

        return choice

    t = talk(version("wrong_size", "damaged"))
    t.start()
    t.say("damaged", raw="2")
    t.dialog = version("damaged", "other", "wrong_size")
    t.start()
    assert t.asks == "more"
    t.dialog = version("wrong_size", "other")
    t.start()
    assert t.asks == "ask_reason"


def test_a_result_type_may_gain_a_field_with_a_default(talk: Any) -> None:
    """Results recorded before have the default; without one the error says so."""

    def shop(default: bool) -> Callable[[], Any]:
        if default:

            @dataclass
            class Found:
                number: str
                colour: str = "grey"
        else:

            @dataclass
            class Found:  # type: ignore[no-redef]
                number: str
                colour: str

        def find() -> Found:
            raise AssertionError("it is not done again")

        find.__annotations__["return"] = Found
        return find

    def find() -> dict[str, str]:
        return {"number": "A1"}

    def version(step: Callable[[], Any]) -> Dialog[Any]:
        @dialog("find")
        async def found(chat: Chat) -> str:
            result: Any = await chat.run(step)
            await chat.ask("more", Text)
            return result.colour  # type: ignore[no-any-return]

        return found

    t = talk(version(find))
    t.start()
    t.dialog = version(shop(default=True))
    t.say("x")
    assert t.result == "grey"
    t.dialog = version(shop(default=False))
    outcome = t.start()
    assert isinstance(outcome, Broken)
    assert "does not fit any more" in str(outcome.error)
    assert "default" in str(outcome.error)


# -- golden journals -------------------------------------------------------------------------------


class Case(msgspec.Struct):
    """A journal that earlier code recorded, and where each version goes with it."""

    about: str
    code: str
    journal: Journal
    reaches: dict[str, str]
    """Version → entry name of the question it waits at, or what it returns."""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_journals_are_understood(talk: Any, path: Path) -> None:
    """Every journal ever stored leads every version to where it should."""
    case = msgspec.json.decode(path.read_bytes(), type=Case)
    for code, place in case.reaches.items():
        t = talk(CODE[code], journal=Journal.decode(case.journal.encode()))
        outcome = t.start()
        assert not isinstance(outcome, Broken), outcome.error
        found = outcome.entry if isinstance(outcome, Waiting) else t.result
        assert found == place, f"{case.about}: {code}"


def test_there_are_golden_journals() -> None:
    """An empty folder would pass every test above."""
    assert len(GOLDEN) >= 4
