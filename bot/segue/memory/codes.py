"""Codes that somebody is to bring back: issued, used once, counted when wrong.

The store knows digests only; `segue.identity.codes` makes codes and says what the limits are. Times
are the caller's: a code lives for minutes, so two clocks need not agree to the second.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from segue.memory.base import Base, millis
from segue.memory.scripting import script
from segue.ports import to_millis

ISSUE, USE = script("code_issue"), script("code_use")
STEP, DROP, OWNER = script("code_step"), script("code_drop"), script("code_owner")

KEPT = timedelta(hours=2)
"""How long a code's key stays: longer than any code works, so that its end can be told."""

CodeStep: TypeAlias = Literal["used", "asked", "accepted", "refused"]


class Limit(Struct, frozen=True):
    """At most so many in so long."""

    most: int
    within: timedelta


class Right(Struct, frozen=True):
    """It is the code, and it has not been used; now it has."""

    what: bytes


class Wrong(Struct, frozen=True):
    """It is not: unknown, used, replaced, late, or for something else. Nobody is told which."""


class Locked(Struct, frozen=True):
    """Too many wrong ones: it was not even looked at."""


class Moved(Struct, frozen=True):
    """The code is at its next step: what it is for, and who used it."""

    what: bytes
    by: bytes


class Stuck(Struct, frozen=True):
    """It is at another step, `late`, `taken back`, or (empty) not there at all."""

    at: str


class Codes(Base):
    """Codes and the counts that limit guessing."""

    async def issue_code(
        self,
        name: str,
        *,
        operation: str,
        digest: bytes,
        what: bytes,
        owner: str,
        destination: str,
        life: timedelta,
        tries: int,
        sends: Limit,
    ) -> bool:
        """Keep a code in place of the owner's one before; False: too many were sent there lately.

        `name`, `owner` and `destination` are digests that say where it is kept and counted.
        """
        reply = await self.server.run(
            ISSUE,
            (
                self.keys.codes("code", name),
                self.keys.codes("mine", owner),
                self.keys.codes("sent", destination),
            ),
            (
                *(operation, digest, what, self._now(), millis(life), tries),
                *(sends.most, millis(sends.within), name, owner, millis(KEPT)),
            ),
        )
        return bool(reply[0] == b"issued")

    async def use_code(
        self,
        name: str,
        *,
        operation: str,
        digest: bytes,
        kind: str,
        place: str,
        here: Limit,
        everybody: Limit,
    ) -> Right | Wrong | Locked:
        """Bring a code. `place` is where it is brought from, for the count of wrong ones."""
        reply = await self.server.run(
            USE,
            (
                self.keys.codes("code", name),
                await self._mine(name),
                self.keys.codes("wrong", place),
                self.keys.codes("wrong", kind),
            ),
            (
                *(operation, digest, self._now(), name),
                *(here.most, millis(here.within), everybody.most, millis(everybody.within)),
            ),
        )
        if reply[0] == b"right":
            return Right(reply[1])
        return Locked() if reply[0] == b"locked" else Wrong()

    async def step_code(
        self,
        name: str,
        *,
        operation: str,
        at: CodeStep,
        to: CodeStep,
        by: bytes = b"",
        life: timedelta,
    ) -> Moved | Stuck:
        """Move a used code one step on, and give it `life` from now for the next one."""
        reply = await self.server.run(
            STEP,
            (self.keys.codes("code", name), await self._mine(name)),
            (operation, at, to, by, self._now(), millis(life), millis(KEPT), name),
        )
        return Moved(reply[1], reply[2]) if reply[0] == b"done" else Stuck(reply[1].decode())

    async def drop_code(self, owner: str) -> bool:
        """Take an owner's open code back; False if there was none."""
        return bool(await self.server.run(DROP, (self.keys.codes("mine", owner),), ("",)))

    async def _mine(self, name: str) -> bytes:
        owner = await self.server.run(OWNER, (self.keys.codes("code", name),), ("",))
        return self.keys.codes("mine", owner.decode() if owner else "nobody")

    def _now(self) -> int:
        return to_millis(self._clock.now())
