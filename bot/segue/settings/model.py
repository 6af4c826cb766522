"""Settings: `segue.toml`, overridden by the environment as `SEGUE__SECTION__NAME`.

The rules:

- A wrong, unknown or missing setting is one sentence that says what to do (`SettingsError`).
- A secret is a `SecretStr`: it is never printed, neither here nor by whoever gets the settings.
  It may be written `file:/run/secrets/name`, and is then read from that file.
- A path in `segue.toml` is relative to the file it stands in, everywhere else to the current
  directory.
- Each channel's section is checked by that channel's own model: see `channel_settings`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import regex
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from segue.errors import SettingsError
from segue.settings.api import ApiSettings
from segue.settings.sentences import explain, refuse_samples
from segue.settings.sources import (
    Origins,
    from_environment,
    from_toml,
    one_or_many,
    reveal,
)
from segue.settings.values import (
    Hours,
    Locale,
    Network,
    PageAddress,
    Pattern,
    Prefix,
    Section,
    StoreAddress,
    TimeZone,
    WebAddress,
    Words,
)

FILE = "segue.toml"

M = TypeVar("M", bound=BaseModel)


# -- the sections ----------------------------------------------------------------------------------


class StoreSettings(Section):
    """Where customers are remembered."""

    url: StoreAddress = Field(
        default="embedded:",
        repr=False,
        description="`embedded:` starts a server of its own on a private socket; else the address "
        "of a Valkey or Redis ≥ 7.0 (`redis://`, `rediss://`, `unix://`, `redis+sentinel://`, "
        "`redis+cluster://`). May hold a password, or be `file:…`.",
    )
    prefix: Prefix = Field(
        default="segue:",
        description="Stands before every key, so that several installations can share a server.",
    )
    partitions: int = Field(
        default=512,
        ge=1,
        le=16384,
        description="How many parts the customers are spread over. Fixed by the first start; 512 "
        "is right up to ten million customers.",
    )
    fsync: Literal["everysec", "always"] = Field(
        default="everysec",
        description="Embedded only. `always` loses nothing when the machine dies, `everysec` "
        "about a second.",
    )
    data_dir: Path = Field(
        default=Path(".segue"),
        description="Where the embedded server keeps its file, and where media are kept.",
    )
    lease_seconds: float = Field(
        default=5.0,
        ge=1,
        le=60,
        description="How long after a process died another one goes on for it.",
    )
    retention_days: int = Field(
        default=365,
        ge=1,
        le=3650,
        description="How long a customer who stays away is remembered.",
    )
    transcript_days: int = Field(
        default=0,
        ge=0,
        le=3650,
        description="How long what was said with a customer who stays away is kept, if shorter "
        "than `retention_days`; 0 is just as long.",
    )
    profile_days: int = Field(
        default=0,
        ge=0,
        le=3650,
        description="How old a fact about a customer may get before it is forgotten and asked "
        "again; 0 is as old as they are remembered.",
    )
    event_days: int = Field(
        default=90, ge=1, le=90, description="How long events (what insight reads) are kept."
    )
    dead_letter_days: int = Field(
        default=28, ge=1, le=28, description="How long a parked message is kept."
    )
    audit_days: int = Field(
        default=730,
        ge=1,
        le=36500,
        description="How long it is kept who did what (`segue audit`).",
    )
    seen_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="How long a message is recognised when a platform sends it again (SMS: at "
        "least 30 days).",
    )
    inbox_limit: int = Field(
        default=100,
        ge=1,
        le=10000,
        description="Messages of one customer that may wait; more are refused with a 429.",
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Turns begun for one message before it is parked as a dead letter.",
    )

    @property
    def shown_url(self) -> str:
        """The address as it may be printed: without its password."""
        return regex.sub(r"(?<=://)[^@/]*@", "***@", self.url)


class ServerSettings(Section):
    """How the server listens."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port; 0 takes a free one.")
    public_url: WebAddress = Field(
        default="",
        description="Where customers and platforms reach this server, like "
        "`https://chat.example.com`. Never taken from a request.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], Words] = Field(
        default=(),
        description="Networks whose `X-Forwarded-For` is believed, like `10.0.0.0/8`.",
    )
    grace_seconds: float = Field(
        default=20.0,
        ge=0,
        le=600,
        description="How long running turns may take to finish after SIGTERM.",
    )
    body_limit: int = Field(
        default=1_048_576, ge=1024, description="Largest request body in bytes, media apart."
    )


