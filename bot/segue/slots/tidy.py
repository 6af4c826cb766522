"""What people put around an answer, and how slots see past it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from segue.slots.base import SlotContext
from segue.words import normalise

LONGEST = 2000
"""Characters of an utterance that slots look at."""

_FILLER: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        "it's its it is this that's thats the a an my please pls plz thanks thank you so um uh "
        "well ok okay number no nr order is would be i i'd like think guess option".split()
    ),
    "de": frozenset(
        "es ist das die der den ein eine mein meine bitte danke also äh ähm naja ok okay nummer "
        "nr wäre ich glaube denke nehme option".split()
    ),
}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "en": {
        word: number
        for number, word in enumerate(
            "zero one two three four five six seven eight nine ten eleven twelve".split()
        )
    }
    | {"couple": 2, "dozen": 12, "single": 1},
    "de": {
        word: number
        for number, word in enumerate(
            "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
        )
    }
    | {"ein": 1, "eine": 1, "einen": 1, "paar": 2, "dutzend": 12},
}
_ORDINALS: Mapping[str, tuple[frozenset[str], ...]] = {
    "en": tuple(
        frozenset(words.split())
        for words in (
            "first 1st one", "second 2nd two", "third 3rd three", "fourth 4th four",
            "fifth 5th five", "sixth 6th six", "seventh 7th seven", "eighth 8th eight",
        )
    ),
    "de": tuple(
        frozenset(words.split())
        for words in (
            "erste ersten erstes erster eins", "zweite zweiten zweites zweiter zwei",
            "dritte dritten drittes dritter drei", "vierte vierten viertes vierter vier",
            "fünfte fünften fünftes fünfter fünf", "sechste sechsten sechstes sechster sechs",
            "siebte siebten siebtes siebter sieben", "achte achten achtes achter acht",
        )
    ),
}  # fmt: skip


def language(context: SlotContext) -> str:
    """Return the language of a locale: `de` of `de-AT`."""
    return context.locale.partition("-")[0].lower()


@lru_cache(maxsize=64)
def _filler(own: frozenset[str], lang: str) -> frozenset[str]:
    return own | _FILLER.get(lang, frozenset())


def filler(context: SlotContext) -> frozenset[str]:
    """Return the words around an answer that mean nothing, in this language."""
    return _filler(context.words.filler, language(context))


def numbers(context: SlotContext) -> Mapping[str, int]:
    """Return the number words of this language."""
    return context.words.numbers or _NUMBERS.get(language(context), {})


def ordinals(context: SlotContext) -> tuple[frozenset[str], ...]:
    """Return what the first, second, … option is called in this language."""
    return context.words.ordinals or _ORDINALS.get(language(context), ())


def bare(text: str, context: SlotContext) -> str:
    """Return the normalised words without filler at either end; never nothing of something."""
    words = normalise(text[:LONGEST]).split()
    empty = filler(context)
    start, end = 0, len(words)
    while start < end - 1 and words[start].strip(",.:;!") in empty:
        start += 1
    while end - 1 > start and words[end - 1].strip(",.:;!") in empty:
        end -= 1
    return normalise(" ".join(words[start:end]))
