"""The channel telegram: a Telegram bot."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class TelegramSettings(BaseModel):
    """`channels.telegram`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TelegramChannel:
    """The adapter."""

    Settings = TelegramSettings
