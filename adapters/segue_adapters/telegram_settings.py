"""What can be set about the channel telegram (`channels.telegram` in `segue.toml`)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from yarl import URL

from segue_adapters.fetching import check_base, is_loopback

_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{30,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")


def _path(value: str) -> str:
    if not value.startswith("/") or value.endswith("/") or re.search(r"[\s?#]", value):
        raise ValueError("must begin with a slash and end without one, like /channels/telegram")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("must be the token that @BotFather gave you, like 123456:ABC…")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if not _SECRET.fullmatch(value.get_secret_value()):
        raise ValueError("must be 16 to 256 letters, digits, _ or -; leave it out for a made one")
    return value


class TelegramSettings(BaseModel):
    """A Telegram bot."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        description="The bot's token, from @BotFather. Whoever has it is the bot."
    )
    secret_token: Annotated[SecretStr, AfterValidator(_secret)] | None = Field(
        default=None,
        description="What Telegram shows with each webhook, 16 to 256 letters, digits, `_` or `-`. "
        "Without it, one is made from the token.",
    )
    mode: Literal["auto", "webhook", "polling"] = Field(
        default="auto",
        description="How messages come in. `auto` is `webhook` where `server.public_url` is set, "
        "else `polling`.",
    )
    set_webhook: bool = Field(
        default=True,
        description="Tell Telegram at the start where the webhook is. Without it, `segue doctor "
        "--fix` does.",
    )
    path: Annotated[str, AfterValidator(_path)] = Field(
        default="/channels/telegram/webhook", description="Where Telegram calls us."
    )
    api_base: Annotated[str, AfterValidator(check_base)] = Field(
        default="https://api.telegram.org",
        description="Where the Bot API is: a server of your own, or a stand-in. `http://` is for "
        "this machine only.",
    )
    file_base: Annotated[str, AfterValidator(check_base)] | None = Field(
        default=None, description="Where files are fetched; without it `api_base` + `/file`."
    )
    connections: int = Field(
        default=40, ge=1, le=100, description="Webhooks that Telegram may send at once."
    )
    connect_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long connecting to Telegram may take."
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=60, description="How long Telegram may take to answer a call."
    )
    poll_seconds: int = Field(
        default=25, ge=0, le=50, description="Polling: how long one question may stay open."
    )

    @property
    def secret(self) -> str:
        """What Telegram must show with each webhook."""
        if self.secret_token is not None:
            return self.secret_token.get_secret_value()
        token = self.token.get_secret_value().encode()
        return hmac.new(token, b"segue webhook v1", hashlib.sha256).hexdigest()

    @property
    def bot_id(self) -> int:
        """The bot's own user id: the first part of its token."""
        return int(self.token.get_secret_value().partition(":")[0])

    @property
    def files(self) -> str:
        """Where files are fetched from."""
        return self.file_base or f"{self.api_base}/file"

    @property
    def is_stand_in(self) -> bool:
        """Whether the Bot API is on this machine."""
        return is_loopback(URL(self.api_base).host or "")

    def polls(self, public_url: str) -> bool:
        """Whether messages are asked for; else Telegram calls us."""
        if self.mode != "auto":
            return self.mode == "polling"
        # Telegram calls HTTPS only; a server of one's own calls what it is told to.
        return not (public_url.startswith("https://") or (public_url and self.is_stand_in))
