"""What keeps the installation going: who is due, jobs for one, parked letters, pauses, hints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from segue.errors import StoreError
from segue.memory import replies
from segue.memory.base import Base, millis
from segue.memory.records import Dead
from segue.memory.scripting import script
from segue.ports import to_millis
from segue.types import Address, CustomerId, Inbound

DUE, SINGLETON, PAUSE = script("due"), script("singleton"), script("pause")
TRIM = script("trim")
PARKED, REVIVE, DISCARD = script("parked"), script("revive"), script("discard")

SLICES = 8
"""Parts of the sweep: each is swept by one process of the installation at a time."""
FRESH_SECONDS = 1.0
"""How old the list of what is paused may get in a process that was not told of a change."""

Pausable: TypeAlias = Literal["dialog", "channel", "sends"]


class Upkeep(Base):
    """Sweeping, singletons, dead letters, pauses and wake-up hints."""

    _paused: dict[tuple[str, str], str]
    _ticker: asyncio.TimerHandle | None
    _wakers: list[Callable[[CustomerId], None]]

    # -- who needs looking at --------------------------------------------------------------------

    async def sweep(self, limit: int = 100) -> list[CustomerId]:
        """Return who needs looking at, in the slices that are this process's to sweep now.

        `take` each of them. `limit` is per partition.
        """
        every = self.limits.sweep.total_seconds()
        mine = await self._singletons([f"sweep:{number}" for number in range(SLICES)], every)
        due = [
            self.keys.due(number) for number in range(self.keys.partitions) if mine[number % SLICES]
        ]
        if not due:
            return []
        # A script may touch one slot of a cluster only; elsewhere one call does for all.
        groups = [[key] for key in due] if self.server.clustered else [due]
        found = await self.server.run_many([(DUE, group, (limit,)) for group in groups])
        return [customer.decode() for part in found for customer in part]

    async def singleton(self, job: str, seconds: float) -> bool:
        """Hold a job that only one process does, or go on holding it; 0 seconds gives it back.

        Call it again, before the time is over, for as long as the job is done.
        """
        return (await self._singletons([job], seconds))[0]

    async def _singletons(self, jobs: list[str], seconds: float) -> list[bool]:
        held = await self.server.run_many(
            [
                (SINGLETON, (self.keys.lease(job),), (self.holder, int(seconds * 1000)))
                for job in jobs
            ]
        )
        return [bool(answer) for answer in held]

    async def trim(self) -> None:
        """Let go of events and parked letters that are too old; one process does it at a time."""
        now = to_millis(self._clock.now())
        calls = []
        for number in range(self.keys.partitions):
            for stream, life in (
                (self.keys.events(number), self.limits.events),
                (self.keys.dead(number), self.limits.dead),
            ):
                calls.append((TRIM, (stream,), (now - millis(life),)))
        await self.server.run_many(calls)

    # -- parked letters --------------------------------------------------------------------------

    async def dead_letters(self, limit: int = 1000) -> list[Dead]:
        """Return what was parked after too many tries, oldest first."""
        replies_ = await self.server.run_many(
            [
                (PARKED, (self.keys.dead(number),), (b"", limit))
                for number in range(self.keys.partitions)
            ]
        )
        found = [
            _dead(number, entry) for number, entries in enumerate(replies_) for entry in entries
        ]
        return sorted(found, key=lambda dead: dead.at)[:limit]

    async def retry(self, dead: str) -> bool:
        """Put a parked letter back into its customer's inbox; False if it is not there."""
        number, entry = _locate(dead, self.keys.partitions)
        found = await self.server.run(PARKED, (self.keys.dead(number),), (_before(entry), 1))
        if not found or found[0][0].decode() != entry:
            return False
        customer = found[0][1].decode()
        keys = self._keys(customer)
        reply = await self._run(
            REVIVE, keys, (entry.encode(), self._operation()), self._retention_tail
        )
        return bool(reply[0] == b"done")

    async def discard(self, dead: str) -> bool:
        """Throw a parked letter away; False if it is not there."""
        number, entry = _locate(dead, self.keys.partitions)
        return bool(await self.server.run(DISCARD, (self.keys.dead(number),), (entry,)))

    # -- pauses ----------------------------------------------------------------------------------

    async def pause(self, kind: Pausable, name: str, reply: str) -> None:
        """Pause a dialog, a channel or all sends (name empty); `reply` is what is said instead."""
        await self._set_pause("set", kind, name, reply)

    async def unpause(self, kind: Pausable, name: str) -> None:
        """Let it go on."""
        await self._set_pause("clear", kind, name, "")

    def paused(self, kind: Pausable, name: str = "") -> str | None:
        """Return the reply to say instead, or None if it is not paused.

        No round trip: the answer is at most about a second old.
        """
        return self._paused.get((kind, name)) if self._paused else None

    def pauses(self) -> dict[tuple[str, str], str]:
        """Return all that is paused: (kind, name) and reply."""
        return dict(self._paused)

    async def _set_pause(self, what: str, kind: str, name: str, reply: str) -> None:
        args = (what, f"{kind}:{name}", reply, self.keys.paused_hint)
        self._note_pauses(await self.server.run(PAUSE, (self.keys.paused,), args))

    async def _look_at_pauses(self) -> None:
        self._note_pauses(await self.server.run(PAUSE, (self.keys.paused,), ()))

    def _note_pauses(self, flat: list[bytes]) -> None:
        found = {}
        for name, reply in zip(flat[::2], flat[1::2], strict=True):
            kind, _, what = name.decode().partition(":")
            found[kind, what] = reply.decode()
        self._paused = found

    def _tick(self) -> None:
        """Look again every second, as the net under the hint."""
        self._spawn(self._look_at_pauses())
        loop = asyncio.get_running_loop()
        self._ticker = loop.call_later(FRESH_SECONDS, self._tick)

    # -- hints -----------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[CustomerId], None]) -> Callable[[], None]:
        """Call back with a customer whose transcript grew; the result ends that.

        A hint may be missed (a connection broke) or be late: reading by cursor is the truth.
        """
        self._wakers.append(callback)

        def stop() -> None:
            if callback in self._wakers:
                self._wakers.remove(callback)

        return stop

    def _heard(self, channel: bytes, message: bytes) -> None:
        if channel == self.keys.paused_hint:
            self._spawn(self._look_at_pauses())
            return
        customer = message.decode()
        for callback in self._wakers:
            callback(customer)


def _locate(dead: str, partitions: int) -> tuple[int, str]:
    number, _, entry = dead.partition(".")
    if not number.isdecimal() or int(number) >= partitions or "-" not in entry:
        raise StoreError(
            f"{dead!r} is no id of a parked letter; `segue dead-letters list` shows them"
        )
    return int(number), entry


def _before(entry: str) -> str:
    """Return the greatest stream id before this one."""
    millis, sequence = (int(part) for part in entry.split("-"))
    return f"{millis}-{sequence - 1}" if sequence else f"{millis - 1}-{2**64 - 1}"


def _dead(partition: int, entry: list[Any]) -> Dead:
    ident, customer, letter, why = entry
    at = ident.decode()
    inbound = (
        replies.decode_inbound(letter)
        if letter
        else Inbound(address=Address("", ""), message_id="", kind="timer")
    )
    return Dead(
        id=f"{partition}.{at}",
        customer=customer.decode(),
        inbound=inbound,
        why=why.decode(),
        at=int(at.partition("-")[0]),
    )
