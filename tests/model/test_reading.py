"""Reading is pure: it looks and decides, and whatever is written to it, it does not stumble."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st
from trips import Code, Colour, Two, voice

from segue import Email, Integer, slot
from segue.dialog.effects import Ask
from segue.dialog.outcome import Answer, Hold
from segue.engine.reading import (
    Listener,
    Utterance,
    correction,
    pick,
    repair,
    silent,
    without_opening,
)
from segue.engine.state import Open
from segue.slots import SlotContext, YesNo
from segue.types import Button

WORDS = voice().words("en")
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
CONTEXT = SlotContext(locale="en", words=WORDS, now=NOW)
Number = slot(r"[A-Z]\d{4}", example="A1001", name="number")
SLOTS = (Code, Colour, Two, Integer, Email, Number, YesNo)
KNOWN = sorted({*WORDS.cancel, *WORDS.help, *WORDS.back, *WORDS.repeat, *WORDS.person, *WORDS.skip})
SAID = st.one_of(
    st.text(max_size=80),
    st.sampled_from([*KNOWN, *(f"{word}!" for word in KNOWN), "AB-CD", "42", "red", "yes"]),
    st.builds("{} {}".format, st.sampled_from(sorted(WORDS.correct)), st.text(max_size=20)),
    st.builds(
        "{} {}".format,
        st.text(max_size=10),
        st.sampled_from(["AB-CD", "a@example.com", "A1001", "7"]),
    ),
)
BUTTONS = st.lists(
    st.builds(Button, st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=12)),
    max_size=5,
    unique_by=lambda button: button.id,
).map(tuple)


def ask(name: str, slot: object) -> Ask:
    return Ask(reply=name, slot=slot)  # type: ignore[arg-type]


@given(SAID)
@example("\ud800")
@example("\x00" * 70)
@example("ﬀ" * 61)
def test_an_order_is_said_and_nothing_else(text: str) -> None:
    """Repair words count only when they are all that was said; a button is never one of them."""
    order = repair(Utterance(text=text), WORDS)
    assert order in (None, "cancel", "person", "help", "back", "repeat", "skip")
    assert repair(Utterance(text=text, choice="x"), WORDS) is None
    if order is not None:
        assert repair(Utterance(text=f"{text} please do that for my aunt"), WORDS) is None


@given(SAID)
def test_what_follows_an_opening_is_in_the_words(text: str) -> None:
    """The correction is the end of what was said, and never empty."""
    rest = without_opening(text, WORDS)
    if rest is not None:
        assert rest
        assert text.strip().endswith(rest)
        assert len(rest) < len(text)


@given(SAID, BUTTONS, st.none() | st.text(max_size=8))
def test_only_an_option_that_was_shown_is_picked(
    text: str, buttons: tuple[Button, ...], choice: str | None
) -> None:
    """A pressed button is itself or nothing; words pick one of the options or nothing."""
    ids = {button.id for button in buttons}
    picked = pick(Utterance(text=text, choice=choice), buttons, CONTEXT_OF(buttons, choice))
    assert picked is None or picked in ids
    if choice is not None:
        assert picked == (choice if choice in ids else None)


def CONTEXT_OF(buttons: tuple[Button, ...], choice: str | None) -> SlotContext:  # noqa: N802
    return SlotContext(locale="en", words=WORDS, now=NOW, buttons=buttons, choice=choice)


@given(SAID, st.lists(st.sampled_from(SLOTS), max_size=4))
def test_a_correction_is_of_something_answered(text: str, slots: list[object]) -> None:
    """It names a question that was answered, with words its slot reads to that same value."""
    asked = [(f"ask:q{n}#1", ask(f"q{n}", slot)) for n, slot in enumerate(slots)]
    found = correction(Utterance(text=text), asked, CONTEXT)
    assert found == correction(Utterance(text=text), asked, CONTEXT)
    if found is not None:
        assert (found.entry, found.question) in asked
        assert found.question.slot.name != "yes_no" or found.question.kind != "confirm"
        assert found.raw in text or found.raw == text


@given(SAID, st.lists(st.sampled_from(SLOTS), min_size=1, max_size=5))
@example("it is A1001", [Number, Number, Email])
@example("A1001, write to a@example.com", [Number, Email, Email])
def test_one_utterance_answers_a_slot_once(text: str, slots: list[object]) -> None:
    """The open question reads all of it; those after it take what is left, no slot twice."""
    listener = Listener(
        utterance=Utterance(text=text),
        words=WORDS,
        locale="en",
        now=NOW,
        open=Open(entry="ask:q0#1", reply="q0"),
        notes=[],
    )
    before = copy.copy(listener.utterance)
    taken = []
    for n, one in enumerate(slots):
        reading = listener(ask(f"q{n}", one), f"ask:q{n}#1")
        assert isinstance(reading, Answer | Hold)
        if isinstance(reading, Hold):
            break
        taken.append(one.name)  # type: ignore[attr-defined]
    assert len(taken) == len(set(taken))
    assert listener.utterance == before
    # What was heard once is not heard again by the same question in a later pass.
    if taken:
        assert listener(ask("q0", slots[0]), "ask:q0#1") == Hold()


@given(st.sampled_from(SLOTS))
def test_looking_answers_nothing(slot: object) -> None:
    """The silent reader holds every question open."""
    assert silent(ask("q", slot), "ask:q#1") == Hold()
