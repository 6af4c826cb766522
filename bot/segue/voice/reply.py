"""One reply: what it declares, how each of its wordings runs, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias

from jinja2 import nodes
from msgspec import Struct

from segue.types import Message
from segue.voice.environment import (
    CODE_NAME,
    Captured,
    Root,
    VoiceContext,
    VoiceEnvironment,
    joined,
)
from segue.voice.syntax import Declared
from segue.voice.tree import LENGTH_LIMIT, MAX_PLACES, PLACES, BadMessage


class CustomerView(Struct, frozen=True):
    """What every reply may know of the customer."""

    name: str | None = None
    locale: str | None = None
    channel: str | None = None


NOBODY = CustomerView()


class Rendered(Struct, frozen=True, kw_only=True):
    """A reply as a message, and where it came from."""

    message: Message
    reply: str
    """`dialog/name`, `common/name` or `answers/name`."""
    version: int
    """Of the voice that said it (an earlier one, if this one's words failed)."""
    locale: str = ""
    """The locale the words are written in."""
    variant: int = 0
    """Which wording, counted from 0."""
    wordings: int = 1
    """Of how many."""
    problems: tuple[str, ...] = ()
    """What went wrong without stopping the reply; never holds a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonInfo:
    """A button of a reply; an `id` of None comes from a value."""

    id: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyInfo:
    """What a reply declares, for checks and pages."""

    dialog: str
    name: str
    locale: str
    file: str
    line: int
    values: tuple[Declared, ...]
    used: frozenset[str]
    buttons: tuple[ButtonInfo, ...]
    """Of the first wording, which the others share unless they bring their own."""
    button_sets: tuple[tuple[str, tuple[ButtonInfo, ...]], ...]
    """(channel or "", buttons) of every wording."""
    channels: tuple[str, ...]
    """Channels with words of their own."""
    wordings: int
    asked: tuple[str, ...]
    locales: tuple[str, ...] = ()
    """All locales that have this reply."""


Simple: TypeAlias = tuple[str, tuple[tuple[str, ...], ...]]
"""A skeleton, and the path to each value it prints: `order.item` is `("order", "item")`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Variant:
    """One wording. Compiled when it is first said."""

    body: list[nodes.Node]
    macros: tuple[nodes.Macro, ...]
    environment: VoiceEnvironment
    file: str
    line: int
    buttons: tuple[ButtonInfo, ...]
    text: str | None = None
    """The whole skeleton, if nothing in it depends on a value."""
    root: Root | None = None
    _simple: Simple | None = None
    _looked: bool = False

    @property
    def simple(self) -> Simple | None:
        """The skeleton and the fields it prints, if it is nothing but words and printed fields."""
        if not self._looked:
            self._looked = True
            self._simple = (self.text, ()) if self.text is not None else simple(self.body)
        return self._simple

    def run(self, context: VoiceContext, values: list[Any], lines: list[int] | None = None) -> str:
        """Return the skeleton, and put the printed values into `values`.

        With `lines`, the line where each value is printed is put there (slower, for checks).
        """
        if self.text is not None:
            return self.text
        root = self.root
        if root is None:
            root = self.root = self.environment.compile_wording(self.body, self.macros)
        parts: list[str] = []
        length = 0
        running = root(context)
        for piece in running:
            if piece.__class__ is str:
                parts.append(piece)
                length += len(piece)
                if length > LENGTH_LIMIT:
                    raise BadMessage(
                        "the message is far too long", f"At most {LENGTH_LIMIT} characters."
                    )
                continue
            value = piece[0]
            if value.__class__ is Captured:
                length += _flatten(value, parts, values)
            else:
                if len(values) >= MAX_PLACES:
                    raise BadMessage("far too many values are printed", "Print fewer.")
                parts.append(PLACES[len(values)])
                values.append(value)
            if lines is not None and (frame := running.gi_frame) is not None:
                lines += [self._file_line(frame.f_lineno)] * (len(values) - len(lines))
        return "".join(parts)

    def line_of(self, trace: TracebackType | None) -> int:
        """Return the line of the file where a rendering failed."""
        line = self.line
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == CODE_NAME:
                line = self._file_line(trace.tb_lineno)
            trace = trace.tb_next
        return line

    def _file_line(self, line: int) -> int:
        """Return the line of the file that a line of the compiled wording stands for."""
        template = getattr(self.root, "template", None)
        found = 0 if template is None else template.get_corresponding_lineno(line)
        return found if found > 1 else self.line


def simple(body: list[nodes.Node]) -> Simple | None:
    """Return a wording that is nothing but words and printed fields; None for any other."""
    found = joined(body)
    if len(found) != 1 or not isinstance(found[0], nodes.Output):
        return None
    skeleton: list[str] = []
    paths: list[tuple[str, ...]] = []
    for node in found[0].nodes:
        if isinstance(node, nodes.TemplateData):
            skeleton.append(node.data)
            continue
        path = _path(node)
        if path is None or path[0] == "customer" or len(paths) >= MAX_PLACES:
            return None
        skeleton.append(PLACES[len(paths)])
        paths.append(path)
    return "".join(skeleton), tuple(paths)


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        inner = _path(node.node)
        return None if inner is None else (*inner, node.attr)
    return None


def _flatten(pieces: Captured, parts: list[str], values: list[Any], length: int = 0) -> int:
    for piece in pieces:
        if piece.__class__ is str:
            parts.append(piece)
            length += len(piece)
        elif piece[0].__class__ is Captured:
            length = _flatten(piece[0], parts, values, length)
        else:
            if len(values) >= MAX_PLACES:
                raise BadMessage("far too many values are printed", "Print fewer.")
            parts.append(PLACES[len(values)])
            values.append(piece[0])
        if length > LENGTH_LIMIT:
            raise BadMessage("the message is far too long", f"At most {LENGTH_LIMIT} characters.")
    return length


@dataclass(slots=True, kw_only=True, eq=False)
class Reply:
    """One reply in one locale."""

    info: ReplyInfo
    variants: tuple[Variant, ...]
    overrides: Mapping[str, tuple[Variant, ...]]
    defaults: dict[str, Any]
    required: tuple[str, ...]
    full_name: str
