"""The plain router: sure, unsure or not sure, from examples alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.router import Candidate, NotSure, PlainRouter, Sure, Unsure, decide, plain_router

EXAMPLES = {
    "dialog:return_item": {
        "en": ["I want to send something back", "return my order", "it does not fit"],
        "de": ["ich möchte etwas zurückschicken", "Retoure anmelden"],
    },
    "dialog:order_status": {
        "en": ["where is my order", "track my parcel", "when does my parcel arrive"],
        "de": ["wo ist meine Bestellung", "Paket verfolgen"],
    },
    "answer:opening_hours": {
        "en": ["when are you open", "opening hours"],
        "de": ["wann habt ihr offen", "Öffnungszeiten"],
    },
    "answer:thanks": {"en": ["thanks", "thank you very much"]},
}


@pytest.fixture(scope="module")
def router() -> PlainRouter:
    return plain_router(EXAMPLES)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I want to send something back", "dialog:return_item"),
        ("i WANT to send smth back!!!", "dialog:return_item"),
        ("wheres my order??", "dialog:order_status"),
        ("where is my ordre", "dialog:order_status"),
        ("track my parcell pls", "dialog:order_status"),
        ("thx", "answer:thanks"),
        ("thaaanks", "answer:thanks"),
        ("opening hours?", "answer:opening_hours"),
        ("where is my order A1001, ada@example.com", "dialog:order_status"),
    ],
)
def test_it_is_sure(router: PlainRouter, text: str, intent: str) -> None:
    """Case, punctuation, shorthand, a typo, an order number or an address do not get in the way."""
    route = router.route(text, "en")
    assert isinstance(route, Sure), route
    assert route.intent == intent


@pytest.mark.parametrize(
    "text", ["", "   ", "🙂", "???", "banana", "the the my", "A1001", "x" * 9999]
)
def test_it_is_not_sure(router: PlainRouter, text: str) -> None:
    """What says nothing about any intent gets no intent."""
    assert isinstance(router.route(text, "en"), NotSure)


def test_light_words_carry_nobody_off(router: PlainRouter) -> None:
    """Sharing "when", "my" and "is" with an example is not enough to begin a journey."""
    for text in ("when is my birthday", "my sister wants to know the time", "is it raining"):
        assert not isinstance(router.route(text, "en"), Sure)


def test_it_answers_in_the_language_of_the_examples(router: PlainRouter) -> None:
    """A region uses its language; an unknown one, and an intent untold there, the default."""
    for locale in ("de", "de-AT"):
        route = router.route("wo ist denn meine bestellung?", locale)
        assert isinstance(route, Sure)
        assert route.intent == "dialog:order_status"
    thanks = router.route("thank you very much", "de")
    assert isinstance(thanks, Sure)
    assert thanks.intent == "answer:thanks"
    assert isinstance(router.route("where is my order", "pt"), Sure)


def test_umlauts_may_be_typed_any_way(router: PlainRouter) -> None:
    """ü, u and ue are read alike where a word is long enough to be recognised."""
    for text in ("Öffnungszeiten", "offnungszeiten", "oeffnungszeiten", "öffnungszeiten"):
        route = router.route(text, "de")
        assert isinstance(route, Sure), text
        assert route.intent == "answer:opening_hours"


def test_a_pattern_comes_first() -> None:
    """An exact command is taken whole, without regard to case, and gives its named groups."""
    router = plain_router(EXAMPLES, patterns={"dialog:track": r"track (?P<number>[A-Z]\d{4})"})
    route = router.route(" Track a1001 ", "en")
    assert route == Sure(intent="dialog:track", how="pattern", values={"number": "a1001"})
    other = router.route("please track A1001 for me", "en")
    assert not (isinstance(other, Sure) and other.how == "pattern")


def test_close_ones_are_asked_about() -> None:
    """Two that fit alike are both offered, best first, and never more than three."""
    scores = [Candidate(name, 0.7 - place / 100) for place, name in enumerate("abcde")]
    route = decide(scores)
    assert isinstance(route, Unsure)
    assert [one.intent for one in route.candidates] == ["a", "b", "c"]


def test_a_dialog_needs_more_than_an_answer() -> None:
    """What is enough to give an answer is only enough to offer a journey."""
    assert isinstance(decide([Candidate("answer:a", 0.48)]), Sure)
    assert isinstance(decide([Candidate("dialog:a", 0.48)]), Unsure)
    assert isinstance(decide([Candidate("dialog:a", 0.56)]), Sure)


def test_the_runner_up_decides_too() -> None:
    """The best needs a lead; the candidates and the margin are there to explain it."""
    far = decide([Candidate("dialog:a", 0.58), Candidate("dialog:b", 0.3)])
    assert isinstance(far, Sure)
    assert round(far.margin, 2) == 0.28
    assert [one.intent for one in far.candidates] == ["dialog:a", "dialog:b"]
    assert isinstance(decide([Candidate("dialog:a", 0.58), Candidate("dialog:b", 0.52)]), Unsure)


def test_no_examples_at_all_is_no_accident() -> None:
    """A project without any intents routes nothing and raises nothing."""
    assert isinstance(plain_router({}).route("hello", "en"), NotSure)


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_gets_a_route(text: str) -> None:
    """It never raises, and the same words get the same route from another router."""
    one, two = plain_router(EXAMPLES), plain_router(EXAMPLES)
    assert one.route(text, "en") == two.route(text, "en") == one.route(text, "en")


def test_the_cache_is_bounded(router: PlainRouter) -> None:
    """However many different messages come, no more than a fixed number is remembered."""
    for number in range(2200):
        router.route(f"hello number {number}", "en")
    assert len(router._cache) <= 2048


def test_a_route_costs_little(router: PlainRouter) -> None:
    """A message takes well under a millisecond the first time, and next to nothing again."""
    texts = [f"where is my parcel number {n} {'very ' * (n % 5)}late" for n in range(200)]
    begin = time.process_time()
    for text in texts:
        router.route(text, "en")
    first = (time.process_time() - begin) / len(texts)
    assert first < 0.001
