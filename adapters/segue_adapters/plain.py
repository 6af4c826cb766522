"""A message as plain text, for channels that show nothing else and for previews."""

from __future__ import annotations

from segue.types import Block, Code, Inline, Items, Link, Message, Text


def plain_inline(children: tuple[Inline, ...]) -> str:
    """Return inline content as text; a link shows its address where its words do not."""
    parts = []
    for child in children:
        # Text is nearly all there is, and this runs for every reply.
        if type(child) is Text or type(child) is Code:
            parts.append(child.text)
        elif type(child) is Link:
            parts.append(_link(child))
        else:
            parts.append(plain_inline(child.children))  # type: ignore[union-attr]
    return parts[0] if len(parts) == 1 else "".join(parts)


def _link(link: Link) -> str:
    words = plain_inline(link.children)
    if link.url in (words, f"mailto:{words}", f"tel:{words}"):
        return words
    return f"{words} ({link.url})" if words else link.url


def plain_block(block: Block) -> str:
    """Return one block as text."""
    if isinstance(block, Items):
        first = block.start
        return "\n".join(
            f"{first + place}. {plain_inline(item)}" if first else f"- {plain_inline(item)}"
            for place, item in enumerate(block.items)
        )
    return plain_inline(block.children)


def plain_body(body: tuple[Block, ...]) -> str:
    """Return blocks as text, separated by an empty line."""
    if len(body) == 1:
        return plain_block(body[0])
    return "\n\n".join([plain_block(block) for block in body])


def plain(message: Message) -> str:
    """Return the words of a message, without its buttons."""
    return plain_body(message.body)
