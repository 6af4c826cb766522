"""From what people type to words that can be compared, and which language it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from segue.understanding.languages import ENDINGS, LIGHT, SAME, SHORTHAND, SIGNS

_WORD = re.compile(r"\w+")
_LONG_DRAWN = re.compile(r"([^\W\d])\1{2,}")
_CODE = re.compile(r"(?=\w*\d)(?=\w*[a-z])\w{4,}|\d{4,}")
_APOSTROPHES: Final = "'`\u2019\u00b4"

_STEM: Final = 6
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
    """Return a message's words, shorthand written out, long-drawn letters cut short,
    and one word for what has several."""
    short, same = SHORTHAND.get(language, {}), SAME.get(language, {})
    found: list[str] = []
    for word in _WORD.findall(_LONG_DRAWN.sub(r"\1", fold(text))):
        if word in short:
            found.extend(short[word].split())
        else:
            found.append(same.get(word, word))
    return found


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

    Numbers of orders and the like become one word, since which one it is says nothing.
    """
    light = LIGHT.get(language, frozenset())
    return tuple(
        f".{word}" if word in light else "#code" if _CODE.fullmatch(word) else stem(word, language)
        for word in words_of(text, language)
    )


# -- which language is it? ------------------------------------------------------------------------

_LONGEST: Final = 300
_SHORT: Final = 2
_LEAD: Final = 2


def guess_locale(text: str, locales: Iterable[str], current: str = "") -> str | None:
    """Return which of `locales` a message is written in, or None where the words do not say.

    None means: stay with the language of before. A message of one or two words may say it with one
    ("danke"); a longer one must say it twice more than for any other, so that a foreign name or a
    borrowed word switches nothing.
    """
    said = set(_WORD.findall(fold(text[:_LONGEST])))
    scores = {
        locale: len(said & SIGNS[language])
        for locale in locales
        if (language := locale.partition("-")[0].lower()) in SIGNS
    }
    if not scores:
        return None
    best = max(scores, key=lambda locale: (scores[locale], locale == current))
    lead = scores[best] - max((n for name, n in scores.items() if name != best), default=0)
    needed = 1 if len(said) <= _SHORT or best == current else _LEAD
    return best if scores[best] and lead >= needed else None
