"""What crosses the borders between rooms: addresses, messages, outcomes.

    platform --RawRequest--> adapter --Inbound--> engine --Message--> adapter --Payload--> platform

Everything here is frozen data. Whoever needs behaviour, puts it in a function beside these types.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from msgspec import Struct

CustomerId: TypeAlias = str
"""Opaque: 22 characters of `[A-Za-z0-9_-]` (16 random bytes). Says nothing about the person."""

Millis: TypeAlias = int
"""Milliseconds since the Unix epoch, UTC. Only at the border to Redis; elsewhere `datetime`."""


class Proof(IntEnum):
    """How sure we are that an address belongs to the customer."""

    CLAIMED = 1
    """Somebody said so."""
    CHANNEL = 2
    """The platform vouches for the sender."""
    VERIFIED = 3
    """A one-time code sent there came back, or the host site signed for it."""


class Address(Struct, frozen=True):
    """A channel and the customer's id on it (`sms` + E.164, `telegram` + chat id …)."""

    channel: str
    id: str


class MediaKind(StrEnum):
    """What a customer or the voice attached."""

    IMAGE = "image"
    """A picture: PNG, JPEG, GIF or WebP."""
    FILE = "file"
    """Anything else that may be downloaded."""


class Media(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attachment. `ref` is where it is kept (our own id), or an `https` address in a reply."""

    kind: MediaKind
    ref: str
    alt: str = ""
    content_type: str = ""
    bytes: int = 0


class Inbound(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message as an adapter understood it. Stored in the inbox as it is, after masking."""

    address: Address
    message_id: str
    """Unique per customer on this channel: the same id again is the same message again."""
    text: str = ""
    choice: str | None = None
    """Id of a pressed button. `text` then holds its label, if the platform sends it."""
    media: tuple[Media, ...] = ()
    kind: str = "message"
    """`message`, `opened` (came to the page, said nothing), `edit` and `delete` (of the message
    `data["of"]`), `timer` (ours).

    About the address: `blocked`, `unblocked`, `moved` (to `data["to"]`).

    From the company's own systems: `start` (a dialog), `facts`, `touchpoint` (a call, a visit).

    `public` and `home` are answered with one reply and nothing else (`engine/elsewhere.py`): called
    where others read along, and a look at the page that a platform keeps for a bot. Their address
    is one of the place, without a history.
    """
    locale: str | None = None
    name: str | None = None
    """Display name, as the platform gives it."""
    proof: Proof = Proof.CHANNEL
    received_at: Millis = 0
    data: dict[str, Any] = {}
    """What else the channel knows and the engine passes on untouched."""
    context: dict[str, str] = {}
    """What the adapter wants back with the rows that go to this channel from now on: the thread of
    an e-mail, say. Small: it is kept with the customer, the last one of each channel."""


class Invitation(Struct, frozen=True, kw_only=True):
    """How somebody gets to a channel and brings a link code along."""

    link: str = ""
    """Opens the channel with the code in it (`https://t.me/BOT?start=…`, `sms:…`)."""
    number: str = ""
    """What to write to, for people who type: a phone number, a name."""


# -- the neutral tree ----------------------------------------------------------------------------
# What the voice renders and adapters build from. Text is plain: nothing in it is markup.


class Text(Struct, frozen=True, tag="t", array_like=True):
    """Plain text. May hold `\\n`, which is a line break."""

    text: str


class Strong(Struct, frozen=True, tag="b", array_like=True):
    """Bold."""

    children: tuple[Inline, ...]


class Emphasis(Struct, frozen=True, tag="i", array_like=True):
    """Italic."""

    children: tuple[Inline, ...]


class Code(Struct, frozen=True, tag="c", array_like=True):
    """Fixed width."""

    text: str


class Link(Struct, frozen=True, tag="a", array_like=True):
    """A link whose scheme and domain have been checked."""

    url: str
    children: tuple[Inline, ...]


Inline: TypeAlias = Text | Strong | Emphasis | Code | Link


class Paragraph(Struct, frozen=True, tag="p", array_like=True):
    """One paragraph."""

    children: tuple[Inline, ...]


class Items(Struct, frozen=True, tag="l", array_like=True):
    """A list, numbered from `start` where `start` is not 0."""

    items: tuple[tuple[Inline, ...], ...]
    start: int = 0


Block: TypeAlias = Paragraph | Items


class Button(Struct, frozen=True, array_like=True):
    """One choice. `id` is ours (at most 64 bytes), `label` is the voice's."""

    id: str
    label: str


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, array_like=True):
    """One reply, rendered and still neutral: what `Adapter.build` turns into a platform's form.

    Packed as an array, like a line; new fields go to the end.
    """

    body: tuple[Block, ...]
    buttons: tuple[Button, ...] = ()
    media: tuple[Media, ...] = ()


