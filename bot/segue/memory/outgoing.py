"""What is on its way out: rows, what became of them, and the platforms' limits.

- A row is claimed by one process at a time; `settle` says what became of it and brings the next.
- What is known of a row only moves forward, in whatever order senders and platforms tell it.
- Tokens of a platform's bucket are shared by all processes, and counted by the server's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from segue.channel import Reason, Report, Take
from segue.memory import replies
from segue.memory.base import Base, Tail, millis
from segue.memory.keys import encoded, needle
from segue.memory.records import Claim, Got
from segue.memory.scripting import script
from segue.types import Address, CustomerId, Millis, Purpose, Receipt, Row

SETTLE, REPLACE, READDRESS = script("settle"), script("replace"), script("readdress")
REPORT, TRACE, GOT = script("report"), script("trace"), script("got")
TOKENS, HOLD, TIDE = script("tokens"), script("hold"), script("tide")
CLAIM_INDEX, UNCLAIM, REACH = script("claim"), script("unclaim"), script("reach")

_OUTCOMES = (Receipt.SENT, Receipt.FAILED, Receipt.UNKNOWN, Receipt.QUEUED)
_REPEAT, _LOOKABLE, _ANSWER, _TELLING, _NOTICE = 1, 2, 4, 8, 32
_ONCE = (Purpose.CODE, Purpose.PROACTIVE, Purpose.NOTICE)
"""Never sent again when nobody knows whether they arrived."""
_TRACED = 7 * 86400
_PARKED = 3600
"""Seconds that a report waits for the sender to write down whose message it is about."""
_TIDE = 30 * 86400


class Outgoing(Base):
    """Rows under way, receipts, buckets."""

    lookable: frozenset[str] = frozenset()
    """Channels whose platform can be asked what became of a send; set before the first commit."""
    _settle_tail: Tail

    def row_args(self, row: Row) -> tuple[bytes, bytes]:
        """Return a row's flags and the row, as the scripts keep them."""
        answer = row.purpose is Purpose.ANSWER and not row.late
        flags = (
            _REPEAT * (row.repeat and row.purpose not in _ONCE)
            + _LOOKABLE * (row.address.channel in self.lookable)
            + _ANSWER * answer
            + _TELLING * row.late
            + _NOTICE * (row.purpose is Purpose.NOTICE)
        )
        return b"%d" % flags, replies.encode(row)

    # -- what became of a send -------------------------------------------------------------------

    async def settle(
        self,
        customer: CustomerId,
        claim: Claim,
        receipt: Receipt,
        *,
        after: timedelta = timedelta(0),
        why: str = "",
        counted: bool = False,
    ) -> Claim | None:
        """Say what became of a send; the lane's next row comes back, if it may go now.

        `SENT` and `FAILED` (with `why`) close the row.
        `QUEUED` says that it was surely not sent: it goes again, `after` a while; `counted` as one
        of its tries. `UNKNOWN` has the platform asked `after` a while where it can be, then sends
        it once more if its reply may be repeated; else it is closed as unknown.
        """
        if receipt not in _OUTCOMES:
            raise ValueError(f"a send cannot be settled as {receipt}; use one of {_OUTCOMES}")
        return await self._settle(customer, claim, receipt.value.encode(), after, why, counted)

    async def give_back(
        self, customer: CustomerId, claim: Claim, *, after: timedelta
    ) -> Claim | None:
        """Give a claim back with nothing tried; it may go `after` a while."""
        return await self._settle(customer, claim, b"back", after, "", False)

    async def _settle(
        self,
        customer: CustomerId,
        claim: Claim,
        what: bytes,
        after: timedelta,
        why: str,
        counted: bool,
    ) -> Claim | None:
        operation, now = self._operation(), self._clock.monotonic()
        reply = await self._run(
            SETTLE,
            self._keys(customer),
            (
                operation,
                encoded(claim.row.id),
                needle(claim.row.address),
                claim.token,
                what,
                b"%d" % millis(after),
                why.encode(),
                b"1" if counted else b"0",
            ),
            self._settle_tail,
        )
        return replies.claims(reply, operation, now, self._claim_seconds)[0] if reply else None

    async def replace(
        self,
        customer: CustomerId,
        claim: Claim,
        rows: Sequence[Row],
        *,
        why: str,
        instead: str = "",
        again: int,
    ) -> tuple[Claim, ...]:
        """Put other rows in the place of a claimed one; return what may go now, of any lane.

        With `instead`, the channel that takes over, the first one is closed as failed for `why`.
        """
        operation, now = self._operation(), self._clock.monotonic()
        args = [
            operation,
            encoded(claim.row.id),
            claim.token,
            why.encode(),
            instead.encode(),
            b"%d" % again,
            *self._settle_tail.words,
        ]
        for row in rows:
            args += (encoded(row.id), needle(row.address), *self.row_args(row))
        reply = await self._run(REPLACE, self._keys(customer), tuple(args))
        return replies.claims(reply, operation, now, self._claim_seconds)

    async def readdress(self, customer: CustomerId, old: Address, new: Address) -> bool:
        """Let the record, the index and what is queued follow an address to its new id.

        False if the new one is somebody else's already, or there is no such customer.
        """
        index = self.keys.index(new)
        owner: bytes = await self.server.run(
            CLAIM_INDEX, (index,), (customer, self._retention, customer)
        )
        if owner.decode() != customer:
            return False
        done = await self._run(READDRESS, self._keys(customer), (needle(old), needle(new)))
        gone = self.keys.index(old) if done else index
        await self.server.run(UNCLAIM, (gone,), (customer,))
        return bool(done)

    async def reach(self, customer: CustomerId, address: Address, *, reachable: bool) -> bool:
        """Note whether a customer can be reached at an address; False if it is not theirs."""
        args = (needle(address), b"1" if reachable else b"0")
        return bool(await self._run(REACH, self._keys(customer), args))

    # -- what platforms say later ----------------------------------------------------------------

    async def trace(self, customer: CustomerId, row: Row, message_id: str) -> Report | None:
        """Keep whose message a platform's id is; a report about it that was quicker comes back."""
        channel = row.address.channel
        owner = f"{customer}\n{row.id}"
        parked = await self.server.run(
            TRACE, (self.keys.sent(channel, message_id),), ("mark", owner, _TRACED)
        )
        if not parked:
            return None
        text = parked.decode()
        return Report(
            id=message_id,
            receipt=replies.RECEIPTS[text[0]],
            customer=customer,
            row=row.id,
            reason=Reason(text[1:] or Reason.OTHER),
        )

    async def report(self, channel: str, report: Report) -> tuple[CustomerId, bool] | None:
        """Note what a platform says about something that was sent.

        Returns whose it was, and whether it was news; None if that is not known (yet): then the
        report waits an hour for the sender to write it down.
        """
        customer, row = report.customer, report.row
        # That a platform has it in its own queue proves that it was taken.
        receipt = Receipt.SENT if report.receipt is Receipt.QUEUED else report.receipt
        why = report.reason.value if receipt is Receipt.FAILED else ""
        if receipt is Receipt.UNKNOWN:
            return None
        if not (customer and row):
            said = replies.LETTERS[receipt] + why
            owner = await self.server.run(
                TRACE, (self.keys.sent(channel, report.id),), ("ask", said, _PARKED)
            )
            if not owner:
                return None
            customer, _, row = owner.decode("utf-8", "surrogatepass").partition("\n")
        for _ in range(4):
            keys = self.keys.customer(customer)
            if keys is None:
                return None
            prefix = needle(Address(channel, ""))[:-1]
            args = (encoded(row), receipt.value.encode(), why.encode(), keys.wake, prefix)
            reply = await self._run(REPORT, keys, args)
            if reply[0] != b"moved":
                return None if reply[0] == b"gone" else (customer, reply[0] == b"noted")
            row = carried(row, customer)
            customer = reply[1].decode()
        return None

    async def got(self, customer: CustomerId) -> dict[str, Got]:
        """Return what became of the customer's rows, by row id: the last 100 or so, 30 days.

        A line of the transcript has the id of its row; where it left in parts, `row_of` tells
        which line a row is of. A row that still waits is not among them.
        """
        keys = self.keys.customer(customer)
        if keys is None:
            return {}
        return replies.got(await self._run(GOT, keys, ()))

    # -- limits of platforms ---------------------------------------------------------------------

    async def tokens(
        self, channel: str, sends: Sequence[Sequence[Take]]
    ) -> list[tuple[float, Take | None]]:
        """Take what each of these sends costs, or tell how long it must wait, and for what.

        All takes of one send are taken together or not at all. Those that have waited longest
        stand first. One round trip, however many there are.
        """
        numbers: dict[str, int] = {}
        buckets: list[Take] = []
        asked: list[Any] = []
        for takes in sends:
            asked.append(len(takes))
            for take in takes:
                number = numbers.get(take.bucket)
                if number is None:
                    number = numbers[take.bucket] = len(numbers) + 1
                    buckets.append(take)
                asked += (number, repr(take.cost))
        keys = [self.keys.bucket(channel, take.bucket) for take in buckets]
        words: list[Any] = []
        for take in buckets:
            words += (repr(take.rate), repr(take.burst))
        given = await self.server.run(TOKENS, keys, (*words, *asked))
        return [(wait / 1000, buckets[number - 1] if wait else None) for wait, number in given]

    async def hold(self, channel: str, bucket: str, pause: timedelta) -> None:
        """Let nobody take from a bucket for a while: the platform wants it so."""
        await self.server.run(HOLD, (self.keys.bucket(channel, bucket),), (millis(pause),))

    async def tide(self, channel: str, at: Millis = 0) -> Millis:
        """Return up to when all that came in on a channel is known; `at` moves that forward."""
        found: int = await self.server.run(TIDE, (self.keys.tide(channel),), (at, _TIDE))
        return found


def carried(name: str, origin: CustomerId) -> str:
    """Return the id that a row, or the line of one, has after its customer became another's.

    Rows are numbered for each customer anew, so a row brings the id of whose it was.
    """
    stem = row_of(name)
    return name if "@" in stem else f"{stem}@{origin}{name[len(stem) :]}"


def row_of(row: str) -> str:
    """Return the id of the line that a row is of: rows of parts end in `.2`, stand-ins in `~1`."""
    return row.partition("~")[0].partition(".")[0]


def of_line(got: Mapping[str, Got], line: str) -> Got | None:
    """Return what became of a line: of its parts, the one that got least far; failed before all."""
    order = (Receipt.FAILED, Receipt.UNKNOWN, Receipt.SENT, Receipt.DELIVERED, Receipt.READ)
    parts = [one for row, one in got.items() if row_of(row) == line]
    # What was sent elsewhere instead speaks for the first try, which is told beside it.
    return min(parts, key=lambda one: order.index(one.receipt), default=None)
