"""From the text of a template to the neutral tree, once per text; then only the values change.

A wording yields its words and, for each printed value, a placeholder: one private-use character.
Together they are the *skeleton*. Markdown reads the skeleton, never a value. What comes out is a
`Plan`: the finished tree with places in it. Filling a plan puts values in as text, or, in a link's
target, as an address after a check. Parts without places are shared between all messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import quote

from segue.types import (
    Block,
    Button,
    Code,
    Emphasis,
    Inline,
    Items,
    Link,
    Media,
    MediaKind,
    Message,
    Paragraph,
    Strong,
    Text,
)
from segue.voice.syntax import BUTTON, END, IMAGE, LINK, SEPARATOR
from segue.voice.values import safe_address

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

FIRST_PLACE = 0xE000
MAX_PLACES = 0x1000
PLACES = tuple(chr(FIRST_PLACE + index) for index in range(MAX_PLACES))
"""The placeholder of each printed value, in the order of printing."""

_FIRST_TARGET = 0xF000
_MAX_TARGETS = 0x0800

MARKUP_LIMIT = 400
"""Most signs of markup in one skeleton, so that parsing stays quick."""

LENGTH_LIMIT = 16_000
"""Longest message, in characters, values included."""

Part: TypeAlias = "str | int"
"""Words, or the index of a value."""

_PLACE = re.compile("([\ue000-\uefff])")
_GONE = "\uf805"
_MARKER = re.compile(f"([{BUTTON}{IMAGE}{LINK}])([^{END}]*?){SEPARATOR}([^{END}]*){END}")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_GONE_LINE = re.compile(rf"^[ \t]*{_GONE}[ \t{_GONE}]*\n?", re.MULTILINE)
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
_MARKUP = re.compile(r"[\[\]*_`<!]")

MAX_BUTTON_ID = 64


class BadMessage(Exception):
    """A template's text that cannot become a message. `args`: problem, cure."""


@dataclass(slots=True)
class Filler:
    """The values of one message, as text."""

    values: list[str]
    allowed_domains: frozenset[str]
    problems: list[str]

    def text(self, parts: Sequence[Part]) -> str:
        """Return words with their values in place."""
        values = self.values
        return "".join([part if part.__class__ is str else values[part] for part in parts])  # type: ignore[index]

    def address(self, parts: Sequence[Part]) -> str | None:
        """Return a checked address. A value that begins it is the address; others are escaped."""
        text = "".join(
            part
            if isinstance(part, str)
            else self.values[part].strip()
            if index == 0
            else quote(self.values[part], safe="")
            for index, part in enumerate(parts)
        )
        address = safe_address(text, self.allowed_domains)
        if address is None:
            self.problems.append("an address was not used: its form or domain is not allowed")
        return address


Fill: TypeAlias = Callable[[Filler], Any]


class Plan:
    """A message with places for values. What holds none is made once."""

    __slots__ = ("_blocks", "_buttons", "_media", "_message", "_shown", "_words")

    def __init__(
        self,
        blocks: list[Block | Fill],
        buttons: list[Button | tuple[list[Part], list[Part]]],
        media: list[Media | tuple[list[Part], list[Part]]],
    ) -> None:
        self._blocks = blocks
        self._buttons = buttons
        self._media = media
        self._message: Message | None = None
        self._shown: tuple[tuple[Button, ...], tuple[Media, ...]] | None = None
        """Buttons and media, if no value is in them."""
        self._words: tuple[Block, ...] | None = None
        nothing = Filler([], frozenset(), [])
        if not any(callable(block) for block in blocks):
            self._words = cast("tuple[Block, ...]", tuple(blocks))
        if not any(isinstance(part, tuple) for part in (*buttons, *media)):
            self._shown = tuple(self._fill_buttons(nothing)), tuple(self._fill_media(nothing))
        if self._words is not None and self._shown is not None:
            self._message = self.fill(nothing)

    def fill(self, filler: Filler) -> Message:
        """Return the message with these values; raise `BadMessage` for an id that cannot be one."""
        if self._message is not None:
            return self._message
        body = self._words
        if body is None:
            body = tuple([block(filler) if callable(block) else block for block in self._blocks])
        shown = self._shown
        if shown is None:
            shown = tuple(self._fill_buttons(filler)), tuple(self._fill_media(filler))
        return Message(body=body, buttons=shown[0], media=shown[1])

    def _fill_buttons(self, filler: Filler) -> Iterator[Button]:
        seen = set()
        for button in self._buttons:
            filled = button
            if isinstance(filled, tuple):
                id_ = filler.text(filled[0])
                label = " ".join(filler.text(filled[1]).split())
                if not id_ or len(id_.encode()) > MAX_BUTTON_ID or not id_.isprintable():
                    raise BadMessage(
                        f"a button's id is {len(id_.encode())} bytes long, or not printable",
                        "An id is 1 to 64 bytes, on one line.",
                    )
                filled = Button(id_, label or id_)
            if filled.id not in seen:
                seen.add(filled.id)
                yield filled

    def _fill_media(self, filler: Filler) -> Iterator[Media]:
        for media in self._media:
            if isinstance(media, tuple):
                address = filler.address(media[0])
                if address is not None:
                    alt = " ".join(filler.text(media[1]).split())
                    yield Media(kind=MediaKind.IMAGE, ref=address, alt=alt)
            else:
                yield media