class CompanySettings(Section):
    """Who the bot speaks for. What is empty is not promised to customers."""

    name: str = Field(default="", description="As customers know it.")
    phone: str = Field(default="", description="Where customers reach a person.")
    email: str = Field(default="", description="Where customers reach a person.")
    hours: str = Field(default="", description="When somebody is there, in words.")
    privacy_url: PageAddress = Field(
        default="", description="The privacy notice; the widget links it."
    )
    quiet_hours: Hours = Field(
        default="",
        description="When nobody is written to first, like `21:00-08:00`; answers always go out.",
    )
    timezone: TimeZone = Field(default="UTC", description="For dates, reminders and quiet hours.")
    locale: Locale = Field(default="en", description="Where every other locale falls back to.")
    locales: Annotated[tuple[Locale, ...], Words] = Field(
        default=(),
        description="Locales that `segue check` wants complete, beside `locale`.",
    )

    @property
    def quiet_minutes(self) -> tuple[int, int] | None:
        """The quiet hours as minutes after midnight, from and until."""
        if not self.quiet_hours:
            return None
        hours = (part.split(":") for part in self.quiet_hours.split("-"))
        first, last = (int(hour) * 60 + int(minute) for hour, minute in hours)
        return first, last


class DialogsSettings(Section):
    """Where the customer journeys are."""

    path: Path = Field(default=Path("dialogs"), description="Folder of the dialogs.")


class SendsSettings(Section):
    """How replies are handed to platforms."""

    timeout_seconds: float = Field(
        default=10.0, gt=0, le=60, description="How long a platform may take to answer a send."
    )
    attempts: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Sends that were surely refused for now, before a reply is given up.",
    )
    backoff_seconds: float = Field(
        default=1.0, gt=0, le=60, description="Wait after the first failure; doubles each time."
    )
    backoff_limit_seconds: float = Field(
        default=300.0, ge=1, le=3600, description="Longest wait between two attempts."
    )
    reply_minutes: float = Field(
        default=15.0,
        ge=0,
        description="An answer older than this is not sent any more; 0 is for ever.",
    )
    first_minutes: float = Field(
        default=240.0,
        ge=0,
        description="The same for what nobody asked for: reminders, and dialogs that a system "
        "starts.",
    )


class SpendingSettings(Section):
    """What may be spent on texts that no customer's words have asked for: codes, writing first."""

    per_day: int = Field(default=1000, ge=0, description="Such messages a day, to anybody.")
    per_number: int = Field(default=3, ge=1, description="To one number within `number_minutes`.")
    number_minutes: float = Field(default=10.0, gt=0, le=1440, description="See there.")
    per_prefix: int = Field(
        default=30,
        ge=1,
        description="Codes to numbers that differ in the last four digits only, within "
        "`prefix_minutes`.",
    )
    prefix_minutes: float = Field(default=10.0, gt=0, le=1440, description="See there.")
    breaker_after: int = Field(
        default=20,
        ge=1,
        description="Codes sent to such a prefix (five times as many: to a country) from which on "
        "`least_percent` must have come back; else no more go there that day.",
    )
    least_percent: int = Field(default=20, ge=0, le=100, description="See there.")
    countries: Annotated[tuple[str, ...], Words] = Field(
        default=(),
        description="Countries that may be written to, like `AT, DE`; empty: any.",
    )


class IdentitySettings(Section):
    """How customers prove who they are, and join their channels."""

    link_minutes: float = Field(
        default=10.0, gt=0, le=60, description="How long a link code works."
    )
    code_minutes: float = Field(
        default=10.0, gt=0, le=60, description="How long a one-time code works."
    )
    undo_hours: float = Field(
        default=24.0, ge=0, le=168, description="How long a link can be undone as a whole."
    )
    silent_days: int = Field(
        default=45,
        ge=1,
        description="A phone number that was silent for so long proves nothing until verified "
        "again: numbers are given to other people.",
    )


class CustomersSettings(Section):
    """What one customer may ask of us on all platforms; the web has limits of its own."""

    rate: float = Field(
        default=2.0, ge=0, description="Messages a second of one customer; 0 is no limit."
    )
    burst: int = Field(default=20, ge=1, description="How many may come at once.")
    break_loops: bool = Field(
        default=True,
        description="Fall silent for a while towards what seems to be another bot; a person is "
        "answered again at once.",
    )


class VoiceSettings(Section):
    """Where the wording is."""

    path: Path = Field(default=Path("brand_voice"), description="Folder of the brand voice.")
    allowed_domains: Annotated[tuple[str, ...], Words] = Field(
        default=(),
        description="Domains that replies may link to, their subdomains included; empty: any.",
    )


class MediaSettings(Section):
    """What customers attached, for those who may look at it: behind links that end."""

    secret: SecretStr | None = Field(
        default=None,
        description="Seals the links; at least 32 characters. Set it where several machines serve "
        "one installation; otherwise a file in `store.data_dir` keeps one.",
    )
    link_minutes: int = Field(
        default=60, ge=1, le=7 * 24 * 60, description="How long a link works, at least."
    )
    copy_hours: float = Field(
        default=24.0,
        gt=0,
        description="How long a copy of what was looked at is kept, in `store.data_dir`.",
    )
    copies_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1024 * 1024,
        description="How much room all copies may take; the oldest go first.",
    )

    @model_validator(mode="after")
    def _long_enough(self) -> MediaSettings:
        if self.secret is not None and len(self.secret.get_secret_value()) < 32:
            raise ValueError("secret must have at least 32 characters")
        return self


