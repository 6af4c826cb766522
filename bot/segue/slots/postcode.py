"""A postcode, written any way people write it."""

from __future__ import annotations

import regex

from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import LONGEST

_EDGE = r"(?<![\p{L}\d])"
_END = r"(?![\p{L}\d])"
_BRITISH = regex.compile(
    rf"{_EDGE}([A-Z]{{1,2}}\d[A-Z\d]?)[\s\-]*(\d[A-Z]{{2}}){_END}", regex.IGNORECASE
)
_DUTCH = regex.compile(rf"{_EDGE}([1-9]\d{{3}})[ ]?([A-Z]{{2}}){_END}", regex.IGNORECASE)
_CANADIAN = regex.compile(rf"{_EDGE}([A-Z]\d[A-Z])[\s\-]?(\d[A-Z]\d){_END}", regex.IGNORECASE)
_AMERICAN = regex.compile(rf"{_EDGE}(\d{{5}})-(\d{{4}}){_END}")
_DIGITS = regex.compile(rf"{_EDGE}(?:[A-Z]{{1,2}}-)?(\d{{4,6}}){_END}", regex.IGNORECASE)
_SPLIT = regex.compile(rf"{_EDGE}(\d{{2,3}}) (\d{{2,3}}){_END}")
_NAMED = regex.compile(
    r"\b(?:post\s?code|postal\s+code|zip(?:\s+code)?|plz|postleitzahl)\b\W{0,3}(?:is|ist|lautet)?\s*"
    r"(.{3,12})",
    regex.IGNORECASE,
)
_NOT_DUTCH = frozenset({"IS", "IN", "AT", "ON", "OR", "PM", "AM", "TO", "IM", "DA", "SO", "UM"})


def _parse(text: str, _context: SlotContext) -> SlotReading[str]:
    found = _codes(text[:LONGEST])
    if len(found) == 1:
        return Value(found[0])
    if 1 < len(found) <= 4:
        return Nearly(values=tuple(found), labels=tuple(found))
    return NoValue()


def _find(text: str, _context: SlotContext) -> str | None:
    """Find one that is called a postcode, or has the British form, which nothing else has."""
    named = _NAMED.search(text[:LONGEST])
    if named is not None:
        found = _codes(named.group(1))
        return found[0] if found else None
    british = _BRITISH.findall(text[:LONGEST])
    return _pair(*british[0]) if len(british) == 1 else None


def _codes(text: str) -> list[str]:
    """Return the postcodes in a text in their usual spelling, each once; the surest form wins."""
    for pattern in (_BRITISH, _CANADIAN):
        found = [_pair(*pair) for pair in pattern.findall(text)]
        if found:
            return list(dict.fromkeys(found))
    american = ["-".join(pair) for pair in _AMERICAN.findall(text)]
    if american:
        return list(dict.fromkeys(american))
    dutch = [_pair(*p) for p in _DUTCH.findall(text) if p[1].upper() not in _NOT_DUTCH]
    if dutch:
        return list(dict.fromkeys(dutch))
    digits = _DIGITS.findall(text) or ["".join(pair) for pair in _SPLIT.findall(text)]
    return list(dict.fromkeys(digits))


def _pair(first: str, second: str) -> str:
    return f"{first} {second}".upper()


Postcode: Slot[str] = Slot(
    name="postcode", type=str, parse=_parse, find=_find, example="10115", sensitive=True
)
"""A postcode: "10115", "d-10115 berlin", "sw1a1aa" (SW1A 1AA), "1012 ab", "94105-1234"."""
