"""Which messages are about consent: the carriers' words, and wishes in one's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.consent import INFORMATION, OPT_IN, OPT_OUT, Word, read, table
from segue.words import Words

EDGES = st.text(alphabet=" .!?…,;:-\"'“”()\t\n", max_size=4)


def _cased(word: str) -> st.SearchStrategy[str]:
    return st.lists(st.booleans(), min_size=len(word), max_size=len(word)).map(
        lambda ups: "".join(c.upper() if up else c.lower() for c, up in zip(word, ups, strict=True))
    )


@given(before=EDGES, after=EDGES, said=st.sampled_from(OPT_OUT).flatmap(_cased))
def test_a_word_counts_however_it_is_typed(before: str, after: str, said: str) -> None:
    """Case, spaces and punctuation around it do not matter."""
    assert read(before + said + after) is Word.STOP


@pytest.mark.parametrize(
    "said", ["stop", " Stop. ", "STOP!", "ＳＴＯＰ", "Ｓｔｏｐ", "stop all", "Opt-Out"]
)
def test_forms_of_stop(said: str) -> None:
    """The forms that carriers' rules name."""
    assert read(said) is Word.STOP


@pytest.mark.parametrize(
    "said",
    [
        *("stop by the store", "can you stop the order", "non-stop", "cancel my order", "the end"),
        *("please help me with my order", "yes please", "start over", "", "st op", "don't stop"),
        *("i can't end this call", "where does the bus stop", "message me when it ships"),
        *("don't send it to my old address", "please stop the delivery", "no more questions"),
        *("stop sending the parcel to the wrong address", "text me more offers"),
        "stop " * 60,
    ],
)
def test_what_is_no_word_of_consent(said: str) -> None:
    """A word inside a sentence is part of the sentence."""
    assert read(said) is None


def test_the_other_words() -> None:
    """START, YES and UNSTOP opt in; HELP and INFO ask."""
    assert {read(word) for word in OPT_IN} == {Word.START}
    assert {read(f"{word}?") for word in INFORMATION} == {Word.HELP}


@pytest.mark.parametrize(
    "said",
    [
        *("please stop texting me", "Stop texting me!!", "stop messaging me", "don't text me"),
        *("do not contact me again", "dont send me any more texts", "no more texts please"),
        *("take me off your list", "remove my number from your database", "unsubscribe me"),
        *("I want to unsubscribe", "leave me alone", "lose my number", "stop sending me messages"),
        *("Stop these messages", "bitte keine SMS mehr", "Keine Werbung mehr!", "hör auf mir zu"),
        *("schreibt mir nicht mehr", "meldet mich bitte ab", "lasst mich in Ruhe"),
        *("nehmt mich aus dem Verteiler", "ich widerrufe meine Einwilligung", "i revoke consent"),
    ],
)
def test_a_wish_in_ones_own_words_is_noticed(said: str) -> None:
    """Any reasonable way of saying it is to count: it is noted and asked about."""
    assert read(said) is Word.ASKED


def test_a_locales_own_words_count() -> None:
    """What the voice adds works beside the carriers' words, and cannot take one away."""
    words = table(
        [Words(locale="de", opt_out=frozenset({"stopp"}), information=frozenset({"stop", "wer"}))]
    )
    assert read("Stopp!", words) is Word.STOP
    assert read("wer?", words) is Word.HELP
    assert read("stop", words) is Word.STOP
