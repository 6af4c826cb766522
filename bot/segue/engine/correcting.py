"""Which earlier answer a message takes back, and what it says instead. Pure.

Three strengths, and where each stands in the order of reading:

- *taken back*: it opens with "no, I meant …" or the like, so the rest is tried on every answered
  question. At a yes-or-no and at a free text this comes before the slot, which would take anything
  that begins with "no", or anything at all; there only what is beyond doubt counts.
- *replaced*: without an opening, the whole message is another value for an earlier question.
- *mentioned*: such a value stands somewhere in the message. It may be about something else, so
  whatever the router is sure of comes first.

What was answered the same way already is no correction, but said twice (`Correction.same`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from segue.dialog.effects import Ask
from segue.dialog.journal import Answered, Entry
from segue.dialog.plain import to_plain
from segue.slots import SlotContext, Value
from segue.slots.tidy import bare
from segue.types import Button
from segue.words import Words, normalise

Shown = Callable[[Ask], tuple[Button, ...]]
"""The options of an earlier question, as they were shown."""


class Correction(Struct, frozen=True, kw_only=True):
    """An earlier answer is replaced."""

    entry: str
    question: Ask
    value: Any
    raw: str
    same: bool = False
    """It is what was answered before."""


class Answers(Struct, frozen=True, kw_only=True):
    """What may be corrected: the questions answered on the way to the open one."""

    asked: Sequence[tuple[str, Ask]]
    recorded: Mapping[str, Entry]
    context: SlotContext
    shown: Shown
    confirming: bool = False
    """The open question is a yes-or-no: what was answered last is what it asks about."""

    def taken_back(self, text: str, *, surely: bool = False) -> Correction | None:
        """Return what is corrected by a message with an opening; None without one.

        `surely`: only what is beyond doubt.
        """
        opening, rest = without_opening(text, self.context.words)
        if not opening:
            return None
        found = self.replaced(rest) or self.mentioned(rest)
        if found is not None or (surely and opening in self.context.words.no):
            return found
        anew = self._said_anew(rest)
        if anew is not None or surely or self._text_last():
            return anew
        for entry, question in self._latest_first():
            if question.slot.name == "text":
                continue
            reading = question.slot.parse(rest, self._of(question))
            if isinstance(reading, Value):
                return self._correction(entry, question, reading.value, rest)
        return None

    def replaced(self, text: str) -> Correction | None:
        """Return what is corrected by a message that is nothing but another value."""
        for place, (entry, question) in enumerate(self._latest_first()):
            slot = question.slot
            if slot.options:
                option = self._option(text, question)
                if option is not None:
                    return self._correction(entry, question, option, text)
                continue
            last = self.confirming and place == 0 and slot.name != "text"
            if slot.find is not None:
                value = slot.find(text, self._of(question))
            elif last:
                reading = slot.parse(text, self._of(question))
                value = reading.value if isinstance(reading, Value) else None
            else:
                continue
            if value is not None and self._whole(text, value):
                return self._correction(entry, question, value, text)
        return None

    def mentioned(self, text: str) -> Correction | None:
        """Return what is corrected by a value that stands somewhere in the message."""
        for entry, question in self._latest_first():
            find = question.slot.find
            if find is not None and question.kind == "ask":
                value = find(text, self._of(question))
                if value is None:
                    continue
                if self._text_last() and len(_squeezed(f"{value}")) * 3 < len(_squeezed(text)):
                    # An address has a postcode in it and is not about the postcode asked before.
                    continue
                return self._correction(entry, question, value, text)
        return None

    def rewritten(self, text: str) -> Correction | None:
        """Return the free text that is to be confirmed, where it is said anew instead."""
        return self._said_anew(text)

    def pressed(self, choice: str) -> Correction | None:
        """Return what is corrected by a button of an earlier question."""
        for entry, question in self._latest_first():
            if choice in question.slot.options:
                return self._correction(entry, question, choice, choice)
        return None

    def anew(self, text: str, entries: Collection[str]) -> list[Correction]:
        """Return what changed words say to the questions that they answered, the latest first.

        One question takes all of it, also a yes or no; several take what can be found.
        """
        found = []
        for entry, question in reversed(self.asked):
            if entry not in entries:
                continue
            slot, value = question.slot, None
            if slot.options:
                value = self._option(text, question)
            elif slot.find is not None:
                value = slot.find(text, self._of(question))
            if value is None and len(entries) == 1:
                reading = slot.parse(text, self._of(question))
                value = reading.value if isinstance(reading, Value) else None
            if value is not None:
                found.append(self._correction(entry, question, value, text))
        return found

    # -- inside ------------------------------------------------------------------------------------

    def _latest_first(self) -> Iterator[tuple[str, Ask]]:
        return ((e, question) for e, question in reversed(self.asked) if question.kind != "confirm")

    def _of(self, question: Ask) -> SlotContext:
        buttons = self.shown(question) if question.slot.options else ()
        return structs.replace(self.context, buttons=buttons, choice=None)

    def _option(self, text: str, question: Ask) -> str | None:
        said = {normalise(text), bare(text, self.context)}
        for button in self.shown(question):
            if button.id in question.slot.options and normalise(button.label) in said:
                return button.id
        options = question.slot.options
        named = [name for name in options if normalise(name.replace("_", " ")) in said]
        return named[0] if named else None

    def _whole(self, text: str, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        return _squeezed(value) in {_squeezed(text), _squeezed(bare(text, self.context))}

    def _text_last(self) -> bool:
        last = next(self._latest_first(), None)
        return self.confirming and last is not None and last[1].slot.name == "text"

    def _said_anew(self, text: str) -> Correction | None:
        """Take a sentence for the free text that is to be confirmed; a question is none."""
        if not self._text_last() or len(text.split()) < _SENTENCE or "?" in text:
            return None
        entry, question = next(self._latest_first())
        reading = question.slot.parse(text, self._of(question))
        if not isinstance(reading, Value):
            return None
        return self._correction(entry, question, reading.value, text)

    def _correction(self, entry: str, question: Ask, value: Any, raw: str) -> Correction:
        old = self.recorded.get(entry)
        same = isinstance(old, Answered) and old.value == to_plain(value)
        return Correction(entry=entry, question=question, value=value, raw=raw, same=same)


def without_opening(text: str, words: Words) -> tuple[str, str]:
    """Return the opening ("no, I meant") and what follows; ("", text) if none opens it.

    Of several ("no, sorry, actually …") the last is returned, and what follows all of them.
    """
    found, rest = "", text.strip()
    while True:
        lowered = rest.casefold().replace("’", "'")
        if not lowered.startswith(words.correct):  # Most messages: one call for all openings.
            return found, rest
        for opening in words.correct:
            after = lowered[len(opening) : len(opening) + 1]
            if lowered.startswith(opening) and not after.isalnum():
                following = rest[len(opening) :].lstrip(" ,;:.-–—")
                if following:
                    found, rest = opening.rstrip(" ,"), following
                    break
        else:
            return found, rest


def _squeezed(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


_SENTENCE = 3
"""Words from which on something may be a free text said anew."""
