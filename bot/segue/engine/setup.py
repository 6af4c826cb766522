"""What a turn works with: one snapshot, the same from its first line to its last.

A published voice or reloaded dialogs make a new `Setup`; a turn under way keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol

from msgspec import Struct

from segue.channel import Capabilities
from segue.consent import Word
from segue.dialog import Registry
from segue.dialog.kept import Kept
from segue.engine.care import UNLIMITED, Rate
from segue.engine.steps import Caller
from segue.memory.records import Flag
from segue.memory.upkeep import Pausable
from segue.ports import Chance, Clock
from segue.quiet import quiet_until
from segue.router import Router
from segue.types import Address, CustomerId
from segue.voice import Voice
from segue.words import normalise


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """What the bot may say about the people behind it."""

    name: str = ""
    phone: str = ""
    email: str = ""
    hours: str = ""
    locale: str = "en"
    timezone: tzinfo
    quiet: tuple[int, int] | None = None
    """Minutes after midnight between which nobody is written to first."""

    def quiet_until(self, address: Address, now: datetime) -> datetime | None:
        """Return when `address` may be written to first, or None: it may be now."""
        return quiet_until(address, now, hours=self.quiet, company=self.timezone)

    def contact(self) -> dict[str, Any]:
        """Return the values of the reply `person`."""
        return {
            "company": self.name,
            "phone": self.phone or None,
            "email": self.email or None,
            "hours": self.hours or None,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Everything a turn reads and never changes."""

    voice: Voice
    dialogs: Registry
    router: Router
    company: Company
    capabilities: Mapping[str, Capabilities]
    clock: Clock
    chance: Chance
    paused: Callable[[Pausable, str], str | None] = lambda _kind, _name: None
    """(kind, name) → the reply to give instead, or None."""
    pausing: Callable[[], bool] = lambda: True
    """Whether anything may be paused at all; asked once a turn, for hardly ever is."""
    reply_life: timedelta = timedelta(minutes=15)
    first_life: timedelta = timedelta(hours=4)
    """How long what we write first may wait to be sent."""
    silence: timedelta = timedelta(minutes=30)
    """How long an open question must have been silent before we write about something else."""
    silent: timedelta = timedelta(days=45)
    """How long a phone number may be silent before it proves nothing any more."""
    fact_life: timedelta = timedelta(0)
    """How old a fact may get before it is forgotten; 0 is as old as the customer."""
    progress_after: timedelta = timedelta(milliseconds=500)
    orders: Mapping[str, Flag] = field(default_factory=dict)
    """Words, normalised, that a running turn is told of before it reads them, in any locale."""
    flood: Rate = UNLIMITED
    """What one customer may say in a time (`care.py`)."""
    break_loops: bool = True
    """Fall silent towards another bot (`care.py`)."""
    consent: Mapping[str, Word] = field(default_factory=dict)
    """Words, normalised, of opting out and in, where the carriers keep such words."""
    kept: Kept = field(default_factory=Kept)
    """Plays that wait in this process; other dialogs, another `Setup`, and none of them is used."""
    anywhere: Mapping[str, str] = field(default_factory=dict)
    """Examples, normalised, of dialogs that begin also where any words would be an answer."""
    play_twice: bool = False
    """Tests: every play is done twice, and must come out the same."""
    caller: Caller | None = None
    """Tests: calls the functions of steps, and may let them fail or wait."""


class Note(Struct, frozen=True, kw_only=True):
    """One thing that happened in a turn, for whoever explains it (the demo's margin, insight)."""

    kind: str
    """`routed`, `understood`, `missed`, `remembered`, `asked`, `did`, `said`, `problem`."""
    values: Mapping[str, Any] = {}


def orders(voice: Voice) -> dict[str, Flag]:
    """Return the words of all locales for "cancel" and for "a person"."""
    found: dict[str, Flag] = {}
    for locale in voice.locales:
        words = voice.words(locale)
        found |= dict.fromkeys(words.person, Flag.PERSON) | dict.fromkeys(words.cancel, Flag.CANCEL)
    return found


def anywhere(dialogs: Registry) -> dict[str, str]:
    """Return the exact words, in any locale, that begin `continue_on` in the middle of a dialog."""
    found = dialogs.get("continue_on")
    examples = found.examples.values() if found is not None else ()
    return {normalise(one): "continue_on" for said in examples for one in said}


class Observer(Protocol):
    """Told after each committed turn."""

    def __call__(self, customer: CustomerId, notes: tuple[Note, ...]) -> None:
        """Take the notes; must be quick and must not raise."""
        ...
