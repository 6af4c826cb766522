"""The adapters that the contract suite is run on, and how to read what they send.

To add a channel: record some of its webhooks (`recorded/NAME/*.json`), say what a person would see
of a payload (`shown`), and add a `Case`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
from sample_channel import SampleChannel, SampleSettings
from sample_platform import Shown

from segue.channel import Adapter, Payload, RawRequest, Site
from segue.testing.platforms.slack_blocks import checked, shown
from segue.testing.platforms.telegram_markup import keyboard, shown_text
from segue.types import Address, Block, Link, Message, Row
from segue_adapters.plain import plain
from segue_adapters.slack import SlackChannel, SlackSettings
from segue_adapters.sms import SmsChannel, SmsSettings
from segue_adapters.telegram import TelegramChannel, TelegramSettings
from segue_adapters.terminal import TerminalChannel, printable
from segue_adapters.twilio_segments import written
from segue_adapters.web import WebChannel
from segue_adapters.whatsapp import WhatsAppChannel, WhatsAppSettings

# The worked example of docs/channels.md is held to what it teaches.
sys.path.insert(0, str(Path(__file__).parents[2] / "examples/email_channel"))

from email_channel import EmailChannel, EmailSettings

RECORDED = Path(__file__).parent / "recorded"
SECRET = "the-secret-the-samples-were-recorded-with"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class StillClock:
    """The moment at which the samples were recorded."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a pure part does not wait")


@dataclass(frozen=True)
class Seen:
    """What a person sees of a message."""

    text: str
    links: frozenset[str]
    buttons: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One adapter under the contract."""

    name: str
    make: Callable[[Path], Adapter]
    shown: Callable[[Payload], Seen]
    proof: tuple[str, ...] = ()
    """Headers that prove who sends a webhook; a change of any of them must be noticed."""
    expected: Callable[[str], str] = str
    """What becomes of a text that the platform cannot show as it is."""
    shows_addresses: bool = True
    """Does a link show its address beside its words?"""
    hides: tuple[str, ...] = ("",)
    """How the addresses begin that are not shown, where not all are."""
    signs_body: bool = True
    """Does the proof cover the body? Telegram's is a password."""


def _web_seen(payload: Payload) -> Seen:
    # Through JSON and back, as a browser gets it.
    decoded = json.loads(msgspec.json.encode(payload))
    body = msgspec.convert(decoded["body"], tuple[Block, ...])
    message = Message(body=body)
    assert decoded["text"] == plain(message)
    return Seen(
        text=plain(message),
        links=frozenset(links_of(message)),
        buttons=tuple(button["label"] for button in decoded["buttons"]),
    )


def _terminal_seen(payload: Payload) -> Seen:
    lines = payload["text"].split("\n")
    buttons = [line.split(". ", 1)[1] for line in lines if line[:2] == "  " and ". " in line]
    words = "\n".join(line for line in lines if not (line[:2] == "  " and ". " in line))
    return Seen(text=words, links=frozenset(), buttons=tuple(buttons))


def _sample_seen(payload: Payload) -> Seen:
    shown = Shown(payload["html"])
    return Seen(
        text=shown.text,
        links=frozenset(shown.links),
        buttons=tuple(button["label"] for button in payload["buttons"]),
    )


def _slack_seen(payload: Payload) -> Seen:
    checked(payload["blocks"])
    seen = shown(payload)
    # What is sent alone, where the blocks are not taken, promises the same.
    alone = shown({"text": payload["alone"], "mrkdwn": False, "parse": "none"})
    assert not seen.mentions
    assert not any((alone.mentions, alone.links, alone.marked))
    return Seen(text=seen.text, links=frozenset(seen.links), buttons=tuple(seen.labels))


def _email_seen(payload: Payload) -> Seen:
    # As a mail program does: the whole mail is written, sent as bytes, and read again.
    address = Address("email", "ada@example.com")
    row = Row(id="1-1", address=address, message=Message(body=()), customer="c")
    channel = EmailChannel(_EMAIL)
    mail = message_from_bytes(
        channel.compose(address, payload, row).as_bytes(), policy=email_policy
    )
    assert isinstance(mail, EmailMessage)
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    shown = HtmlShown(html.get_content())
    assert text.get_content().split() == payload["text"].split()
    return Seen(text=shown.text, links=frozenset(shown.links), buttons=())


