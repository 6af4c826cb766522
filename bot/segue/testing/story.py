"""Telling what went differently: where the script stands, what was said until then, and why.

A test fails with a story that can be read without running it again.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from segue.engine.setup import Note
from segue.testing.script import Beats, ScriptError, agree, parse
from segue.voice import Voice

_SHOWN = 12
"""Lines of the conversation that are told."""
_DEPTH = 12
"""Frames that are looked through for a script."""
_QUOTES = ("'", '"')
_HERE = str(Path(__file__).parent)


class Mismatch(AssertionError):
    """The bot said something else than the script expects; shows the conversation so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a script stands in a file."""

    file: Path
    line: int
    """Of the script's first line."""
    offset: int = -1
    """Where the script's text begins in the file; -1 where it does not stand there as it is."""

    def at(self, line: int) -> str:
        """Return `file:line` of a line of the script, in a form that editors can open."""
        return f"{_near(self.file)}:{self.line + line - 1 if self.offset >= 0 else self.line}"


def located(script: str | Path, frame: FrameType | None) -> tuple[str, Place | None]:
    """Return the text of a script, or of the file it is in, and where it stands."""
    if isinstance(script, Path):
        return script.read_text(encoding="utf-8"), Place(file=script, line=1, offset=0)
    return script, find(script, frame)


def find(script: str, frame: FrameType | None) -> Place | None:
    """Return where the script of a call stands: in the file of the test, or of what called us."""
    caller: Place | None = None
    for _ in range(_DEPTH):
        while frame is not None and frame.f_code.co_filename.startswith(_HERE):
            frame = frame.f_back
        if frame is None:
            break
        file = Path(frame.f_code.co_filename)
        caller = caller or Place(file=file, line=frame.f_lineno)
        offset, line = _quoted("".join(linecache.getlines(str(file))), script, frame.f_lineno)
        if offset >= 0:
            return Place(file=file, line=line, offset=offset)
        frame = frame.f_back
    return caller


def _quoted(source: str, script: str, near: int) -> tuple[int, int]:
    """Return (offset, line) of a script between quotes, the nearest one to a line; (-1, 0): none.

    The line is that of its first character, also where that is only a line end.
    """
    best, best_line, at = -1, 0, source.find(script) if script else -1
    while at >= 0:
        line = source.count("\n", 0, at) + 1
        if (
            source[at - 1 : at] in _QUOTES
            and source[at + len(script) : at + len(script) + 1] in _QUOTES
            and (best < 0 or abs(line - near) < abs(best_line - near))
        ):
            best, best_line = at, line
        at = source.find(script, at + 1)
    return best, best_line


def read(script: str, place: Place | None) -> Beats:
    """Return the beats of a script; what cannot be read is told with its place."""
    __tracebackhide__ = True
    try:
        return parse(script)
    except ScriptError as error:
        if place is not None:
            error.add_note(place.at(error.line))
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What was expected and what came; empty is nothing."""

    expected: str
    said: str
    reply: str = ""


def tell(
    difference: Difference,
    *,
    where: str,
    transcript: Sequence[str],
    notes: Iterable[Note],
    voice: Voice,
    locale: str,
) -> str:
    """Return the story of a difference."""
    lines = [
        where,
        *_block("expected", difference.expected or "nothing more"),
        *_block("bot said", difference.said or "nothing"),
    ]
    if difference.expected and difference.said and "\n" not in difference.said:
        held = agree(difference.expected, difference.said)
        lines.append(" " * (12 + held) + "^ from here on it differs")
    if difference.reply:
        lines.append(f"  its reply: {difference.reply}{_written(difference.reply, voice, locale)}")
    lines += [f"  in this turn: {why}" for why in _because(notes)]
    shown = transcript[-_SHOWN:]
    hidden = len(transcript) - len(shown)
    lines.append("  the conversation so far:" + (f" ({hidden} lines before)" if hidden else ""))
    for entry in shown:
        first, *rest = entry.split("\n")
        lines += [f"    {first}", *(f"      {line}" for line in rest)]
    return "\n".join(lines)


def _block(label: str, text: str) -> list[str]:
    first, *rest = text.split("\n")
    return [f"  {label}: {first}", *(" " * 12 + line for line in rest)]


def _written(reply: str, voice: Voice, locale: str) -> str:
    dialog, _, name = reply.rpartition("/")
    info = voice.info(name, dialog=dialog, locale=locale)
    return f" ({_near(Path(info.file))}:{info.line})" if info is not None else ""


def _near(file: Path) -> Path:
    if file.is_relative_to(Path.cwd()):
        return file.relative_to(Path.cwd())
    # Wording that a test brings itself stood in a folder that is gone.
    return file if file.exists() else Path(*file.parts[-2:])


def _because(notes: Iterable[Note]) -> list[str]:
    """Return what the engine made of the turn, in words."""
    told: list[str] = []
    for note in notes:
        values = note.values
        match note.kind:
            case "problem":
                told.append(f"a problem at {values.get('where') or '?'}: {values.get('error')}")
            case "routed" if "intent" in values:
                told.append(f"led to {values['intent']} ({values.get('how')})")
            case "routed":
                told.append(f"led nowhere for sure ({values.get('how')})")
            case "understood":
                what = values.get("question") or values.get("order")
                told.append(f"understood {what} {values.get('value', values.get('how', ''))}")
            case "missed":
                told.append(f"{values.get('question')} did not understand it")
            case "did" if "step" in values and not values.get("ok"):
                told.append(f"the step {values['step']} failed")
    return told
