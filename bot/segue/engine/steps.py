"""Doing a step: the one place where a dialog's code touches the world.

A step may be executed more than once (a process can die between doing and recording it), always
under the same idempotency key. Its result is recorded once.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from segue.dialog.effects import Run
from segue.engine.faults import where
from segue.errors import StepFailed
from segue.ports import Chance, Clock


class Done(Struct, frozen=True, kw_only=True):
    """It worked."""

    value: Any


class Failed(Struct, frozen=True, kw_only=True):
    """It did not, after all tries."""

    kind: str
    message: str
    where: str = ""
    """File and line, for the log."""


def idempotency_key(customer: str, instance: str, entry: str, digest: str) -> str:
    """Return 32 hex characters: the same for every execution of one step with the same inputs."""
    # A dialog that came with a merge goes on under the keys it had.
    instance, _, origin = instance.partition("@")
    customer = origin or customer
    material = f"{customer}\0{instance}\0{entry}\0{digest}".encode()
    return hashlib.blake2b(material, digest_size=16).hexdigest()


Caller = Callable[[Run, str, str], Awaitable[Any]]
"""Calls a step's function once: (run, idempotency key, customer) → its result."""


async def perform(
    run: Run,
    key: str,
    *,
    clock: Clock,
    chance: Chance,
    customer: str = "",
    caller: Caller | None = None,
) -> Done | Failed:
    """Execute a step with its retries and its time-out.

    The last error becomes `Failed`; cancellation of the worker is passed on.
    `caller` takes the place of `call` (rehearsals: a step that fails or takes long).
    """
    caller = caller or call
    wait = run.retry.wait.total_seconds()
    attempt = 0
    while True:
        attempt += 1
        try:
            async with asyncio.timeout(run.timeout.total_seconds()):
                return Done(value=await caller(run, key, customer))
        except TimeoutError as error:
            failure = Failed(kind="TimeoutError", message=str(error) or f"over {run.timeout}")
        except StepFailed as error:
            return Failed(kind=error.kind, message=error.message, where=where(error))
        except Exception as error:  # noqa: BLE001 - whatever a step raises is the dialog's to handle
            failure = Failed(kind=type(error).__name__, message=str(error), where=where(error))
        if attempt >= run.retry.attempts:
            return failure
        await clock.sleep(wait * (0.75 + chance.random() / 2))
        wait *= 2


async def call(run: Run, key: str, customer: str) -> Any:
    """Call the step's function once, with what Segue fills in."""
    kwargs = dict(run.kwargs)
    takes = _parameters(run.function)
    if "idempotency_key" in takes:
        kwargs["idempotency_key"] = key
    if "customer" in takes:
        # Who is asking: a shop needs it to lock out a guesser and not an order.
        kwargs.setdefault("customer", customer)
    if _is_async(run.function):
        return await run.function(*run.args, **kwargs)
    # A plain function may block: it must not stop everybody else's conversations.
    result = await asyncio.to_thread(run.function, *run.args, **kwargs)
    return await result if inspect.isawaitable(result) else result


@lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


@lru_cache(maxsize=1024)
def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ counts
    )
