"""What a message means, given what is open. Pure: it looks, it decides, it changes nothing.

The order of reading, first match wins (the store has dealt with consent, the worker with an agent
who is in control, before a message gets here):

1. a button that was shown, also one of an earlier question: that is a correction
2. the words that always work: cancel, help, back, repeat, person, skip; bye, where a question waits
3. the slot of the open question            (`Listener`, called from inside the play); before a
   yes-or-no or a free text, a correction that says so ("no, I meant …": see `correcting.py`)
4. an option offered outside a dialog       ("did you mean …?", a button under an answer)
5. a correction of an earlier answer        ("no, the order is A1002", "by post")
6. a digression, sure; one word only if it is an example ("how long does delivery take?", "thanks")
7. an earlier answer that is mentioned in passing ("it is A1002 that I want to send")
8. nothing: ask again
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct, field

from segue.dialog.effects import Ask, Wait
from segue.dialog.outcome import Answer, CallOff, Hold, Reading, Skip, TimedOut
from segue.engine.setup import Note
from segue.engine.state import Open, Option
from segue.slots import Choice, Nearly, NoValue, Slot, SlotContext, Value
from segue.types import Button
from segue.words import Words, normalise

_CHOICE = Choice(())


class Utterance(Struct, frozen=True, kw_only=True):
    """The customer's words, as the turn reads them."""

    text: str
    choice: str | None = None
    media: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self.text.strip() and self.choice is None


NOTHING = Utterance(text="")
"""For a play that nobody's words are read in."""


# -- 2: the words that always work ----------------------------------------------------------------


def repair(utterance: Utterance, words: Words) -> str | None:
    """Return which of the words that always work they said, if they said just that."""
    if utterance.choice is not None:
        return None
    said = normalise(utterance.text)
    if not said and "?" in utterance.text:
        return "repeat"
    if not said or len(said) > 60:
        return None
    return words.orders.get(said)


# -- 3: the slot of the open question -------------------------------------------------------------


class Missed(Struct, frozen=True, kw_only=True):
    """The open question did not understand; `reply` is the slot's own retry line, if any."""

    reply: str = ""


class Ambiguous(Struct, frozen=True, kw_only=True):
    """Two readings: the customer must say which."""

    values: tuple[Any, ...]
    labels: tuple[str, ...]


Heard: TypeAlias = Answer | Missed | Ambiguous | None


class Listener(Struct, kw_only=True):
    """Reads one utterance for the questions that a play reaches; `play` calls it.

    The question that was open reads the whole utterance. Questions reached after it take only what
    they can find in it beyond doubt ("return A1001, postcode 10115" answers two of them).
    """

    utterance: Utterance
    words: Words
    locale: str
    now: datetime
    open: Open | None = None
    order: Reading | None = None
    """Not read from words: a skip, a time-out or a cancellation of the open question."""
    heard: Heard = None
    """What the open question made of it."""
    notes: list[Note]
    """Takes what was understood, for explanations."""
    _used: set[str] = field(default_factory=set)
    """Slots that have taken their value."""
    spent: bool = False
    """The whole utterance was the answer, so nothing else is in it."""

    def __call__(self, question: Ask | Wait, entry: str) -> Reading:
        """Answer `play`."""
        if self.open is not None and entry == self.open.entry:
            order, self.order = self.order, None
            if order is not None:
                return order
            if isinstance(question, Wait) or self.utterance.empty or self.heard is not None:
                return Hold()
            return self._read(question)
        if isinstance(self.order, CallOff):
            self.order = None
            return CallOff()
        if isinstance(question, Wait):
            return Hold()
        return self._find(question)

    def _read(self, question: Ask) -> Reading:
        assert self.open is not None
        if self.open.readings:
            picked = pick(self.utterance, self.open.buttons, self.context(self.open.buttons))
            if picked is not None:
                self.spent = True
                value = self.open.readings[int(picked)]
                self.heard = Answer(value=value, raw=self.utterance.text)
                self._note(question, value)
                return self.heard
        raw = self.utterance.text
        reading = question.slot.parse(raw, self.context(self.open.buttons))
        if isinstance(reading, NoValue) and self.utterance.choice is not None:
            # A button under a question for a number, a date …: it stands for what it says.
            pressed = (b for b in self.open.buttons if b.id == self.utterance.choice)
            raw = next((button.label for button in pressed), raw)
            reading = question.slot.parse(raw, self.context())
        if isinstance(reading, Value):
            self._used.add(question.slot.name)
            self.spent = question.slot.find is None
            self.heard = Answer(value=reading.value, raw=raw)
            self._note(question, reading.value)
            return self.heard
        if isinstance(reading, Nearly):
            self.heard = Ambiguous(values=reading.values, labels=reading.labels)
        else:
            self.heard = Missed(reply=reading.reply)
        return Hold()

    def _find(self, question: Ask) -> Reading:
        slot: Slot[Any] = question.slot
        if (
            self.spent
            or slot.find is None
            or question.kind != "ask"
            or slot.name in self._used
            or self.utterance.choice is not None
        ):
            return Hold()
        value = slot.find(self.utterance.text, self.context())
        if value is None:
            return Hold()
        self._used.add(slot.name)
        self._note(question, value)
        return Answer(value=value, raw=self.utterance.text)

    def _note(self, question: Ask, value: Any) -> None:
        shown = {"value": f"{value}"} if not question.slot.sensitive else {}
        self.notes.append(Note(kind="understood", values={"question": question.reply, **shown}))

    def context(self, buttons: tuple[Button, ...] = ()) -> SlotContext:
        """Return what a slot may know beside the words."""
        return SlotContext(
            locale=self.locale,
            words=self.words,
            now=self.now,
            buttons=buttons,
            choice=self.utterance.choice,
        )


def silent(_question: Ask | Wait, _entry: str) -> Reading:
    """Answer nothing: play up to the open question."""
    return Hold()


# -- 1 and 4: options -----------------------------------------------------------------------------


def pick(utterance: Utterance, buttons: Sequence[Button], context: SlotContext) -> str | None:
    """Return the id of the option they chose: pressed, numbered, named or nearly named."""
    if not buttons:
        return None
    ids = {button.id for button in buttons}
    if utterance.choice is not None:
        return utterance.choice if utterance.choice in ids else None
    reading = _CHOICE.parse(utterance.text, context)
    return reading.value if isinstance(reading, Value) and reading.value in ids else None


def offered(options: Iterable[Option]) -> tuple[Button, ...]:
    """Return offered options as the buttons they were shown as."""
    return tuple(Button(option.id, option.label) for option in options)


__all__ = [
    "NOTHING",
    "Ambiguous",
    "CallOff",
    "Listener",
    "Missed",
    "Skip",
    "TimedOut",
    "Utterance",
    "offered",
    "pick",
    "repair",
    "silent",
]
