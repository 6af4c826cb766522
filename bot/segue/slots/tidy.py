"""What people put around an answer, and how slots see past it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from segue.slots.base import SlotContext
from segue.words import normalise

LONGEST = 2000
"""Characters of an utterance that slots look at."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a line."""
    return frozenset(text.split())


def _counted(text: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split())}


_FILLER: Mapping[str, frozenset[str]] = {
    "en": word_set(
        "it's its it is this that's thats the a an my please pls plz thanks thank you so um uh "
        "well ok okay number nr order would be i i'd like think guess option"
    ),
    "de": word_set(
        "es ist das die der den ein eine mein meine bitte danke also äh ähm naja ok okay nummer "
        "nr wäre ich glaube denke nehme option"
    ),
}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "en": {
        **_counted(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        ),
        "couple": 2,
        "dozen": 12,
        "single": 1,
    },
    "de": {
        **_counted(
            "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
            "fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig"
        ),
        "ein": 1,
        "eine": 1,
        "einen": 1,
        "paar": 2,
        "dutzend": 12,
    },
}
_ORDINALS: Mapping[str, tuple[frozenset[str], ...]] = {
    "en": (
        word_set("first 1st one"),
        word_set("second 2nd two"),
        word_set("third 3rd three"),
        word_set("fourth 4th four"),
        word_set("fifth 5th five"),
        word_set("sixth 6th six"),
        word_set("seventh 7th seven"),
        word_set("eighth 8th eight"),
    ),
    "de": (
        word_set("erste ersten erstes erster eins"),
        word_set("zweite zweiten zweites zweiter zwei"),
        word_set("dritte dritten drittes dritter drei"),
        word_set("vierte vierten viertes vierter vier"),
        word_set("fünfte fünften fünftes fünfter fünf"),
        word_set("sechste sechsten sechstes sechster sechs"),
        word_set("siebte siebten siebtes siebter sieben"),
        word_set("achte achten achtes achter acht"),
    ),
}


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