class MaskingSettings(Section):
    """What is blotted out of customers' words before anything is stored."""

    cards: bool = Field(default=True, description="Mask card numbers (checked with Luhn).")
    patterns: Annotated[tuple[Pattern, ...], BeforeValidator(one_or_many)] = Field(
        default=(), description="Regular expressions of what else is masked."
    )


class LogSettings(Section):
    """What is written about running. Never a customer's words."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important line that is written."
    )
    format: Literal["text", "json"] = Field(
        default="text", description="`json` writes one object a line."
    )


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, env_prefix="SEGUE__"
    )

    store: StoreSettings = StoreSettings()
    server: ServerSettings = ServerSettings()
    company: CompanySettings = CompanySettings()
    sends: SendsSettings = SendsSettings()
    spending: SpendingSettings = SpendingSettings()
    identity: IdentitySettings = IdentitySettings()
    api: ApiSettings = ApiSettings()
    customers: CustomersSettings = CustomersSettings()
    dialogs: DialogsSettings = DialogsSettings()
    voice: VoiceSettings = VoiceSettings()
    media: MediaSettings = MediaSettings()
    masking: MaskingSettings = MaskingSettings()
    channels: dict[str, dict[str, Any]] = Field(default={"web": {}}, repr=False)
    log: LogSettings = LogSettings()

    _file: Path | None = None
    _origins: Origins = {}

    sources: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Set by `load` on a subclass of its own; an earlier one wins."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return arguments first, then what `load` found: no other place is looked into."""
        return (init_settings, *(_Source(settings_cls, values) for values in cls.sources))

    @model_validator(mode="before")
    @classmethod
    def _secrets(cls, values: Any) -> Any:
        store = values.get("store") if isinstance(values, dict) else None
        url = store.get("url") if isinstance(store, dict) else None
        if isinstance(store, dict) and isinstance(url, str) and url.startswith("file:"):
            values["store"] = {**store, "url": reveal(url, "store.url")}
        if isinstance(values, dict) and isinstance(values.get("media"), dict):
            values["media"] = reveal(values["media"], "media")
        return values

    @property
    def file(self) -> Path | None:
        """The `segue.toml` that was read, or None."""
        return self._file

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales that must be complete, the default one first."""
        company = self.company
        rest = (locale for locale in company.locales if locale != company.locale)
        return (company.locale, *rest)


class _Source(PydanticBaseSettingsSource):
    """Values that were read before."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


# -- reading them ----------------------------------------------------------------------------------


def load(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    **overrides: Mapping[str, Any],
) -> Settings:
    """Return the settings.

    `file` is a `segue.toml`; without it `SEGUE_CONFIG` names it, else the one in the current
    directory is read, if there is one.
    `overrides` are sections that win over everything: `load(server={"port": 0})`.
    Raises `SettingsError`; further mistakes are its `__notes__`.
    """
    environ = os.environ if environ is None else environ
    named = file or (Path(environ["SEGUE_CONFIG"]) if environ.get("SEGUE_CONFIG") else None)
    path = named or Path(FILE)
    if named is not None and not named.is_file():
        raise SettingsError(
            str(named), "there is no such file", "Name a segue.toml, or make one with `segue new`"
        )
    written, origins = from_toml(path) if path.is_file() else ({}, {})
    above, named_in = from_environment(environ)
    origins |= named_in
    found: type[Settings] = type("Settings", (Settings,), {"sources": (overrides, above, written)})
    try:
        settings = found()
    except ValidationError as error:
        raise explain(error, Settings, origins) from None
    refuse_samples(settings.media, ("media",))
    root = path.parent if path.is_file() else Path()
    settings = settings.model_copy(
        update={
            "store": _rooted(settings.store, "data_dir", root),
            "dialogs": _rooted(settings.dialogs, "path", root),
            "voice": _rooted(settings.voice, "path", root),
        }
    )
    settings._file = path if path.is_file() else None
    settings._origins = origins
    return settings


def channel_settings(settings: Settings, name: str, model: type[M]) -> M:
    """Return `channels.NAME` as the channel's own model has it. Raises `SettingsError`."""
    where = f"channels.{name}"
    section = reveal(settings.channels.get(name, {}), where)
    try:
        checked = model.model_validate(section)
    except ValidationError as error:
        raise explain(error, model, settings._origins, ("channels", name)) from None
    refuse_samples(checked, ("channels", name))
    return checked


def _rooted(section: M, field: str, root: Path) -> M:
    return section.model_copy(
        update={field: Path(os.path.normpath(root / getattr(section, field)))}
    )
