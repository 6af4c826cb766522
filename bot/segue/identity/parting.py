"""Giving back: the other is there again, and the one who stays lets go of what was theirs."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import msgpack

from segue.engine.joining import part
from segue.engine.state import Timer, decode, encode
from segue.engine.transcript import said_at
from segue.failpoints import failpoint
from segue.identity.saga import Intent, Record, Step, Steps, Why, about, decode_line, those
from segue.memory.keys import addresses, needle
from segue.memory.merge_records import Gathered, undo_record
from segue.ports import to_millis


class Parting(Steps):
    """The steps of an undo between setting both aside and giving the one who stays free."""

    async def give_back(self, intent: Intent, packed: bytes, into: Gathered) -> Step:
        """Bring the other back with what was theirs, and hand over what still waits."""
        kept = undo_record(into.undo)
        record = msgpack.decode(kept.record, type=Record)
        was = [address for address, _ in addresses(record.addresses)]
        if not into.landed:
            step = await self._restore(intent, packed, into, kept.first, record)
            if step is not True:
                return step
        failpoint("undo_parted")
        letters = await self.store.merge_waiting(intent.into, packed)
        if letters is None:
            return False
        there = await self.store.merge_post(
            intent.other, packed, self.posted(1, letters, intent.at), first=True
        )
        failpoint("undo_posted")
        if there is None:
            return False
        for address in was:
            await self.store.reindex(address, intent.into, intent.other)
            if self.dropped is not None:
                self.dropped(intent.into, address)
        await self.store.merge_finish(intent.other, packed)
        failpoint("undo_restored")
        return True

    async def _restore(
        self, intent: Intent, packed: bytes, into: Gathered, first: int, record: Record
    ) -> Step:
        """Bring the other back, and let go of what was theirs: two steps, in this order."""
        levels = dict(addresses(into.addresses))
        was = [address for address, _ in addresses(record.addresses)]
        theirs = [address for address in was if address in levels]
        ours = [address for address in levels if address not in theirs]
        numbers, lines = [], []
        for number, data in await self.whole(intent.into, first - 1):
            line = decode_line(data)
            came = line.joined == intent.other
            since = not line.joined and said_at(line, theirs, ours)
            if came or since:
                numbers.append(number)
            if since:
                lines.append(data)
        mine, yours = part(
            decode(into.state),
            was_into=decode(record.into),
            was_other=decode(record.other),
            origin=intent.other,
            theirs=theirs,
            ours=ours,
        )
        lanes = {needle(address) for address in theirs}
        rows = [row for row in into.rows if row.lane in lanes]
        if not await self.store.merge_stage(intent.other, packed, lines):
            return False
        failpoint("undo_staged")
        left = {address.channel for address in ours}
        restored = await self.store.merge_restore(
            intent.other,
            packed,
            state=encode(yours),
            addresses=b"".join(needle(one) + b"%d" % levels[one] for one in theirs),
            opted_out=about(into.opted_out, {address.channel for address in theirs}),
            lines=len(lines),
            rows=[row.entry for row in rows],
            consents=those(into.consents, [address.channel for address in theirs]),
            marks=into.marks,
            timer=self._until(yours.timers),
        )
        if restored is False:
            return Why.TOO_LATE
        if restored is not True:
            return False
        failpoint("undo_back")
        parted = await self.store.merge_part(
            intent.into,
            packed,
            into,
            state=encode(mine),
            drop=b"".join(map(needle, theirs)),
            opted_out=about(into.opted_out, left),
            joined=into.joined.replace(f"\n{intent.other}".encode(), b"", 1),
            timer=self._until(mine.timers),
            rows=[row.id.decode("utf-8", "surrogatepass") for row in rows],
            lines=numbers,
            lanes=theirs,
            consents=those(into.consents, left),
            other=intent.other,
        )
        return parted is True

    def _until(self, timers: Iterable[Timer]) -> int:
        now = to_millis(self.clock.now())
        dues = [timer.due for timer in timers]
        return max(min(dues) - now, 1) if dues else 0
