"""Reading is pure: it looks and decides, and whatever is written to it, it does not stumble."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st
from trips import Code, Colour, Two, voice

from segue import Email, Integer, slot
from segue.dialog.effects import Ask
from segue.dialog.journal import Answered
from segue.dialog.outcome import Answer, Hold
from segue.engine.correcting import Answers, Correction, without_opening
from segue.engine.reading import Listener, Utterance, pick, repair, silent
from segue.engine.state import Open
from segue.slots import SlotContext, Value, YesNo
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
    """The correction is the end of what was said, and never empty behind an opening."""
    opening, rest = without_opening(text, WORDS)
    assert text.strip().endswith(rest)
    if opening:
        assert rest
        assert len(rest) < len(text.strip())
    else:
        assert rest == text.strip()


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


@given(SAID, st.lists(st.sampled_from(SLOTS), max_size=4), st.booleans(), st.booleans())
@example("no, i meant A1002", [Number, Email], False, False)
@example("A1002", [Number, Email], True, False)
@example("actually a@example.com", [Email, Email], False, True)
def test_a_correction_is_of_something_answered(
    text: str, slots: list[object], confirming: bool, surely: bool
) -> None:
    """It names a question that was answered, and holds a value that its slot reads in the words."""
    asked = [(f"ask:q{n}#1", ask(f"q{n}", slot)) for n, slot in enumerate(slots)]
    answers = Answers(
        asked=asked, recorded={}, context=CONTEXT, shown=lambda _: (), confirming=confirming
    )

    def look() -> list[Correction | None]:
        taken = answers.taken_back(text, surely=surely)
        return [taken, answers.replaced(text), answers.mentioned(text)]

    found = look()
    assert found == look()
    for one in found:
        if one is None:
            continue
        assert (one.entry, one.question) in asked
        assert one.raw in text
        slot = one.question.slot
        seen = slot.parse(one.raw, CONTEXT), slot.find and slot.find(one.raw, CONTEXT)
        assert Value(one.value) in seen or one.value in seen
        assert not one.same
    if not without_opening(text, WORDS)[0]:
        assert found[0] is None


def test_a_correction_is_found() -> None:
    """The latest question that can only mean this is corrected."""
    asked = [("ask:a#1", ask("a", Number)), ("ask:b#1", ask("b", Email))]
    recorded = {"ask:a#1": Answered("A1001", "number")}
    answers = Answers(asked=asked, recorded=recorded, context=CONTEXT, shown=lambda _: ())
    found = answers.taken_back("no, i meant A1002")
    assert found is not None
    assert (found.entry, found.value, found.same) == ("ask:a#1", "A1002", False)
    again = answers.replaced("A1001")
    assert again is not None
    assert again.same


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
