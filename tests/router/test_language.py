"""Which language is a message in? Only a clear sign counts."""

from __future__ import annotations

import pytest

from segue.router import guess_locale
from segue.understanding.tokens import stem, tokens, words_of

BOTH = ("en", "de")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("wo bleibt mein Paket?", "de"),
        ("danke", "de"),
        ("Tschüss!", "de"),
        ("ich möchte etwas zurückgeben", "de"),
        ("where is my parcel?", "en"),
        ("thanks", "en"),
        ("can you send it back for me", "en"),
    ],
)
def test_it_is_told_by_its_small_words(text: str, locale: str) -> None:
    """A sentence, or one clear word alone, names its language."""
    assert guess_locale(text, BOTH) == locale


@pytest.mark.parametrize(
    "text", ["", "A1001", "ada@example.com", "ok", "by post", "20095", "👍", "2"]
)
def test_no_clear_sign_is_no_sign(text: str) -> None:
    """An answer that could be either switches nothing."""
    assert guess_locale(text, BOTH) is None


def test_only_languages_that_are_spoken_count() -> None:
    """What the company does not speak is not guessed; regions stay as they were given."""
    assert guess_locale("wo ist mein Paket", ("en", "fr")) is None
    assert guess_locale("wo ist mein Paket", ("en", "de-AT")) == "de-AT"


def test_a_street_is_no_change_of_language() -> None:
    """A name in another language inside a sentence does not carry it over."""
    assert guess_locale("please send it to Lilienstrasse 7", BOTH) == "en"


def test_words_are_compared_without_what_grammar_adds() -> None:
    """Forms of a word share a stem; shorthand is written out; codes and addresses are left out."""
    assert stem("deliveries", "en") == stem("delivery", "en")
    assert words_of("wanna track my pkg 2day", "en") == [
        "want",
        "to",
        "track",
        "my",
        "parcel",
        "today",
    ]
    assert tokens("return A1001 ada@example.com", "en") == tokens("return", "en")
