"""What is known about a function that goes through `chat.run`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, get_type_hints

from segue.dialog import misuse
from segue.errors import DialogError


class Step(NamedTuple):
    """A function that goes through `chat.run`."""

    name: str
    returns: Any
    takes_key: bool


def step_of(function: Callable[..., Any]) -> Step:
    """Return the step of a function; kept, since every replay needs it."""
    try:
        return _kept(function)
    except TypeError:  # a method of something that cannot be hashed
        return describe_step(function)


@lru_cache(maxsize=2000)
def _kept(function: Callable[..., Any]) -> Step:
    return describe_step(function)


def describe_step(function: Callable[..., Any]) -> Step:
    """Return the step name, result type and whether it takes an idempotency key."""
    target: Any = function
    while isinstance(target, partial):
        target = target.func
    name = getattr(target, "__name__", type(target).__name__)
    if not inspect.isroutine(target) and not isinstance(target, type):
        target = type(target).__call__
    place = _definition(target)
    if name == "<lambda>":
        raise DialogError(
            "chat.run was given a lambda, which has no name to be recorded under",
            cure="Write a function with `def`.",
            file=place.file,
            line=place.line,
        )
    if isinstance(target, type):
        return Step(name, target, False)
    try:
        returns = get_type_hints(target).get("return", Any)
        takes_key = "idempotency_key" in inspect.signature(target).parameters
    except NameError as error:
        raise DialogError(
            f"An annotation of {name} cannot be read ({error})",
            cure="Import that name at the top of the file, not only under TYPE_CHECKING.",
            file=place.file,
            line=place.line,
        ) from None
    except (TypeError, ValueError):
        returns, takes_key = Any, False
    if returns is type(None) or returns is None:
        returns = None
    return Step(name, returns, takes_key)


def _definition(target: Any) -> misuse.Place:
    code = getattr(inspect.unwrap(target), "__code__", None)
    if code is None:
        return misuse.Place("", 0)
    return misuse.Place(misuse.shown(code.co_filename), code.co_firstlineno)
