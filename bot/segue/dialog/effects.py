"""What a dialog can ask of the engine: every verb of `Chat` is one of these, frozen.

An effect is its own awaitable: awaiting it yields it to `play`, which sends back the result.
`play` answers what it can from the journal; what it cannot, ends the play and is the engine's.
They are msgspec Structs because a replay makes one for every verb it passes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

from segue.types import Proof

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog
    from segue.slots import Slot

NOTHING: Mapping[str, Any] = {}
"""No values. Never changed."""


class Retry(Struct, frozen=True, kw_only=True):
    """How often a step is tried, and how long to wait before the second try (doubling after)."""

    attempts: int = 3
    wait: timedelta = timedelta(milliseconds=200)


class Verb(Struct, frozen=True, kw_only=True, eq=False):
    """Base of all effects: what makes them awaitable."""

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)


class Say(Verb, frozen=True, kw_only=True, eq=True):
    """Say a reply."""

    reply: str
    values: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    """Not sent again where nobody knows whether it arrived."""
    require: Proof = Proof.CLAIMED
    """Said only on an address of this level; before that the customer proves it is theirs."""


class Ask(Verb, frozen=True, kw_only=True, eq=True):
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
    require: Proof = Proof.CLAIMED
    """As for `Say`."""


class Run(Verb, frozen=True, kw_only=True, eq=True):
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
    takes_key: bool = False
    """The function has a parameter `idempotency_key`, which the engine fills in."""


class Call(Verb, frozen=True, kw_only=True, eq=True):
    """Go through another dialog and come back with its result."""

    dialog: Dialog[Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


class Verify(Verb, frozen=True, kw_only=True, eq=True):
    """Let the customer prove that the address they write from is theirs."""

    level: Proof = Proof.VERIFIED
    to: str = ""
    """Phone number (E.164) or e-mail address a code goes to; empty: what is known, or asked."""
    fresh: bool = False
    """Also where it is proved already: a code has to come back now."""
    key: str = ""


class Milestone(Verb, frozen=True, kw_only=True, eq=True):
    """The customer got somewhere on a journey."""

    name: str


class Remind(Verb, frozen=True, kw_only=True, eq=True):
    """Say a reply later, once, unless this dialog has ended by then."""

    reply: str
    at: datetime | None = None
    after: timedelta | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


class Wait(Verb, frozen=True, kw_only=True, eq=True):
    """Do nothing until then. The customer may write meanwhile and is answered."""

    until: datetime | None = None
    for_: timedelta | None = None
    key: str = ""


class Know(Verb, frozen=True, kw_only=True, eq=True):
    """Read what is known: a fact of the profile, or of this turn (`channel`, `locale`, `now`…)."""

    source: str
    """`profile`, `channel`, `locale`, `now` or `random`."""
    fact: str = ""


class Log(Verb, frozen=True, kw_only=True, eq=True):
    """Write a line for operators. Never a customer's words."""

    event: str
    context: Mapping[str, Any] = field(default_factory=dict)


class Restart(Verb, frozen=True, kw_only=True, eq=True):
    """Begin this dialog anew with an empty journal."""

    values: Mapping[str, Any] = field(default_factory=dict)


class Later(Verb, frozen=True, kw_only=True, eq=True):
    """A verb that has its place but comes with its own issue: `handoff`, `survey`."""

    verb: str
    values: Mapping[str, Any] = field(default_factory=dict)


Effect: TypeAlias = (
    Say | Ask | Run | Call | Verify | Milestone | Remind | Wait | Know | Log | Restart | Later
)
