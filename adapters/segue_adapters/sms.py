"""The channel sms: an SMS sender at Twilio."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SmsSettings(BaseModel):
    """`channels.sms`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SmsChannel:
    """The adapter."""

    Settings = SmsSettings