class Who(StrEnum):
    """Who said a line of the transcript."""

    CUSTOMER = "customer"
    """The person served."""
    BOT = "bot"
    """This software, from a reply of the voice."""
    AGENT = "agent"
    """A human colleague."""
    SYSTEM = "system"
    """A note about the conversation, shown but not said by anyone."""


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True, array_like=True):
    """One line of the transcript (what the log holds, msgpack).

    Packed as an array, without names: there are many lines. New fields go to the end.
    """

    who: Who
    at: Millis
    channel: str
    text: str = ""
    """The customer's words, or the label they pressed."""
    message: Message | None = None
    """What bot or agent said."""
    reply: str = ""
    """Name of the reply, `dialog/name`."""
    voice: int = 0
    """Version of the voice it was rendered from."""
    id: str = ""
    """The inbound message's id, or the outbox row's."""
    media: tuple[Media, ...] = ()
    choice: str | None = None
    address: str = ""
    """Which address of the channel it was, as a short digest, where the customer has several."""
    joined: CustomerId = ""
    """Who it came from, if that customer was another one then."""
    changes: str = ""
    """Id of the customer's earlier message that says this from now on; with neither words nor
    attachments: that they have deleted."""


class Purpose(StrEnum):
    """Why something is sent: it decides about consent, quiet hours, repeats and templates."""

    ANSWER = "answer"
    """In answer to the customer: always goes out, unless they opted out."""
    PROACTIVE = "proactive"
    """We write first: only within consent, quiet hours and the platform's rules for that."""
    CODE = "code"
    """A one-time code, asked for a moment ago: never repeated, short life."""
    NOTICE = "notice"
    """What law or carrier demands (the one confirmation of STOP): goes out in spite of opt-out."""


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reply on its way out over a platform (an outbox row)."""

    id: str
    """Derived from customer, turn and position, never random: the same turn makes the same rows."""
    address: Address
    message: Message
    repeat: bool = True
    """May an unknown outcome be sent once more? Answers: yes. Codes and proactive messages: no."""
    expires_at: Millis = 0
    """Not sent after this; 0 is never."""
    priority: int = 0
    purpose: Purpose = Purpose.ANSWER
    reply: str = ""
    """Name of the reply, `dialog/name`: some platforms want a template of theirs for it."""
    values: dict[str, str] = {}
    """The reply's values as text, where a platform's template needs them (proactive only)."""
    context: dict[str, str] = {}
    """The last `Inbound.context` of this channel."""
    late: bool = False
    """It says that others came too late; nobody is told when this one does."""
    customer: CustomerId = ""
    """Whose row it is. Not stored: filled in before `Adapter.send`, for receipts to find it by."""


class Receipt(StrEnum):
    """What became of a send."""

    QUEUED = "queued"
    """Decided, not yet sent."""
    SENT = "sent"
    """The platform took it."""
    DELIVERED = "delivered"
    """It reached the device."""
    READ = "read"
    """It was looked at."""
    FAILED = "failed"
    """The platform refused it for good."""
    UNKNOWN = "unknown"
    """It may or may not have been taken."""


def picture_type(head: bytes) -> str | None:
    """Return the content type of a picture that cannot run, by its first bytes (16 are enough).

    PNG, JPEG, GIF and WebP; SVG is none of them, since a browser runs what is in it.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
