"""Text, numbers, yes and no, choices, patterns, e-mail and postcode, the way people write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue import Choice, Date, Email, Integer, Postcode, Text, YesNo, integer, slot
from segue.errors import DialogError
from segue.slots import Nearly, NoValue, SlotContext, SlotReading, Value
from segue.types import Button
from segue.words import Words, normalise

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001")
REASONS = Choice(("wrong_size", "damaged", "changed_mind"))
SHOWN = (
    Button("wrong_size", "Wrong size"),
    Button("damaged", "Arrived damaged"),
    Button("changed_mind", "Changed my mind"),
)


@dataclass
class Size:
    """What a parser of one's own may return."""

    number: int


def _value(reading: SlotReading[Any]) -> Any:
    """Return what was understood, the readings offered, or None."""
    match reading:
        case Value(value):
            return value
        case Nearly(values=values):
            return list(values)
    return None


@pytest.mark.parametrize(("said", "value"), [("  Ada Lovelace ", "Ada Lovelace"), ("   ", None)])
def test_text_is_what_they_write(context: Any, said: str, value: Any) -> None:
    """Trimmed, and not nothing."""
    assert _value(Text.parse(said, context())) == value


@pytest.mark.parametrize(
    ("locale", "said", "value"),
    [
        ("en", "2", 2),
        ("en", "two please", 2),
        ("en", "a couple of them", 2),
        ("en", "1,000", 1000),
        ("en", "20 pieces", 20),
        ("en", "-3", -3),
        ("en", "1.5", None),
        ("en", "2 or 3", None),
        ("en", "lots", None),
        ("en", "99999999999999999999999", None),
        ("de", "1.000", 1000),
        ("de", "zwölf Stück", 12),
        ("de", "1,5", None),
        ("de-AT", "drei", 3),
    ],
)
def test_integers_in_digits_and_words(context: Any, locale: str, said: str, value: Any) -> None:
    """One number, whole, in the locale's way of writing it."""
    assert _value(Integer.parse(said, context(locale))) == value


@pytest.mark.parametrize(
    ("said", "reading"), [("0", NoValue("too_low")), ("5", Value(5)), ("100", NoValue("too_high"))]
)
def test_integers_within_limits_have_retry_lines_of_their_own(
    context: Any, said: str, reading: Any
) -> None:
    """Too low and too high are answered differently."""
    assert integer(least=1, most=99).parse(said, context()) == reading


@pytest.mark.parametrize(
    ("locale", "said", "value"),
    [
        ("en", "yes", True),
        ("en", "Yes, please!", True),
        ("en", "yesss", True),
        ("en", "yes, that's the one", True),
        ("en", "ok", True),
        ("en", "👍🏽", True),
        ("en", "no", False),
        ("en", "no thanks", False),
        ("en", "nooo", False),
        ("en", "nope", False),
        ("en", "👎", False),
        ("en", "yes but the other one", None),
        ("en", "yes no", None),
        ("en", "not sure", None),
        ("en", "maybe", None),
        ("en", "is that a yes?", None),
        ("en", "", None),
        ("de", "ja bitte", True),
        ("de", "Jaa", True),
        ("de", "genau", True),
        ("de", "nein danke", False),
        ("de", "nö", False),
        ("de", "stimmt nicht", None),
        ("de", "ja aber die andere", None),
    ],
)
def test_yes_and_no(context: Any, locale: str, said: str, value: Any) -> None:
    """What is doubtful is asked again."""
    assert _value(YesNo.parse(said, context(locale))) is value


def test_yes_and_no_as_buttons(context: Any) -> None:
    """Pressed, numbered, or by their label."""
    buttons = (Button("yes", "Send it back"), Button("no", "Leave it"))
    assert YesNo.parse("", context(choice="no")) == Value(False)
    assert YesNo.parse("1", context(buttons=buttons)) == Value(True)
    assert YesNo.parse("leave it!", context(buttons=buttons)) == Value(False)


