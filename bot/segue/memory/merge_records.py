"""What the steps of merges take and give; the steps are in `merges.py`."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Locked(Struct, frozen=True):
    """The customer is set aside for this intent."""


class Done(Struct, frozen=True):
    """It was finished here before."""


class Held(Struct, frozen=True, kw_only=True):
    """Another merge has the customer: do that one first."""

    intent: bytes


class Lost(Struct, frozen=True):
    """The intent stands no more: somebody has finished it, or given it up."""


class NotYet(Struct, frozen=True):
    """A turn is running, or a reply is under way: ask again in a moment."""


class Conflict(Struct, frozen=True):
    """Something changed since it was gathered: gather again."""


class Waiting(Struct, frozen=True, array_like=True):
    """A row that nobody is sending."""

    entry: bytes
    """As it stands in the outbox."""
    id: bytes
    lane: bytes
    content: bytes


class Gathered(Struct, frozen=True, kw_only=True):
    """Everything about a customer who is set aside. Rows and letters are as the store has them."""

    landed: bool
    version: int
    lines: int
    state: bytes
    addresses: bytes
    opted_out: bytes
    controller: bytes
    flags: int
    parked: bool
    joined: bytes
    """`\\nID` of each who became this customer."""
    timer: int
    """Milliseconds until the next one; 0 is none."""
    rows: tuple[Waiting, ...]
    marks: tuple[bytes, ...]
    """Digest and second, one after the other."""
    undo: bytes
    """Record of the merge that was asked for, if it is kept."""
    unreachable: bytes
    late: bool
    """A reply came too late, and they were not told."""
    got: tuple[tuple[bytes, bytes], ...]
    """Rows, and what became of them."""
    consents: tuple[bytes, ...]


class Landed(Struct, frozen=True, kw_only=True):
    """It arrived, as these lines."""

    first: int
    last: int


class Tailed(Struct, frozen=True, kw_only=True):
    """What came to the one who goes since it was gathered."""

    first: int
    letters: tuple[bytes, ...]
    addresses: bytes
    opted_out: bytes
    consents: tuple[bytes, ...]


class Undo(Struct, frozen=True, kw_only=True):
    """What is kept for an undo beside who they were."""

    first: int
    last: int
    """The lines that came with the merge."""
    record: bytes


Posted: TypeAlias = tuple[int, bytes, bytes, int]
"""Number, letter, digest of the message, and the second until which it is remembered."""


def undo_record(data: bytes) -> Undo:
    """Read what `merge_land` has kept."""
    first, last, record = data.split(b" ", 2)
    return Undo(first=int(first), last=int(last), record=record)
