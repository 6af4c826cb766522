"""Block Kit as Slack checks it and as a person sees it.

`checked` says what Slack would say against a message; `shown` reads it back: words, links,
mentions, buttons. Markup in `mrkdwn` is read as Slack reads it, so what was not escaped is seen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MOST_BLOCKS = 50
MOST_SIGNS = 13_200
"""Of all blocks together, as observed; Slack names no number."""
MOST_TEXT = 40_000

_STYLES = {"bold", "italic", "strike", "code"}
_MARK = re.compile(r"<([^<>\n]+)>")
_URL = re.compile(r"https?://[^\s<>|]+")
_PAIRS = (("*", "*"), ("_", "_"), ("~", "~"), ("`", "`"))


@dataclass(frozen=True, kw_only=True)
class Pressable:
    """A button as the person sees it."""

    label: str
    value: str
    action_id: str
    block_id: str


@dataclass(kw_only=True)
class Shown:
    """What a person sees of one message."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    """Every address that can be clicked."""
    mentions: list[str] = field(default_factory=list)
    """Everybody who would be notified: `@U1`, `!channel`, `#C1`."""
    buttons: list[Pressable] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    marked: bool = False
    """Whether signs like `*` were read as markup."""
    ts: str = ""
    channel: str = ""
    ephemeral: bool = False

    @property
    def labels(self) -> list[str]:
        """The buttons' words."""
        return [button.label for button in self.buttons]


class Invalid(Exception):
    """What Slack would answer: `args` are its error code and where."""


# -- what Slack takes ------------------------------------------------------------------------------


def checked(blocks: Any, *, view: bool = False) -> None:
    """Raise `Invalid` where Slack would not take these blocks."""
    if not isinstance(blocks, list):
        raise Invalid("invalid_blocks_format", "blocks must be an array")
    most = 100 if view else MOST_BLOCKS
    if len(blocks) > most:
        raise Invalid("invalid_blocks", f"no more than {most} items allowed [json-pointer:/blocks]")
    ids: set[str] = set()
    for place, block in enumerate(blocks):
        where = f"[json-pointer:/blocks/{place}]"
        if not isinstance(block, dict):
            raise Invalid("invalid_blocks", f"must be an object {where}")
        given = block.get("block_id")
        if given is not None:
            _limit(given, 255, f"block_id {where}")
            if given in ids:
                raise Invalid("invalid_blocks", f"`block_id` {given} already exists {where}")
            ids.add(given)
        _block(block, where)
    if not view and len(json.dumps(blocks, ensure_ascii=False)) > MOST_SIGNS * 2:
        raise Invalid("msg_blocks_too_long", "too long")
    if not view and sum(len(each) for each in _strings(blocks)) > MOST_SIGNS:
        raise Invalid("msg_blocks_too_long", "too long")


def _strings(node: Any) -> list[str]:
    match node:
        case str():
            return [node]
        case dict():
            return [found for each in node.values() for found in _strings(each)]
        case list():
            return [found for each in node for found in _strings(each)]
    return []


def _limit(value: Any, most: int, where: str, least: int = 1) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Invalid("invalid_blocks", f"must be {least} to {most} characters: {where}")


def _only(block: Json, allowed: set[str], where: str) -> None:
    extra = set(block) - allowed - {"type", "block_id"}
    if extra:
        raise Invalid("invalid_blocks", f"additional property {min(extra)} {where}")


def _block(block: Json, where: str) -> None:
    match block.get("type"):
        case "section":
            _only(block, {"text", "fields", "accessory", "expand"}, where)
            _text_object(block.get("text"), 3000, where)
        case "header":
            _only(block, {"text"}, where)
            _text_object(block.get("text"), 150, where, kinds={"plain_text"})
        case "divider":
            _only(block, set(), where)
        case "image":
            _only(block, {"image_url", "alt_text", "title"}, where)
            _limit(block.get("image_url"), 3000, where)
            _limit(block.get("alt_text"), 2000, where)
            if not block["image_url"].startswith(("https://", "http://")):
                raise Invalid("invalid_blocks", f"invalid image_url {where}")
        case "context":
            _only(block, {"elements"}, where)
            for each in _elements(block, 10, where):
                _text_object(each, 3000, where)
        case "actions":
            _only(block, {"elements"}, where)
            actions: set[str] = set()
            for each in _elements(block, 25, where):
                _button(each, where)
                if each["action_id"] in actions:
                    raise Invalid("invalid_blocks", f"`action_id` already exists {where}")
                actions.add(each["action_id"])
        case "rich_text":
            _only(block, {"elements"}, where)
            for each in _elements(block, 1000, where):
                _rich(each, where)
        case other:
            raise Invalid("invalid_blocks", f"unsupported type: {other} {where}")


def _elements(block: Json, most: int, where: str) -> list[Json]:
    found = block.get("elements")
    if not isinstance(found, list) or not 1 <= len(found) <= most:
        raise Invalid("invalid_blocks", f"1 to {most} elements {where}")
    if not all(isinstance(each, dict) for each in found):
        raise Invalid("invalid_blocks", f"elements must be objects {where}")
    return found


def _text_object(
    text: Any, most: int, where: str, kinds: frozenset[str] | set[str] = frozenset()
) -> None:
    if not isinstance(text, dict) or text.get("type") not in (kinds or {"plain_text", "mrkdwn"}):
        raise Invalid("invalid_blocks", f"must be a text object {where}")
    _only(text, {"text", "emoji", "verbatim"}, where)
    _limit(text.get("text"), most, where)


