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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from segue.dialog.effects import Ask, Call, Log, Milestone, Remind, Run, Say, Wait

if TYPE_CHECKING:
    from segue.dialog.journal import Journal


# -- what a reader answers when a play reaches a question that has no recorded answer -------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The customer's answer, parsed."""

    value: Any
    raw: str = ""
    """Their words, masked; re-parsed if the slot changes under them."""


@dataclass(frozen=True, slots=True)
class Skip:
    """They skipped it; the ask returns None."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Time is up; the ask returns None, a wait returns."""


@dataclass(frozen=True, slots=True)
class CallOff:
    """They called the journey off: `Cancelled` is raised at this question."""


@dataclass(frozen=True, slots=True)
class Hold:
    """No answer (yet): the play ends as `Waiting`."""


Reading: TypeAlias = Answer | Skip | TimedOut | CallOff | Hold
Reader: TypeAlias = "Callable[[Ask | Wait, str], Reading]"
"""Called with the question and its entry name, at each question without a recorded answer."""


# -- what happened ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Fresh:
    """What came up for the first time in this play, in order; the engine makes it happen."""

    says: tuple[Say, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    reminders: tuple[tuple[str, Remind], ...] = ()
    """(entry name, effect)."""
    logs: tuple[Log, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    """(fact, value) to remember in the profile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A question is open."""

    journal: Journal
    fresh: Fresh
    question: Ask | Wait
    entry: str
    """Name of the entry that will hold the answer, e.g. `ask:ask_order#1`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A step must be done."""

    journal: Journal
    fresh: Fresh
    run: Run
    entry: str
    digest: str
    """Of the arguments: part of the idempotency key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calling:
    """Another dialog must be gone through."""

    journal: Journal
    fresh: Fresh
    call: Call
    entry: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The dialog returned."""

    journal: Journal
    fresh: Fresh
    result: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Restarting:
    """Begin anew with these values."""

    fresh: Fresh
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CalledOff:
    """The dialog let `Cancelled` through, after whatever it had to tidy up."""

    journal: Journal
    fresh: Fresh


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """The dialog raised `error`, or broke a rule. What it said before that is not sent."""

    journal: Journal
    fresh: Fresh
    error: BaseException


Outcome: TypeAlias = Waiting | Running | Calling | Ended | Restarting | CalledOff | Broken
