"""Making one customer out of two, undoing that, and taking an address away.

The rules it lives by:

- A merge is a saga over two partitions: each step is one script on one of the two customers
  (`memory/merges.py`), may be done twice, and stands under an intent that both hold. Whoever finds
  a customer set aside (the sweeper, another merge) goes on with it: nothing hangs on the process
  that began it.
- Both are set aside in the order of their ids, and whoever meets another merge does that one first:
  two merges at once end one after the other, whichever way they point.
- A turn that runs is waited for, never fenced. Meanwhile letters are kept; afterwards they stand
  with the one who stays, each address in its own order.
- Nobody sees half: state, lines, rows, addresses land in one step, and leave in one.
- Who goes is kept as they were for `identity.undo_hours`, and says `moved` for as long as anybody
  may ask.

`merge` must not be awaited inside a turn of one of the two, for it waits for that turn. There
`begin` is called, and the merge is done when the turn has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct, msgpack

from segue.failpoints import failpoint
from segue.identity.bringing import Bringing
from segue.identity.parting import Parting
from segue.identity.saga import Intent, Step, Why, encode
from segue.memory import Gone, Moved, Store
from segue.memory.merge_records import (
    Done,
    Gathered,
    Held,
    NotYet,
)
from segue.ports import Clock, Ids, to_millis
from segue.types import Address, CustomerId, Proof

_FOLLOWED = 8
"""So many `moved` one after the other are followed."""


__all__ = ["Merged", "Merging", "NotMerged", "Parted", "UnderWay", "Why"]


class Merged(Struct, frozen=True, kw_only=True):
    """They are one customer. `merge` names it, for the undo; empty if they were one before."""

    customer: CustomerId
    merge: str = ""


class UnderWay(Struct, frozen=True, kw_only=True):
    """It has begun and goes on by itself: a turn of one of the two takes longer."""

    merge: str


class NotMerged(Struct, frozen=True, kw_only=True):
    """Nothing was changed."""

    why: Why
    other: str = ""
    """What is in the way: with `MERGED_ON` the customer they are now."""


class Parted(Struct, frozen=True, kw_only=True):
    """The merge was undone: these are two again."""

    customer: CustomerId
    other: CustomerId


class Merging:
    """Merges of one installation. Any process may have one."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        undo: timedelta = timedelta(hours=24),
        patience: timedelta = timedelta(seconds=15),
        dropped: Callable[[CustomerId, Address], None] | None = None,
    ) -> None:
        """`dropped` is told of an address that was taken away (caches of this process)."""
        self.store = store
        self._clock = clock
        self._ids = ids
        self._patience = patience.total_seconds()
        self._dropped = dropped
        seconds = int(undo.total_seconds())
        self._bringing = Bringing(store, clock=clock, undo_seconds=seconds, dropped=dropped)
        self._parting = Parting(store, clock=clock, undo_seconds=seconds, dropped=dropped)

    # -- what is asked for -------------------------------------------------------------------------

    async def begin(
        self, into: CustomerId, other: CustomerId, *, actor: str
    ) -> Merged | UnderWay | NotMerged:
        """Set a merge going: it is durable when this returns, and done by whoever comes by."""
        return await self._begin(into, other, actor, wait=0.0)

    async def merge(
        self, into: CustomerId, other: CustomerId, *, actor: str
    ) -> Merged | UnderWay | NotMerged:
        """Make one customer of two; `into` stays. Not from inside a turn of one of them.

        Both ends must have been proved by now. `actor`: `customer`, `cli`, an agent's id.
        """
        return await self._begin(into, other, actor, wait=self._patience)

    async def undo(self, merge: str, *, actor: str) -> Parted | UnderWay | NotMerged:
        """Make two of one again, as long as that can be: `identity.undo_hours`.

        Each gets what it had, and what was said since at its addresses.
        """
        into, _, rest = merge.partition(".")
        other = rest.partition(".")[0]
        if self.store.keys.customer(into) is None or self.store.keys.customer(other) is None:
            return NotMerged(why=Why.NO_MERGE)
        intent = Intent(merge, "undo", into, other, actor, to_millis(self._clock.now()))
        found = await self._carry(encode(intent), self._patience)
        if found is None:
            return UnderWay(merge=merge)
        if isinstance(found, Why):
            moved = await self._resolved(into) if found is Why.MERGED_ON else None
            return NotMerged(why=found, other=moved or "")
        return Parted(customer=into, other=other)

    async def unlink(
        self, customer: CustomerId, address: Address, *, actor: str
    ) -> CustomerId | None:
        """Take an address away. It becomes a customer without history; None if it was not theirs.

        What was said stays with the one who has proved the rest. Nothing queued goes there any
        more, nor what a running turn is about to say.
        """
        found = await self._resolved(customer)
        snapshot = await self.store.snapshot(found) if found else None
        if found is None or snapshot is None:
            return None
        proof = dict(snapshot.addresses).get(address)
        if proof is None:
            return None
        indexed = await self.store.owner(address) == found
        await self.store.drop_address(found, address)
        if self._dropped is not None:
            self._dropped(found, address)
        await self.store.audit(
            "customer.unlink", actor=actor, customer=found, details={"channel": address.channel}
        )
        if not indexed:
            # A session names its customer, and has none now.
            return None
        return await self.store.create(self._ids.new(), address, min(proof, Proof.CHANNEL))

    async def resume(self, intent: bytes) -> None:
        """Go on with what somebody began; `Store.take` gives the intent."""
        await self._carry(intent, 0.0)

    async def settle(self, intent: bytes) -> None:
        """Have one who is to be erased out of a merge: called off if nothing has landed yet."""
        found = msgpack.decode(intent, type=Intent)
        if not await self.store.merge_unlock(found.into, intent, off=True):
            await self._carry(intent, self._patience)
        elif not await self.store.merge_unlock(found.other, intent):
            # An undo had brought them back already.
            await self.store.merge_finish(found.other, intent)

    async def _begin(
        self, into: CustomerId, other: CustomerId, actor: str, *, wait: float
    ) -> Merged | UnderWay | NotMerged:
        deadline = self._clock.monotonic() + max(wait, 0.5)
        while True:
            into_now, other_now = await self._resolved(into), await self._resolved(other)
            if into_now is None or other_now is None:
                return NotMerged(why=Why.GONE)
            if into_now == other_now:
                return Merged(customer=into_now)
            merge = f"{into_now}.{other_now}.{self._ids.new()[:8]}"
            at = to_millis(self._clock.now())
            packed = encode(Intent(merge, "merge", into_now, other_now, actor, at))
            first = min(into_now, other_now)
            locked = await self.store.merge_lock(first, packed)
            failpoint("merge_begun")
            if isinstance(locked, Held):
                # Theirs comes first; then look again who is who.
                await self._carry(locked.intent, wait)
                if self._clock.monotonic() < deadline:
                    continue
                return UnderWay(merge=msgpack.decode(locked.intent, type=Intent).merge)
            if isinstance(locked, Gone | Moved):
                continue
            found = await self._carry(packed, wait)
            if found is None:
                return UnderWay(merge=merge)
            if isinstance(found, Why):
                # One of them has gone or become another meanwhile.
                continue
            return Merged(customer=into_now, merge=merge)

    async def _resolved(self, customer: CustomerId) -> CustomerId | None:
        """Return who a customer is now; None if there is none."""
        for _ in range(_FOLLOWED):
            found = await self.store.who(customer)
            if found is None or found == customer:
                return found
            customer = found
        return None

    # -- carrying it out ---------------------------------------------------------------------------

    async def _carry(self, packed: bytes, wait: float) -> bool | Why | None:
        """Go on until it is done or cannot be; None if that takes longer than `wait` seconds."""
        intent = msgpack.decode(packed, type=Intent)
        deadline = self._clock.monotonic() + wait
        pause = 0.02
        go = self._merge_once if intent.kind == "merge" else self._undo_once
        while True:
            found = await go(intent, packed, max(deadline - self._clock.monotonic(), 0.0))
            if found is True or isinstance(found, Why):
                return found
            if found is None:
                if self._clock.monotonic() + pause > deadline:
                    return None
                await self._clock.sleep(pause)
                pause = min(pause * 1.5, 0.5)

    async def _aside(
        self, intent: Intent, packed: bytes, wait: float
    ) -> dict[CustomerId, bool] | Why | None:
        """Set both aside, in the order of their ids. The result says who is (not yet done with)."""
        aside = {}
        for customer in sorted((intent.into, intent.other)):
            merged_into = intent.into if intent.kind == "undo" and customer == intent.other else ""
            match await self.store.merge_lock(customer, packed, merged_into=merged_into):
                case Held(intent=theirs):
                    return None if await self._carry(theirs, wait) is None else {}
                case Done():
                    aside[customer] = False
                case Moved(to=to):
                    if intent.kind == "merge" and customer == intent.other and to == intent.into:
                        aside[customer] = False
                        continue
                    return await self._off(intent, packed, Why.MERGED_ON)
                case Gone():
                    return await self._off(intent, packed, Why.GONE)
                case _:
                    aside[customer] = True
        return aside

    async def _off(self, intent: Intent, packed: bytes, why: Why) -> Why:
        await self.store.merge_unlock(intent.into, packed, off=True)
        await self.store.merge_unlock(intent.other, packed)
        return why

    # -- a merge -----------------------------------------------------------------------------------

    async def _merge_once(self, intent: Intent, packed: bytes, wait: float) -> Step:
        aside = await self._aside(intent, packed, wait)
        if not isinstance(aside, dict):
            return aside
        if not aside:
            return False
        failpoint("merge_locked")
        if not aside[intent.into]:
            # Finished by somebody; what was set aside by us just now is given free.
            await self.store.merge_unlock(intent.other, packed)
            return True
        into = await self.store.merge_gather(intent.into, packed, intent.merge)
        if not isinstance(into, Gathered):
            return None if isinstance(into, NotYet) else False
        if aside[intent.other]:
            step = await self._bringing.bring(intent, packed, into)
            if step is not True:
                return step
        await self._bringing.index(intent.into, intent.other, into)
        failpoint("merge_indexed")
        await self.store.audit(
            "customer.merge",
            actor=intent.actor,
            customer=intent.into,
            details={"merge": intent.merge, "other": intent.other},
        )
        await self.store.fold_all(intent.into)
        letter = await self._bringing.letter(intent, "joined")
        await self.store.merge_finish(intent.into, packed, letter=letter)
        failpoint("merge_finished")
        return True

    # -- an undo -----------------------------------------------------------------------------------

    async def _undo_once(self, intent: Intent, packed: bytes, wait: float) -> Step:
        aside = await self._aside(intent, packed, wait)
        if not isinstance(aside, dict):
            return Why.TOO_LATE if aside is Why.GONE else aside
        if not aside:
            return False
        failpoint("undo_locked")
        if not aside[intent.into]:
            await self.store.merge_unlock(intent.other, packed)
            return True
        into = await self.store.merge_gather(intent.into, packed, intent.merge)
        if not isinstance(into, Gathered):
            return None if isinstance(into, NotYet) else False
        if not into.undo:
            return await self._off(intent, packed, Why.TOO_LATE)
        if aside[intent.other]:
            step = await self._parting.give_back(intent, packed, into)
            if isinstance(step, Why):
                return await self._off(intent, packed, step)
            if step is not True:
                return step
        await self.store.audit(
            "customer.undo",
            actor=intent.actor,
            customer=intent.into,
            details={"merge": intent.merge, "other": intent.other},
        )
        letter = await self._bringing.letter(intent, "parted")
        await self.store.merge_finish(intent.into, packed, letter=letter, undone=intent.merge)
        failpoint("undo_finished")
        return True
