"""The channel sms: text messages by way of Twilio.

Consent comes first here: STOP, START and HELP take effect in the core before anything else is done
with a message. Long texts go out as several segments, each of which costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from segue.channel import Capabilities, Payload, Site, Take
from segue.types import Address, Message, Proof, Row
from segue_adapters.plain import plain
from segue_adapters.twilio_api import Fields
from segue_adapters.twilio_channel import TwilioChannel
from segue_adapters.twilio_segments import written
from segue_adapters.twilio_settings import Path, TwilioSettings

_BURST = 10.0
"""Segments that may go at once: the longest message Twilio takes."""


class SmsSettings(TwilioSettings):
    """A number, or a Messaging Service, for text messages."""

    path: Path = Field(
        default="/channels/sms/webhook", description="Where Twilio delivers messages."
    )
    status_path: Path = Field(
        default="/channels/sms/status", description="Where Twilio says what became of ours."
    )
    segments_per_second: float = Field(
        default=1.0,
        gt=0,
        description="What the sender may send: 1 for a long number, 3 for a toll-free one, more "
        "for short codes and Messaging Services with several numbers.",
    )
    text_limit: int = Field(
        default=640,
        ge=70,
        le=1600,
        description="Longest message in characters; longer replies are split. 640 is about four "
        "segments.",
    )
    pictures: bool = Field(
        default=False,
        description="Send a reply's pictures as MMS (USA and Canada) instead of as links.",
    )
    platform_answers_stop: bool = Field(
        default=True,
        description="Twilio confirms STOP and START and answers HELP itself, as it does unless "
        "that was switched off; false: the voice does (`opted_out`, `opted_in`, `who_writes`).",
    )


class SmsChannel(TwilioChannel):
    """The adapter."""

    name = "sms"
    Settings = SmsSettings

    def __init__(self, settings: SmsSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            text_limit=settings.text_limit,
            images=settings.pictures,
            receipts=True,
            reserved_words=True,
            # Anybody can write with anybody's number: it says where to answer, no more.
            proof=Proof.CLAIMED,
            answers_stop=settings.platform_answers_stop,
        )
        super().__init__(
            settings, site or Site(), path=settings.path, status_path=settings.status_path
        )

    def build(self, message: Message) -> Payload:
        """Return the text as it goes out, how many segments it is, and in which encoding."""
        sms = written(plain(message))
        return {
            "text": sms.text,
            "segments": sms.segments,
            "encoding": sms.encoding,
            "media": [media.ref for media in message.media],
        }

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        """Return the segments of the sender's rate, and one message of the account's."""
        sender = Take(
            bucket=self._number,
            rate=self.settings.segments_per_second,
            burst=_BURST,
            cost=min(float(payload["segments"]), _BURST),
        )
        return (sender, *super().takes(address, payload))

    def fields(self, address: Address, payload: Payload, row: Row) -> Fields:
        """Return what is posted; Twilio gives up on it when the reply's life is over."""
        found = [*super().fields(address, payload, row)]
        if row.expires_at:
            found.append(("ValidityPeriod", f"{self._left(row)}"))
        return found
