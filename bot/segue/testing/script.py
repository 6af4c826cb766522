"""The transcript a test is written as: who says what, read line by line. Pure.

customer: i want to send smth back      words
customer: [Damaged]                     presses the button with that label
and:      and quickly please            written before the bot could answer
bot:      Why are you sending it back?  one message; further lines of it are indented
          1. Wrong size
bot:      …                             any one message; "…" inside stands for any words
on sms                                  from here on, the customer writes by SMS
opens                                   the customer opens the page and says nothing
later 2 hours                           time passes (seconds, minutes, hours, days, weeks)
again                                   the last message is delivered once more
out of order                            the next messages (customer, and) arrive the other way round
crash                                   the process dies and another one starts
crash at stepped                        … dies in the next turn, at a failpoint; `crash at sent 2`
fail find_order                         the next time, this step gives up; `fail find_order 2 times`
slow find_order                         the next time, this step takes until …
done                                    … here
send unknown                            the next send arrives, and nobody learns that it did
send lost                               … does not arrive, and nobody learns that either
send refused                            … is refused for good; `send late`: for now
# a remark
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeAlias

import regex

from segue.failpoints import NAMES

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604_800}
FATES = ("unknown", "lost", "refused", "late")
"""What may become of a send, beside that it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One thing that happens, on the lines `line` to `end` of the script, counted from 1."""

    line: int
    end: int = 0

    speaks: ClassVar[bool] = False
    """Whether further, indented lines belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Says(Beat):
    """The customer writes, or presses `[label]`."""

    text: str
    quick: bool = False
    """Written before the bot could answer what came before (`and:`)."""

    speaks: ClassVar[bool] = True

    @property
    def label(self) -> str | None:
        """Return the label of the button they press, or None if they write."""
        found = regex.fullmatch(r"\[(.+)\]", self.text)
        return found[1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears(Beat):
    """One message of the bot that is expected."""

    text: str

    speaks: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class On(Beat):
    """The customer goes on on another channel."""

    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens(Beat):
    """The customer comes to the page and says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Beat):
    """Time passes."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Again(Beat):
    """The platform delivers the last message once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrder(Beat):
    """The platform delivers the next messages the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash(Beat):
    """The process dies, now or at a failpoint of a later turn; another one goes on."""

    at: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(Beat):
    """A step gives up."""

    step: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Beat):
    """A step takes until it is told to be done."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Beat):
    """The slow steps are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Beat):
    """The next send does not simply arrive."""

    fate: str


class ScriptError(ValueError):
    """A line of a script cannot be read."""

    def __init__(self, problem: str, *, line: int = 0) -> None:
        super().__init__(f"line {line} of the script{problem}" if line else problem)
        self.line = line


_SPEAKER = regex.compile(r"(customer|and|bot)\s*:[ \t]?(.*)")
_DIRECTIVE = regex.compile(
    r"""
      (?P<opens>opens) | (?P<again>again) | (?P<order>out\ of\ order) | (?P<done>done)
    | on\ (?P<channel>\w+)
    | later\ (?P<much>\d+)\ (?P<unit>second|minute|hour|day|week)s?
    | (?P<crash>crash)(?:\ at\ (?P<at>\w+)(?:\ (?P<pass>\d+))?)?
    | fail\ (?P<fail>\w+)(?:\ (?P<fails>\d+)\ times?)?
    | slow\ (?P<slow>\w+)
    | send\ (?P<send>\w+)
    """,
    regex.VERBOSE,
)
_EXAMPLES = (
    "customer: …",
    "and: …",
    "bot: …",
    "on sms",
    "opens",
    "later 2 hours",
    "again",
    "out of order",
    "crash",
    "crash at stepped",
    "fail find_order",
    "slow find_order",
    "done",
    "send unknown",
    "send lost",
    "send refused",
    "send late",
)

Beats: TypeAlias = list[Beat]


def parse(script: str) -> Beats:
    """Return the beats of a script. Raises `ScriptError` with the line that makes no sense."""
    __tracebackhide__ = True
    beats: Beats = []
    for number, indent, line in _lines(script):
        speaker = _SPEAKER.fullmatch(line)
        if speaker is not None:
            _speak(beats, speaker[1], speaker[2].strip(), number)
        elif indent and beats and beats[-1].speaks:
            last = beats[-1]
            assert isinstance(last, Says | Hears)
            text = f"{last.text}\n{line}" if last.text else line
            beats[-1] = _replaced(last, text, number)
        else:
            beats.append(_directed(line, number))
    return beats


