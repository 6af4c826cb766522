"""Bringing one customer to another: all of it lands there in one step, then the one has `moved`."""

from __future__ import annotations

import msgspec
from msgspec import msgpack

from segue.engine.joining import join
from segue.engine.state import decode
from segue.engine.state import encode as encode_state
from segue.engine.transcript import interleaved
from segue.failpoints import failpoint
from segue.identity.saga import Intent, Record, Step, Steps, decode_line, encode, without
from segue.memory import Moved
from segue.memory.keys import addresses, encoded
from segue.memory.merge_records import Conflict, Gathered, Landed, Lost, NotYet, Tailed, undo_record
from segue.memory.outgoing import carried
from segue.memory.replies import decode_row
from segue.types import CustomerId, Line, Who


class Bringing(Steps):
    """The steps of a merge between setting both aside and giving the one free."""

    async def bring(self, intent: Intent, packed: bytes, into: Gathered) -> Step:
        """Bring everything from one to the other, until the one has `moved`."""
        other = await self.store.merge_gather(intent.other, packed, intent.merge)
        if not isinstance(other, Gathered):
            return None if isinstance(other, NotYet) else False
        if into.landed:
            kept = undo_record(into.undo)
            record, last = msgpack.decode(kept.record, type=Record), kept.last
        else:
            record = Record(
                into.state,
                other.state,
                other.addresses,
                other.opted_out,
                len(other.consents),
            )
            landed = await self._land(intent, packed, into, other, record)
            if not isinstance(landed, Landed):
                return None if isinstance(landed, NotYet) else False
            last = landed.last
        failpoint("merge_landed")
        posted, addresses_, opted_out = 0, record.addresses, record.opted_out
        consents = record.consents
        while True:
            tail = await self.store.merge_tail(
                intent.other,
                packed,
                posted=posted,
                addresses=addresses_,
                opted_out=opted_out,
                consents=consents,
                into=intent.into,
                last=last,
                undo_seconds=self.undo_seconds,
            )
            if isinstance(tail, Moved):
                failpoint("merge_moved")
                return True
            if not isinstance(tail, Tailed):
                return False
            there = await self.store.merge_post(
                intent.into,
                packed,
                self.posted(tail.first, tail.letters, intent.at),
                add=without(tail.addresses, addresses_),
                drop=without(addresses_, tail.addresses),
                opted_out=tail.opted_out,
                consents=tail.consents,
            )
            failpoint("merge_posted")
            if there is None:
                return False
            posted, addresses_, opted_out = there, tail.addresses, tail.opted_out
            consents += len(tail.consents)

    async def _land(
        self, intent: Intent, packed: bytes, into: Gathered, other: Gathered, record: Record
    ) -> Landed | NotYet | Conflict | Lost:
        lines = await self.whole(intent.other)
        staged = [
            encode(_brought(line, intent.other))
            for _, line in interleaved((number, decode_line(data)) for number, data in lines)
        ]
        if not await self.store.merge_stage(intent.into, packed, staged):
            return Lost()
        failpoint("merge_staged")
        rows = []
        for row in other.rows:
            content = decode_row(row.content)
            name = carried(content.id, intent.other)
            rows.append((row.entry, name, encode(msgspec.structs.replace(content, id=name))))
        state = join(
            decode(into.state),
            decode(other.state),
            origin=intent.other,
            into_at=await self.heard(intent.into),
            other_at=max((decode_line(data).at for _, data in lines[-1:]), default=0),
        )
        timers = [timer for timer in (into.timer, other.timer) if timer]
        return await self.store.merge_land(
            intent.into,
            packed,
            into,
            merge=intent.merge,
            state=encode_state(state),
            addresses=into.addresses + without(other.addresses, into.addresses),
            opted_out=into.opted_out + without(other.opted_out, into.opted_out),
            controller=into.controller or other.controller,
            flags=into.flags | other.flags,
            parked=into.parked or other.parked,
            joined=into.joined + f"\n{intent.other}".encode() + other.joined,
            timer=min(timers, default=0),
            undo=encode(record),
            undo_seconds=self.undo_seconds,
            unreachable=into.unreachable + other.unreachable,
            late=into.late or other.late,
            lines=len(staged),
            rows=rows,
            got=[
                (encoded(carried(row.decode("utf-8", "surrogatepass"), intent.other)), known)
                for row, known in other.got
            ],
            consents=other.consents,
            marks=other.marks,
        )

    async def index(self, into: CustomerId, other: CustomerId, seen: Gathered) -> None:
        """Let the index say who has the addresses now; it is behind until then, not wrong."""
        snapshot = await self.store.snapshot(into)
        for address, _ in snapshot.addresses if snapshot else addresses(seen.addresses):
            await self.store.reindex(address, other, into)


def _brought(line: Line, origin: CustomerId) -> Line:
    """Return a line as it stands with the one who stays: it says who it came from."""
    ours = line.who in (Who.BOT, Who.AGENT)
    return msgspec.structs.replace(
        line, id=carried(line.id, origin) if ours and line.id else line.id, joined=origin
    )
