"""A message as plain text, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from segue.types import Block, Code, Inline, Items, Link, Media, Message, Text


def plain(message: Message) -> str:
    """Return the words of a message without markup. Buttons and pictures are not part of it.

    Paragraphs are a blank line apart; items are lines, with `- ` or their number; a link is its
    words and, in parentheses, its address.
    """
    body = message.body
    if len(body) == 1:
        return block_text(body[0])
    parts: list[str] = []
    for index, block in enumerate(body):
        if index:
            parts.append("\n" if isinstance(block, Items) else "\n\n")
        parts.append(block_text(block))
    return "".join(parts)


def block_text(block: Block) -> str:
    """Return the words of one block."""
    if isinstance(block, Items):
        return "\n".join(
            f"{item_mark(block, index)}{inline_text(item)}"
            for index, item in enumerate(block.items)
        )
    return inline_text(block.children)


def item_mark(items: Items, index: int) -> str:
    """Return what stands before an item: its number, or a dash."""
    return f"{items.start + index}. " if items.start else "- "


def inline_text(children: Sequence[Inline]) -> str:
    """Return the words of a run of text."""
    if len(children) == 1 and children[0].__class__ is Text:
        return children[0].text
    return "".join([_inline(child) for child in children])


def _inline(child: Inline) -> str:
    if isinstance(child, Text | Code):
        return child.text
    words = inline_text(child.children)
    if isinstance(child, Link):
        return link_text(words, child.url)
    return words


def link_text(words: str, url: str) -> str:
    """Return a link as text: `words (address)`, or the address alone if the words say the same."""
    shown = url.removeprefix("mailto:").removeprefix("tel:")
    if not words.strip() or words.strip() in (url, shown):
        return shown
    return f"{words} ({shown})"


def to_json(message: Message) -> dict[str, Any]:
    """Return a message as plain data: text, body (the neutral tree), buttons, media."""
    return {
        "text": plain(message),
        "body": msgspec.json.decode(msgspec.json.encode(message.body)),
        "buttons": [{"id": button.id, "label": button.label} for button in message.buttons],
        "media": [media_json(media) for media in message.media],
    }


def media_json(media: Media) -> dict[str, str]:
    """Return an attachment as plain data."""
    return {"kind": str(media.kind), "url": media.ref, "alt": media.alt}
