"""Values on their way into a journal and out of it again.

What a dialog is given the first time has been through here and back, exactly as on every replay:
so a dialog cannot come to depend on something that a journal does not keep.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

_EXACT = frozenset({str, int, bool, float, type(None)})
_KEPT = (bytes,)


class NotPlain(Exception):
    """A value cannot be kept: neither plain data nor a dataclass, Struct or model of plain data."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


def to_plain(value: Any) -> Any:
    """Return `value` as the store will give it back: text, numbers, lists, mappings, bytes.

    Raises `NotPlain`.
    """
    if type(value) in _EXACT:
        return value
    try:
        plain = msgspec.to_builtins(value, builtin_types=_KEPT, enc_hook=_dump)
        return _decode(_encoder.encode(plain))  # a tuple would come back as a list
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise NotPlain(f"{type(value).__name__} ({error})") from None


def from_plain(value: Any, kind: Any) -> Any:
    """Return plain data as `kind`: a dataclass, Struct, pydantic model, or plain type.

    Raises `ValueError` (msgspec's or pydantic's) when the data does not fit, `TypeError` when
    `kind` is a type that no data can be turned into.
    """
    if kind is Any or type(value) is kind:
        return value
    try:
        decoder = _decoder(kind)
    except TypeError:
        return msgspec.convert(value, kind, builtin_types=_KEPT, dec_hook=_load)
    # By way of bytes: a decoder that is kept costs a fraction of `convert` for most types.
    return decoder.decode(_encoder.encode(value))


@lru_cache(maxsize=1000)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_load)


def digest_of(values: Any) -> bytes:
    """Return 8 bytes that are the same for the same values, in every process; none for nothing.

    Raises `NotPlain`.
    """
    if not values:
        return b""
    try:
        data = _canonical.encode(values)
    except (TypeError, ValueError, RecursionError, OverflowError):
        data = _canonical.encode(_with_text_keys(values))
    return blake2b(data, digest_size=8).digest()


def _with_text_keys(values: Any) -> Any:
    """Return plain data whose mappings can be put in order. Raises `NotPlain`."""
    try:
        return msgspec.to_builtins(
            values, builtin_types=_KEPT, str_keys=True, enc_hook=_dump, order="deterministic"
        )
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise NotPlain(f"{type(values).__name__} ({error})") from None


def _dump(value: Any) -> Any:
    """Turn a pydantic model into plain data; say no to everything else."""
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not data")


def _load(kind: type, value: Any) -> Any:
    """Turn plain data into a pydantic model; say no to everything else."""
    validate = getattr(kind, "model_validate", None)
    if validate is not None:
        return validate(value)
    raise TypeError(f"{kind.__name__} cannot be made from data")


_encoder = msgspec.msgpack.Encoder()
_decode = msgspec.msgpack.Decoder().decode
_canonical = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_dump)
