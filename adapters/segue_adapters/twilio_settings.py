"""What can be set about a sender at Twilio: what `channels.sms` and `channels.whatsapp` share."""

from __future__ import annotations

import re
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
    if not value.startswith("/") or value.endswith("/") or re.search(r"[\s?#]", value):
        raise ValueError("must begin with a slash and end without one, like /channels/sms/webhook")
    return value


def _matching(pattern: str, like: str) -> AfterValidator:
    def check(value: str) -> str:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(f"must look like {like}")
        return value

    return AfterValidator(check)


def _token(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty; copy it from the Twilio Console")
    return value


def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


Path = Annotated[str, AfterValidator(_path)]
Number = Annotated[str, _matching(r"\+[1-9]\d{1,14}", "+436601234567")]
Base = Annotated[str, AfterValidator(check_base)]
Token = Annotated[SecretStr, AfterValidator(_token)]


class TwilioSettings(BaseModel):
    """A sender at Twilio."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    account_sid: Annotated[str, _matching(r"AC[0-9a-f]{32}", "AC and 32 digits or a to f")] = Field(
        description="Account SID (`AC…`), on the Console's first page."
    )
    auth_token: Token = Field(
        description="Auth Token, beside it. It proves that a webhook is Twilio's."
    )
    second_auth_token: Token | None = Field(
        default=None,
        description="A second token whose webhooks are let in too, while one is being replaced.",
    )
    api_key_sid: Annotated[str, _matching(r"SK[0-9a-f]{32}", "SK and 32 digits or a to f")] = Field(
        default="", description="API key to send with, instead of the Auth Token; empty: none."
    )
    api_key_secret: Token | None = Field(default=None, description="The secret of that key.")
    from_number: Number = Field(
        default="", description="The number that sends and is written to, like `+436601234567`."
    )
    messaging_service_sid: Annotated[
        str, _matching(r"MG[0-9a-f]{32}", "MG and 32 digits or a to f")
    ] = Field(
        default="",
        description="A Messaging Service (`MG…`) that chooses the number, instead of one number.",
    )
    numbers: Annotated[tuple[Number, ...], BeforeValidator(_words)] = Field(
        default=(), description="Further numbers of ours that customers may write to."
    )
    webhook_base_url: str = Field(
        default="",
        description="Where Twilio reaches this server, if that is not `server.public_url`.",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*[^\s?#/])?)?$",
    )
    api_base: Base = Field(
        default="https://api.twilio.com",
        description="Where the API is; a proxy or a stand-in may take its place.",
    )
    messaging_base: Base = Field(
        default="https://messaging.twilio.com",
        description="Where the API of Messaging Services is.",
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=60, description="How long Twilio may take to answer a call."
    )
    account_rate: float = Field(
        default=50.0, gt=0, description="Messages a second of the whole account."
    )

    @model_validator(mode="after")
    def _complete(self) -> TwilioSettings:
        if bool(self.from_number) == bool(self.messaging_service_sid):
            raise ValueError(
                "set one of from_number and messaging_service_sid: who sends must be clear"
            )
        if bool(self.api_key_sid) != (self.api_key_secret is not None):
            raise ValueError("api_key_sid and api_key_secret belong together: set both or none")
        return self

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that webhooks may be signed with."""
        both = (self.auth_token, self.second_auth_token)
        return tuple(token.get_secret_value() for token in both if token is not None)

    @property
    def login(self) -> tuple[str, str]:
        """What calls are made with: an API key, or the account itself."""
        if self.api_key_sid and self.api_key_secret is not None:
            return self.api_key_sid, self.api_key_secret.get_secret_value()
        return self.account_sid, self.auth_token.get_secret_value()
