"""The journal: what is known about one running dialog, as plain data.

Its laws:

1. `play` never changes the journal it is given; it returns another one. Only `record_…`, `correct`
   and `back` change a journal in place.
2. Entries are found by kind, name and occurrence (`ask:ask_order#1`), never by position: code may
   change under a customer. A `run` is found by its arguments' digest too, so that other arguments
   are another execution and the result of the first one is not lost.
3. The order of entries is the way the dialog took, as of the last play.
4. An answer is used again whatever the dialog now passes with the question: changed code makes
   nobody repeat themselves.
5. A correction makes what came after it *stale*. A stale entry is used again only if it is reached
   with the same inputs; then it is as good as new.
6. No correction reaches back across a final step that was done, nor across a finished sub-dialog.
7. Entries that are not reached are kept *aside*, as good as before: a rolling deploy may alternate
   old code and new. They, and stale ones, are the first to go when there are too many.
8. A journal is small: 500 entries and 64 kB at most, whatever the dialog does.

The entry names that `play` and the engine share:

    ask:NAME#n     check:NAME#n   wait:NAME#n    an answer; NAME is the reply's, or `key=`
    run:STEP#n@digest                            a result, or a failure
    call:DIALOG#n                                the result of a sub-dialog
    say:REPLY#n    milestone:NAME#n  remind:REPLY#n  log:EVENT#n    done once
    know:FACT#n    channel#n  locale#n  now#n  random#n             read once
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from segue.dialog.plain import NotPlain, from_plain, to_plain

MOST_ENTRIES = 500
MOST_BYTES = 64 * 1024


class Once(Struct, frozen=True, array_like=True, tag=0):
    """Something was said, counted, logged or set up, with these inputs."""

    digest: bytes = b""


class Answered(Struct, frozen=True, array_like=True, tag=1):
    """A question was answered."""

    value: Any
    slot: str
    raw: str | None = None
    """The customer's words; None when they are the value."""
    digest: bytes = b""
    source: str = ""
    """Empty: they said so. `profile`: known before. `corrected`: said later, profile to be told."""


class Passed(Struct, frozen=True, array_like=True, tag=2):
    """A question was skipped, or its time was up (`skip`, `timeout`); a wait is over."""

    how: str
    digest: bytes = b""


class Off(Struct, frozen=True, array_like=True, tag=3):
    """The journey was called off here."""

    digest: bytes = b""


class Ran(Struct, frozen=True, array_like=True, tag=4):
    """A step was done."""

    value: Any
    final: bool = False


class Failed(Struct, frozen=True, array_like=True, tag=5):
    """A step gave up."""

    kind: str
    message: str


class Called(Struct, frozen=True, array_like=True, tag=6):
    """A sub-dialog was gone through."""

    value: Any
    digest: bytes = b""


class Known(Struct, frozen=True, array_like=True, tag=7):
    """A fact, a time or a number, as it was read."""

    value: Any


Entry: TypeAlias = Once | Answered | Passed | Off | Ran | Failed | Called | Known


class Why(StrEnum):
    """Why an answer cannot be changed any more. All but `DONE` are true."""

    DONE = ""
    """It was changed: play again."""
    NOT_ASKED = "not-asked"
    """There is no such answer."""
    FINAL = "final"
    """A final step has been done since."""
    SUB_DIALOG = "sub-dialog"
    """A sub-dialog has ended since."""


