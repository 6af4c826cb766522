"""A small strict channel: signed JSON webhooks in, a JSON API out, its own markup.

It exists so that the contract suite meets a platform with all the usual trouble: signatures with a
time, several messages in one request, receipts, presses, markup that must be escaped, and a server
that refuses, stalls and hangs up.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from html import escape

import aiohttp
import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, SecretStr

from segue.channel import (
    Capabilities,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Report,
    Route,
    Sent,
    Site,
    Unknown,
)
from segue.types import (
    Address,
    Block,
    Code,
    Emphasis,
    Inbound,
    Inline,
    Items,
    Link,
    Message,
    Receipt,
    Row,
    Strong,
    Text,
)

_SKEW = 300


class Event(Struct, forbid_unknown_fields=True):
    """One thing that happened on the platform."""

    id: str
    type: str
    sender: str = ""
    text: str = ""
    button: str | None = None
    receipt: str = ""


class Delivery(Struct, forbid_unknown_fields=True):
    """The body of a webhook."""

    events: tuple[Event, ...]


class SampleSettings(BaseModel):
    """`channels.sample`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr
    base_url: str = "https://platform.example"
    path: str = "/channels/sample/webhook"
    patience: float = 5.0


class SampleChannel:
    """The adapter."""

    name = "sample"
    capabilities = Capabilities(
        buttons=3,
        button_label=20,
        text_limit=1000,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        receipts=True,
    )
    Settings = SampleSettings

    def __init__(self, settings: SampleSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.site = site or Site()
        self._key = settings.secret.get_secret_value().encode()
        self._client: aiohttp.ClientSession | None = None

    # -- pure ------------------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        return [Route(method="POST", path=self.settings.path)]

    def verify(self, request: RawRequest) -> Refused | None:
        written = request.headers.get("x-sample-time", "")
        if not (written.isascii() and written.isdigit() and len(written) <= 12):
            return Refused(status=401, why="time")
        if abs(int(written) - self.site.clock.now().timestamp()) > _SKEW:
            return Refused(status=401, why="old")
        # Compared as bytes: text with other signs than ASCII would raise.
        given = request.headers.get("x-sample-signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, sign(self._key, written, request.body).encode()):
            return Refused(status=401, why="signature")
        return None

    def parse(self, request: RawRequest) -> Parsed | Refused:
        try:
            delivery = msgspec.json.decode(request.body, type=Delivery)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Refused(status=400, why="body")
        inbound, receipts = [], []
        for event in delivery.events:
            if event.type == "receipt":
                if event.receipt in set(Receipt):
                    receipts.append(Report(id=event.id, receipt=Receipt(event.receipt)))
            elif event.type == "message" and event.id and event.sender:
                inbound.append(
                    Inbound(
                        address=Address("sample", event.sender),
                        message_id=event.id,
                        text=event.text,
                        choice=event.button,
                    )
                )
        return Parsed(
            inbound=tuple(inbound),
            receipts=tuple(receipts),
            body=b"{}",
            content_type="application/json",
        )

    def build(self, message: Message) -> Payload:
        return {
            "html": "<br><br>".join(map(_block, message.body)),
            "buttons": [{"id": each.id, "label": each.label} for each in message.buttons],
        }

    # -- edge ------------------------------------------------------------------------------------

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.settings.patience)
            )
        body = msgspec.json.encode({"to": address.id, **payload})
        request = self._client.post(
            f"{self.settings.base_url}/send",
            data=body,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.settings.secret.get_secret_value()}",
            },
        )
        try:
            async with request as answer:
                return _outcome(answer.status, answer.headers, await answer.read())
        except aiohttp.ClientConnectorError as error:
            return NotSent(why=type(error).__name__, permanent=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(why=type(error).__name__)

    async def start(self, gateway: Gateway) -> None:
        """Nothing runs beside requests."""

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None


def sign(key: bytes, time: str, body: bytes) -> str:
    return hmac.new(key, f"{time}.".encode() + body, hashlib.sha256).hexdigest()


def _outcome(status: int, headers: aiohttp.typedefs.LooseHeaders, body: bytes) -> Outcome:
    if status == 200:
        try:
            return Sent(id=msgspec.json.decode(body, type=dict[str, str])["id"])
        except (msgspec.MsgspecError, KeyError):
            # It says it took it, and not under which id.
            return Unknown(why="no_id")
    if status == 429:
        written = headers.get("Retry-After", "")
        seconds = int(written) if written.isdigit() else 1
        return NotSent(why="too_fast", permanent=False, retry_after=timedelta(seconds=seconds))
    if status in (502, 503, 504):
        # The one in front gave up; whether the one behind took it is not known.
        return Unknown(why=f"http_{status}") if status != 503 else _later()
    if 400 <= status < 500:
        return NotSent(why=f"http_{status}", permanent=True)
    return Unknown(why=f"http_{status}")


def _later() -> Outcome:
    return NotSent(why="unavailable", permanent=False)


def _block(block: Block) -> str:
    if isinstance(block, Items):
        rows = (
            f"{place}. {_inline(row)}" if block.start else f"- {_inline(row)}"
            for place, row in enumerate(block.items, block.start)
        )
        return "<br>".join(rows)
    return _inline(block.children)


def _inline(children: tuple[Inline, ...]) -> str:
    return "".join(map(_node, children))


def _node(node: Inline) -> str:
    match node:
        case Text(text):
            return escape(text).replace("\n", "<br>")
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Strong(children):
            return f"<b>{_inline(children)}</b>"
        case Emphasis(children):
            return f"<i>{_inline(children)}</i>"
        case Link(url, children):
            return f'<a href="{escape(url)}">{_inline(children)}</a>'