def _button(button: Json, where: str) -> None:
    if button.get("type") != "button":
        raise Invalid("invalid_blocks", f"unsupported element {button.get('type')} {where}")
    allowed = {"text", "action_id", "value", "url", "style", "confirm", "accessibility_label"}
    _only(button, allowed, where)
    _text_object(button.get("text"), 75, where, kinds={"plain_text"})
    _limit(button.get("action_id"), 255, where)
    if "value" in button:
        _limit(button["value"], 2000, where)
    if button.get("style", "primary") not in ("primary", "danger"):
        raise Invalid("invalid_blocks", f"invalid style {where}")


def _rich(element: Json, where: str) -> None:
    match element.get("type"):
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            for each in _elements(element, 1000, where):
                _leaf(each, where)
        case "rich_text_list":
            if element.get("style") not in ("bullet", "ordered"):
                raise Invalid("invalid_blocks", f"invalid list style {where}")
            _only(element, {"elements", "style", "indent", "offset", "border"}, where)
            offset = element.get("offset", 0)
            if not isinstance(offset, int) or offset < 0:
                raise Invalid("invalid_blocks", f"invalid offset {where}")
            for each in _elements(element, 1000, where):
                if each.get("type") != "rich_text_section":
                    raise Invalid("invalid_blocks", f"a list holds sections {where}")
                _rich(each, where)
        case other:
            raise Invalid("invalid_blocks", f"unsupported element {other} {where}")


def _leaf(leaf: Json, where: str) -> None:
    kinds = {
        "text": {"text"},
        "link": {"url", "text", "unsafe"},
        "user": {"user_id"},
        "usergroup": {"usergroup_id"},
        "channel": {"channel_id"},
        "broadcast": {"range"},
        "emoji": {"name", "unicode", "skin_tone"},
    }
    kind = leaf.get("type")
    if kind not in kinds:
        raise Invalid("invalid_blocks", f"unsupported element {kind} {where}")
    _only(leaf, kinds[kind] | {"style"}, where)
    style = leaf.get("style", {})
    if not isinstance(style, dict) or set(style) - _STYLES:
        raise Invalid("invalid_blocks", f"invalid style {where}")
    if kind == "text":
        _limit(leaf.get("text"), MOST_SIGNS * 4, where)
    if kind == "link":
        _limit(leaf.get("url"), 3000, where)


# -- what a person sees ----------------------------------------------------------------------------


def shown(message: Json) -> Shown:
    """Return what a person sees: the blocks where there are any, else the text."""
    seen = Shown()
    blocks = message.get("blocks") or []
    if not blocks:
        lines = [_marked(str(message.get("text", "")), seen, message)]
    else:
        lines = [_shown_block(block, seen) for block in blocks]
    seen.text = "\n".join(line for line in lines if line)
    return seen


def _shown_block(block: Json, seen: Shown) -> str:
    match block["type"]:
        case "rich_text":
            return "\n".join(_shown_rich(each, seen) for each in block["elements"])
        case "section" | "header":
            text = block["text"]
            return text["text"] if text["type"] == "plain_text" else _marked(text["text"], seen)
        case "context":
            return " ".join(
                each["text"] if each["type"] == "plain_text" else _marked(each["text"], seen)
                for each in block["elements"]
            )
        case "image":
            seen.images.append(block["image_url"])
        case "actions":
            seen.buttons += [
                Pressable(
                    label=each["text"]["text"],
                    value=each.get("value", ""),
                    action_id=each["action_id"],
                    block_id=block.get("block_id", ""),
                )
                for each in block["elements"]
            ]
    return ""


def _shown_rich(element: Json, seen: Shown) -> str:
    if element["type"] == "rich_text_list":
        first = element.get("offset", 0) + 1
        ordered = element["style"] == "ordered"
        return "\n".join(
            f"{first + place}. {_leaves(row, seen)}" if ordered else f"- {_leaves(row, seen)}"
            for place, row in enumerate(element["elements"])
        )
    return _leaves(element, seen)


def _leaves(section: Json, seen: Shown) -> str:
    words = []
    for leaf in section["elements"]:
        match leaf["type"]:
            case "text":
                words.append(leaf["text"])
            case "link":
                seen.links.append(leaf["url"])
                words.append(leaf.get("text") or leaf["url"])
            case "user":
                seen.mentions.append(f"@{leaf['user_id']}")
            case "broadcast":
                seen.mentions.append(f"!{leaf['range']}")
            case kind:
                seen.mentions.append(f"{kind}")
    return "".join(words)


def _marked(text: str, seen: Shown, message: Json | None = None) -> str:
    """Return text as it is shown where markup is read; `message` says what is switched off."""
    options = message or {}

    def mark(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target[:1] in "@!#":
            seen.mentions.append(target)
            return label or target
        seen.links.append(target)
        return label or target

    if options.get("mrkdwn", True):
        for begin, end in _PAIRS:
            pattern = rf"(?<!\w){re.escape(begin)}(?=\S)[^\n]+?(?<=\S){re.escape(end)}(?!\w)"
            seen.marked = seen.marked or re.search(pattern, text) is not None
    plain = _MARK.sub(mark, text)
    if options.get("parse") != "none":
        seen.links += _URL.findall(_MARK.sub("", text))
    if options.get("link_names"):
        seen.mentions += re.findall(r"@\w+", _MARK.sub("", text))
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