class Journal(Struct, array_like=True):
    """What is known about one running dialog. May be a field of another Struct."""

    entries: dict[str, Entry] = field(default_factory=dict)
    stale: dict[str, Entry] = field(default_factory=dict)
    """What came after a correction and has not been reached again since."""
    aside: dict[str, Entry] = field(default_factory=dict)
    """What the last play did not come by: the code was different when it was recorded, or the play
    stopped before it."""

    # -- storing -----------------------------------------------------------------------------------

    def encode(self) -> list[Any]:
        """Return the journal as plain data for msgpack.

        A Struct may also hold a `Journal` as it is: the stored form is the same.
        """
        plain: list[Any] = msgspec.to_builtins(self, builtin_types=(bytes,))
        return plain

    @staticmethod
    def decode(plain: list[Any]) -> Journal:
        """Return the journal that `encode` was called on; an empty list is an empty journal.

        Raises `msgspec.ValidationError` for anything else.
        """
        return msgspec.convert(plain, Journal, builtin_types=(bytes,))

    def size(self) -> int:
        """Return how many bytes the journal takes in the store."""
        return len(_encoder.encode(self))

    # -- recording what the engine did -------------------------------------------------------------

    def record_run(
        self, entry: str, digest: str, value: Any, *, returns: Any = Any, final: bool = False
    ) -> None:
        """Record what a step returned; `entry` and `digest` are those of `Running`.

        `returns` and `final` are the effect's. A value that cannot be kept is recorded as a fault
        of the dialog: the step is not done again, and the next play is `Broken` with the cure.
        """
        name = step_name(entry, digest)
        problem = ""
        try:
            plain = to_plain(value)
            problem = _unfit(value, plain, returns)
        except NotPlain as error:
            plain, problem = None, f"returned a {error.found}, which cannot be kept"
        self._put(name, Failed(FAULT, problem) if problem else Ran(plain, final))

    def record_failure(self, entry: str, digest: str, kind: str, message: str) -> None:
        """Record that a step gave up; the next play raises `StepFailed` there.

        `kind` is the class name of the last error. `message` is kept to 200 characters.
        """
        self._put(step_name(entry, digest), Failed(kind, message[:200]))

    def record_call(self, entry: str, digest: str, value: Any, *, returns: Any = Any) -> None:
        """Record the result of a sub-dialog; `entry` and `digest` are those of `Calling`."""
        problem = ""
        try:
            plain = to_plain(value)
            problem = _unfit(value, plain, returns)
        except NotPlain as error:
            plain, problem = None, f"returned a {error.found}, which cannot be kept"
        self._put(
            entry, Failed(FAULT, problem) if problem else Called(plain, bytes.fromhex(digest))
        )

    def record_proved(self, entry: str, proved: bool) -> None:
        """Record how proving ended. No barrier: earlier answers can still be corrected."""
        self._put(entry, Known(proved))

    def record_called_off(self, entry: str, digest: str) -> None:
        """Record that a sub-dialog was called off; the next play raises `Cancelled` at the call."""
        self._put(entry, Off(bytes.fromhex(digest)))

    def forget_failures(self) -> bool:
        """Drop failed steps, so that the next play tries them again under the same keys.

        Answers and results stay. Returns whether there was anything to drop.
        """
        dropped = False
        for entries in (self.entries, self.stale, self.aside):
            for name in [name for name, entry in entries.items() if type(entry) is Failed]:
                del entries[name]
                dropped = True
        return dropped

    # -- changing one's mind -----------------------------------------------------------------------

    def correct(self, question: str, value: Any, raw: str = "") -> Why:
        """Replace an earlier answer, and make what came after it stale.

        `question` is an entry name (`ask:ask_order#1`), or a reply's name or key (`ask_order`),
        which means its last occurrence. `value` has been parsed with the question's own slot; `raw`
        are the customer's words.
        """
        name = self._last_answer(question)
        if name is None:
            return Why.NOT_ASKED
        old = self.entries[name]
        why = self._rewind(name)
        if not why:
            plain = to_plain(value)
            slot = old.slot if isinstance(old, Answered) else ""
            digest = old.digest if isinstance(old, Answered | Passed) else b""
            self._put(name, Answered(plain, slot, raw_of(raw, plain), digest, "corrected"))
        return why

    def take_back(self, question: str) -> Why:
        """Drop an earlier answer, so that it is asked again. `question` as for `correct`."""
        name = self._last_answer(question)
        if name is None:
            return Why.NOT_ASKED
        old = self.entries[name]
        why = self._rewind(name)
        if not why and isinstance(old, Answered) and old.source == "profile":
            # Otherwise the profile would answer it again.
            self._put(check_name(name), Answered(False, "yes_no"))
        return why

    def back(self) -> Why:
        """Take back the last answer the customer gave, so that it is asked again."""
        for name in reversed(self.entries):
            match self.entries[name]:
                case Answered(source="profile"):
                    continue
                case Answered() | Passed(how="skip"):
                    return self._rewind(name)
                case Ran(final=True):
                    return Why.FINAL
                case Called():
                    return Why.SUB_DIALOG
        return Why.NOT_ASKED

    def answers(self) -> list[tuple[str, Answered]]:
        """Return (entry name, answer) of what was answered, in the dialog's order."""
        return [(name, e) for name, e in self.entries.items() if type(e) is Answered]

    # -- inside ------------------------------------------------------------------------------------

    def _put(self, name: str, entry: Entry) -> None:
        self.entries[name] = entry
        self.stale.pop(name, None)
        self.aside.pop(name, None)

    def _last_answer(self, question: str) -> str | None:
        if question in self.entries:
            return question if type(self.entries[question]) in _ANSWERS else None
        start = f"ask:{question}#"
        for name in reversed(self.entries):
            if name.startswith(start) and type(self.entries[name]) in _ANSWERS:
                return name
        return None

    def _rewind(self, name: str) -> Why:
        """Go back to just before `name`: what came after it is stale."""
        names = list(self.entries)
        at = names.index(name)
        for other in names[at + 1 :]:
            match self.entries[other]:
                case Ran(final=True):
                    return Why.FINAL
                case Called():
                    return Why.SUB_DIALOG
        for entry in self.aside.values():
            if type(entry) is Ran and entry.final:
                return Why.FINAL
        later = {other: self.entries.pop(other) for other in names[at:]}
        del later[name]
        for other, entry in (later | self.aside).items():
            # What the profile answered is read again: it must not outlive the "no" to its check.
            if not (type(entry) is Answered and entry.source == "profile"):
                self.stale[other] = entry
        self.aside = {}
        return Why.DONE


FAULT = "DialogError"
"""Kind of a `Failed` that is the author's to mend, not the dialog's to handle."""
_ANSWERS = (Answered, Passed)
_encoder = msgspec.msgpack.Encoder()


def step_name(entry: str, digest: str) -> str:
    """Return the name under which a step's result is kept."""
    return f"{entry}@{digest}"


def check_name(entry: str) -> str:
    """Return the entry that says whether the profile's answer to an ask still holds."""
    return f"check:{entry.partition(':')[2]}"


def raw_of(raw: str, value: Any) -> str | None:
    """Return the words to keep beside a value: None where they are the value."""
    return None if raw == value else raw


def _unfit(value: Any, plain: Any, returns: Any) -> str:
    """Return what is wrong with a result that would not come back as it is annotated."""
    size = len(_encoder.encode(plain))
    if size > MOST_BYTES // 2:
        return f"returned {size} bytes, more than half of what a journal may take ({MOST_BYTES})"
    if returns is Any:
        if type(plain) is type(value):
            return ""
        found = type(value).__name__
        return f"returned a {found} and does not say so: add `-> {found}` to its definition"
    try:
        from_plain(plain, returns)
    except (ValueError, TypeError) as error:
        return f"returned something other than it is annotated with ({error})"
    return ""
