"""Where the lines of a template end: makes the source ready for Jinja, line numbers unchanged.

Rules of layout, as writers know them:

- the text of a marker (`button`, `image`, `link`, `asked`) is the rest of its line, or ends where
  the `if` or `for` around it ends;
- a tag or comment alone on its line leaves nothing behind, not even the line;
- the address after `image` and `link`, and an id like `dialog:return_item`, need no quotes.

Jinja's own `trim_blocks` also eats the line end after a tag *within* a line, which glues words
together; so this module does it instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from segue.errors import VoiceError

MARKERS = frozenset({"asked", "button", "image", "link"})
"""Tags whose text is the rest of their line."""

RESERVED = re.compile("[\ue000-\uf8ff]")
"""Private-use characters, which stand for values and markers once a template runs."""

_OPENERS = frozenset({"if", "for"})
_CLOSERS = frozenset({"endif", "endfor", "endset", "elif", "else"})

_STRINGS = r"""|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'"""
_TAG = re.compile(rf"\{{%[-+]?\s*(\w*)((?:[^\"'%]{_STRINGS}|%(?!\}}))*+)%\}}", re.DOTALL)
_PRINT = re.compile(rf"\{{\{{(?:[^\"'}}]{_STRINGS}|\}}(?!\}}))*+\}}\}}", re.DOTALL)
_OPEN = re.compile(r"\{[%{#]")
_BARE = {
    "button": re.compile(r"(\s*)(\w+[:-][\w:-]*)(\s*)\Z"),
    "image": re.compile(r"(\s*)(https?:[^\s\"']+?)(\s*-?)\Z"),
    "link": re.compile(r"(\s*)((?:https?|mailto|tel):[^\s\"']+?)(\s*-?)\Z"),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # "data", "tag", "print" or "comment"
    start: int
    end: int
    name: str = ""
    rest: str = ""

    @property
    def is_marker(self) -> bool:
        return self.kind == "tag" and self.name in MARKERS


@dataclass(slots=True)
class _Edit:
    at: int
    remove: int
    insert: str


def prepare(source: str, *, file: str) -> str:
    """Return the source as Jinja reads it; raise `VoiceError` where a line breaks a rule."""
    pieces = list(_pieces(source))
    for piece in pieces:
        if piece.name == "raw" and piece.kind == "tag":
            raise VoiceError(
                "`raw` is not available in replies",
                cure="Write {{ '{{' }} where braces themselves are wanted.",
                file=file,
                line=_line(source, piece.start),
            )
    edits = [
        *_marker_ends(source, pieces, file=file),
        *_standing_alone(source, pieces),
        *_addresses(pieces),
    ]
    edits.sort(key=lambda edit: edit.at)
    parts = []
    at = 0
    for edit in edits:
        parts += [source[at : edit.at], edit.insert]
        at = edit.at + edit.remove
    parts.append(source[at:])
    return "".join(parts)


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


def _pieces(source: str) -> Iterator[_Piece]:
    """Cut the source into text, tags, printed values and comments, in one pass.

    What is never closed ends the cutting: the parser then says what is missing.
    """
    at = 0
    while opening := _OPEN.search(source, at):
        start = opening.start()
        if start > at:
            yield _Piece("data", at, start)
        if opening[0] == "{#":
            close = source.find("#}", start + 2)
            if close < 0:
                return
            at = close + 2
            yield _Piece("comment", start, at)
        elif opening[0] == "{{":
            printed = _PRINT.match(source, start)
            if printed is None:
                return
            at = printed.end()
            yield _Piece("print", start, at)
        else:
            tag = _TAG.match(source, start)
            if tag is None:
                return
            at = tag.end()
            yield _Piece("tag", start, at, tag[1], tag[2])
    if at < len(source):
        yield _Piece("data", at, len(source))


def _marker_ends(source: str, pieces: list[_Piece], *, file: str) -> Iterator[_Edit]:
    """Give every marker an end tag: at the end of its line, or of the block it stands in."""
    marker: _Piece | None = None
    depth = 0
    for piece in pieces:
        if marker is not None:
            end = -1
            if piece.kind == "data":
                end = source.find("\n", piece.start, piece.end)
                if end >= 0 and depth:
                    raise VoiceError(
                        f"the line of `{marker.name}` ends inside an `if` or `for`",
                        cure=f"Close it on the same line, or put `{marker.name}` inside it.",
                        file=file,
                        line=_line(source, marker.start),
                    )
            elif piece.kind == "tag":
                if piece.name in _OPENERS or (piece.name == "set" and "=" not in piece.rest):
                    depth += 1
                elif piece.name in _CLOSERS and depth:
                    depth -= piece.name.startswith("end")
                elif piece.name != "set":
                    end = piece.start
            if end >= 0:
                yield _Edit(end, 0, f"{{% end{marker.name} %}}")
                marker = None
        if piece.is_marker:
            marker, depth = piece, 0
    if marker is not None:
        yield _Edit(pieces[-1].end, 0, f"{{% end{marker.name} %}}")


def _standing_alone(source: str, pieces: list[_Piece]) -> Iterator[_Edit]:
    """Move the line end after a tag that stands alone into the tag."""
    clean = True
    last: _Piece | None = None
    for piece in pieces:
        if piece.kind == "data":
            at = piece.start
            while (newline := source.find("\n", at, piece.end)) >= 0:
                if clean and last is not None and not source[at:newline].strip():
                    inside = last.end - 2
                    if source[inside - 1] in "-+":
                        inside -= 1
                    yield _Edit(inside, 0, "\n")
                    yield _Edit(newline, 1, "")
                clean, last, at = True, None, newline + 1
            if source[at : piece.end].strip():
                clean = False
        elif piece.kind == "print" or piece.is_marker:
            clean = False
        else:
            last = piece


def _addresses(pieces: list[_Piece]) -> Iterator[_Edit]:
    """Put quotes around a bare address, and around an id like `dialog:return_item`."""
    for piece in pieces:
        bare = _BARE.get(piece.name) if piece.kind == "tag" else None
        if bare is not None and (found := bare.match(piece.rest)):
            start = piece.end - 2 - len(piece.rest) + len(found[1])
            yield _Edit(start, len(found[2]), f'"{found[2]}"')
