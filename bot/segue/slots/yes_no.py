"""Yes or no, the way people say it."""

from __future__ import annotations

from functools import lru_cache

import regex

from segue.slots.base import NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import bare, language, word_set
from segue.words import normalise

_UP = regex.compile(r"[👍👌✅✔🆗🙆]")
_DOWN = regex.compile(r"[👎❌✖🚫🙅]")
_LONG = regex.compile(r"(\p{L})\1+")
_NOT = regex.compile(r"\b(?:not|nicht|never|niemals|kein\w*)\b|n't\b")
_BUT = frozenset(
    {
        *("but", "except", "wait", "hold", "hang", "instead"),
        *("aber", "außer", "sondern", "warte", "moment", "halt", "stattdessen"),
    }
)
"""Whoever says one of these has not decided yet, or wants it otherwise."""
_YES = {
    "en": word_set("yes y yeah yep yup sure ok okay correct right exactly definitely"),
    "de": word_set("ja j jo jap jep klar ok okay genau richtig stimmt gerne natürlich"),
}
_NO = {
    "en": word_set("no n nope nah never wrong incorrect"),
    "de": word_set("nein n nö nee ne niemals falsch"),
}


def _parse(text: str, context: SlotContext) -> SlotReading[bool]:
    if context.choice in {"yes", "no"}:
        return Value(context.choice == "yes")
    if not text.isascii():
        up, down = _UP.search(text) is not None, _DOWN.search(text) is not None
        if up != down and not any(c.isalnum() for c in text):
            return Value(up)
    whole = normalise(text)
    if context.buttons:
        by_button = _button(whole, context)
        if by_button is not None:
            return Value(by_button)
    yes = context.words.yes or _YES.get(language(context), _YES["en"])
    no = context.words.no or _NO.get(language(context), _NO["en"])
    if whole in yes:
        return Value(True)
    for said in (whole, bare(text, context)):
        for form in (said, _LONG.sub(r"\1\1", said), _LONG.sub(r"\1", said)):
            if form in yes:
                return Value(True)
            if form in no:
                return Value(False)
    return _opening(text, yes, no)


def _button(said: str, context: SlotContext) -> bool | None:
    """Read a number or a label, where yes and no were shown as options."""
    for place, button in enumerate(context.buttons, 1):
        if button.id in {"yes", "no"} and said in (str(place), _label(button.label)):
            return button.id == "yes"
    return None


@lru_cache(maxsize=4096)
def _label(label: str) -> str:
    """Return a label as people write it; kept, for the same are shown again and again."""
    return normalise(label)


def _opening(text: str, yes: frozenset[str], no: frozenset[str]) -> SlotReading[bool]:
    """Read "yes, that's the one": it opens with a known word, is short and takes nothing back."""
    words = [word.strip(",.:;!") for word in normalise(text).split()]
    if not 1 < len(words) <= 6 or "?" in text or _BUT & set(words):
        return NoValue()
    opening = {" ".join(words[:count]) for count in (1, 2, 3)}
    rest = set(words[1:])
    if opening & yes and not rest & no and not _NOT.search(" ".join(words)):
        return Value(True)
    if opening & no and not rest & yes:
        return Value(False)
    return NoValue()


YesNo: Slot[bool] = Slot(name="yes_no", type=bool, parse=_parse)
"""Yes or no: the locale's words, buttons `yes` and `no`, thumbs."""