@cache
def reader() -> MarkdownIt:
    """Only what every channel can carry, or degrade: no headings, quotes, tables, raw HTML.

    Imported when a wording is first said: a start should not wait for it.
    """
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("zero")
    markdown.enable(
        ["list", "emphasis", "backticks", "link", "autolink", "escape", "newline", "entity"]
    )
    markdown.normalizeLink = lambda url: url  # type: ignore[method-assign]
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


def parts_of(text: str) -> list[Part]:
    """Split text at its placeholders."""
    return [
        ord(piece) - FIRST_PLACE if index % 2 else piece
        for index, piece in enumerate(_PLACE.split(text))
        if piece
    ]


class _Builder:
    """Makes the plan of one skeleton."""

    def __init__(self, allowed_domains: frozenset[str]) -> None:
        self.allowed_domains = allowed_domains
        self.targets: list[str] = []
        self.used: set[int] = set()
        self.buttons: list[Any] = []
        self.media: list[Any] = []
        self.position = 0

    def plan(self, skeleton: str) -> Plan:
        text = self._take_markers(skeleton)
        if len(_MARKUP.findall(text)) > MARKUP_LIMIT:
            raise BadMessage(
                f"there are more than {MARKUP_LIMIT} signs of markup in one message",
                "Write less of it: * _ ` [ ] stand for bold, italics, code and links.",
            )
        blocks = list(self._blocks(reader().parse(_tidy(text))))
        if len(self.used) != len(self.targets):
            raise BadMessage(
                "the words of a link hold a bracket without its pair",
                r"Write \[ or \] where a bracket itself is wanted.",
            )
        return Plan(blocks, self.buttons, self.media)

    # -- markers ---------------------------------------------------------------------------------

    def _take_markers(self, skeleton: str) -> str:
        def replace(found: re.Match[str]) -> str:
            kind, target, label = found.groups()
            if kind == LINK:
                if len(self.targets) >= _MAX_TARGETS:
                    raise BadMessage("there are too many links in one message", "Show fewer.")
                self.targets.append(target)
                link = f"[{label.strip()}]({chr(_FIRST_TARGET + len(self.targets) - 1)})"
                line = skeleton[skeleton.rfind("\n", 0, found.start()) + 1 : found.start()]
                return link if line.strip() else f"\n\n{link}\n\n"
            words = " ".join(label.split())
            if kind == BUTTON:
                self.buttons.append(
                    (parts_of(target), parts_of(words))
                    if _PLACE.search(target + words)
                    else Button(target, words)
                )
            else:
                self._image(target, words)
            return _GONE

        return _MARKER.sub(replace, skeleton) if END in skeleton else skeleton

    def _image(self, target: str, words: str) -> None:
        if _PLACE.search(target + words):
            self.media.append((parts_of(target), parts_of(words)))
        elif address := safe_address(target, self.allowed_domains):
            self.media.append(Media(kind=MediaKind.IMAGE, ref=address, alt=words))

    # -- blocks ----------------------------------------------------------------------------------

    def _blocks(self, tokens: list[Token]) -> Iterator[Block | Fill]:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type in ("bullet_list_open", "ordered_list_open"):
                start = 0
                if token.type == "ordered_list_open":
                    start = max(int(token.attrGet("start") or 1), 1)
                end, items = self._items(tokens, at)
                if items:
                    yield _items_fill(items, start)
                at = end
            elif token.type == "inline":
                children = self._inline(token.children or [])
                if children:
                    yield _wrap(Paragraph, children)
            at += 1

    def _items(self, tokens: list[Token], at: int) -> tuple[int, list[list[Any]]]:
        """Collect the items of a list; lists inside it are laid flat."""
        level = tokens[at].level
        items: list[list[Any]] = []
        while True:
            at += 1
            token = tokens[at]
            if token.type == "inline":
                children = self._inline(token.children or [])
                if children:
                    items.append(children)
            elif token.level == level and token.nesting < 0:
                return at, items

    # -- inline ----------------------------------------------------------------------------------

    def _inline(self, tokens: list[Token]) -> list[Any]:
        self._tokens, self.position = tokens, 0
        return self._until("")

    def _until(self, closing: str) -> list[Any]:
        """Return children up to the closing token, neighbouring texts joined."""
        children: list[Any] = []
        words: list[str] = []

        def flush() -> None:
            text = "".join(words)
            words.clear()
            if text:
                children.append(_text_fill(Text, parts_of(text)))

        while self.position < len(self._tokens):
            token = self._tokens[self.position]
            self.position += 1
            kind = token.type
            if kind == closing:
                break
            if kind in ("text", "text_special"):
                words.append(token.content)
            elif kind == "softbreak":
                words.append(" ")
            elif kind == "hardbreak":
                words.append("\n")
            elif kind == "code_inline":
                flush()
                children.append(_text_fill(Code, parts_of(token.content)))
            elif kind in ("strong_open", "em_open"):
                flush()
                inner = self._until(kind.replace("open", "close"))
                if inner:
                    children.append(_wrap(Strong if kind == "strong_open" else Emphasis, inner))
            elif kind == "link_open":
                flush()
                children += self._link(str(token.attrGet("href") or ""))
            else:
                words.append(token.content)
        flush()
        return children

    def _link(self, target: str) -> list[Any]:
        label = self._until("link_close")
        if len(target) == 1 and 0 <= (index := ord(target) - _FIRST_TARGET) < len(self.targets):
            self.used.add(index)
            target = self.targets[index]
        parts = parts_of(target)
        if not label:
            label = [_text_fill(Text, parts)]
        if all(isinstance(part, str) for part in parts):
            address = safe_address(target, self.allowed_domains)
            if address is None:
                raise BadMessage(
                    f"a link leads to {target!r}, which must not be used",
                    "Use https://…, mailto:… or tel:…, within the allowed domains.",
                )
            if not any(callable(child) for child in label):
                return [Link(address, tuple(label))]
            return [lambda filler: Link(address, tuple(_filled(label, filler)))]

        def fill(filler: Filler) -> Link | list[Inline]:
            found = filler.address(parts)
            children = _filled(label, filler)
            return children if found is None else Link(found, tuple(children))

        return [fill]