def is_beat(line: str) -> bool:
    """Whether a line, without its indentation, would be read as something else than words."""
    return line.startswith("#") or _SPEAKER.fullmatch(line) is not None


def _lines(script: str) -> list[tuple[int, int, str]]:
    """Return (number, indentation, text) of the lines that say something."""
    raw = script.expandtabs().splitlines()
    # The first line may stand behind the quotes: its indentation says nothing.
    depths = [len(line) - len(line.lstrip()) for line in raw[1:] if line.strip()]
    base = min(depths, default=0)
    return [
        (number, len(line) - len(line.lstrip()) - base if number > 1 else 0, line.strip())
        for number, line in enumerate(raw, 1)
        if line.strip() and not line.strip().startswith("#")
    ]


def _speak(beats: Beats, who: str, text: str, number: int) -> None:
    __tracebackhide__ = True
    if who == "bot":
        beats.append(Hears(text=text, line=number, end=number))
        return
    if who == "and" and not (beats and isinstance(beats[-1], Says)):
        raise ScriptError(
            " is 'and: …', but nothing was written just before it. Begin with 'customer: …'.",
            line=number,
        )
    beats.append(Says(text=text, quick=who == "and", line=number, end=number))


def _replaced(last: Says | Hears, text: str, end: int) -> Beat:
    if isinstance(last, Says):
        return Says(text=text, quick=last.quick, line=last.line, end=end)
    return Hears(text=text, line=last.line, end=end)


def _directed(line: str, number: int) -> Beat:
    __tracebackhide__ = True
    found = _DIRECTIVE.fullmatch(line)
    if found is None:
        raise _nonsense(line, number)
    said = found.groupdict()
    where = {"line": number, "end": number}
    match found.lastgroup:
        case "opens":
            return Opens(**where)
        case "again":
            return Again(**where)
        case "order":
            return OutOfOrder(**where)
        case "done":
            return Finished(**where)
        case "channel":
            return On(channel=said["channel"], **where)
        case "unit":
            by = timedelta(seconds=int(said["much"]) * _UNITS[said["unit"]])
            return Later(by=by, **where)
        case "crash" | "at" | "pass":
            if said["at"] and said["at"] not in NAMES:
                raise ScriptError(
                    f": there is no failpoint {said['at']!r}. There are {', '.join(NAMES)}.",
                    line=number,
                )
            return Crash(at=said["at"] or "", times=int(said["pass"] or 1), **where)
        case "fail" | "fails":
            return Fail(step=said["fail"], times=int(said["fails"] or 1), **where)
        case "slow":
            return Slow(step=said["slow"], **where)
        case _:
            if said["send"] not in FATES:
                raise ScriptError(
                    f": a send cannot be {said['send']!r}. It can be {', '.join(FATES)}.",
                    line=number,
                )
            return Send(fate=said["send"], **where)


def _nonsense(line: str, number: int) -> ScriptError:
    near = difflib.get_close_matches(line, _EXAMPLES, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else f" It can be {', '.join(_EXAMPLES)}."
    return ScriptError(
        f" is {line!r}, which says nothing here.{hint} "
        "Further lines of a message are indented more than the line they belong to.",
        line=number,
    )


# -- what was said, and what was expected ----------------------------------------------------------


def same(expected: str, said: str) -> bool:
    """Whether what was said is what the script expects; "…" stands for anything, spaces fold."""
    return _pattern(expected).fullmatch(_folded(said)) is not None


def agree(expected: str, said: str) -> int:
    """Return how many characters of what was said (spaces folded) the script agrees with."""
    pattern, text = _pattern(expected), _folded(said)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if pattern.fullmatch(text[:middle], partial=True):
            low = middle
        else:
            high = middle - 1
    return low


def _folded(text: str) -> str:
    return " ".join(text.split())


def _pattern(expected: str) -> regex.Pattern[str]:
    parts = [regex.escape(_folded(part), special_only=True) for part in expected.split("…")]
    return regex.compile(r"\s*.*?\s*".join(parts), regex.DOTALL)
