"""What a message is for the Bot API: HTML from the neutral tree, escaped here only. Pure.

- Only links of the web are links: Telegram drops any other, so its address is written out.
- One message is one call, so that its outcome is one: a single picture with few words is a photo
  with a caption; other pictures are links.
- No preview of a link is made: nobody is asked for a page because a value looks like an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from html import escape
from typing import Any

from segue.channel import Payload, Take
from segue.types import (
    Address,
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
from segue_adapters.plain import plain, plain_body

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
_WEB = ("https://", "http://")
_ROW = 24
"""Letters of labels that fit beside each other on a small phone."""
_NOWHERE = {"is_disabled": True}

EVERYBODY = "telegram:bot"
"""The bucket of all that the bot sends."""


def build(message: Message) -> Payload:
    """Return the call: `method`, its `params`, and the same `plain`, without markup."""
    pictures = [
        each for each in message.media if each.kind is MediaKind.IMAGE and _is_web(each.ref)
    ]
    said = plain(message)
    if len(pictures) == 1 and len(said) <= CAPTION_LIMIT:
        caption = _html(message.body)
        payload: Payload = {
            "method": "sendPhoto",
            "params": {"photo": pictures[0].ref, "caption": caption, "parse_mode": "HTML"},
            # A picture that Telegram cannot get is a link.
            "plain": plain_body((*message.body, *_as_links(pictures))),
        }
    else:
        body = (*message.body, *_as_links(pictures))
        payload = {
            "method": "sendMessage",
            "params": {
                "text": _html(body),
                "parse_mode": "HTML",
                "link_preview_options": _NOWHERE,
            },
            "plain": plain_body(body),
        }
    if message.buttons:
        payload["params"]["reply_markup"] = {"inline_keyboard": _keyboard(message.buttons)}
    return payload


def without_markup(payload: Payload) -> Payload:
    """Return the same as plain text, for where the platform could not read the markup."""
    params = {"text": payload["plain"], "link_preview_options": _NOWHERE}
    if "reply_markup" in payload["params"]:
        params["reply_markup"] = payload["params"]["reply_markup"]
    return {"method": "sendMessage", "params": params, "plain": payload["plain"]}


def _is_web(address: str) -> bool:
    return address.lower().startswith(_WEB)


def _as_links(pictures: Sequence[Media]) -> tuple[Block, ...]:
    return tuple(Paragraph((Link(each.ref, (Text(each.alt or each.ref),)),)) for each in pictures)


def _keyboard(buttons: Sequence[Button]) -> list[list[dict[str, str]]]:
    """Return rows: beside each other where all of it fits, else below each other."""
    made = [{"text": button.label, "callback_data": button.id} for button in buttons]
    if len(made) <= 3 and sum(len(button.label) for button in buttons) <= _ROW:
        return [made]
    return [[button] for button in made]


def _html(body: Sequence[Block]) -> str:
    return "\n\n".join(map(_block, body))


def _block(block: Block) -> str:
    if isinstance(block, Items):
        first = block.start
        return "\n".join(
            f"{first + place}. {_inline(item)}" if first else f"- {_inline(item)}"
            for place, item in enumerate(block.items)
        )
    return _inline(block.children)


def _inline(children: tuple[Inline, ...]) -> str:
    return "".join(map(_node, children))


def _node(node: Inline) -> str:
    match node:
        case Text(text):
            return _escaped(text)
        case Code(text):
            return f"<code>{_escaped(text)}</code>"
        case Strong(children):
            return f"<b>{_inline(children)}</b>"
        case Emphasis(children):
            return f"<i>{_inline(children)}</i>"
        case Link(url, children) if _is_web(url):
            return f'<a href="{escape(url)}">{_inline(children)}</a>'
        case Link():
            return _escaped(plain_body((Paragraph((node,)),)))


def _escaped(text: str) -> str:
    # A quote means nothing outside a tag.
    return escape(text, quote=False)


# -- how much --------------------------------------------------------------------------------------


def takes(address: Address) -> Sequence[Take]:
    """Return what a message costs: of what the bot may send, and of what the chat may get."""
    everybody = Take(bucket=EVERYBODY, rate=30, burst=30)
    return (everybody, chat_take(address))


def chat_take(address: Address) -> Take:
    """Return what the chat may get: 1 a second, a few at once; a group 20 a minute."""
    name = blake2b(address.id.encode(), digest_size=8, person=b"telegram chat").hexdigest()
    if address.id.startswith("-"):
        return Take(bucket=f"telegram:group:{name}", rate=20 / 60, burst=3)
    return Take(bucket=f"telegram:chat:{name}", rate=1, burst=3)


def params_for(address: Address, payload: Payload) -> dict[str, Any]:
    """Return what the call is given."""
    return {"chat_id": int(address.id), **payload["params"]}