def test_the_voices_own_words_for_yes_count(context: Any) -> None:
    """A locale's list replaces the one that is built in."""
    own = Words(locale="en", yes=frozenset({"aye"}), no=frozenset({"nay"}))
    here = SlotContext(locale="en", words=own, now=context().now)
    assert YesNo.parse("Aye!", here) == Value(True)
    assert YesNo.parse("yes", here) == NoValue()


# -- choices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("2", "damaged"),
        ("2.", "damaged"),
        ("2)", "damaged"),
        ("#2", "damaged"),
        ("number 2", "damaged"),
        ("two", "damaged"),
        ("the second", "damaged"),
        ("the second one please", "damaged"),
        ("2nd", "damaged"),
        ("b", "damaged"),
        ("the last one", "changed_mind"),
        ("wrong size", "wrong_size"),
        ("wrong_size", "wrong_size"),
        ("Arrived damaged", "damaged"),
        ("wrng size", "wrong_size"),
        ("dammaged", "damaged"),
        ("it was damaged when it arrived", "damaged"),
        ("i changed my mind", "changed_mind"),
        ("4", None),
        ("0", None),
        ("not damaged", None),
        ("it wasn't damaged", None),
        ("what is the right size for me?", None),
        ("is damaged ok?", None),
        ("it's too small", None),
        ("", None),
        ("my", None),
    ],
)
def test_choices(context: Any, said: str, value: Any) -> None:
    """Number, ordinal, letter, label, near label; a question or a denial is none of them."""
    assert _value(REASONS.parse(said, context(buttons=SHOWN))) == value


def test_choices_in_german(context: Any) -> None:
    """Labels are the locale's; so are ordinals."""
    buttons = (Button("wrong_size", "Falsche Größe"), Button("damaged", "Beschädigt"))
    for said, value in [
        ("das zweite", "damaged"),
        ("beschaedigt", "damaged"),
        ("falsche groesse", "wrong_size"),
        ("eins", "wrong_size"),
        ("nicht beschädigt", None),
    ]:
        assert _value(REASONS.parse(said, context("de", buttons=buttons))) == value, said


def test_a_pressed_button_must_be_one_of_the_options(context: Any) -> None:
    """An old button under an earlier message is no answer here."""
    assert REASONS.parse("", context(buttons=SHOWN, choice="damaged")) == Value("damaged")
    assert REASONS.parse("x", context(buttons=SHOWN, choice="cancel")) == NoValue()


def test_numbers_mean_the_order_that_was_shown(context: Any) -> None:
    """The voice may show options in another order than the dialog names them."""
    assert REASONS.parse("1", context(buttons=SHOWN[::-1])) == Value("changed_mind")


def test_two_labels_equally_near_are_asked_back(context: Any) -> None:
    """Neither is taken silently; the labels are the ones that were shown."""
    buttons = (Button("red_shoe", "Red shoes"), Button("red_shirt", "Red shirts"))
    reading = Choice(("red_shoe", "red_shirt")).parse("red sh", context(buttons=buttons))
    assert reading == Nearly(values=("red_shoe", "red_shirt"), labels=("Red shoes", "Red shirts"))


def test_without_options_the_shown_buttons_are_the_choice(context: Any) -> None:
    """For what is offered outside a dialog."""
    assert Choice(()).parse("2", context(buttons=SHOWN)) == Value("damaged")
    assert Choice(()).parse("2", context()) == NoValue()


@given(
    st.lists(st.sampled_from(["post", "shop", "by_bike", "at_home", "later"]), unique=True).filter(
        bool
    )
)
def test_every_option_can_be_chosen_by_number_and_by_name(options: list[str]) -> None:
    """Whatever the options are."""
    choice = Choice(tuple(options))
    here = SlotContext(locale="en", words=Words(locale="en"), now=None)  # type: ignore[arg-type]
    for place, option in enumerate(options, 1):
        assert choice.parse(str(place), here) == Value(option)
        assert choice.parse(option.replace("_", " ").upper(), here) == Value(option)


