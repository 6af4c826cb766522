"""What dialogs pass to replies: made plain on the way in, made text on the way out.

A reply sees `str int float bool None list dict Decimal date time datetime timedelta` and nothing
else: dataclasses, msgspec Structs and models become dicts of their fields. So a dot is a field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import quote

import msgspec


class BadValue(TypeError):
    """A value that does not fit what the words do with it. The sentence never holds the value."""


_BUILTIN = (datetime, date, time, timedelta, Decimal)
_PLAIN = frozenset({str, int, float, bool, type(None), *_BUILTIN})

_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\r\ufffe\uffff]"
)
_CONTROL_OR_HALF = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def plain_data(value: Any) -> Any:
    """Return a copy made of plain data only; raise `TypeError` for what has no plain form.

    Sequences become lists and records become dicts by field name, also those that are packed as
    arrays (`Button`): a writer says `option.label`, not `option[1]`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {key: one if type(one) in _PLAIN else plain_data(one) for key, one in value.items()}
    if kind in (list, tuple):
        return [one if type(one) in _PLAIN else plain_data(one) for one in value]
    if isinstance(value, msgspec.Struct):
        return {name: plain_data(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Enum):
        return plain_data(value.value)
    if is_dataclass(kind):
        return {one.name: plain_data(getattr(value, one.name)) for one in fields(kind)}
    if isinstance(value, Mapping):
        return plain_data(dict(value))
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return plain_data(dump())
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _unknown(value)
    built = msgspec.to_builtins(value, builtin_types=_BUILTIN, enc_hook=_unknown)
    return built if type(built) in _PLAIN else plain_data(built)


def _unknown(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be shown; pass plain data or a dataclass")


def clean(text: str) -> str:
    """Return a value's text without what no channel can carry.

    Control characters and halves of characters become U+FFFD, so that they stay visible. Marks
    that turn the direction of the words around them are dropped. All else is kept as it is.
    """
    if _UNWANTED.search(text) is None:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _DIRECTION.sub("", _CONTROL_OR_HALF.sub("\ufffd", text))


_WEB = re.compile(
    r"(https?)://((?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)"
    r"(:\d{1,5})?(?:[/?#][^\s\\<>\x00-\x20\x7f]*)?",
    re.IGNORECASE,
)
_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$&'*+/=?^_`{|}~%-]{1,64}@[A-Za-z0-9.-]{1,255}")
_PHONE = re.compile(r"tel:\+?[0-9][0-9().-]{1,30}")
_KEPT = "/:?#[]@!$&'()*+,;=%~-._"


def safe_address(address: str, allowed_domains: frozenset[str]) -> str | None:
    """Return the address as a link may carry it, or None if it must not be one.

    Only `https`, `http`, `mailto` and `tel`; no user name or password before the host. With
    `allowed_domains`, web addresses must lie in one of them or below it.
    """
    if len(address) > 2000 or clean(address) != address:
        return None
    if (web := _WEB.fullmatch(address)) is not None:
        if allowed_domains and not _within(web[2].lower(), allowed_domains):
            return None
        return quote(address, safe=_KEPT)
    if _MAIL.fullmatch(address) or _PHONE.fullmatch(address):
        return address
    return None


def _within(host: str, domains: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))
