"""Making a message fit a channel: what it cannot show becomes words, what is too long becomes two.

Nothing is lost and nothing changes its order. A channel without buttons gets a numbered list, and
its customers may answer with the number, the word or the label (`segue.slots`); so the engine keeps
the message as it was, and only what is sent is degraded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from segue.channel import Capabilities
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
from segue.voice.plain import inline_text, item_mark, link_text
from segue.voice.split import block_size, split

MediaUrl = Callable[[Media], str | None]


def degrade(
    message: Message,
    capabilities: Capabilities,
    *,
    media_url: MediaUrl | None = None,
    hint: str = "",
) -> tuple[Message, ...]:
    """Return the messages that say the same within what a channel can show.

    `media_url` gives the public address of an attachment kept under our own id. `hint` is a line
    of the voice put under a numbered list ("Answer with a number."). Buttons go with the last
    message, pictures with the first. A message that says nothing becomes no message.
    """
    blocks = [block for block in message.body if _says_something(block)]
    blocks, buttons = _buttons(blocks, message, capabilities, hint)
    media = message.media
    if media and not capabilities.images:
        blocks += [_media_block(one, media_url) for one in media if one.alt or one.ref]
        media = ()

    def measure(link: Link) -> int:
        # Where a link can be shown, its address counts as well: some platforms count it.
        return len(link_text(inline_text(link.children), link.url))

    limit = capabilities.text_limit
    if sum(block_size(block, measure) + 2 for block in blocks) - 2 <= limit:
        pages = [blocks] if blocks else []
    else:
        pages = split(blocks, limit, measure)
    if not pages:
        return (Message(body=(), buttons=buttons, media=media),) if buttons or media else ()
    last = len(pages) - 1
    return tuple(
        Message(
            body=tuple(flat for block in page for flat in _flat_block(block, capabilities.markup)),
            buttons=buttons if index == last else (),
            media=media if index == 0 else (),
        )
        for index, page in enumerate(pages)
    )


def _says_something(block: Block) -> bool:
    if isinstance(block, Items):
        return bool(block.items)
    return bool(inline_text(block.children).strip())


# -- buttons and pictures ------------------------------------------------------------------------


def _buttons(
    blocks: list[Block], message: Message, capabilities: Capabilities, hint: str
) -> tuple[list[Block], tuple[Button, ...]]:
    """Return the blocks and the buttons to show: as they are, numbered, or as a list only."""
    buttons = message.buttons
    if not buttons:
        return blocks, ()
    fits = len(buttons) <= capabilities.buttons
    short = all(len(button.label) <= capabilities.button_label for button in buttons)
    alone = not blocks and not message.media
    if fits and short and not alone:
        return blocks, buttons
    listed: list[Block] = [
        *blocks,
        Items(tuple((Text(button.label),) for button in buttons), 1),
    ]
    if hint:
        listed.append(Paragraph((Text(hint),)))
    if not fits:
        return listed, ()
    if short:
        return listed, buttons
    return listed, tuple(Button(button.id, str(number)) for number, button in enumerate(buttons, 1))


def _media_block(media: Media, media_url: MediaUrl | None) -> Block:
    address: str | None = media.ref
    if not media.ref.startswith(("https://", "http://")):
        address = media_url(media) if media_url is not None else None
    words = media.alt or ("" if media.kind is MediaKind.IMAGE else media.ref)
    if address is None:
        return Paragraph((Text(words or media.ref),))
    return Paragraph((Link(address, (Text(words or address),)),))


# -- markup --------------------------------------------------------------------------------------


def _flat_block(block: Block, markup: frozenset[str]) -> list[Block]:
    if isinstance(block, Paragraph):
        return [Paragraph(_flat(block.children, markup))]
    if "list" in markup:
        return [Items(tuple(_flat(item, markup) for item in block.items), block.start)]
    lines: list[Inline] = []
    for index, item in enumerate(block.items):
        lines.append(Text(("\n" if index else "") + item_mark(block, index)))
        lines += item
    return [Paragraph(_flat(lines, markup))]


def _flat(children: Sequence[Inline], markup: frozenset[str]) -> tuple[Inline, ...]:
    """Return the run with only the markup that can be shown; neighbouring texts become one."""
    flat: list[Inline] = []

    def add(child: Inline) -> None:
        before = flat[-1] if flat else None
        if isinstance(child, Text) and isinstance(before, Text):
            flat[-1] = Text(before.text + child.text)
        else:
            flat.append(child)

    for child in children:
        if isinstance(child, Text):
            add(child)
        elif isinstance(child, Code):
            add(child if "code" in markup else Text(child.text))
        elif isinstance(child, Link):
            if "link" in markup:
                add(Link(child.url, _flat(child.children, markup)))
            else:
                add(Text(link_text(inline_text(child.children), child.url)))
        else:
            inner = _flat(child.children, markup)
            if isinstance(child, Strong) and "strong" in markup:
                add(Strong(inner))
            elif isinstance(child, Emphasis) and "emphasis" in markup:
                add(Emphasis(inner))
            else:
                for part in inner:
                    add(part)
    return tuple(flat)