# -- patterns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("A1001", "A1001"),
        ("a1001", "A1001"),
        ("it's A1001 please", "A1001"),
        ("a 1001", "A1001"),
        ("A-1001", "A1001"),
        ("#a1001.", "A1001"),
        ("order number is a 1001", "A1001"),
        ("A1001 or A1002", ["A1001", "A1002"]),
        ("A1001, yes A1001", "A1001"),
        ("XA1001", None),
        ("A10011", None),
        ("1001", None),
        ("", None),
    ],
)
def test_a_pattern_sees_past_how_people_write(context: Any, said: str, value: Any) -> None:
    """Case, gaps, signs and words around it do not count; two different ones are asked back."""
    assert _value(OrderNumber.parse(said, context())) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("i want to return A1001", "A1001"),
        ("return a1001 and a1002", None),
        ("i have a 1001 questions", None),
        ("where is it", None),
    ],
)
def test_a_pattern_is_found_in_a_sentence_only_beyond_doubt(
    context: Any, said: str, value: Any
) -> None:
    """It begins dialogs' first answers, so it must not be anything else."""
    assert OrderNumber.find is not None
    assert OrderNumber.find(said, context()) == value


def test_bare_digits_are_not_found_in_a_sentence(context: Any) -> None:
    """Four digits may be a year, five a postcode."""
    short = slot(r"\d{5}", example="12345")
    assert short.find is not None
    assert short.find("i ordered 12345 things", context()) is None
    assert short.parse("12345", context()) == Value("12345")


def test_pattern_slots_are_told_apart_by_their_pattern() -> None:
    """Without a name of their own, two patterns are two slots, the same in every process."""
    assert slot(r"\d{4}").name == slot(r"\d{4}").name != slot(r"\d{5}").name
    assert slot(r"\d{4}", name="year").name == "year"


def test_a_slow_pattern_is_given_up(context: Any) -> None:
    """An author's regular expression cannot stop everybody."""
    assert slot(r"(a+)+b").parse("a" * 5000, context()) == NoValue()


@pytest.mark.parametrize(("arguments", "words"), [({}, "regular"), ({"example": "x"}, "example")])
def test_a_pattern_that_cannot_work_is_refused(arguments: Any, words: str) -> None:
    """A bad expression, or an example that its own pattern does not match."""
    with pytest.raises(DialogError, match=words):
        slot("(" if not arguments else r"\d+", **arguments)


def test_a_parser_of_ones_own(context: Any) -> None:
    """A function of the text, or of text and context; None and ValueError are "not understood"."""

    @slot(example="42")
    def shoe_size(text: str) -> Size | None:
        return Size(int(text)) if int(text) < 50 else None

    assert shoe_size.name == "shoe_size"
    assert shoe_size.parse("42", context()) == Value(Size(42))
    assert shoe_size.parse("60", context()) == NoValue()
    assert shoe_size.parse("big", context()) == NoValue()
    assert shoe_size.type is Size

    def loud(text: str, here: SlotContext) -> SlotReading[str]:
        return Value(text.upper()) if here.locale == "en" else NoValue("quiet")

    assert slot(loud, name="loud").parse("a", context()) == Value("A")
    assert slot(loud).parse("a", context("de")) == NoValue("quiet")
    assert slot(loud).type is str
    assert slot(int, name="number").parse("7", context()) == Value(7)


# -- e-mail and postcode ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("ada@example.com", "ada@example.com"),
        ("My mail is Ada.L@Example.COM.", "Ada.L@example.com"),
        ("<ada@example.com>", "ada@example.com"),
        ("ada @ example . com", "ada@example.com"),
        ("ada at example dot com", "ada@example.com"),
        ("ada ät example punkt de", "ada@example.de"),
        ("ada@gmx.de", "ada@gmx.de"),
        ("ada@gmial.com", ["ada@gmail.com", "ada@gmial.com"]),
        ("ada@hotmal.com", ["ada@hotmail.com", "ada@hotmal.com"]),
        ("a@example.com or b@example.com", ["a@example.com", "b@example.com"]),
        ("ada@localhost", None),
        ("ada@@example.com", None),
        ("meet me at noon", None),
        ("", None),
    ],
)
def test_email(context: Any, said: str, value: Any) -> None:
    """Found by its shape, checked, and asked back where a domain is nearly a common one."""
    assert _value(Email.parse(said, context())) == value


