"""The shapes of the web channel's JSON, in both directions, and the checks on what comes in.

- A body is measured and its depth counted before anything decodes it.
- It is decoded straight into its type: what is unknown or of the wrong type never becomes data.
- A refusal is one sentence that says what is expected; nothing of what was sent is repeated in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from segue.types import (
    Block,
    Code,
    Inline,
    Items,
    Line,
    Link,
    Media,
    MediaKind,
    Message,
    Paragraph,
    Text,
    Who,
)
from segue_adapters.plain import plain_body, plain_inline
from segue_adapters.web_media import MediaStore

T = TypeVar("T")

END = 2**53 - 1
"""A cursor beyond every transcript: reading after it returns no lines, and where the end is."""

_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_LEAVES = (Text, Code)
_SAFE_LINK = ("https://", "http://", "mailto:", "tel:")


class Refusal(Exception):
    """A request that gets a 4xx or 503: a word for the counter and a sentence for the sender."""

    def __init__(
        self, status: int, why: str, sentence: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.sentence = sentence
        self.retry_after = retry_after


# -- in ------------------------------------------------------------------------------------------


class Said(Struct, forbid_unknown_fields=True, tag_field="type", tag="message"):
    """A message, as a socket's frame."""

    text: str = ""
    choice: str | None = None
    client_message_id: str | None = None
    media: tuple[str, ...] = ()
    locale: str | None = None


class Posted(Struct, forbid_unknown_fields=True):
    """A message, as the body of a POST."""

    text: str = ""
    choice: str | None = None
    client_message_id: str | None = None
    media: tuple[str, ...] = ()
    locale: str | None = None


class Hello(Struct, forbid_unknown_fields=True, tag_field="type", tag="hello"):
    """The first frame of a socket."""

    session: str | None = None
    after: int = -1
    locale: str | None = None


class Opened(Struct, forbid_unknown_fields=True, tag_field="type", tag="opened"):
    """The visitor opened the chat for the first time and has said nothing yet."""


class Typing(Struct, forbid_unknown_fields=True, tag_field="type", tag="typing"):
    """The visitor began or stopped writing."""

    on: bool


class Read(Struct, forbid_unknown_fields=True, tag_field="type", tag="read"):
    """The visitor has seen the lines up to here."""

    cursor: int


class Identify(Struct, forbid_unknown_fields=True):
    """The host site's token."""

    token: str


Frame = Said | Hello | Opened | Typing | Read


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder for `decode`."""
    return msgspec.json.Decoder(kind)


POSTED = decoder(Posted)
IDENTIFY = decoder(Identify)
FRAME: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def decode(body: bytes, reader: msgspec.json.Decoder[T]) -> T:
    """Return what a body says. Raises `Refusal`."""
    if body.count(b"[") + body.count(b"{") > _DEPTH and _depth(body) > _DEPTH:
        raise Refusal(400, "too_deep", "The JSON is nested more than 64 levels deep.")
    try:
        return reader.decode(body)
    except msgspec.ValidationError as error:
        if "unknown field" in str(error):
            raise Refusal(
                400, "unknown_field", "The JSON has a field that is not known here."
            ) from None
        raise Refusal(
            400, "wrong_type", "The JSON lacks a field or has one of the wrong type."
        ) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Refusal(400, "not_json", "The body is not valid JSON in UTF-8.") from None


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def check_said(said: Posted | Said, text_limit: int) -> None:
    """Refuse what may not be in a message; drop control characters nobody can see."""
    text = said.text
    if len(text) > text_limit:
        raise Refusal(
            413, "text_too_long", f"A message may be at most {text_limit} characters long."
        )
    choice = said.choice
    if not text.strip() and not choice and not said.media:
        raise Refusal(400, "empty", "A message needs text, a choice or media.")
    if choice is not None and (len(choice.encode()) > 64 or not choice.isprintable()):
        raise Refusal(400, "choice", "A choice is the id of a button, at most 64 bytes long.")
    identifier = said.client_message_id
    if identifier is not None and _MESSAGE_ID.fullmatch(identifier) is None:
        raise Refusal(
            400,
            "message_id",
            "client_message_id is 1 to 64 characters: letters, digits and . _ : -",
        )
    if len(said.media) > 10:
        raise Refusal(400, "too_many_media", "A message may carry at most 10 photos or files.")
    if not text.isprintable() and _CONTROLS.search(text) is not None:
        if "\0" in text:
            raise Refusal(400, "nul", "A message may not contain NUL characters.")
        said.text = _CONTROLS.sub("", text)


@lru_cache(maxsize=512)
def locale_of(written: str | None) -> str | None:
    """Return the first locale of a field or of `Accept-Language`, or None."""
    found = _LOCALE.match(written) if written else None
    return found.group() if found else None


@lru_cache(maxsize=256)
def query_of(query: str) -> dict[str, str]:
    """Return the fields of a short query string; ours never hold anything to unquote."""
    return dict(pair.partition("=")[::2] for pair in query.split("&")) if len(query) < 512 else {}


@lru_cache(maxsize=256)
def wait_of(query: str) -> float:
    """Return the seconds of `wait=`: 0 without one, below 0 where they are no number."""
    try:
        return float(query_of(query).get("wait", "0"))
    except ValueError:
        return -1.0


# -- out -----------------------------------------------------------------------------------------


class WebButton(Struct, frozen=True):
    """One choice."""

    id: str
    label: str


class WebMedia(Struct, frozen=True):
    """A photo or file, by an address that works for a while."""

    kind: MediaKind
    url: str
    alt: str


class WebReply(Struct, frozen=True, kw_only=True):
    """What the bot or an agent said, as `?wait=` returns it."""

    text: str
    body: tuple[Block, ...]
    buttons: tuple[WebButton, ...]
    media: tuple[WebMedia, ...]


class WebLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the transcript."""

    n: int
    who: Who
    at: int
    channel: str
    text: str = ""
    body: tuple[Block, ...] = ()
    buttons: tuple[WebButton, ...] = ()
    media: tuple[WebMedia, ...] = ()
    client_message_id: str = ""
    reply: str = ""
    choice: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """The answer to a POST."""

    accepted: bool
    duplicate: bool
    cursor: int
    session: str | UnsetType = UNSET
    replies: tuple[WebReply, ...] | UnsetType = UNSET


