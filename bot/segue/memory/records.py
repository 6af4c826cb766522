"""What goes into the store and comes out of it, as typed values.

The store knows no dialogs: state, log lines and events are bytes to it. It knows customers, their
addresses, leases, versions, the inbox, the outbox and when somebody must look again.

msgspec Structs, not dataclasses: about ten of these are made in every turn, and a frozen dataclass
costs seven times as much. To change a field, `msgspec.structs.replace`.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TypeAlias

from msgspec import Struct

from segue.types import Address, CustomerId, Inbound, Millis, Proof, Receipt, Row


class Flag(IntFlag):
    """What a customer asked for while a turn was running."""

    NONE = 0
    PERSON = 1
    """They want a person."""
    CANCEL = 2
    """They called it off."""


class Consent(IntFlag):
    """What a message does to the consent of its channel, inside admit."""

    NONE = 0
    STOP = 1
    """Opt out: queued replies to this address are cancelled."""
    START = 2
    """Opt in again."""
    ASKED = 3
    """They seem not to want messages: noted, and nothing else."""


class Lease(Struct, frozen=True, kw_only=True):
    """The right to answer one customer for a while, and the number that proves it."""

    customer: CustomerId
    epoch: int
    """The fencing token."""
    version: int
    """Of the state this turn started from."""
    deadline: Millis
    """By the server's clock."""


class Letter(Struct, frozen=True, kw_only=True):
    """One message in the inbox, in the order of acceptance."""

    number: int
    """Grows by one per customer, never repeats."""
    inbound: Inbound
    attempts: int = 0
    """Turns that were begun for it and never committed."""


class Granted(Struct, frozen=True, kw_only=True):
    """The lease is ours: here is the state, and what is to be answered (at most 16)."""

    lease: Lease
    state: bytes
    """Empty for a customer without any."""
    letters: tuple[Letter, ...]
    addresses: tuple[tuple[Address, Proof], ...] = ()
    opted_out: frozenset[str] = frozenset()
    """Channels whose consent is withdrawn."""
    controller: str = ""
    """Who speaks: empty is the bot, else an agent's id."""
    number: int = 0
    """Of the letter just admitted; 0 when the lease was taken by the sweeper."""
    parked: bool = False
    """A letter was parked after too many tries, and the customer has not been told yet."""
    late: bool = False
    """An answer came too late to be sent, and the customer has not been told yet."""
    claims: tuple[Claim, ...] = ()
    """Rows that nobody is sending: send them now (only from `take`)."""


class Queued(Struct, frozen=True, kw_only=True):
    """Stored; whoever holds the lease will answer it."""

    number: int


class Duplicate(Struct, frozen=True):
    """Stored before; nothing was done."""


class NotMine(Struct, frozen=True):
    """The address is not (any more) one of this customer's; nothing was stored."""


class Gone(Struct, frozen=True):
    """The customer was erased; nothing was stored."""


class Full(Struct, frozen=True):
    """Too many messages wait already; nothing was stored."""


class Moved(Struct, frozen=True, kw_only=True):
    """The customer was merged into another; nothing was stored."""

    to: CustomerId


class Busy(Struct, frozen=True):
    """Somebody else holds the lease (answer to `take`)."""

    claims: tuple[Claim, ...] = ()
    """Rows that nobody is sending: send them now."""


class Idle(Struct, frozen=True):
    """No turn is to be played for this customer (answer to `take`)."""

    claims: tuple[Claim, ...] = ()
    """Rows that nobody is sending: send them now."""


class Merging(Struct, frozen=True, kw_only=True):
    """The customer is set aside for a merge or its undo: go on with it (answer to `take`)."""

    intent: bytes


class Erasing(Struct, frozen=True):
    """The customer is being erased: go on with it (answer to `take`)."""


Admission: TypeAlias = Granted | Queued | Duplicate | NotMine | Gone | Full | Moved


class Commit(Struct, frozen=True, kw_only=True):
    """Everything one turn decided. It lands together or not at all."""

    state: bytes
    ack: int = 0
    """Letters up to and including this number are answered."""
    log: tuple[bytes, ...] = ()
    """Lines of the transcript (msgpack `Line`)."""
    said: int = 0
    """How many of `log`, from the end, are the bot's words: dropped if an agent took over."""
    rows: tuple[Row, ...] = ()
    events: tuple[bytes, ...] = ()
    due: Millis = 0
    """When somebody must look again (the next timer); 0 is never."""
    cancel: tuple[str, ...] = ()
    """Ids of queued rows that must not be sent any more."""


class Claim(Struct, frozen=True, kw_only=True):
    """A row that this process may send now, until `deadline` (monotonic seconds)."""

    row: Row
    deadline: float
    token: bytes = b""
    """Says whose claim it is; `settle` shows it."""
    sends: int = 1
    """Which sending of this row it is, the first being 1."""
    tries: int = 0
    """Sendings of it that were refused for now."""
    doubt: int = 0
    """Not 0: nobody knows what became of the sending before, and the platform can be asked."""
    born: Millis = 0
    """When it was decided, by the server's clock."""
    again: int = 0
    """What was changed about it to get it through: see `PLAIN`, `ELSEWHERE`."""


PLAIN, ELSEWHERE = 1, 2
"""Bits of `Claim.again`: it is without markup already; it goes to another address already."""


class Got(Struct, frozen=True, kw_only=True):
    """What became of one outbox row, as far as is known."""

    receipt: Receipt
    at: Millis
    why: str = ""
    """With `FAILED`: a `Reason`, or `late`, `cancelled`, `gave_up`, `no_channel`."""
    instead: str = ""
    """The channel it was sent on instead."""


class Committed(Struct, frozen=True, kw_only=True):
    """It landed. `more` is the next work under the same lease, renewed; None: the lease is free."""

    version: int
    cursor: int
    """Number of the last line of the log; lines are numbered from 1."""
    lease: Lease | None = None
    """The lease to go on with, at the new version and renewed: always after `record`, after
    `commit` only together with `more`."""
    more: Granted | None = None
    claims: tuple[Claim, ...] = ()
    """Rows whose lane was empty: send them now."""
    silenced: bool = False
    """An agent has taken over: state was kept, words were dropped."""


class Fenced(Struct, frozen=True):
    """Somebody else has had the lease since: nothing was written, throw the turn away."""


class Renewed(Struct, frozen=True, kw_only=True):
    """The lease goes on."""

    lease: Lease
    flags: Flag = Flag.NONE
    waiting: int = 0
    """Letters that came in meanwhile."""


class Dead(Struct, frozen=True, kw_only=True):
    """A message that was parked after too many attempts."""

    id: str
    customer: CustomerId
    inbound: Inbound
    why: str
    at: Millis


class Snapshot(Struct, frozen=True, kw_only=True):
    """A customer as an operator sees them; read, not leased."""

    customer: CustomerId
    version: int
    state: bytes
    addresses: tuple[tuple[Address, Proof], ...]
    controller: str
    waiting: int
    unsent: int
    opted_out: frozenset[str] = frozenset()
    unreachable: frozenset[Address] = frozenset()
    """Addresses where they could not be reached, until they write from there again."""
