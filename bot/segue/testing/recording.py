"""Recording: writing into a script what the bot says now, and nothing else of it.

    pytest --segue-record            every script that differs is written anew, in its own file

- What still agrees stays as it was written, with its "…" and its remarks.
- A script that holds only the customer's words is filled in.
- A file is changed once, at the end, and only if what comes out is still Python.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segue.testing.script import Beats, Hears, Says, is_beat, parse, same
from segue.testing.story import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What was said between one beat of a script and the next that is not the bot's."""

    beat: int
    """Index of the beat before it; -1 for what was said before any."""
    said: tuple[str, ...]


def rewritten(script: str, takes: Sequence[Take]) -> str:
    """Return the script with what the bot said in these takes."""
    beats = parse(script)
    lines = script.split("\n")
    said = {take.beat: take.said for take in takes}
    changes: list[tuple[int, int, list[str]]] = []
    for index in range(-1, len(beats)):
        if index >= 0 and isinstance(beats[index], Hears):
            continue
        hears = _following(beats, index)
        new = said.get(index, ())
        if index not in said or _agree(hears, new):
            continue
        start = beats[index].end if index >= 0 else (beats[0].line - 1 if beats else 1)
        end = hears[-1].end if hears else start
        changes.append((start, end, _written(script, beats, hears, new, lines[start:end])))
    for start, end, new_lines in reversed(changes):
        lines[start:end] = new_lines
    return "\n".join(lines)


def _following(beats: Beats, index: int) -> list[Hears]:
    found: list[Hears] = []
    for beat in beats[index + 1 :]:
        if not isinstance(beat, Hears):
            break
        found.append(beat)
    return found


def _agree(hears: Sequence[Hears], said: Sequence[str]) -> bool:
    return len(hears) == len(said) and all(
        same(expected.text, one) for expected, one in zip(hears, said, strict=True)
    )


def _written(
    script: str, beats: Beats, hears: Sequence[Hears], said: Sequence[str], old: list[str]
) -> list[str]:
    """Return the lines of what was said; of what agrees, the lines that were there."""
    indent, width = _habit(script, beats)
    kept = _longest(hears, said)
    first = hears[0].line if hears else 0
    out: list[str] = []
    for position, one in enumerate(said):
        match = kept.get(position)
        if match is not None:
            out += old[match.line - first : match.end - first + 1]
            continue
        out += _spoken(one, indent, width)
    return out


def _longest(hears: Sequence[Hears], said: Sequence[str]) -> dict[int, Hears]:
    """Return which of the messages said (by position) are which of those expected, in order."""
    best: list[list[dict[int, Hears]]] = [
        [{} for _ in range(len(said) + 1)] for _ in range(len(hears) + 1)
    ]
    for i in range(len(hears) - 1, -1, -1):
        for j in range(len(said) - 1, -1, -1):
            options = [best[i + 1][j], best[i][j + 1]]
            if same(hears[i].text, said[j]):
                options.append({j: hears[i], **best[i + 1][j + 1]})
            best[i][j] = max(options, key=len)
    return best[0][0]


def _habit(script: str, beats: Beats) -> tuple[str, int]:
    """Return how the script is indented, and how wide its column of names is."""
    lines = script.split("\n")
    for beat in beats:
        if isinstance(beat, Says | Hears):
            line = lines[beat.line - 1]
            head, colon, rest = line.partition(":")
            indent = line[: len(line) - len(line.lstrip())]
            if beat.line == 1 and len(lines) > 1:
                # Behind the quotes; the lines below show how deep it really is.
                continue
            width = len(head.strip()) + 1 + len(rest) - len(rest.lstrip()) if colon else 10
            return indent, max(width, len("bot: "))
    return "", len("customer: ")


def _spoken(text: str, indent: str, width: int) -> list[str]:
    first, *rest = _safe(text)
    return [
        f"{indent}{'bot:'.ljust(width)}{first}".rstrip(),
        *(f"{indent}{' ' * width}{line}" for line in rest),
    ]


def _safe(text: str) -> list[str]:
    """Return the lines of a message so that each is read as words of it."""
    out: list[str] = []
    for line in text.split("\n"):
        words = line.strip()
        if not words:
            continue
        if out and is_beat(words):
            out[-1] += f" {words}"
        else:
            out.append(words)
    return out or [""]


# -- files -----------------------------------------------------------------------------------------


class Unwritable(ValueError):
    """A recording cannot be put where its script stands."""


@dataclass(kw_only=True)
class Recorder:
    """Collects recordings and writes them into their files."""

    taken: dict[Path, dict[int, tuple[str, str]]] = field(default_factory=dict)
    """File → offset → (script as it is, script as it will be)."""

    def keep(self, place: Place | None, script: str, new: str) -> None:
        """Remember what is to be written. Raises `Unwritable`."""
        if place is None or place.offset < 0:
            where = place.at(1) if place is not None else "?"
            raise Unwritable(
                f"{where}: this script does not stand in the file as it is (it has escapes, or is "
                "put together). Write it between three quotes to record it."
            )
        if place.file.suffix == ".py" and new != script and ("\\" in new or '"""' in new):
            raise Unwritable(
                f"{place.at(1)}: what was said has a backslash or three quotes. "
                "Keep this script in a file of its own to record it."
            )
        kept = self.taken.setdefault(place.file, {}).setdefault(place.offset, (script, new))
        if kept[1] != new:
            raise Unwritable(
                f"{place.at(1)}: this script is played more than once, and not the same was said "
                "each time. Write “…” where it may differ."
            )

    def write(self) -> list[tuple[Path, int]]:
        """Write all files; return those that changed, each with how many of its scripts did."""
        written: list[tuple[Path, int]] = []
        for file, scripts in self.taken.items():
            source = file.read_text(encoding="utf-8")
            changed = 0
            for offset in sorted(scripts, reverse=True):
                script, new = scripts[offset]
                if script == new:
                    continue
                if source[offset : offset + len(script)] != script:
                    raise Unwritable(f"{file} has changed since the tests were read")
                source = source[:offset] + new + source[offset + len(script) :]
                changed += 1
            if not changed:
                continue
            if file.suffix == ".py":
                ast.parse(source)
            file.write_text(source, encoding="utf-8")
            written.append((file, changed))
        return written


_recorder: Recorder | None = None


def record(with_: Recorder | None) -> None:
    """Let every rehearsal from now on be recorded; None lets them be compared."""
    global _recorder
    _recorder = with_


def recording() -> Recorder | None:
    """Return what records rehearsals now, or None."""
    return _recorder
