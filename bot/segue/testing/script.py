"""The transcript a test is written as: who says what, read line by line. Pure.

customer: i want to send smth back      words
customer: [Damaged]                     presses the button with that label
bot:      Why are you sending it back?  one message; further lines of it are indented
          1. Wrong size
bot:      …                             any one message; "…" inside stands for any words
on sms                                  from here on, the customer writes by SMS
later 2 hours                           time passes (seconds, minutes, hours, days)
crash                                   the process dies and another one starts
again                                   the last message is delivered once more
# a remark
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import regex

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Says:
    """The customer writes, or presses `[label]`."""

    text: str
    line: int

    @property
    def label(self) -> str | None:
        """Return the label of the button they press, or None if they write."""
        found = regex.fullmatch(r"\[(.+)\]", self.text)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Hears:
    """One message of the bot that is expected."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class On:
    """The customer goes on on another channel."""

    channel: str
    line: int


@dataclass(frozen=True, slots=True)
class Later:
    """Time passes."""

    by: timedelta
    line: int


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies; another one goes on."""

    line: int


@dataclass(frozen=True, slots=True)
class Again:
    """The platform delivers the last message once more."""

    line: int


Beat: TypeAlias = Says | Hears | On | Later | Crash | Again


class ScriptError(ValueError):
    """A line of a script cannot be read."""


def parse(script: str) -> list[Beat]:
    """Return the beats of a script. Raises `ScriptError` with the line that makes no sense."""
    beats: list[Beat] = []
    for number, raw in enumerate(script.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if found := regex.match(r"(customer|bot)\s*:\s?(.*)", line):
            kind = Says if found[1] == "customer" else Hears
            beats.append(kind(found[2].strip(), number))
        elif found := regex.fullmatch(r"on (\w+)", line):
            beats.append(On(found[1], number))
        elif found := regex.fullmatch(r"later (\d+) (second|minute|hour|day)s?", line):
            beats.append(Later(timedelta(seconds=int(found[1]) * _UNITS[found[2]]), number))
        elif line == "crash":
            beats.append(Crash(number))
        elif line == "again":
            beats.append(Again(number))
        elif beats and isinstance(beats[-1], Says | Hears):
            last = beats[-1]
            beats[-1] = type(last)(f"{last.text}\n{line}", last.line)
        else:
            raise ScriptError(
                f"line {number} of the script is {line!r}. Expected 'customer: …', 'bot: …', "
                "'on CHANNEL', 'later 2 hours', 'crash' or 'again'."
            )
    return beats


def same(expected: str, said: str) -> bool:
    """Whether what was said is what the script expects; "…" stands for anything, spaces fold."""
    parts = [
        regex.escape(" ".join(part.split()), special_only=True) for part in expected.split("…")
    ]
    return (
        regex.fullmatch(r"\s*.*?\s*".join(parts), " ".join(said.split()), regex.DOTALL) is not None
    )
