"""Masking: what customers paste and nobody should keep, taken out before anything is stored.

Card numbers are 13 to 19 digits whose last one is right by the Luhn rule, written in one piece or
in groups with a space or a dash between. They keep their last four digits. An author adds patterns
for what else must not be kept (a tax number, the word after "password"); these keep nothing.

What is not a card number is left alone, because the dialogs need it: a number begins and ends where
a group does, and one that starts with a plus is a phone number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from segue.errors import SettingsError

SHORTEST, LONGEST = 13, 19
"""Digits of a card number."""
KEPT = 4
"""Last digits that stay, so that people can say which card they mean."""
MASK = "•"
ENDLESS = 400
"""A run of more digits than this is no number of anybody's; it is masked without looking."""

# A space or dash of whatever kind, or something invisible that would hide a number.
_GAP = r"[\s\-\u00ad\u2010-\u2015\u2212\ufe63\uff0d\u200b-\u200d\u2060\ufeff]"
_DIGIT = re.compile(r"\d")
_RUN = re.compile(rf"\+?\d(?:{_GAP}{{0,2}}\d){{{SHORTEST - 1},}}")
_GROUP = re.compile(r"\d+")


class Masker:
    """Masks card numbers (unless told not to) and whatever matches one of the author's patterns.

    A pattern is a regular expression. Where it has a group, only what the first group matched is
    masked, else the whole match. Raises `SettingsError` for a pattern that is none.
    """

    def __init__(self, *, cards: bool = True, patterns: Sequence[str] = ()) -> None:
        self._cards = cards
        self._patterns = [_compiled(pattern) for pattern in patterns]

    def mask(self, text: str) -> str:
        """Return the text as it may be stored. Doing it twice changes nothing more."""
        if self._cards:
            text = mask_cards(text)
        for pattern in self._patterns:
            text = pattern.sub(_blank, text)
        return text


def mask_cards(text: str) -> str:
    """Return the text with card numbers masked but for their last four digits."""
    if _DIGIT.search(text) is None or len(_DIGIT.findall(text)) < SHORTEST:
        return text
    return _RUN.sub(_mask_run, text)


def _mask_run(match: re.Match[str]) -> str:
    """Mask every card number in a run of groups; a date or an amount may stand beside it."""
    run = match[0]
    places: list[int] = []
    starts: list[int] = []
    ends: set[int] = set()
    for group in _GROUP.finditer(run):
        starts.append(len(places))
        places.extend(range(group.start(), group.end()))
        ends.add(len(places))
    if len(places) > ENDLESS:
        return _hide(run, places[:-KEPT])
    if run[0] == "+":
        del starts[0]
    digits = [unicodedata.decimal(run[place]) for place in places]
    hidden: set[int] = set()
    for start in starts:
        for end in range(start + SHORTEST, min(start + LONGEST, len(digits)) + 1):
            if end in ends and plausible(digits[start:end]):
                hidden.update(places[start : end - KEPT])
    return _hide(run, hidden) if hidden else run


def _hide(text: str, places: Sequence[int] | set[int]) -> str:
    signs = list(text)
    for place in places:
        signs[place] = MASK
    return "".join(signs)


def plausible(digits: Sequence[int]) -> bool:
    """Return whether digits can be a card number: right by the Luhn rule, and not all the same."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and len(set(digits)) > 1


def _blank(match: re.Match[str]) -> str:
    """Replace by a mask of no telling length."""
    start, end = match.span(1 if match.re.groups and match[1] is not None else 0)
    text, begin = match[0], match.start()
    return text[: start - begin] + MASK * 4 + text[end - begin :]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SettingsError(
            "masking.patterns",
            f"{pattern!r} is not a regular expression ({error})",
            "Write it as Python's re module takes it",
        ) from error
    if compiled.match("") is not None:
        raise SettingsError(
            "masking.patterns",
            f"{pattern!r} matches an empty text, and so everywhere",
            "Make it need at least one character",
        )
    return compiled
