"""The channel slack: a Slack app."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SlackSettings(BaseModel):
    """`channels.slack`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SlackChannel:
    """The adapter."""

    Settings = SlackSettings
