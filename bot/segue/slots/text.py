"""Words as they are, and whole numbers."""

from __future__ import annotations

import regex

from segue.slots.base import NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import LONGEST, language, numbers
from segue.words import normalise

_DIGITS = regex.compile(
    r"(?<![\w.,])[-−]?"
    r"(?:\d{1,3}(?:(?P<gap>[.,'\u00a0\u202f])\d{3})(?:(?P=gap)\d{3})*|\d+)"
    r"(?![.,]?\d)"
)
_WORD = regex.compile(r"[\p{L}']+")


def _text(text: str, _context: SlotContext) -> SlotReading[str]:
    said = text[:LONGEST].strip()
    return Value(said) if said else NoValue()


Text: Slot[str] = Slot(name="text", type=str, parse=_text)
"""Whatever they write, trimmed."""


def integer(
    *, least: int | None = None, most: int | None = None, name: str = "integer", example: str = ""
) -> Slot[int]:
    """Make a slot for a whole number, in digits or in words.

    Outside `least`…`most` the retry lines are `too_low` and `too_high`.
    """

    def parse(text: str, context: SlotContext) -> SlotReading[int]:
        number = _number(text[:LONGEST], context)
        if number is None:
            return NoValue()
        if least is not None and number < least:
            return NoValue("too_low")
        if most is not None and number > most:
            return NoValue("too_high")
        return Value(number)

    return Slot(name=name, type=int, parse=parse, example=example)


def _number(text: str, context: SlotContext) -> int | None:
    found = {_read(match.group(), context) for match in _DIGITS.finditer(text)}
    if found:
        return found.pop() if len(found) == 1 else None
    words = numbers(context)
    said = {words[word] for word in _WORD.findall(normalise(text)) if word in words}
    return said.pop() if len(said) == 1 else None


def _read(digits: str, context: SlotContext) -> int | None:
    decimal = "," if language(context) == "de" else "."
    sign = -1 if digits[0] in "-−" else 1
    bare = digits.lstrip("-−")
    if decimal in bare:
        return None
    only = "".join(c for c in bare if c.isdecimal())
    return sign * int(only) if len(only) <= 18 else None


Integer: Slot[int] = integer()
"""A whole number: "2", "two", "1,000", "a couple of"."""
