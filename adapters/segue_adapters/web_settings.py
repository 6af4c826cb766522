"""What can be set about the web channel (`channels.web` in `segue.toml`)."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from segue_adapters.web_keys import read_keys

_DEFAULT_PORTS = {"http": 80, "https": 443}


def _origin(value: str) -> str:
    parts = urlsplit(value)
    host = parts.hostname or ""
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not host
        or "*" in host
        or parts.path not in ("", "/")
        or parts.query
        or parts.username is not None
    ):
        raise ValueError("must be one exact origin, like https://shop.example")
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    tail = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{tail}"


def _path(value: str) -> str:
    if not value.startswith("/") or value.endswith("/"):
        raise ValueError("must begin with a slash and end without one, like /channels/web")
    return value


def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


Origin = Annotated[str, AfterValidator(_origin)]


class WebSettings(BaseModel):
    """How visitors of a website reach the bot, and who vouches for them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: Annotated[str, AfterValidator(_path)] = Field(
        default="/channels/web", description="Where the channel's paths begin."
    )
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_words)] = Field(
        default=(),
        description="Sites that may embed the widget, each as an exact origin like "
        "`https://shop.example`. The server's own `public_url` is always allowed; without one, "
        "this machine's own pages are.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Signs sessions' dates and media links; at least 32 characters. Set it where "
        "several machines serve one site; otherwise a file in `store.data_dir` keeps one.",
    )
    jwt_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Key id → key the host site signs visitors' identity with: a shared secret of "
        "at least 32 bytes (HS256), or an Ed25519 public key in PEM (EdDSA). At most two of each, "
        "so that keys can be rotated.",
    )
    algorithms: Annotated[tuple[Literal["HS256", "EdDSA"], ...], BeforeValidator(_words)] = Field(
        default=("HS256", "EdDSA"), description="Signatures that are accepted."
    )
    audience: str = Field(
        default="", description="What a token's `aud` must be; needed with `jwt_keys`."
    )
    issuer: str = Field(default="", description="What a token's `iss` must be, if set.")
    cookie: bool = Field(
        default=True, description="Also keep the session in a cookie that scripts cannot read."
    )
    cookie_name: str = Field(
        default="segue_session", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The cookie's name."
    )
    same_site: Literal["Lax", "Strict", "None"] = Field(
        default="Lax", description="The cookie's SameSite."
    )
    session_idle_days: int = Field(
        default=30, ge=1, le=365, description="A session not used for so long has ended."
    )
    session_days: int = Field(
        default=180, ge=1, le=730, description="A session this old has ended, however much used."
    )
    wait_limit: float = Field(
        default=30.0, ge=0, le=300, description="Longest `?wait=` in seconds."
    )
    text_limit: int = Field(
        default=4000, ge=1, le=100_000, description="Longest message in characters."
    )
    customer_rate: float = Field(
        default=2.0, ge=0, description="Messages a second of one customer; 0 is no limit."
    )
    customer_burst: int = Field(default=20, ge=1, description="How many may come at once.")
    peer_rate: float = Field(
        default=20.0,
        ge=0,
        description="Messages a second from one IP address; 0 is no limit. This machine's own "
        "addresses are never limited.",
    )
    peer_burst: int = Field(default=200, ge=1, description="How many may come at once.")
    new_per_minute: float = Field(
        default=30.0,
        ge=0,
        description="Sessions begun and identities checked a minute for one IP address; 0 is no "
        "limit.",
    )
    max_sockets: int = Field(default=10_000, ge=1, description="Open sockets of one process.")
    peer_sockets: int = Field(default=200, ge=1, description="Open sockets from one IP address.")
    poll_seconds: float = Field(
        default=25.0,
        gt=0,
        description="How often an open socket looks for news that nothing told it about.",
    )
    slow_seconds: float = Field(
        default=20.0,
        gt=0,
        description="A client that takes longer to read what it was sent is disconnected.",
    )
    media_bytes: int = Field(
        default=10 * 1024 * 1024, ge=1024, description="Largest photo or file in bytes."
    )
    media_per_hour: int = Field(
        default=30, ge=0, description="Photos and files an hour of one customer; 0 is no limit."
    )
    media_days: int = Field(default=180, ge=1, description="How long photos and files are kept.")
    media_link_minutes: int = Field(
        default=60, ge=1, description="How long a link to a photo or file works, at least."
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> WebSettings:
        if self.secret is not None and len(self.secret.get_secret_value()) < 32:
            raise ValueError("secret must have at least 32 characters")
        if self.jwt_keys and not self.audience:
            raise ValueError("jwt_keys need an audience: set channels.web.audience")
        if self.same_site == "None" and not self.cookie:
            raise ValueError("same_site = None means nothing without a cookie")
        read_keys({name: key.get_secret_value() for name, key in self.jwt_keys.items()})
        return self
