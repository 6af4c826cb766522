"""What a merge and its undo share: the intent, what is kept of both, and their common steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, msgpack

from segue.engine.state import decode
from segue.memory import Store
from segue.memory.keys import digest, needle
from segue.memory.merge_records import Posted
from segue.memory.replies import OPERATION, decode_inbound
from segue.ports import Clock, to_millis
from segue.types import Address, CustomerId, Inbound, Line, Millis

decode_line = msgpack.Decoder(Line).decode
encode = msgpack.Encoder().encode


class Why(StrEnum):
    """Why two customers stay two, or one stays one."""

    GONE = "gone"
    """There is no such customer (any more)."""
    TOO_LATE = "too late"
    """What the undo would need has been let go of."""
    NO_MERGE = "no such merge"
    """Nothing of that name is known here."""
    MERGED_ON = "merged on"
    """They have become another customer since: that has to be undone first."""


class Intent(Struct, frozen=True, array_like=True):
    """What is to be done. Both customers hold the same bytes of it."""

    merge: str
    kind: str
    """`merge` or `undo`."""
    into: CustomerId
    other: CustomerId
    actor: str
    at: Millis


class Record(Struct, frozen=True, array_like=True):
    """What is kept with the one who stays: both as they were."""

    into: bytes
    other: bytes
    addresses: bytes
    opted_out: bytes
    consents: int
    """How many entries of the record of consent came along."""


Step: TypeAlias = bool | Why | None
"""One go at it: done, why not, or (None) not yet; False: look again at once."""


class Steps:
    """What both need to go a step."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        undo_seconds: int,
        dropped: Callable[[CustomerId, Address], None] | None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.undo_seconds = undo_seconds
        self.dropped = dropped

    async def whole(self, customer: CustomerId, after: int = -1) -> list[tuple[int, bytes]]:
        """Return all lines of a transcript, after one of them."""
        found: list[tuple[int, bytes]] = []
        while True:
            lines, after = await self.store.lines(customer, after, 500)
            found += lines
            if not lines:
                return found

    async def heard(self, customer: CustomerId) -> Millis:
        """Return when the customer's conversation went on last."""
        _, last = await self.store.lines(customer, 2**53, 1)
        lines, _ = await self.store.lines(customer, max(last - 1, -1), 1)
        return max((decode_line(data).at for _, data in lines), default=0)

    def posted(self, first: int, letters: Iterable[bytes], at: Millis) -> list[Posted]:
        """Return letters as they are brought: numbered, and with the mark that knows a copy."""
        found = []
        for number, letter in enumerate(letters, first):
            inbound = decode_inbound(letter[OPERATION:])
            channel = inbound.address.channel
            mark = digest(channel, inbound.message_id)
            found.append((number, letter, mark, self.store.seen_until(channel, at)))
        return found

    async def letter(self, intent: Intent, kind: str) -> bytes:
        """Return what we tell ourselves, so that the customer is told in a turn of theirs."""
        snapshot = await self.store.snapshot(intent.into)
        if snapshot is None:
            return b""
        where = decode(snapshot.state).address
        if where is None:
            return b""
        inbound = Inbound(
            address=where,
            message_id=f"{kind}:{intent.merge}",
            kind=kind,
            received_at=to_millis(self.clock.now()),
            data={"merge": intent.merge, "other": intent.other, "actor": intent.actor},
        )
        return encode(inbound)


def entries(record: bytes) -> list[bytes]:
    """Return the entries of a record of addresses or channels."""
    return [b"\n" + entry for entry in record.split(b"\n")[1:]]


def without(record: bytes, other: bytes) -> bytes:
    """Return the entries of a record that are not in another: of addresses whatever the proof."""
    known = {_named(entry) for entry in entries(other)}
    return b"".join(entry for entry in entries(record) if _named(entry) not in known)


def _named(entry: bytes) -> bytes:
    return entry[: entry.rindex(b"\t") + 1] if b"\t" in entry else entry


def those(consents: Iterable[bytes], channels: Iterable[str]) -> list[bytes]:
    """Return the entries of the record of consent that are about some channels."""
    names = tuple(needle(Address(channel, ""))[:-1] for channel in channels)
    return [one for one in consents if one[one.find(b"\n") :].startswith(names)]


def about(record: bytes, channels: Iterable[str]) -> bytes:
    """Return the entries of a record that are about some channels."""
    names = tuple(needle(Address(channel, ""))[:-1] for channel in channels)
    return b"".join(entry for entry in entries(record) if entry.startswith(names)) if names else b""
