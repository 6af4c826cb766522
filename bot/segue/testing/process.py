"""The life of the process on stage: waiting for it, letting time pass for it, burying it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any

from segue.app import App
from segue.memory.scripting import Script
from segue.ports import SystemClock
from segue.testing.faults import Died, Faults
from segue.types import CustomerId

_ROUNDING = timedelta(milliseconds=2)
"""What is due at this very moment is due, whatever was cut off on the way."""
_PATIENCE = 30.0
"""Seconds of real time after which a turn that is not over is a fault of the test."""


async def rest(app: App, customer: CustomerId, faults: Faults) -> None:
    """Wait until nothing is left to do, a slow step is under way, or the process has died."""
    while not faults.dead and (turn := app.worker.busy(customer)) is not None:
        if faults.holding.is_set():
            await _shown(app, customer, faults, turn)
            break
        held = asyncio.ensure_future(faults.holding.wait())
        done, _ = await asyncio.wait(
            {turn, held}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        held.cancel()
        if not done:
            raise AssertionError(
                f"a turn is not over after {_PATIENCE:g} seconds: does a step wait for something "
                "that this test never does?"
            )
        _look(done)
        await asyncio.sleep(0)
    sends = set(app.delivery._tasks)
    if sends and not faults.dead:
        _look((await asyncio.wait(sends, timeout=_PATIENCE))[0])


async def _shown(app: App, customer: CustomerId, faults: Faults, turn: asyncio.Task[None]) -> None:
    """Wait until what was said before a slow step has been stored, and so can be seen."""
    clock = SystemClock()
    async with asyncio.timeout(_PATIENCE):
        while not (app.worker.slow(customer) or faults.dead or turn.done()):
            await clock.sleep(0.01)


def _look(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Look at how tasks ended, so that nobody complains that nobody did."""
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Died):
            raise error


async def look_after(app: App, customer: CustomerId, faults: Faults) -> None:
    """Do what the sweeper would do by now: unfinished turns, due timers, unsent rows."""
    for _ in range(10):
        try:
            began = await app.worker.look_after(customer, ahead=_ROUNDING)
        except Died:
            return
        await rest(app, customer, faults)
        if faults.dead or not began:
            return


async def pass_time(app: App, customer: CustomerId, by: timedelta, *, timers: bool = True) -> None:
    """Let time pass for what the server judges by its own clock: leases, claims, rows, timers."""
    keys = app.store.keys.customer(customer)
    assert keys is not None
    passed = int(by.total_seconds() * 1000)
    words = (keys.customer, passed, passed if timers else 0)
    await app.store.server.run(_later(), (keys.c, keys.out), words)


async def bury(app: App) -> None:
    """End what is left of a process, without a word to the store."""
    tasks = {*app.worker._running.values(), *app.worker._tasks, *app.delivery._tasks}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await app.store.aclose()


@cache
def _later() -> Script:
    text = files(__package__).joinpath("later.lua").read_bytes()
    sha = sha1(text, usedforsecurity=False).hexdigest().encode()
    return Script("later", text, sha, ("c", "out"))
