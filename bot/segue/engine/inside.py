"""What steps of Segue's own dialogs may reach of the turn they run in, and no others.

A function marked `@inside` may take these by name, and gets them filled in:

    here    the address that is answered in this turn
    tell    says something on another address, with a secret value that no transcript keeps

What is told lands with the turn's commit, together with the step's result, or not at all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import structs

from segue.dialog.effects import Run
from segue.types import Address, Millis

if TYPE_CHECKING:
    from segue.engine.turn import Turn

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_segue_inside"


class Tell(Protocol):
    """Says a reply with a secret in it on another address; False if that channel cannot."""

    def __call__(
        self, reply: str, values: Mapping[str, Any], *, secret: str, to: Address, until: Millis
    ) -> bool:
        """`secret` names the value that the transcript shows as dots; not sent after `until`."""
        ...


NOWHERE = Address("", "")
"""Default of a parameter `here`."""


def untold(
    reply: str, values: Mapping[str, Any], *, secret: str, to: Address, until: Millis
) -> bool:
    """Tell nobody: default of a parameter `tell`."""
    return False


def inside(function: F) -> F:
    """Mark a step of Segue's own."""
    setattr(function, _MARK, True)
    return function


def filled(turn: Turn, run: Run) -> Run:
    """Return a step with what it may reach of this turn."""
    takes = _takes(getattr(run.function, "__func__", run.function))
    if not takes:
        return run
    frame = turn.state.frames[-1]

    def tell(
        reply: str, values: Mapping[str, Any], *, secret: str, to: Address, until: Millis
    ) -> bool:
        if to.channel in turn.granted.opted_out:
            return False
        return turn.speech.say_secret(
            reply, dialog=frame.dialog, values=values, secret=secret, to=to, until=until
        )

    given: dict[str, Any] = {"here": turn.speech.address, "tell": tell}
    return structs.replace(
        run, kwargs={**run.kwargs, **{name: given[name] for name in given if name in takes}}
    )


@lru_cache(maxsize=256)
def _takes(function: Callable[..., Any]) -> frozenset[str]:
    if not getattr(function, _MARK, False):
        return frozenset()
    return frozenset(inspect.signature(function).parameters)
