"""One of several options: pressed, numbered, named, or nearly named.

The order of reading: the pressed button, the exact label, its number or ordinal, a label inside the
sentence, a label that is nearly written. Two that are equally near are both offered again.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import bare, ordinals
from segue.words import normalise

CUT_OFF = 75
"""Likeness, of 100, from which a label counts as nearly written."""
LEAD = 10
"""By how much the nearest must be nearer than the next."""

_NUMBER = regex.compile(r"(?:(?:option|number|nr|no|nummer|#)\W*)?(\d{1,2})\W*(?:st|nd|rd|th)?")
_LETTER = regex.compile(r"(?:option\s+)?([a-h])")
_NOT = regex.compile(r"\b(?:not|n't|never|nicht|kein\w*|neither|weder)\b|n't\b")


@lru_cache(maxsize=4096)
def _spoken(name: str, label: str) -> tuple[str, str, str]:
    """Return an option as people may name it; kept, for the same are offered again and again."""
    return name, normalise(label), normalise(name.replace("_", " "))


@lru_cache(maxsize=2048)
def Choice(options: tuple[str, ...]) -> Slot[str]:  # noqa: N802 - reads as the other slots do
    """Make a slot for one of `options`, by id. With none, the buttons that were shown are it."""

    def parse(text: str, context: SlotContext) -> SlotReading[str]:
        return _parse(text, context, options)

    return Slot(name="choice", type=str, parse=parse, options=options)


def _parse(text: str, context: SlotContext, options: tuple[str, ...]) -> SlotReading[str]:
    shown = [(button.id, button.label) for button in context.buttons]
    if options:
        shown = [(name, label) for name, label in shown if name in options]
    if not shown:
        shown = [(name, name) for name in options]
    ids = [name for name, _ in shown]
    if context.choice is not None:
        return Value(context.choice) if context.choice in ids else NoValue()
    whole = normalise(text)
    if not whole:
        return NoValue()
    names = [_spoken(name, label) for name, label in shown]
    exact = [option[0] for option in names if whole in option]
    if len(exact) == 1:
        return Value(exact[0])
    # "is damaged ok?" asks something, and is not the same as "damaged".
    core = whole if "?" in text else bare(text, context)
    exact = [option[0] for option in names if core in option]
    if len(exact) == 1:
        return Value(exact[0])
    place = _place(whole, core, context, len(ids))
    if place is not None:
        return Value(ids[place])
    return _near(text, whole, core, names, dict(shown))


def _place(whole: str, core: str, context: SlotContext, count: int) -> int | None:
    """Return which option a number, an ordinal or a letter means, from 0."""
    for said in (whole, core):
        number = _NUMBER.fullmatch(said)
        if number is not None:
            place = int(number.group(1)) - 1
            return place if 0 <= place < count else None
    spoken = [
        place
        for place, names in enumerate(ordinals(context)[:count])
        if whole in names or core in names or _last_but_one(core) in names
    ]
    if len(spoken) == 1:
        return spoken[0]
    if whole in {"last", "the last", "the last one", "letzte", "die letzte", "das letzte"}:
        return count - 1
    letter = _LETTER.fullmatch(whole)
    if letter is not None:
        place = ord(letter.group(1)) - ord("a")
        return place if place < count else None
    return None


def _last_but_one(said: str) -> str:
    """Return "second" of "second one"."""
    return said.removesuffix(" one").removesuffix(" option")


def _near(
    text: str,
    whole: str,
    core: str,
    names: list[tuple[str, str, str]],
    labels: dict[str, str],
) -> SlotReading[str]:
    """Read a label inside a sentence, or one that is nearly written."""
    if _NOT.search(whole):
        # "not damaged" is no option, unless an option says so itself ("I don't like it").
        names = [(name, label, label) for name, label, _ in names if _NOT.search(label)]
    asks = "?" in text
    inside = [
        name
        for name, label, id_ in names
        if not asks and any(len(n) > 2 and f" {n} " in f" {whole} " for n in (label, id_))
    ]
    if len(inside) == 1:
        return Value(inside[0])
    scores = sorted(
        ((max(_likeness(core, label, asks), _likeness(core, id_, asks)), name)
         for name, label, id_ in names),
        reverse=True,
    )  # fmt: skip
    best, name = scores[0] if scores else (0.0, "")
    if best < CUT_OFF:
        return NoValue()
    if len(scores) == 1 or best - scores[1][0] >= LEAD:
        return Value(name)
    near = tuple(other for score, other in scores if best - score < LEAD)[:4]
    ordered = tuple(other for other, _, _ in names if other in near)
    return Nearly(values=ordered, labels=tuple(labels[other] for other in ordered))


def _likeness(said: str, name: str, asks: bool) -> float:
    """Return how near what was said is to a name, of 100."""
    from rapidfuzz import fuzz

    if len(said) < 3 or not name:
        return 0.0
    plain = fuzz.ratio(said, name)
    if asks or max(map(len, said.split())) < 4:
        return plain
    return max(plain, fuzz.token_set_ratio(said, name))
