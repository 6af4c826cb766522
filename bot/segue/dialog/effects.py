"""What a dialog can ask of the engine: every verb of `Chat` yields one of these, frozen.

`play` answers what it can from the journal; what it cannot, ends the play and is the engine's to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog
    from segue.slots import Slot


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """How often a step is tried, and how long to wait before the second try (doubling after)."""

    attempts: int = 3
    wait: timedelta = timedelta(milliseconds=200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Say:
    """Say a reply."""

    reply: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Ask for a value and wait for it. `choose` and `confirm` are asks with their own slot."""

    reply: str
    slot: Slot[Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    remember: str | None = None
    """Profile fact: used instead of asking when known, kept when answered."""
    check: str | None = None
    """Reply that asks whether the remembered value still holds; None uses it silently."""
    timeout: timedelta | None = None
    skippable: bool = False
    """The customer may say "skip"; the result is then None."""
    tries: int = 3
    """After so many answers that did not parse, the named way out follows."""
    kind: str = "ask"
    """`ask`, `choose` or `confirm`: the verb the author wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Do something outside once: a call to a shop, a clock, a dice."""

    step: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    final: bool = False
    retry: Retry = Retry()
    timeout: timedelta = timedelta(seconds=30)
    returns: Any = Any
    """The annotated result type, which a recorded result is decoded to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Go through another dialog and come back with its result."""

    dialog: Dialog
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestone:
    """The customer got somewhere on a journey."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Remind:
    """Say a reply later, once, unless this dialog has ended by then."""

    reply: str
    at: datetime | None = None
    after: timedelta | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Do nothing until then. The customer may write meanwhile and is answered."""

    until: datetime | None = None
    for_: timedelta | None = None
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Know:
    """Read what is known: a fact of the profile, or of this turn (`channel`, `locale`, `now`…)."""

    source: str
    """`profile`, `channel`, `locale`, `utterance`, `now` or `random`."""
    fact: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """Write a line for operators. Never a customer's words."""

    event: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart:
    """Begin this dialog anew with an empty journal."""

    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """A verb that has its place but comes with its own issue: `handoff`, `survey`, `verify`."""

    verb: str
    values: Mapping[str, Any] = field(default_factory=dict)


Effect: TypeAlias = (
    Say | Ask | Run | Call | Milestone | Remind | Wait | Know | Log | Restart | Later
)
