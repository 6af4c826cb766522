"""What a value of a setting must look like, and the base of all sections."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import regex
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from segue.settings.sources import split_words


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be an IP address or network, like 10.0.0.0/8") from None
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be a web address, like https://chat.example.com")
    return value.rstrip("/")


def _page_address(value: str) -> str:
    return value if value.startswith("/") else _web_address(value)


def _store_address(value: str) -> str:
    schemes = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster")
    if value != "embedded:" and value.partition("://")[0] not in schemes:
        raise ValueError("must be embedded: or an address like redis://host:6379/0")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError("must be a time zone like Europe/Vienna") from None
    return value


def _locale(value: str) -> str:
    if not regex.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError("must be a locale like en or de-AT")
    return value


def _hours(value: str) -> str:
    if value and not regex.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be two times, like 21:00-08:00")
    return value


def _pattern(value: str) -> str:
    try:
        regex.compile(value)
    except regex.error as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    return value


def _prefix(value: str) -> str:
    if not regex.fullmatch(r"[A-Za-z0-9_.:-]{0,64}", value):
        raise ValueError("must be at most 64 letters, digits and _ . : -")
    return value


Words = BeforeValidator(split_words)
WebAddress = Annotated[str, AfterValidator(_web_address)]
Network = Annotated[str, AfterValidator(_network)]
PageAddress = Annotated[str, AfterValidator(_page_address)]
StoreAddress = Annotated[str, AfterValidator(_store_address)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Hours = Annotated[str, AfterValidator(_hours)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Locale = Annotated[str, AfterValidator(_locale)]


class Section(BaseModel):
    """One section of `segue.toml`. Nothing unknown is let in, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
