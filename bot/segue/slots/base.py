"""What a slot is: a value that a dialog needs, and how to read it from what people write.

What is made for every message is a msgspec Struct: a frozen dataclass costs several times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from segue.types import Button
from segue.words import Words

T = TypeVar("T")


class SlotContext(Struct, frozen=True, kw_only=True):
    """What a parser may know beside the words."""

    locale: str
    words: Words
    now: datetime
    """In the customer's time zone, or the company's."""
    buttons: tuple[Button, ...] = ()
    """The options as they were shown, in that order."""
    choice: str | None = None
    """Id of the button that was pressed."""


class Value(Struct, Generic[T], frozen=True):
    """It was understood."""

    value: T


class Nearly(Struct, frozen=True, kw_only=True):
    """Two readings: the engine asks which one is meant, showing `labels`."""

    values: tuple[Any, ...]
    labels: tuple[str, ...]


class NoValue(Struct, frozen=True):
    """Not understood. `reply` names a retry line of its own (`too_early`), beside the usual one."""

    reply: str = ""


SlotReading: TypeAlias = Value[T] | Nearly | NoValue


@dataclass(frozen=True, kw_only=True)
class Slot(Generic[T]):
    """A value needed, with a parser.

    `retry` names the reply for an answer that was not understood; without one the engine looks for
    `<asking reply>_retry`, then `retry_<slot name>`, then `retry` in `common.j2`.
    """

    name: str
    type: Any
    """What recorded values are decoded to (anything msgspec can decode)."""
    parse: Callable[[str, SlotContext], SlotReading[T]] = field(compare=False)
    find: Callable[[str, SlotContext], T | None] | None = field(default=None, compare=False)
    """Finds a value inside a longer sentence, and only if it cannot be anything else."""
    example: str = ""
    retry: str = ""
    options: tuple[str, ...] = ()
    """Ids of the options, for a choice."""
    sensitive: bool = False
    """Never shown in logs, explanations or the demo's margin."""
