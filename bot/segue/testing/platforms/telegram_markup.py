"""What the Bot API makes of a text with `parse_mode=HTML`, and of a keyboard: the same refusals."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
DATA_LIMIT = 64
"""Bytes of `callback_data`."""

_TAGS = {
    "bold": ("b", "strong"),
    "italic": ("i", "em"),
    "underline": ("u", "ins"),
    "strikethrough": ("s", "strike", "del"),
    "code": ("code",),
    "pre": ("pre",),
    "text_link": ("a",),
    "spoiler": ("tg-spoiler",),
    "blockquote": ("blockquote",),
}
_KINDS = {tag: kind for kind, tags in _TAGS.items() for tag in tags}
_ATTRIBUTE = re.compile(r"""\s+([a-z-]+)\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")


class BadRequest(Exception):
    """The Bot API answers 400 with this description."""

    def __init__(self, description: str) -> None:
        super().__init__(f"Bad Request: {description}")


@dataclass(frozen=True)
class Entity:
    """A piece of text that is shown otherwise."""

    kind: str
    """`bold`, `italic`, `code`, `text_link`, `text_mention` …"""
    text: str
    url: str = ""


def parse_html(html: str) -> tuple[str, tuple[Entity, ...]]:
    """Return the text that is shown and its entities. Raises `BadRequest` as Telegram does."""
    text, entities, place = "", [], 0
    open_tags: list[tuple[str, int, str, int]] = []
    while place < len(html):
        sign = html[place]
        if sign == "&":
            found = _ENTITY.match(html, place)
            text += unescape(found[0]) if found else sign
            place = found.end() if found else place + 1
        elif sign != "<":
            text += sign
            place += 1
        elif html.startswith("</", place):
            end = html.find(">", place)
            name = html[place + 2 : end].strip().lower() if end > 0 else ""
            if end < 0:
                raise _unparsed(f"Unclosed end tag at byte offset {_bytes(html, place)}")
            if not open_tags:
                raise _unparsed(f"Unexpected end tag at byte offset {_bytes(html, place)}")
            opened, start, url, _ = open_tags.pop()
            if name and name != opened:
                raise _unparsed(
                    f"Unmatched end tag at byte offset {_bytes(html, place)}, "
                    f'expected "</{opened}>", found "</{name}>"'
                )
            if entity := _entity(opened, text[start:], url):
                entities.append(entity)
            place = end + 1
        else:
            name, url, after = _start_tag(html, place)
            open_tags.append((name, len(text), url, place))
            place = after
    if open_tags:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return text, tuple(entities)


def _start_tag(html: str, place: int) -> tuple[str, str, int]:
    """Return (name, href, where it ends)."""
    found = re.compile(r"<([^\s>]*)").match(html, place)
    name = found[1].lower() if found else ""
    if name not in _KINDS:
        raise _unparsed(f'Unsupported start tag "{name}" at byte offset {_bytes(html, place)}')
    at, url = place + 1 + len(name), ""
    while attribute := _ATTRIBUTE.match(html, at):
        if name == "a" and attribute[1] == "href":
            url = unescape(next((value for value in attribute.groups()[1:] if value), ""))
        at = attribute.end()
    if not html.startswith(">", at):
        raise _unparsed(f"Unclosed start tag at byte offset {_bytes(html, place)}")
    return name, url, at + 1


def _entity(name: str, text: str, url: str) -> Entity | None:
    if not text:
        return None
    if name != "a":
        return Entity(_KINDS[name], text)
    # Without an address, the words are the address; what is no web address is dropped.
    url = url or text
    if url.lower().startswith("tg://user?id="):
        return Entity("text_mention", text, url)
    if re.match(r"(?i)(https?|tg|ton|tonsite)://\S", url):
        return Entity("text_link", text, url)
    return None


def _unparsed(what: str) -> BadRequest:
    return BadRequest(f"can't parse entities: {what}")


def _bytes(html: str, place: int) -> int:
    return len(html[:place].encode())


def shown_text(
    text: Any, parse_mode: Any, *, limit: int = TEXT_LIMIT, may_be_empty: bool = False
) -> tuple[str, tuple[Entity, ...]]:
    """Return a text as it is shown. Raises `BadRequest`."""
    text = "" if text is None else str(text)
    if parse_mode in (None, ""):
        entities: tuple[Entity, ...] = ()
    elif str(parse_mode).lower() == "html":
        text, entities = parse_html(text)
    else:
        raise BadRequest("unsupported parse_mode")
    text = text.replace("\0", "").strip()
    if not text and not may_be_empty:
        raise BadRequest("message text is empty")
    if len(text) > limit:
        raise BadRequest(
            "message is too long" if limit == TEXT_LIMIT else "message caption is too long"
        )
    return text, entities


def keyboard(markup: Any) -> list[list[dict[str, str]]]:
    """Return the rows of an inline keyboard. Raises `BadRequest`."""
    if markup in (None, "", {}):
        return []
    if isinstance(markup, str):
        try:
            markup = json.loads(markup)
        except ValueError:
            raise BadRequest("can't parse reply keyboard markup JSON object") from None
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        raise BadRequest("object expected as reply markup")
    found = []
    for row in rows:
        if not isinstance(row, list):
            raise BadRequest("can't parse inline keyboard button: Row must be an Array")
        found.append([_button(button) for button in row])
    if sum(map(len, found)) > 100:
        raise BadRequest("reply markup is too long")
    return found


def _button(button: Any) -> dict[str, str]:
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise BadRequest("can't parse inline keyboard button: Button text must be non-empty")
    data, url = button.get("callback_data"), button.get("url")
    if (data is None) == (url is None):
        raise BadRequest(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if data is not None and not 1 <= len(str(data).encode()) <= DATA_LIMIT:
        raise BadRequest("BUTTON_DATA_INVALID")
    if url is not None and not re.match(r"(https?|tg)://\S+", str(url)):
        raise BadRequest("BUTTON_URL_INVALID")
    return {key: str(button[key]) for key in ("text", "callback_data", "url") if key in button}
