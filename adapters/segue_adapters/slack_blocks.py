"""From the neutral tree to Block Kit. Pure.

- Words go into `rich_text` blocks, whose texts are never read as markup: no value can become a
  mention, a link or bold, and nothing need be escaped. `mrkdwn` cannot promise that: its `*`, `_`,
  `~` and backtick have no escape.
- `text` is what notifications show, and what is sent alone where Slack does not take the blocks. It
  is sent with `mrkdwn` off, `&`, `<`, `>` escaped, and URLs left alone (`parse: none`).
- Ids of buttons are ours and go into `value`; an `action_id` must differ from its neighbours, so it
  is a number.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from segue.channel import Payload
from segue.types import (
    Block,
    Code,
    Emphasis,
    Inline,
    Items,
    Link,
    Media,
    Message,
    Strong,
    Text,
)
from segue_adapters.plain import plain
from segue_adapters.slack_words import escaped

Json: TypeAlias = dict[str, Any]

BUTTONS = 25
"""Most buttons in one `actions` block, which is one message for us."""
LABEL = 75
TEXT_LIMIT = 3000
"""Longest text of one message. Slack takes about 13,000 signs of blocks, markup included."""
_NAME = 2000
"""Longest `alt_text`."""


def built(message: Message) -> Payload:
    """Return text and blocks of a message; to whom, `sending` adds."""
    blocks = [*_words(message.body), *map(_picture, _shown(message.media))]
    if message.buttons:
        blocks.append(
            {
                "type": "actions",
                "block_id": "choices",
                "elements": [
                    {
                        "type": "button",
                        "action_id": f"choice-{place}",
                        "text": {"type": "plain_text", "text": button.label, "emoji": False},
                        "value": button.id,
                    }
                    for place, button in enumerate(message.buttons)
                ],
            }
        )
    labels = "\n".join(f"{at}. {each.label}" for at, each in enumerate(message.buttons, 1))
    said = plain(message)
    return {
        "text": escaped(said) or escaped(labels),
        "blocks": blocks,
        "alone": escaped("\n\n".join(part for part in (said, labels) if part)),
    }


def _shown(media: tuple[Media, ...]) -> list[Media]:
    return [each for each in media if each.ref.startswith("https://")]


def _picture(media: Media) -> Json:
    return {"type": "image", "image_url": media.ref, "alt_text": media.alt[:_NAME] or "·"}


def _words(body: tuple[Block, ...]) -> list[Json]:
    """Return one `rich_text` block for all words, or none."""
    elements: list[Json] = []
    for block in body:
        if isinstance(block, Items):
            elements.append(_list(block))
            continue
        words = _inline(block.children)
        before = elements[-1] if elements else None
        if before is not None and before["type"] == "rich_text_section":
            # Paragraphs after one another are one section; an empty line keeps them apart.
            before["elements"] += [_text("\n\n"), *words]
        elif words:
            elements.append(_section(words))
    return [{"type": "rich_text", "elements": elements}] if elements else []


def _list(items: Items) -> Json:
    rows = [_section(_inline(item) or [_text(" ")]) for item in items.items]
    listed: Json = {"type": "rich_text_list", "style": "bullet", "elements": rows}
    if items.start:
        listed["style"] = "ordered"
    if items.start > 1:
        listed["offset"] = items.start - 1
    return listed


def _section(elements: list[Json]) -> Json:
    return {"type": "rich_text_section", "elements": elements}


def _inline(children: tuple[Inline, ...], style: frozenset[str] = frozenset()) -> list[Json]:
    found: list[Json] = []
    for child in children:
        match child:
            case Text(text):
                found += [_text(text, style)] if text else []
            case Code(text):
                found += [_text(text, style | {"code"})] if text else []
            case Strong(inner):
                found += _inline(inner, style | {"bold"})
            case Emphasis(inner):
                found += _inline(inner, style | {"italic"})
            case Link(url, inner):
                words = "".join(str(each["text"]) for each in _inline(inner))
                found.append(_styled({"type": "link", "url": url, "text": words or url}, style))
    return found


def _text(text: str, style: frozenset[str] = frozenset()) -> Json:
    return _styled({"type": "text", "text": text}, style)


def _styled(element: Json, style: frozenset[str]) -> Json:
    if style:
        element["style"] = dict.fromkeys(sorted(style), True)
    return element