class Lines(Struct, frozen=True, kw_only=True):
    """The answer to a GET, and a socket's frame."""

    type: str | UnsetType = UNSET
    lines: tuple[WebLine, ...]
    cursor: int
    typing: bool | UnsetType = UNSET


encode = msgspec.json.Encoder().encode


def web_reply(message: Message, media: MediaStore) -> WebReply:
    """Return a message as the browser gets it."""
    body = safe(message.body)
    return WebReply(
        text=plain_body(body),
        body=body,
        buttons=tuple([WebButton(button.id, button.label) for button in message.buttons]),
        media=web_media(message.media, media) if message.media else (),
    )


def web_lines(lines: Sequence[tuple[int, Line]], media: MediaStore) -> tuple[WebLine, ...]:
    """Return lines as the browser gets them; that a message was deleted is for agents to see."""
    return tuple([web_line(number, line, media) for number, line in lines if not _deleted(line)])


def _deleted(line: Line) -> bool:
    return bool(line.changes) and not (line.text or line.media or line.choice)


def web_line(number: int, line: Line, media: MediaStore) -> WebLine:
    """Return a line of the transcript as the browser gets it."""
    message = line.message
    own = line.who is Who.CUSTOMER
    if message is None:
        return WebLine(
            n=number,
            who=line.who,
            at=line.at,
            channel=line.channel,
            text=line.text,
            media=web_media(line.media, media) if line.media else (),
            client_message_id=line.id if own else "",
            choice=line.choice,
        )
    body = safe(message.body)
    return WebLine(
        n=number,
        who=line.who,
        at=line.at,
        channel=line.channel,
        text=plain_body(body),
        body=body,
        buttons=tuple([WebButton(button.id, button.label) for button in message.buttons]),
        media=web_media(message.media, media) if message.media else (),
        reply=line.reply,
    )


def web_media(items: tuple[Media, ...], media: MediaStore) -> tuple[WebMedia, ...]:
    """Return attachments with addresses; one whose address is not safe is left out."""
    found = ((item, media.url(item.ref)) for item in items)
    return tuple(WebMedia(item.kind, url, item.alt) for item, url in found if url)


def safe(body: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return the tree with links of another scheme than these turned into their words.

    The voice has checked them already; a browser is where a slip would run as a script.
    """
    for block in body:
        rows = block.items if isinstance(block, Items) else (block.children,)
        for row in rows:
            for child in row:
                if type(child) is not Text and _unsafe(child):
                    return tuple(map(_defused, body))
    return body


def _unsafe(node: Inline) -> bool:
    if isinstance(node, _LEAVES):
        return False
    if isinstance(node, Link) and not node.url.lower().startswith(_SAFE_LINK):
        return True
    return any(type(child) is not Text and _unsafe(child) for child in node.children)


def _defused(block: Block) -> Block:
    if isinstance(block, Items):
        return Items(tuple(tuple(map(_defuse, row)) for row in block.items), block.start)
    return Paragraph(tuple(map(_defuse, block.children)))


def _defuse(node: Inline) -> Inline:
    if isinstance(node, _LEAVES):
        return node
    if isinstance(node, Link):
        if not node.url.lower().startswith(_SAFE_LINK):
            return Text(plain_inline(node.children))
        return Link(node.url, tuple(map(_defuse, node.children)))
    return type(node)(tuple(map(_defuse, node.children)))
