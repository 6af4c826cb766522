"""People's phones before the Twilio stand-in: they write, and see what arrives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from segue.testing.platforms.base import Hook

if TYPE_CHECKING:
    from segue.testing.platforms.twilio import Twilio

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
"""A small picture."""


class Phone:
    """One phone, with SMS and WhatsApp on it."""

    def __init__(self, twilio: Twilio, number: str, name: str) -> None:
        self._twilio = twilio
        self.number = number
        self.name = name
        self.screen: list[str] = []
        """Text messages that arrived, also Twilio's own."""
        self.chat: list[str] = []
        """What arrived by WhatsApp."""
        self.pictures: list[str] = []
        """Addresses of pictures that arrived."""
        self.off = False
        """Switched off: nothing arrives (30003)."""
        self.landline = False
        """No mobile phone (21614)."""
        self.reads = True
        """WhatsApp says that what arrived was read."""
        self._wrote: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether anything may be sent by WhatsApp: they wrote in the last 24 hours."""
        now = self._twilio.clock.now()
        return self._wrote is not None and now - self._wrote < timedelta(hours=24)

    async def write(self, text: str, *, whatsapp: bool = False) -> Hook | None:
        """Send a message to our number; returns the webhook that told of it."""
        if whatsapp:
            self._wrote = self._twilio.clock.now()
        return await self._twilio.incoming(self, text, (), whatsapp=whatsapp)

    async def send_photo(
        self,
        body: bytes = PIXEL,
        text: str = "",
        *,
        content_type: str = "image/png",
        whatsapp: bool = False,
    ) -> Hook | None:
        """Send a picture."""
        if whatsapp:
            self._wrote = self._twilio.clock.now()
        media = self._twilio.sid("ME")
        self._twilio.media[media] = (content_type, body)
        return await self._twilio.incoming(self, text, (media,), whatsapp=whatsapp)

    def got(self, text: str, media: list[str], *, whatsapp: bool) -> None:
        """Show what arrived."""
        (self.chat if whatsapp else self.screen).append(text)
        self.pictures += media
