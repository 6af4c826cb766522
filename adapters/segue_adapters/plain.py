"""A message as plain text, for channels that show nothing else and for previews."""

from __future__ import annotations

from segue.types import Block, Code, Inline, Items, Link, Message, Text


def plain_inline(children: tuple[Inline, ...]) -> str:
    """Return inline content as text; a link shows its address where its words do not."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Text | Code):
            parts.append(child.text)
        elif isinstance(child, Link):
            words = plain_inline(child.children)
            parts.append(words if child.url in (words, f"mailto:{words}", f"tel:{words}") else "")
            if not parts[-1]:
                parts[-1] = f"{words} ({child.url})" if words else child.url
        else:
            parts.append(plain_inline(child.children))
    return "".join(parts)


def plain_block(block: Block) -> str:
    """Return one block as text."""
    if isinstance(block, Items):
        first = block.start
        return "\n".join(
            f"{first + place}. {plain_inline(item)}" if first else f"- {plain_inline(item)}"
            for place, item in enumerate(block.items)
        )
    return plain_inline(block.children)


def plain(message: Message) -> str:
    """Return the words of a message, blocks separated by an empty line, without its buttons."""
    return plain_body(message.body)


def plain_body(body: tuple[Block, ...]) -> str:
    """Return blocks as text, separated by an empty line."""
    if len(body) == 1:
        return plain_block(body[0])
    return "\n\n".join(map(plain_block, body))