def _filled(children: list[Any], filler: Filler) -> list[Inline]:
    result: list[Inline] = []
    for child in children:
        if callable(child):
            made = child(filler)
            if made.__class__ is list:
                result += made
            else:
                result.append(made)
        else:
            result.append(child)
    return result


def _text_fill(kind: type[Text | Code], parts: list[Part]) -> Any:
    if all(isinstance(part, str) for part in parts):
        return kind("".join(cast("list[str]", parts)))
    if len(parts) == 1:
        index = cast("int", parts[0])
        return lambda filler: kind(filler.values[index])
    return lambda filler: kind(filler.text(parts))


def _wrap(kind: Callable[[Any], Any], children: list[Any]) -> Any:
    if not any(callable(child) for child in children):
        return kind(tuple(children))
    if len(children) == 1:
        only = children[0]

        def fill_one(filler: Filler) -> Any:
            made = only(filler)
            return kind(tuple(made) if made.__class__ is list else (made,))

        return fill_one
    return lambda filler: kind(tuple(_filled(children, filler)))


def _items_fill(items: list[list[Any]], start: int) -> Any:
    if not any(callable(child) for item in items for child in item):
        return Items(tuple(tuple(item) for item in items), start)
    return lambda filler: Items(tuple(tuple(_filled(item, filler)) for item in items), start)


def _tidy(text: str) -> str:
    """Lay out the lines: no indentation, no lines left over from markers, items end with a line."""
    if _GONE in text:
        text = _GONE_LINE.sub("", text).replace(_GONE, "")
    text = _INDENT.sub("", text)
    if "\n" not in text:
        return text
    lines: list[str] = []
    in_list = False
    for line in text.split("\n"):
        is_item = _ITEM.match(line) is not None
        if in_list and line and not is_item:
            lines.append("")
        in_list = is_item
        lines.append(line)
    return "\n".join(lines)


def build_plan(skeleton: str, allowed_domains: frozenset[str] = frozenset()) -> Plan:
    """Read a skeleton as Markdown; raise `BadMessage` if it cannot become a message."""
    if len(skeleton) > LENGTH_LIMIT:
        raise BadMessage(
            f"the message has {len(skeleton)} characters", f"At most {LENGTH_LIMIT} are sent."
        )
    return _Builder(allowed_domains).plan(skeleton)
