"""The channel whatsapp: WhatsApp by way of a sender at Twilio.

For 24 hours after a customer's last message anything may be said. After that, and to somebody who
never wrote, only a template that WhatsApp has approved; which one stands for which reply is set in
`channels.whatsapp.templates`. A reply without one is refused here, before it costs anything, and an
answer then goes to another channel of the customer's, if there is one.

Choices are a numbered list: quick replies can be sent without an approved template, but only from
content that was stored at Twilio before, and ours differ with every message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from segue.channel import Capabilities, NotSent, Outcome, Payload, Reason, Site
from segue.ports import to_millis
from segue.types import Address, Message, Row
from segue_adapters.plain import plain
from segue_adapters.twilio_api import Fields
from segue_adapters.twilio_channel import TwilioChannel
from segue_adapters.twilio_settings import Path, TwilioSettings

WINDOW = timedelta(hours=24)
_MARGIN = timedelta(minutes=1)
"""What is on its way for a moment must still be inside the window when it gets there."""


class Template(BaseModel):
    """An approved template, and which values of the reply fill its places {{1}}, {{2}} …"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sid: str = Field(pattern=r"^HX[0-9a-f]{32}$")
    values: tuple[str, ...] = ()


class WhatsAppSettings(TwilioSettings):
    """A WhatsApp sender."""

    path: Path = Field(
        default="/channels/whatsapp/webhook", description="Where Twilio delivers messages."
    )
    status_path: Path = Field(
        default="/channels/whatsapp/status", description="Where Twilio says what became of ours."
    )
    text_limit: int = Field(
        default=1600, ge=160, le=1600, description="Longest message in characters."
    )
    templates: dict[str, Template] = Field(
        default_factory=dict,
        description="Reply (`dialog/name`) → approved template: its content SID (`HX…`), or a "
        'table like `{sid = "HX…", values = ["order.number"]}`.',
    )

    @field_validator("templates", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: {"sid": each} if isinstance(each, str) else each for name, each in value.items()
        }


class WhatsAppChannel(TwilioChannel):
    """The adapter."""

    name = "whatsapp"
    prefix = "whatsapp:"
    Settings = WhatsAppSettings

    def __init__(self, settings: WhatsAppSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            text_limit=settings.text_limit, images=True, receipts=True, reserved_words=True
        )
        super().__init__(
            settings, site or Site(), path=settings.path, status_path=settings.status_path
        )

    def _opens(self, number: str, words: str) -> str:
        return f"https://wa.me/{number.lstrip('+')}?text={quote(words)}"

    def build(self, message: Message) -> Payload:
        """Return the text, and the first picture: WhatsApp takes one a message."""
        media = [media.ref for media in message.media]
        links = [f"\n{ref}" for ref in media[1:]]
        return {"text": plain(message) + "".join(links), "media": media[:1]}

    def fields(self, address: Address, payload: Payload, row: Row) -> Fields:
        """Return what is posted: the text, or the reply's template outside the window."""
        found = super().fields(address, payload, row)
        template = self.settings.templates.get(row.reply)
        if template is None or self._open(row):
            return found
        given = {f"{place}": row.values[name] for place, name in enumerate(template.values, 1)}
        kept = [(name, value) for name, value in found if name not in ("Body", "MediaUrl")]
        return [*kept, ("ContentSid", template.sid), ("ContentVariables", json.dumps(given))]

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Send, unless WhatsApp would not let it through."""
        if not self._open(row):
            template = self.settings.templates.get(row.reply)
            if template is None:
                why = "no template for this reply, and they wrote more than 24 hours ago"
                return NotSent(why=why, permanent=True, reason=Reason.WINDOW)
            if lacking := [name for name in template.values if name not in row.values]:
                why = f"the reply has no value {lacking[0]} for its template"
                return NotSent(why=why, permanent=True, reason=Reason.WINDOW)
        return await super().send(address, payload, row)

    def _open(self, row: Row) -> bool:
        """Whether the customer wrote within 24 hours, by what came back with the row."""
        return is_open(row.context, to_millis(self.site.clock.now()))


def is_open(context: Mapping[str, str], now: int) -> bool:
    """Whether the window that a customer's message at `context["at"]` has opened is still open."""
    at = context.get("at", "")
    life = (WINDOW - _MARGIN) / timedelta(milliseconds=1)
    return at.isdigit() and now - int(at) < life
