"""How a play can end. `match` on it.

Waiting      a question is open (or a time is awaited): nothing more to do this turn
Running      a step must be done outside; record its result, then play again
Calling      another dialog must be gone through first; record its result, then play again
Ended        the dialog returned
Restarting   the dialog wants to begin anew with an empty journal
CalledOff    the customer called it off, and the dialog has tidied up
Broken       the dialog raised, or broke a rule
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from segue.dialog.effects import Ask, Call, Log, Milestone, Remind, Run, Say, Wait

if TYPE_CHECKING:
    from segue.dialog.journal import Journal


# -- what a reader answers when a play reaches a question that has no recorded answer -------------


class Answer(Struct, frozen=True, kw_only=True):
    """The customer's answer, parsed."""

    value: Any
    raw: str = ""
    """Their words, masked; re-parsed if the slot changes under them."""


class Skip(Struct, frozen=True):
    """They skipped it; the ask returns None."""


class TimedOut(Struct, frozen=True):
    """Time is up; the ask returns None, a wait returns."""


class CallOff(Struct, frozen=True):
    """They called the journey off: `Cancelled` is raised at this question."""


class Hold(Struct, frozen=True):
    """No answer (yet): the play ends as `Waiting`."""


Reading: TypeAlias = Answer | Skip | TimedOut | CallOff | Hold
Reader: TypeAlias = "Callable[[Ask | Wait, str], Reading]"
"""Called with the question and its entry name, at each question without a recorded answer."""


# -- what happened ---------------------------------------------------------------------------------


class Fresh(Struct, frozen=True, kw_only=True):
    """What came up for the first time in this play, in order; the engine makes it happen."""

    says: tuple[Say, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    reminders: tuple[tuple[str, Remind], ...] = ()
    """(entry name, effect)."""
    logs: tuple[Log, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    """(fact, value) to remember in the profile."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A question is open."""

    journal: Journal
    fresh: Fresh
    question: Ask | Wait
    entry: str
    """Name of the entry that will hold the answer, e.g. `ask:ask_order#1`."""
    asked: tuple[tuple[str, Ask], ...] = ()
    """(entry name, question) of every answered ask on the way here, in order: what a customer may
    correct. Questions that were answered from the profile are among them."""


class Running(Struct, frozen=True, kw_only=True):
    """A step must be done."""

    journal: Journal
    fresh: Fresh
    run: Run
    entry: str
    digest: str
    """Of the arguments, in hex; empty for none. Part of the idempotency key."""


class Calling(Struct, frozen=True, kw_only=True):
    """Another dialog must be gone through."""

    journal: Journal
    fresh: Fresh
    call: Call
    entry: str
    digest: str


class Ended(Struct, frozen=True, kw_only=True):
    """The dialog returned."""

    journal: Journal
    fresh: Fresh
    result: Any = None


class Restarting(Struct, frozen=True, kw_only=True):
    """Begin anew with these values."""

    fresh: Fresh
    values: dict[str, Any] = {}


class CalledOff(Struct, frozen=True, kw_only=True):
    """The dialog let `Cancelled` through, after whatever it had to tidy up."""

    journal: Journal
    fresh: Fresh


class Broken(Struct, frozen=True, kw_only=True):
    """The dialog raised `error`, or broke a rule. What it said before that is not sent."""

    journal: Journal
    fresh: Fresh
    error: BaseException


Outcome: TypeAlias = Waiting | Running | Calling | Ended | Restarting | CalledOff | Broken
