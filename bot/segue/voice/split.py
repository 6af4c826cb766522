"""Cutting a long message into several, where a reader would pause.

A cut falls, in this order of liking: between paragraphs and items, at the end of a sentence or
line, between words, between graphemes. Never inside a link, and never inside a grapheme, unless
that alone is longer than a whole message. Only white space at a cut is dropped; the rest, read one
message after the other, is the same text in the same order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from segue.types import Block, Code, Emphasis, Inline, Items, Link, Paragraph, Strong, Text
from segue.voice.plain import item_mark

_PAUSE = regex.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”’)]*|\n")
_SPACE = regex.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")

BETWEEN = 2
"""Characters between two blocks: a blank line."""

Measure = Callable[[Link], int]
"""How many characters a link takes on this channel."""


def split(blocks: Sequence[Block], limit: int, measure: Measure) -> list[list[Block]]:
    """Return the blocks as pages, each of at most `limit` characters."""
    pages: list[list[Block]] = []
    page: list[Block] = []
    used = 0
    waiting = deque(blocks)
    while waiting:
        block = waiting.popleft()
        size = block_size(block, measure)
        if page and used + BETWEEN + size <= limit:
            page.append(block)
            used += BETWEEN + size
        elif size <= limit:
            page, used = [block], size
            pages.append(page)
        else:
            head, tail = _cut_block(block, limit, measure)
            # White space before a link too long to stand beside it is at a cut: no page of its own.
            if not (tail and _is_blank(head)):
                pages.append([head])
            waiting.extendleft(reversed(tail))
            page, used = [], 0
    return pages


def block_size(block: Block, measure: Measure) -> int:
    """Return how many characters a block takes."""
    if isinstance(block, Items):
        return sum(
            len(item_mark(block, index)) + _size(item, measure) + 1
            for index, item in enumerate(block.items)
        )
    return _size(block.children, measure)


def _size(children: Sequence[Inline], measure: Measure) -> int:
    size = 0
    for child in children:
        if isinstance(child, Text | Code):
            size += len(child.text)
        elif isinstance(child, Link):
            size += measure(child)
        else:
            size += _size(child.children, measure)
    return size


def _cut_block(block: Block, limit: int, measure: Measure) -> tuple[Block, list[Block]]:
    if isinstance(block, Paragraph):
        head, tail = _cut(block.children, limit, measure)
        return Paragraph(head), [Paragraph(tail)] if tail else []
    used = fit = 0
    for index, item in enumerate(block.items):
        used += len(item_mark(block, index)) + _size(item, measure) + 1
        if used > limit:
            break
        fit = index + 1
    if fit:
        return Items(block.items[:fit], block.start), [_rest(block, fit)]
    head, tail = _cut(block.items[0], limit - len(item_mark(block, 0)) - 1, measure)
    rest: list[Block] = [Paragraph(tail)] if tail else []
    if len(block.items) > 1:
        rest.append(_rest(block, 1))
    return Items((head,), block.start), rest


def _is_blank(block: Block) -> bool:
    return isinstance(block, Paragraph) and not _visible(block.children, [], 0).strip()


def _rest(block: Items, fit: int) -> Items:
    return Items(block.items[fit:], block.start + fit if block.start else 0)


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of the visible text that is better not cut; a link never is."""

    start: int
    end: int
    is_link: bool


def _cut(
    children: tuple[Inline, ...], limit: int, measure: Measure
) -> tuple[tuple[Inline, ...], tuple[Inline, ...]]:
    spans: list[_Span] = []
    text = _visible(children, spans, 0)
    reach = _reach(children, max(limit, 1), measure)
    at = _best(text, reach, spans)
    end = len(text[:at].rstrip())
    start = at + len(text[at:]) - len(text[at:].lstrip())
    if end == 0:
        end = at
    return _slice(children, 0, end), _slice(children, start, len(text))


def _visible(children: Sequence[Inline], spans: list[_Span], at: int) -> str:
    parts: list[str] = []
    for child in children:
        if isinstance(child, Text | Code):
            words = child.text
        else:
            words = _visible(child.children, spans, at)
            if isinstance(child, Link) and not words.strip():
                words = child.url  # what is shown of it, so it must not pass for white space
        if not isinstance(child, Text):
            spans.append(_Span(at, at + len(words), isinstance(child, Link)))
        parts.append(words)
        at += len(words)
    return "".join(parts)


def _reach(children: Sequence[Inline], limit: int, measure: Measure) -> int:
    """Return how much of the visible text fits, links counted with their addresses."""
    at = used = 0

    def walk(inner: Sequence[Inline]) -> bool:
        nonlocal at, used
        for child in inner:
            if isinstance(child, Text | Code):
                room = min(len(child.text), limit - used)
                at += room
                used += room
                if room < len(child.text):
                    return False
            elif isinstance(child, Link):
                size = measure(child)
                if used + size > limit:
                    return False
                used += size
                at += len(_visible((child,), [], 0))
            elif not walk(child.children):
                return False
        return True

    walk(children)
    return at


def _best(text: str, reach: int, spans: list[_Span]) -> int:
    """Return the best place to cut, at most at `reach` (further only if a link begins there)."""
    inside = [span for span in spans if span.start < reach]
    links = [span for span in spans if span.is_link]

    def last(pattern: regex.Pattern[str], avoid: list[_Span]) -> int:
        # One character more than fits: a sentence may end exactly where the room does.
        ends = [found.end() for found in pattern.finditer(text, 0, min(reach + 1, len(text)))]
        for end in reversed(ends):
            if 0 < end <= reach and not any(span.start < end < span.end for span in avoid):
                return end
        return 0

    best = (
        last(_PAUSE, inside)
        or last(_SPACE, inside)
        or last(_SPACE, links)
        or _last_grapheme(text, reach, links)
    )
    if best:
        return best
    first = next((span for span in links if span.start == 0 and span.end > 0), None)
    if first is not None:
        return first.end
    return max(reach, 1)


def _last_grapheme(text: str, reach: int, links: Sequence[_Span]) -> int:
    """Return the last grapheme border up to `reach` that lies in no link, or 0."""
    best = 0
    for found in _GRAPHEME.finditer(text):
        if found.end() > reach:
            break
        if not any(span.start < found.end() < span.end for span in links):
            best = found.end()
    return best


def _slice(children: Sequence[Inline], start: int, end: int) -> tuple[Inline, ...]:
    """Return what stands between two places of the visible text; links stay whole."""
    kept: list[Inline] = []
    at = 0
    for child in children:
        size = len(_visible((child,), [], 0))
        low, high = max(start - at, 0), min(end - at, size)
        if low < high or (size == 0 and start <= at < end):
            kept.append(_part(child, low, high, size))
        at += size
    return tuple(kept)


def _part(child: Inline, low: int, high: int, size: int) -> Inline:
    if (low == 0 and high == size) or isinstance(child, Link):
        return child
    if isinstance(child, Text):
        return Text(child.text[low:high])
    if isinstance(child, Code):
        return Code(child.text[low:high])
    if isinstance(child, Strong):
        return Strong(_slice(child.children, low, high))
    assert isinstance(child, Emphasis)
    return Emphasis(_slice(child.children, low, high))
