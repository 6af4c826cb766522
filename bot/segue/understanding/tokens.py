"""From what people type to words that can be compared, and which language it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from segue.understanding.languages import ENDINGS, LIGHT, SAME, SHORTHAND, SIGNS

_WORD = re.compile(r"\w+")
_LONG_DRAWN = re.compile(r"([^\W\d])\1{2,}")
_CODE = re.compile(r"(?=\w*\d)\w{3,}")
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+")
_APOSTROPHES: Final = "'`\u2019\u00b4"

_TWO_LETTERS = re.compile(r"(?<![aeiouq])([aou])e")
"""How German is typed without umlauts ("zurueck"), but not "neue" or "steuer"."""

_STEM: Final = 8
"""Letters kept of a word: what follows is mostly grammar ("delivered", "delivery")."""
_SHORTEST: Final = 3
"""An ending goes only if so many letters stay."""


def fold(text: str) -> str:
    """Return small letters without accents or apostrophes ("Größe" is "grosse")."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered.replace("'", "").replace("`", "")
    parts = unicodedata.normalize("NFKD", lowered)
    return "".join(
        char for char in parts if char not in _APOSTROPHES and not unicodedata.combining(char)
    )


def words_of(text: str, language: str) -> list[str]:
    """Return a message's words: shorthand written out, and one word for what has several."""
    short, same = SHORTHAND.get(language, {}), SAME.get(language, {})
    folded = _LONG_DRAWN.sub(r"\1", fold(text))
    if language == "de":
        folded = _TWO_LETTERS.sub(r"\1", folded)
    return [
        same.get(word, word)
        for typed in _WORD.findall(folded)
        for word in (short[typed].split() if typed in short else (typed,))
    ]


def stem(word: str, language: str) -> str:
    """Return what two forms of one word have in common, roughly."""
    for ending in ENDINGS.get(language, ()):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST and word[-1] == word[-2]:
        word = word[:-1]
    return word[:_STEM]


def tokens(text: str, language: str) -> tuple[str, ...]:
    """Return the words of a message as they are compared: stems, light words with a dot before.

    Order numbers, postcodes, e-mail addresses and the like are left out: they are what is wanted
    something done with, not what is wanted.
    """
    light = LIGHT.get(language, frozenset())
    return tuple(
        f".{word}" if word in light else stem(word, language)
        for word in words_of(_ADDRESS.sub(" ", text), language)
        if not _CODE.fullmatch(word)
    )


# -- which language is it? ------------------------------------------------------------------------

_LONGEST: Final = 300
_SHORT: Final = 2
_CLEAR: Final = 4
"""Letters of a word that tells a language all by itself: "danke" does, "im" and "was" do not."""
_LEAD: Final = 2


def guess_locale(text: str, locales: Iterable[str], current: str = "") -> str | None:
    """Return which of `locales` a message is written in, or None where the words do not say.

    None means: stay with the language of before. A message of one or two words may say it with one
    clear word ("danke"); a longer one must say it twice more than for any other language, so that
    a name or a borrowed word switches nothing.
    """
    said = set(_WORD.findall(fold(text[:_LONGEST])))
    short = len(said) <= _SHORT
    if short:
        said = {word for word in said if len(word) >= _CLEAR}
    scores = {
        locale: len(said & SIGNS[language])
        for locale in locales
        if (language := locale.partition("-")[0].lower()) in SIGNS
    }
    if not scores:
        return None
    best = max(scores, key=lambda locale: (scores[locale], locale == current))
    lead = scores[best] - max((n for name, n in scores.items() if name != best), default=0)
    needed = 1 if short or best == current else _LEAD
    return best if scores[best] and lead >= needed else None