class HtmlShown(HTMLParser):
    """What a mail program shows of the HTML part."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []
        self._numbers: list[int] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("p", "br", "ul", "ol", "li", "strong", "em", "code", "a"), tag
        found = dict(attrs)
        if tag == "a":
            assert set(found) == {"href"}
            self.links.append(found["href"] or "")
        elif tag == "ol":
            self._numbers.append(int(found["start"] or 1))
        elif tag == "ul":
            self._numbers.append(0)
        elif tag == "li" and self._numbers[-1]:
            self.text += f"\n{self._numbers[-1]}. "
            self._numbers[-1] += 1
        elif tag == "li":
            self.text += "\n- "
        elif tag in ("p", "br"):
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._numbers.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


_EMAIL = EmailSettings(address="help@tarnwood.example", smtp_host="127.0.0.1", secret=SECRET)


def _telegram_seen(payload: Payload) -> Seen:
    # Read by the stand-in, which refuses what Telegram would refuse.
    params = payload["params"]
    text, entities = shown_text(params["text"], params["parse_mode"])
    return Seen(
        text=text,
        links=frozenset(each.url for each in entities if each.url),
        buttons=tuple(
            button["text"] for row in keyboard(params.get("reply_markup")) for button in row
        ),
    )


def _twilio_seen(payload: Payload) -> Seen:
    return Seen(text=payload["text"], links=frozenset(), buttons=())


TWILIO = {
    "account_sid": "AC" + "1" * 32,
    "auth_token": "12345",
    "from_number": "+15005550006",
    "webhook_base_url": "https://bot.example.com",
    "api_base": "http://127.0.0.1:9",
}
"""What the samples of Twilio were signed with."""


def links_of(message: Message) -> list[str]:
    """Return every address that the author of a message linked to."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, Link):
            found.append(node.url)
        for child in getattr(node, "children", ()):
            walk(child)

    for block in message.body:
        walk(block)
        for row in getattr(block, "items", ()):
            for node in row:
                walk(node)
    return found


CASES = (
    Case(
        name="web",
        make=lambda folder: WebChannel(site=Site(data_dir=folder, clock=StillClock())),
        shown=_web_seen,
    ),
    Case(
        name="terminal",
        make=lambda folder: TerminalChannel(site=Site(data_dir=folder, clock=StillClock())),
        shown=_terminal_seen,
        expected=printable,
    ),
    Case(
        name="sample",
        make=lambda folder: SampleChannel(
            SampleSettings(secret=SECRET), Site(data_dir=folder, clock=StillClock())
        ),
        shown=_sample_seen,
        proof=("x-sample-signature", "x-sample-time"),
        shows_addresses=False,
    ),
    Case(
        name="slack",
        make=lambda folder: SlackChannel(
            SlackSettings(
                bot_token="xoxb-recorded",
                signing_secret=SECRET,
                app_id="A0SEGUE",
                team_ids=("T0SEGUE",),
            ),
            Site(data_dir=folder, clock=StillClock()),
        ),
        shown=_slack_seen,
        proof=("x-slack-signature", "x-slack-request-timestamp"),
        shows_addresses=False,
    ),
    Case(
        name="email",
        make=lambda folder: EmailChannel(_EMAIL, Site(data_dir=folder, clock=StillClock())),
        shown=_email_seen,
        proof=("x-mail-signature", "x-mail-time"),
        shows_addresses=False,
    ),
    Case(
        name="telegram",
        make=lambda folder: TelegramChannel(
            TelegramSettings(
                token="123456:recorded-AAEhBOweik9ai2o01JsQ4mn8Z",
                secret_token=SECRET,
                mode="webhook",
                api_base="http://127.0.0.1:9",
            ),
            Site(data_dir=folder, clock=StillClock()),
        ),
        shown=_telegram_seen,
        proof=("x-telegram-bot-api-secret-token",),
        shows_addresses=False,
        hides=("https:", "http:"),
        signs_body=False,
    ),
    Case(
        name="sms",
        make=lambda folder: SmsChannel(
            SmsSettings(**TWILIO), Site(data_dir=folder, clock=StillClock())
        ),
        shown=_twilio_seen,
        proof=("x-twilio-signature",),
        expected=lambda text: written(text).text,
    ),
    Case(
        name="whatsapp",
        make=lambda folder: WhatsAppChannel(
            WhatsAppSettings(**TWILIO), Site(data_dir=folder, clock=StillClock())
        ),
        shown=_twilio_seen,
        proof=("x-twilio-signature",),
    ),
)


@dataclass(frozen=True)
class Recorded:
    """One request as it came, and what it says."""

    name: str
    request: RawRequest
    messages: list[dict[str, Any]]
    receipts: list[list[str]]


def recorded(channel: str) -> list[Recorded]:
    """Return the requests recorded from a platform."""
    found = []
    for path in sorted((RECORDED / channel).glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        found.append(
            Recorded(
                name=path.stem,
                request=RawRequest(
                    method=data["method"],
                    path=data["path"],
                    query=data["query"],
                    headers=data["headers"],
                    body=base64.b64decode(data["body"]),
                ),
                messages=data["messages"],
                receipts=data["receipts"],
            )
        )
    return found
