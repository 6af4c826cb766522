"""What Segue keeps in mind about one customer between two turns: plain data, and how it is stored.

- It is small: it travels with every turn. The transcript is elsewhere.
- It is written whole by the commit of a turn, or not at all.
- Fields are only ever added, at the end, with a default: old and new workers read each other's.
- `schema` grows when an old worker must not touch what a new one wrote; it then leaves the customer
  to the new ones (`TooNew`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from segue.dialog.journal import Journal
from segue.errors import SegueError
from segue.types import Address, Button, Message, Millis

SCHEMA = 1


class Fact(Struct, array_like=True):
    """One durable thing known about the customer, and where it was learned."""

    value: Any
    at: Millis
    channel: str
    source: str
    """`dialog/reply` that asked for it."""


class Open(Struct, array_like=True):
    """The question that waits for an answer."""

    entry: str
    """Journal entry that will hold the answer."""
    reply: str
    tries: int = 0
    """Answers so far that could not be read."""
    buttons: tuple[Button, ...] = ()
    """As they were shown, so that "2" means what the customer saw."""
    readings: tuple[Any, ...] = ()
    """After "which one do you mean": the values behind those buttons."""
    shown: bool = True
    """False while the question was reached but not yet said."""
    asked: Millis = 0
    """When it was said last: what was written before that was no answer to it."""


class Frame(Struct, array_like=True):
    """A running dialog."""

    dialog: str
    instance: str
    """Unique for the customer: turn and position that began it. Part of idempotency keys."""
    kind: str = "root"
    """`root`, `call` (another dialog waits for its result), `aside` (in the middle of another)."""
    journal: Journal = field(default_factory=Journal)
    values: dict[str, Any] = field(default_factory=dict)
    open: Open | None = None
    entry: str = ""
    """Of a `call`: the caller's journal entry that takes the result."""
    digest: str = ""
    utterance: str = ""
    """The words that began it."""
    started: Millis = 0
    faults: int = 0
    """How often a step gave up and nobody handled it; the first time the journey is kept."""


class Timer(Struct, array_like=True):
    """Somebody must look again then."""

    due: Millis
    kind: str
    """`reminder`, `timeout` or `wait`."""
    instance: str
    entry: str
    reply: str = ""
    dialog: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    level: int = 0
    """The level of proof that its reply may be said on."""


class Option(Struct, array_like=True):
    """Something offered outside a dialog ("did you mean …?")."""

    id: str
    """An intent, e.g. `dialog:return_item`, or `person`."""
    label: str


class Number(Struct, array_like=True):
    """A phone number of the customer's, which may be given to somebody else one day."""

    heard: Millis
    """When something came from there last, or a code sent there came back."""
    stale: bool = False
    """It was silent for too long since, and proves nothing until a code comes back again."""


class Pace(Struct, array_like=True):
    """What a customer has left to say at once (`care.py`)."""

    left: float
    at: Millis
    told: Millis = 0
    """When they were last asked to slow down."""


class Watch(Struct, array_like=True):
    """What a bot on the other side would be recognised by (`care.py`)."""

    said: list[int] = field(default_factory=list)
    """Signs of what we said, the last first."""
    heard: list[int] = field(default_factory=list)
    points: int = 0
    at: Millis = 0
    """When we spoke last."""
    until: Millis = 0
    """Nothing is said until then."""
    echoed: bool = False
    """They have said what we say, or we what they had said."""


class Said(Struct, array_like=True):
    """The customer's last message, should they change it."""

    id: str
    instance: str = ""
    """The dialog that was on top when it had been read."""
    entries: tuple[str, ...] = ()
    """Journal entries of that dialog that it answered."""


class State(Struct, array_like=True):
    """Everything kept about a customer between two turns."""

    schema: int = SCHEMA
    turn: int = 0
    frames: list[Frame] = field(default_factory=list)
    profile: dict[str, Fact] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    locale: str = ""
    name: str = ""
    address: Address | None = None
    """Where the customer wrote from last."""
    last: tuple[Message, ...] = ()
    """What was said last, for "say that again"."""
    offered: tuple[Option, ...] = ()
    unsure: int = 0
    """Turns in a row that were not understood."""
    disclosed: list[str] = field(default_factory=list)
    """Channels on which it was said that this is an automated assistant."""
    wordings: dict[str, int] = field(default_factory=dict)
    """The wording used last, by reply: the next one is another."""
    offer: str = ""
    """The words that `offered` is about: what they say is not asked again."""
    heard: int = 0
    """Letters up to this number were read, and what followed stored, in the middle of a turn."""
    noted: int = 0
    """Letters up to this number are in the transcript since then, read or not."""
    contexts: dict[str, dict[str, str]] = field(default_factory=dict)
    """By channel: what its adapter wants back with each row (`Inbound.context`)."""
    numbers: dict[str, Number] = field(default_factory=dict)
    """Phone numbers, `channel:id`, and when they were heard from."""
    last_level: int = 0
    """The level of proof that `last` may be said again on."""
    pace: Pace | None = None
    watch: Watch | None = None
    said: Said | None = None
    merge: str = ""
    """The last link with another customer, by which it can be undone."""
    asked: Millis = 0
    """When the company was asked about them first (`@on_verified`)."""


class TooNew(SegueError):
    """A newer worker wrote this state; this one must not touch it."""

    retry = True


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


def forget_old(state: State, life: timedelta, now: Millis) -> None:
    """Forget the facts that are older than they may get; nothing if `life` is nothing."""
    if life:
        oldest = now - int(life.total_seconds() * 1000)
        for name in [name for name, fact in state.profile.items() if fact.at < oldest]:
            del state.profile[name]


def encode(state: State) -> bytes:
    """Return the state as it is stored."""
    return _encoder.encode(state)


def decode(data: bytes) -> State:
    """Return the stored state; an empty one for a new customer.

    Raises `TooNew` if a newer version of Segue wrote it.
    """
    if not data:
        return State()
    state = _decoder.decode(data)
    if state.schema > SCHEMA:
        raise TooNew(
            f"state has schema {state.schema}, this worker knows {SCHEMA}. "
            "Finish the deploy; until then newer workers answer this customer."
        )
    return state