def test_email_is_found_in_a_sentence_when_it_is_beyond_doubt(context: Any) -> None:
    """One address, and no likely slip in it."""
    assert Email.find is not None
    assert Email.find("write to ada@example.com please", context()) == "ada@example.com"
    assert Email.find("ada@gmial.com", context()) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("10115", "10115"),
        ("it's 10115 please", "10115"),
        ("D-10115 Berlin", "10115"),
        ("10 115", "10115"),
        ("8001", "8001"),
        ("sw1a1aa", "SW1A 1AA"),
        ("SW1A 1AA.", "SW1A 1AA"),
        ("1012 ab", "1012 AB"),
        ("1010 is mine", "1010"),
        ("94105-1234", "94105-1234"),
        ("k1a0b1", "K1A 0B1"),
        ("10115 or 10117", ["10115", "10117"]),
        ("A1001", None),
        ("Berlin", None),
    ],
)
def test_postcode(context: Any, said: str, value: Any) -> None:
    """In its usual spelling, whatever the case and the gaps."""
    assert _value(Postcode.parse(said, context())) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("return A1001, postcode 10115", "10115"),
        ("A1001, PLZ: 10115 Berlin", "10115"),
        ("A1001 10115", None),
        ("A1001 to SW1A 1AA", "SW1A 1AA"),
    ],
)
def test_postcode_in_a_sentence_must_be_called_one(context: Any, said: str, value: Any) -> None:
    """Five digits alone may be anything."""
    assert Postcode.find is not None
    assert Postcode.find(said, context()) == value


# -- all of them -----------------------------------------------------------------------------------

EVERY = [Text, Integer, YesNo, REASONS, OrderNumber, Email, Postcode, Date]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
@given(text=st.text(max_size=80) | st.text(alphabet="0123456789/.-@ aA,", max_size=40))
def test_no_words_break_a_slot(one: Any, text: str) -> None:
    """Whatever they write is understood, nearly understood, or not."""
    from datetime import UTC, datetime

    for locale in ("en", "de"):
        here = SlotContext(
            locale=locale, words=Words(locale=locale), now=datetime(2025, 3, 12, tzinfo=UTC)
        )
        reading = one.parse(text, here)
        assert isinstance(reading, Value | Nearly | NoValue)
        if isinstance(reading, Nearly):
            assert len(reading.values) == len(reading.labels) > 1
        if isinstance(reading, Value):
            assert isinstance(reading.value, one.type)
            assert normalise(text) or text.strip()
        if one.find is not None:
            one.find(text, here)


def test_very_long_words_are_cut(context: Any) -> None:
    """A megabyte of digits costs no more than a sentence."""
    for one in EVERY:
        one.parse("1" * 1_000_000, context())
        one.parse("a@" * 500_000, context())


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", "no wait"), ("en", "yes, hang on"), ("de", "nein, warte"), ("de", "ja, Moment")],
)
def test_who_hesitates_has_said_neither_yes_nor_no(context: Any, locale: str, said: str) -> None:
    """A yes or no with "wait" after it is none yet."""
    assert YesNo.parse(said, context(locale)) == NoValue()


def test_an_option_may_say_no_itself(context: Any) -> None:
    """A "not" speaks against every option but those that have one in their own name."""
    shown = context(
        "de", buttons=(Button("size", "Falsche Größe"), Button("no", "Gefällt mir nicht"))
    )
    slot = Choice(("size", "no"))
    assert slot.parse("das gefällt mir nicht", shown) == Value("no")
    assert slot.parse("nicht die falsche Größe", shown) == NoValue()
