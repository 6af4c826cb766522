"""What goes wrong on purpose: steps that fail or take long, sends without a word, a dying process.

A process dies at a failpoint by an exception that nothing in Segue catches; from then on whatever
of it passes a failpoint dies as well. What it has not stored by then is gone, as by `kill -9`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from segue import failpoints
from segue.channel import NotSent, Outcome, Unknown
from segue.dialog.effects import Run
from segue.engine.steps import call


class Died(BaseException):
    """Stands for the death of the process; no `Exception`, so that nothing handles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of a step's function."""

    name: str
    key: str
    """The idempotency key: the same for every call of one step with the same inputs."""
    args: tuple[Any, ...]

    def __str__(self) -> str:
        """Return it as it is written in a dialog."""
        return f"{self.name}({', '.join(map(repr, self.args))})"


class _Failing:
    def __init__(self, times: int, tries: int | None, error: Exception) -> None:
        self.times = times
        self.left = tries
        self.error = error
        self.met = False

    def next(self, attempts: int) -> Exception | None:
        """Return what this call raises; without `tries`, every attempt of a step counts once."""
        if self.left is None:
            self.left = self.times * attempts
        self.met = True
        if self.left <= 0:
            return None
        self.left -= 1
        return self.error


class Faults:
    """The faults of one rehearsal, and the steps that were done."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        """Calls of steps' functions, also those that failed."""
        self.dead = False
        """The process has died and nobody has taken over yet."""
        self.deaths = 0
        """How often it died at a failpoint."""
        self.holding = asyncio.Event()
        """A slow step is under way."""
        self._failing: dict[str, _Failing] = {}
        self._slow: dict[str, asyncio.Event] = {}
        self._let_go = asyncio.Event()
        self._at = ""
        self._passes = 0

    # -- steps -------------------------------------------------------------------------------------

    def fail(self, step: str, times: int, tries: int | None, error: Exception | None) -> None:
        """Let a step raise from its next call on."""
        raised = error or ConnectionError(f"{step} fails in this rehearsal")
        self._failing[step] = _Failing(times, tries, raised)

    def slow(self, step: str) -> None:
        """Let the next call of a step take until `finish`."""
        self._slow[step] = asyncio.Event()

    def finish(self) -> None:
        """Let slow steps be done."""
        self._let_go.set()
        self.holding.clear()

    async def call(self, run: Run, key: str, customer: str) -> Any:
        """Call a step's function, unless it is to fail; after a while, if it is to be slow."""
        name = run.key if run.key in self._failing or run.key in self._slow else run.step
        self.steps.append(Step(name=run.step, key=key, args=run.args))
        waiting = self._slow.pop(name, None)
        if waiting is not None:
            self._let_go.clear()
            self.holding.set()
            try:
                await self._let_go.wait()
            finally:
                self.holding.clear()
        failing = self._failing.get(name)
        error = failing.next(run.retry.attempts) if failing is not None else None
        if error is not None:
            raise error
        return await call(run, key, customer)

    # -- death -------------------------------------------------------------------------------------

    def crash_at(self, name: str, times: int = 1) -> None:
        """Die when this failpoint is passed for the `times`-th time from now on."""
        if name not in failpoints.NAMES:
            raise ValueError(f"there is no failpoint {name!r}; there are {failpoints.NAMES}")
        self._at, self._passes = name, times
        failpoints.on_hit(self._hit)

    def _hit(self, name: str) -> None:
        if self.dead:
            raise Died(name)
        if name == self._at:
            self._passes -= 1
            if self._passes == 0:
                self._at, self.dead = "", True
                self.deaths += 1
                raise Died(name)

    def replaced(self) -> None:
        """Note that another process lives."""
        self.dead = False
        self.holding.clear()
        if not self._at:
            failpoints.on_hit(None)

    # -- the end -----------------------------------------------------------------------------------

    def unmet(self) -> list[str]:
        """Return the faults that were asked for and never came to pass."""
        done = ", ".join(dict.fromkeys(step.name for step in self.steps)) or "none"
        found = [
            f"the step {name} was to fail, and was never run (run were: {done})"
            for name, failing in self._failing.items()
            if not failing.met
        ]
        found += [
            f"the step {name} was to be slow, and was never run (run were: {done})"
            for name in self._slow
        ]
        if self._at:
            found.append(f"the process was to die at {self._at}, and never got there")
        return found

    def forget(self) -> None:
        """Take back all faults that were asked for."""
        self._failing.clear()
        self._slow.clear()
        self.clear()

    def clear(self) -> None:
        """Leave nothing behind."""
        self.finish()
        if self._at or self.dead:
            failpoints.on_hit(None)
        self._at, self.dead = "", False


class Arrived(Unknown):
    """Nobody learns that it arrived."""


def outcome(fate: str) -> Outcome:
    """Return what a channel reports: `unknown`, `lost`, `refused` or `late`."""
    match fate:
        case "unknown":
            return Arrived(why="rehearsal")
        case "lost":
            return Unknown(why="rehearsal")
        case "refused":
            return NotSent(why="rehearsal", permanent=True)
        case "late":
            return NotSent(why="rehearsal", permanent=False, retry_after=timedelta(seconds=5))
        case _:
            raise ValueError(f"a send cannot be {fate!r}")
