"""The memory: one typed function for each thing that can be done to it.

The rules it lives by:

- A customer is one place: whoever holds the lease may answer, and the epoch proves it.
- `admit`, `renew`, `record`, `commit` and `settle` are one round trip each.
- Every call that writes carries an operation id. A reply that was lost is asked for again with the
  same id, and the script answers without applying it twice.
- The server's clock judges leases, timers and claims; ours only the time a claim has left.

`open_store` in `opening.py` makes one.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self

from msgspec.structs import replace

from segue.memory import replies
from segue.memory.apikeys import ApiKeys
from segue.memory.audit import Audit
from segue.memory.base import Limits, Tail, millis, seconds
from segue.memory.codes import Codes
from segue.memory.consenting import Consenting
from segue.memory.erasures import Erasures
from segue.memory.folding import CHUNK, fold, unfold
from segue.memory.hooks import Hooks
from segue.memory.identity import Identity
from segue.memory.keys import (
    CustomerKeys,
    Keys,
    addresses,
    channels,
    digest,
    encoded,
    lanes,
    needle,
)
from segue.memory.merges import FOLDED, Merges
from segue.memory.outgoing import Outgoing
from segue.memory.records import (
    Admission,
    Busy,
    Commit,
    Committed,
    Consent,
    Duplicate,
    Erasing,
    Fenced,
    Flag,
    Full,
    Gone,
    Granted,
    Idle,
    Lease,
    Merging,
    Moved,
    NotMine,
    Queued,
    Renewed,
    Snapshot,
)
from segue.memory.scripting import script
from segue.memory.server import Server
from segue.memory.upkeep import Upkeep
from segue.ports import Clock, Ids, to_millis
from segue.types import CustomerId, Inbound

ADMIT, TAKE, RENEW, RELEASE = script("admit"), script("take"), script("renew"), script("release")
COMMIT = script("commit")
LINES, FOLD, SNAPSHOT = script("lines"), script("fold"), script("snapshot")

KEPT_LINES = 200
"""About so many newest lines stay as they are; older ones are folded, `CHUNK` at a time."""

_OURS = frozenset({"start", "facts", "touchpoint"})
"""Kinds that come by no channel: the address they came in by may be another the next time."""
_DIGITS = [b"%d" % number for number in range(10)]
_LINES_TAIL = Tail(CHUNK)
_REFUSALS: dict[bytes, Duplicate | NotMine | Gone | Full] = {
    b"duplicate": Duplicate(),
    b"not-mine": NotMine(),
    b"gone": Gone(),
    b"full": Full(),
}


class Store(Identity, Outgoing, Consenting, Codes, Upkeep, Audit, ApiKeys, Merges, Erasures, Hooks):
    """The memory of all customers."""

    def __init__(
        self, server: Server, keys: Keys, *, limits: Limits, clock: Clock, ids: Ids
    ) -> None:
        super().__init__(server, keys, limits=limits, clock=clock, ids=ids)
        self._paused = {}
        self._ticker = None
        self._wakers = []
        self._leaving = AsyncExitStack()
        lease, claim = millis(limits.lease), millis(limits.claim)
        days = seconds(limits.retention)
        said = min(seconds(limits.transcript), days) if limits.transcript else days
        refresh = max(said // 10, 1)
        windows = {channel: seconds(window) for channel, window in limits.seen_by_channel}
        self._seen = {channel: b"%d" % window for channel, window in windows.items()}
        self._seen_default = b"%d" % seconds(limits.seen)
        kept = max(seconds(limits.seen), *windows.values()) + refresh
        self._admit_tail = Tail(lease, kept, limits.inbox, days, limits.tries, limits.batch)
        self._take_tail = Tail(lease, claim, limits.tries, limits.batch)
        self._commit_tail = Tail(lease, claim, limits.batch, days, refresh, kept, said)
        self._lease_tail, self._settle_tail = Tail(lease), Tail(claim)
        self._fold_tail = Tail(CHUNK, said)

    async def start(self) -> None:
        """Listen for hints and know what is paused; `open_store` calls it."""
        await self.server.listen([self.keys.wakes, self.keys.paused_hint], self._heard)
        await self._look_at_pauses()
        self._tick()

    async def aclose(self) -> None:
        """Finish what is under way, and end all connections."""
        if self._ticker is not None:
            self._ticker.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.server.close()
        await self._leaving.aclose()

    def leave_with(self, stack: AsyncExitStack) -> None:
        """Close this too, after the connections (the embedded server)."""
        self._leaving = stack

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- one turn --------------------------------------------------------------------------------

    async def admit(
        self,
        customer: CustomerId,
        inbound: Inbound,
        *,
        create: bool = False,
        consent: Consent = Consent.NONE,
        flag: Flag = Flag.NONE,
        effective: Inbound | None = None,
    ) -> Admission:
        """Store a message, once, and take the lease if nobody holds it.

        `create` makes the customer if there is none, owning the message's address.
        `effective` is stored instead of `inbound` where `consent` takes effect: STOP of somebody
        who is not opted out, START of somebody who is.
        After `Granted` or `Queued` the message survives the death of any process.
        """
        keys = self.keys.customer(customer)
        if keys is None:
            return Gone()
        channel = inbound.address.channel
        operation, letter = self._operation(), replies.encode(inbound)
        reply = await self._run(
            ADMIT,
            keys,
            (
                operation,
                needle(inbound.address),
                digest("api" if inbound.kind in _OURS else channel, inbound.message_id),
                letter,
                _DIGITS[flag],
                _DIGITS[consent] + (replies.encode(effective) if effective else b""),
                _DIGITS[create],
                _DIGITS[inbound.proof],
                self._seen.get(channel, self._seen_default),
            ),
            self._admit_tail,
        )
        what = reply[0]
        if what == b"granted":
            return replies.granted(customer, reply, own=(operation + letter, inbound))
        if what == b"queued":
            return Queued(number=reply[1])
        if what == b"moved":
            return Moved(to=reply[1].decode())
        return _REFUSALS[what]

    async def take(
        self, customer: CustomerId, *, ahead: timedelta = timedelta(0)
    ) -> Granted | Busy | Idle | Gone | Moved | Merging | Erasing:
        """Look after a customer who is due: a turn nobody finished, a timer, rows nobody sent.

        `ahead` judges timers as if it were that much later: for tests, whose clock is their own.
        """
        keys = self.keys.customer(customer)
        if keys is None:
            return Gone()
        operation, now = self._operation(), self._clock.monotonic()
        args = (operation, b"%d" % millis(ahead))
        answer, rows = await self._run(TAKE, keys, args, self._take_tail)
        claims = replies.claims(rows, operation, now, self._claim_seconds) if rows else ()
        what = answer[0]
        if what == b"granted":
            granted = replies.granted(customer, answer)
            return replace(granted, claims=claims) if claims else granted
        if what == b"busy":
            return Busy(claims)
        if what == b"idle":
            return Idle(claims)
        if what == b"merging":
            return Merging(intent=answer[1])
        if what == b"erasing":
            return Erasing()
        return Moved(to=answer[1].decode()) if what == b"moved" else Gone()

    async def renew(self, lease: Lease) -> Renewed | Fenced:
        """Keep the lease; call it every third of its length while a turn runs."""
        keys = self._keys(lease.customer)
        reply = await self._run(RENEW, keys, (b"%d" % lease.epoch,), self._lease_tail)
        if reply[0] == b"fenced":
            return Fenced()
        return Renewed(
            lease=replace(lease, deadline=reply[1]), flags=Flag(reply[2]), waiting=reply[3]
        )

    async def release(self, lease: Lease) -> None:
        """Hand the lease back with nothing done; the work is due at once for somebody else."""
        keys = self._keys(lease.customer)
        await self._run(RELEASE, keys, (b"%d" % lease.epoch,))

    async def record(self, lease: Lease, commit: Commit) -> Committed | Fenced:
        """Land what was decided so far, in the middle of a turn; go on with `.lease`."""
        return await self._land(lease, commit, b"record")

    async def commit(self, lease: Lease, commit: Commit) -> Committed | Fenced:
        """Land what a turn decided; go on with `.more`, or the lease is free."""
        return await self._land(lease, commit, b"commit")

    async def _land(self, lease: Lease, commit: Commit, mode: bytes) -> Committed | Fenced:
        customer = lease.customer
        keys = self._keys(customer)
        operation, began = self._operation(), self._clock.monotonic()
        now = to_millis(self._clock.now()) if commit.due or commit.rows else 0
        args = [
            operation,
            b"%d" % lease.epoch,
            b"%d" % lease.version,
            mode,
            b"%d" % commit.ack,
            commit.state,
            # Times of ours cross as what is left until then: two clocks need not agree.
            b"%d" % (max(commit.due - now, 1) if commit.due else 0),
            b"%d" % commit.said,
            keys.wake,
            b"%d" % len(commit.log),
            b"%d" % len(commit.rows),
            b"%d" % len(commit.events),
            b"%d" % len(commit.cancel),
            *commit.log,
        ]
        for row in commit.rows:
            args += (
                encoded(row.id),
                needle(row.address),
                b"%d" % (max(row.expires_at - now, 1) if row.expires_at else 0),
                *self.row_args(row),
            )
        args += commit.events
        args += map(encoded, commit.cancel)
        reply = await self._run(COMMIT, keys, tuple(args), self._commit_tail)
        if reply[0] == b"fenced":
            return Fenced()
        _, version, cursor, kept, silenced, deadline, rows, more = reply
        if kept >= KEPT_LINES + CHUNK:
            self._spawn(self._fold(keys, cursor, kept))
        next_lease = None
        work = None
        if more is not None:
            work = replies.granted(customer, more, state=commit.state)
            next_lease = work.lease
        elif deadline:
            next_lease = Lease(
                customer=customer, epoch=lease.epoch, version=version, deadline=deadline
            )
        return Committed(
            version=version,
            cursor=cursor,
            lease=next_lease,
            more=work,
            claims=replies.claims(rows, operation, began, self._claim_seconds) if rows else (),
            silenced=bool(silenced),
        )

    # -- reading ---------------------------------------------------------------------------------

    async def lines(
        self, customer: CustomerId, after: int = -1, limit: int = 200, *, blanks: bool = False
    ) -> tuple[list[tuple[int, bytes]], int]:
        """Read the transcript after a line number; the cursor is the last number given.

        Lines are numbered from 1; `after=-1` starts at the oldest. When there is nothing after it,
        the cursor is the number of the last line. `blanks` also gives those that were taken away.
        """
        keys = self.keys.customer(customer)
        if keys is None:
            return [], 0
        found: list[tuple[int, bytes]] = []
        while True:
            reply = await self._run(
                LINES, keys, (b"%d" % after, b"%d" % (limit - len(found))), _LINES_TAIL
            )
            if reply[0] == b"moved":
                # Whoever was reading goes on with what is said since they are one.
                _, to, came = reply
                return await self.lines(to.decode(), max(after, came) if after > 0 else -1, limit)
            last, first, entries, chunk = reply
            if chunk:
                entries = unfold(chunk)
            found += [
                (number, entry)
                for number, entry in enumerate(entries, first)
                # An empty one was taken away by an undo: its number stays.
                if number > after and (entry or blanks)
            ]
            after = max(after, first + len(entries) - 1)
            if after >= last or not entries or len(found) >= limit:
                break
        del found[limit:]
        return found, found[-1][0] if found else last

    async def snapshot(self, customer: CustomerId) -> Snapshot | None:
        """Return a customer as an operator sees them; None if there is no such customer."""
        keys = self.keys.customer(customer)
        if keys is None:
            return None
        reply = await self._run(SNAPSHOT, keys, ())
        if not reply:
            return None
        version, state, record, controller, out, waiting, unsent, unreachable = reply
        return Snapshot(
            customer=customer,
            version=version,
            state=state,
            addresses=addresses(record),
            controller=controller.decode(),
            waiting=waiting,
            unsent=unsent,
            opted_out=channels(out),
            unreachable=lanes(unreachable),
        )

    async def fold_all(self, customer: CustomerId) -> None:
        """Put away what is too long for a transcript, all of it: after a merge."""
        keys = self._keys(customer)
        while True:
            folded, kept, _, _ = await self._run(FOLDED, keys, (b"0",))
            if kept < KEPT_LINES + CHUNK:
                return
            await self._fold(keys, folded + kept, kept)

    async def _fold(self, keys: CustomerKeys, last: int, kept: int) -> None:
        """Put the oldest lines of a long transcript away, compressed."""
        before = last - kept
        found, _ = await self.lines(keys.customer.decode(), before, CHUNK, blanks=True)
        if len(found) == CHUNK and found[0][0] == before + 1:
            chunk = fold([line for _, line in found])
            await self._run(FOLD, keys, (b"%d" % before, chunk), self._fold_tail)
