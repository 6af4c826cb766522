"""What can be set about Slack (`channels.slack` in `segue.toml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from segue_adapters.fetching import check_base


def _path(value: str) -> str:
    if not value.startswith("/channels/slack/") or value.endswith("/"):
        raise ValueError("must begin with /channels/slack/ and end without a slash")
    return value


def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


Path = Annotated[str, AfterValidator(_path)]


class SlackSettings(BaseModel):
    """A Slack app, installed in one workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bot_token: SecretStr = Field(
        description="Bot User OAuth Token (`xoxb-…`), under OAuth & Permissions."
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        description="Signing Secret, under Basic Information: proves that a request is Slack's. "
        "Needed unless `socket_mode`.",
    )
    socket_mode: bool = Field(
        default=False,
        description="Connect to Slack instead of being called: no public address is needed.",
    )
    app_token: SecretStr | None = Field(
        default=None,
        description="App-Level Token (`xapp-…`) with `connections:write`; needed for "
        "`socket_mode`.",
    )
    app_id: str = Field(
        default="", description="What is meant for another app is ignored and counted; empty: any."
    )
    team_ids: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        default=(),
        description="What comes from another workspace (`T…`) is ignored and counted; empty: any.",
    )
    events_path: Path = Field(
        default="/channels/slack/events", description="Request URL of Event Subscriptions."
    )
    interactive_path: Path = Field(
        default="/channels/slack/interactive", description="Request URL of Interactivity."
    )
    commands_path: Path = Field(
        default="/channels/slack/commands", description="Request URL of the slash command."
    )
    api_base: Annotated[str, AfterValidator(check_base)] = Field(
        default="https://slack.com/api",
        description="Where the Web API is; a proxy or a stand-in may take its place.",
    )
    file_base: Annotated[str, AfterValidator(check_base)] = Field(
        default="https://files.slack.com",
        description="Where customers' files are; the token is sent to this host and no other.",
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=60, description="How long Slack may take to answer a call."
    )
    chat_rate: float = Field(
        default=1.0, gt=0, description="Messages a second into one conversation (Slack's limit)."
    )
    workspace_rate: float = Field(
        default=5.0,
        gt=0,
        description="Messages a second in all; Slack allows several hundred a minute.",
    )
    catch_up_conversations: int = Field(
        default=200,
        ge=0,
        description="In how many conversations to look for what was missed; each costs a call of "
        "tier 3 (50 a minute). 0 looks nowhere.",
    )
    catch_up_minutes: float = Field(
        default=60.0,
        ge=1,
        description="How often to look for what was missed, beside every start.",
    )

    @model_validator(mode="after")
    def _complete(self) -> SlackSettings:
        if self.socket_mode and self.app_token is None:
            raise ValueError("socket_mode needs an app_token; make one under App-Level Tokens")
        if not self.socket_mode and self.signing_secret is None:
            raise ValueError(
                "there is no signing_secret; copy it from Basic Information, or set socket_mode"
            )
        for token, kind in ((self.bot_token, "xoxb-"), (self.app_token, "xapp-")):
            if token is not None and not token.get_secret_value().startswith(kind):
                name = "bot_token" if kind == "xoxb-" else "app_token"
                raise ValueError(f"this is no {name}; it begins with {kind}")
        if self.signing_secret is not None and not self.signing_secret.get_secret_value().strip():
            raise ValueError("signing_secret is empty; copy it from Basic Information")
        return self
