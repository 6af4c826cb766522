"""The channel whatsapp: a WhatsApp sender at Twilio."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class WhatsAppSettings(BaseModel):
    """`channels.whatsapp`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WhatsAppChannel:
    """The adapter."""

    Settings = WhatsAppSettings
