"""What a merge of two customers, and its undo, ask of the store: one function for each step.

Two customers are in two partitions, and a script touches one. So it is a saga: each step is one
script on one of them, stands under the same intent, and may be done again by anybody. The order of
the steps is in `identity/merging.py`; what a script closes is in its header.

    merge   lock both · gather both · stage · land (into) · tail, post … moved (other) · finish
    undo    lock both · gather · stage · restore (other) · part (into) · post · finish both
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from segue.memory.base import Base
from segue.memory.folding import CHUNK, fold, unfold
from segue.memory.keys import CustomerKeys, encoded
from segue.memory.merge_records import (
    Conflict,
    Done,
    Gathered,
    Held,
    Landed,
    Locked,
    Lost,
    NotYet,
    Posted,
    Tailed,
    Waiting,
)
from segue.memory.records import Gone, Moved
from segue.memory.scripting import script
from segue.types import Address, CustomerId, Millis

LOCK, UNLOCK, GATHER = script("merge_lock"), script("merge_unlock"), script("merge_gather")
STAGE, LAND, TAIL = script("merge_stage"), script("merge_land"), script("merge_tail")
POST, FINISH = script("merge_post"), script("merge_finish")
RESTORE, PART, WAITING = script("merge_restore"), script("merge_part"), script("merge_waiting")
FOLDED, WHO = script("folded"), script("who")

PIECE = 256
"""Lines that are laid down together."""
_STAGED = 24 * 3600
_PATIENCE = 2000
"""Milliseconds after which somebody else goes on with what a dead process began."""


class Merges(Base):
    """The steps of merges."""

    async def merge_lock(
        self, customer: CustomerId, intent: bytes, *, merged_into: CustomerId = ""
    ) -> Locked | Held | Gone | Moved | Done:
        """Set a customer aside. With `merged_into` also one who is that one's."""
        keys = self.keys.customer(customer)
        if keys is None:
            return Gone()
        reply = await self._run(
            LOCK, keys, (intent, merged_into.encode(), b"%d" % _PATIENCE, _mark(intent))
        )
        match reply[0]:
            case b"done":
                return Done()
            case b"locked":
                return Locked()
            case b"held":
                return Held(intent=reply[1])
            case b"moved":
                return Moved(to=reply[1].decode())
            case _:
                return Gone()

    async def merge_unlock(self, customer: CustomerId, intent: bytes, *, off: bool = False) -> bool:
        """Give a customer free; False if something has landed there, and there is only forward.

        `off` calls the intent off: this customer is not set aside for it again.
        """
        args = (intent, _mark(intent) if off else b"")
        reply = await self._run(UNLOCK, self._keys(customer), args)
        return bool(reply[0] == b"done")

    async def merge_held(self, customer: CustomerId) -> bytes | None:
        """Return the intent that a customer is set aside for, if any."""
        return (await self._run(WHO, self._keys(customer), ()))[-1] or None

    async def merge_gather(
        self, customer: CustomerId, intent: bytes, merge: str
    ) -> Gathered | NotYet | Lost:
        """Read everything about a customer who is set aside, once they are at rest."""
        args = (intent, merge.encode(), b"%d" % _PATIENCE)
        reply = await self._run(GATHER, self._keys(customer), args)
        if reply[0] != b"ready":
            return NotYet() if reply[0] == b"busy" else Lost()
        _, landed, version, lines, state, a, x, k, flags, parked, joined, timer, *rest = reply
        rows, marks, undo, unreachable, late, got, consents = rest
        return Gathered(
            landed=bool(landed),
            version=version,
            lines=lines,
            state=state,
            addresses=a,
            opted_out=x,
            controller=k,
            flags=flags,
            parked=bool(parked),
            joined=joined,
            timer=timer,
            rows=tuple(Waiting(*row) for row in rows),
            marks=_flat(marks),
            undo=undo,
            unreachable=unreachable,
            late=bool(late),
            got=tuple(zip(got[::2], got[1::2], strict=True)),
            consents=tuple(consents),
        )

    async def merge_stage(
        self, customer: CustomerId, intent: bytes, lines: Sequence[bytes]
    ) -> bool:
        """Lay lines down beside a transcript; False if the intent is lost."""
        keys, there = self._keys(customer), 0
        while True:
            piece = lines[there : there + PIECE]
            args = (intent, b"%d" % there, b"%d" % _STAGED, *piece)
            reply = await self._run(STAGE, keys, args)
            if reply[0] != b"staged":
                return False
            there = reply[1]
            if there >= len(lines):
                return True

    async def merge_land(
        self,
        customer: CustomerId,
        intent: bytes,
        seen: Gathered,
        *,
        merge: str,
        state: bytes,
        addresses: bytes,
        opted_out: bytes,
        controller: bytes,
        flags: int,
        parked: bool,
        joined: bytes,
        timer: int,
        undo: bytes,
        undo_seconds: int,
        unreachable: bytes,
        late: bool,
        lines: int,
        rows: Sequence[tuple[bytes, str, bytes]],
        got: Sequence[tuple[bytes, bytes]],
        consents: Sequence[bytes],
        marks: Sequence[bytes],
    ) -> Landed | NotYet | Conflict | Lost:
        """Land what was gathered and staged, in one step. `rows`: (as it stood, its id, content).

        `marks` are digest and second, one after the other.
        """
        keys = self._keys(customer)
        args = [
            intent,
            b"%d" % seen.version,
            state,
            addresses,
            opted_out,
            controller,
            b"%d" % flags,
            b"%d" % parked,
            keys.wake,
            joined,
            b"%d" % timer,
            merge.encode(),
            undo,
            b"%d" % max(undo_seconds, 1),
            b"%d" % self._retention,
            b"%d" % self._seen_life(),
            b"%d" % lines,
            unreachable,
            b"%d" % late,
            b"%d" % len(rows),
            b"%d" % len(got),
            b"%d" % len(consents),
        ]
        for row, name, blob in rows:
            args += (row, encoded(name), blob)
        for row, known in got:
            args += (row, known)
        args += consents
        args += _scored(marks)
        reply = await self._run(LAND, keys, tuple(args))
        match reply[0]:
            case b"landed":
                return Landed(first=reply[1], last=reply[2])
            case b"busy":
                return NotYet()
            case b"conflict":
                return Conflict()
            case _:
                return Lost()

    async def merge_tail(
        self,
        customer: CustomerId,
        intent: bytes,
        *,
        posted: int,
        addresses: bytes,
        opted_out: bytes,
        consents: int,
        into: CustomerId,
        last: int,
        undo_seconds: int,
    ) -> Tailed | Moved | Lost:
        """Ask the one who goes what came in since; with nothing left they have `Moved`."""
        args = (
            intent,
            b"%d" % posted,
            addresses,
            opted_out,
            into.encode(),
            b"%d" % max(undo_seconds, 1),
            b"%d" % self._retention,
            b"%d" % last,
            b"%d" % consents,
        )
        reply = await self._run(TAIL, self._keys(customer), args)
        match reply[0]:
            case b"tail":
                return Tailed(
                    first=reply[1],
                    letters=tuple(reply[2]),
                    addresses=reply[3],
                    opted_out=reply[4],
                    consents=tuple(reply[5]),
                )
            case b"moved":
                return Moved(to=into)
            case _:
                return Lost()

    async def merge_post(
        self,
        customer: CustomerId,
        intent: bytes,
        letters: Sequence[Posted],
        *,
        add: bytes = b"",
        drop: bytes = b"",
        opted_out: bytes = b"",
        consents: Sequence[bytes] = (),
        first: bool = False,
    ) -> int | None:
        """Bring letters to the one who stays; return the last number that is there, None if lost.

        `add`, `drop` and `opted_out` change the records by their entries; `first` puts the letters
        before what is there.
        """
        args = [intent, add, drop, opted_out, b"%d" % self._retention, b"%d" % first]
        args += (b"%d" % len(consents), *consents)
        for number, letter, mark, until in letters:
            args += (b"%d" % number, letter, mark, b"%d" % until)
        reply = await self._run(POST, self._keys(customer), tuple(args))
        return int(reply[1]) if reply[0] == b"posted" else None

    async def merge_finish(
        self, customer: CustomerId, intent: bytes, *, letter: bytes = b"", undone: str = ""
    ) -> None:
        """Let the customer be answered again; `letter` is what we tell ourselves."""
        if letter:
            letter = self._operation() + letter
        args = (intent, letter, undone.encode(), b"%d" % self._retention, _mark(intent))
        await self._run(FINISH, self._keys(customer), args)

    async def merge_restore(
        self,
        customer: CustomerId,
        intent: bytes,
        *,
        state: bytes,
        addresses: bytes,
        opted_out: bytes,
        lines: int,
        rows: Sequence[bytes],
        consents: Sequence[bytes],
        marks: Sequence[bytes],
        timer: int,
    ) -> bool | Conflict | Lost:
        """Bring back the one who went; False if nothing is kept of them any more."""
        args = (
            intent,
            state,
            addresses,
            opted_out,
            b"%d" % self._retention,
            b"%d" % self._seen_life(),
            b"%d" % lines,
            b"%d" % len(rows),
            b"%d" % timer,
            b"%d" % _PATIENCE,
            b"%d" % len(consents),
            *rows,
            *consents,
            *_scored(marks),
        )
        reply = await self._run(RESTORE, self._keys(customer), args)
        match reply[0]:
            case b"restored":
                return True
            case b"ended":
                return False
            case b"conflict":
                return Conflict()
            case _:
                return Lost()

    async def merge_part(
        self,
        customer: CustomerId,
        intent: bytes,
        seen: Gathered,
        *,
        state: bytes,
        drop: bytes,
        opted_out: bytes,
        joined: bytes,
        timer: int,
        rows: Sequence[str],
        lines: Sequence[int],
        lanes: Sequence[Address],
        consents: Sequence[bytes],
        other: CustomerId,
    ) -> bool | Conflict | Lost:
        """Let go of what was the other's: lines by number, rows by id, letters by address.

        Until it is finished, whoever writes from there is told that they are `other`.
        """
        keys = self._keys(customer)
        folded, chunks = await self._without(keys, frozenset(lines))
        args = (
            intent,
            b"%d" % seen.version,
            state,
            opted_out,
            joined,
            keys.wake,
            b"%d" % timer,
            b"%d" % _STAGED,
            drop,
            b"%d" % folded,
            *(b"%d" % len(some) for some in (rows, lines, lanes, chunks, consents)),
            other.encode(),
            *map(encoded, rows),
            *(b"%d" % number for number in lines),
            *(encoded(part) for lane in lanes for part in (lane.channel, lane.id)),
            *(part for position, chunk in chunks for part in (b"%d" % position, chunk)),
            *consents,
        )
        reply = await self._run(PART, keys, args)
        match reply[0]:
            case b"parted":
                return True
            case b"conflict":
                return Conflict()
            case _:
                return Lost()

    async def merge_waiting(self, customer: CustomerId, intent: bytes) -> list[bytes] | None:
        """Return the letters that `merge_part` has put aside; None if the intent is lost."""
        reply = await self._run(WAITING, self._keys(customer), (intent,))
        return list(reply[1]) if reply[0] == b"waiting" else None

    # -- parts -------------------------------------------------------------------------------------

    async def _without(
        self, keys: CustomerKeys, gone: frozenset[int]
    ) -> tuple[int, list[tuple[int, bytes]]]:
        """Return how many lines are folded, and the chunks anew that hold some of these lines."""
        folded, _, base, chunks = await self._run(FOLDED, keys, (b"1",))
        changed = []
        for position, chunk in enumerate(chunks):
            first = base + position * CHUNK + 1
            if gone.isdisjoint(range(first, first + CHUNK)):
                continue
            lines = [
                b"" if number in gone else line for number, line in enumerate(unfold(chunk), first)
            ]
            changed.append((position, fold(lines)))
        return folded, changed

    def _seen_life(self) -> int:
        """Return how long the key of the dedupe marks lives, as commit has it."""
        windows = [self.limits.seen, *(span for _, span in self.limits.seen_by_channel)]
        return int(max(windows).total_seconds()) + max(self._retention // 10, 1)

    def seen_until(self, channel: str, now: Millis) -> int:
        """Return the second until which a message of this channel is remembered."""
        spans = dict(self.limits.seen_by_channel)
        return now // 1000 + int(spans.get(channel, self.limits.seen).total_seconds())


def _mark(intent: bytes) -> bytes:
    return blake2b(intent, digest_size=8).digest()


def _flat(marks: Sequence[Any]) -> tuple[bytes, ...]:
    """Return digest and second in turn, whichever protocol the reply came by."""
    if marks and isinstance(marks[0], list):
        return tuple(part for digest, second in marks for part in (digest, b"%d" % int(second)))
    return tuple(bytes(part) for part in marks)


def _scored(marks: Sequence[bytes]) -> list[bytes]:
    """Return the same with the second first, as ZADD wants it."""
    turned: list[bytes] = []
    for digest, second in zip(marks[::2], marks[1::2], strict=True):
        turned += (second, digest)
    return turned
