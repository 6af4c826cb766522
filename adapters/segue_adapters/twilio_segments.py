"""How many segments a text is by SMS, counted as the platform counts them. Pure.

- GSM-7: 160 septets in one segment, 153 in each of several; a sign of the extension table takes two
  septets, which are never parted.
- One sign that is in neither table makes the whole text UCS-2: 70 units in one segment, 67 in each
  of several; a sign outside the basic plane takes two units, which are never parted.
- Typographic signs (curly quotes, dashes, …) are replaced by plain ones where that saves segments,
  and only there.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€\f")

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′‹›", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f", " "),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
        "…": "...",
        "•": "-",
    }
)


class Written(NamedTuple):
    """A text as it goes out."""

    text: str
    segments: int
    encoding: Literal["GSM-7", "UCS-2"]


def written(text: str) -> Written:
    """Return a text, with plain signs for typographic ones if that takes fewer segments."""
    as_it_is = counted(text)
    folded = text.translate(_PLAIN)
    if folded == text:
        return as_it_is
    plainer = counted(folded)
    return plainer if plainer.segments < as_it_is.segments else as_it_is


def counted(text: str) -> Written:
    """Return a text as it is, with its segments; an empty one takes one too."""
    if all(sign in BASIC or sign in EXTENSION for sign in text):
        sizes = [2 if sign in EXTENSION else 1 for sign in text]
        return Written(text, _parts(sizes, 160, 153), "GSM-7")
    sizes = [2 if ord(sign) > 0xFFFF else 1 for sign in text]
    return Written(text, _parts(sizes, 70, 67), "UCS-2")


def _parts(sizes: list[int], alone: int, each: int) -> int:
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, each
    for size in sizes:
        if size > room:
            parts, room = parts + 1, each
        room -= size
    return parts
