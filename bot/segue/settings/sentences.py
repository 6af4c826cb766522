"""What is wrong with the settings, in sentences: where, what was found, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import regex
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from segue.errors import SettingsError

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a section",
    "model_type": "a section",
    "model_attributes_type": "a section",
    "path_type": "a path",
}


def explain(
    error: ValidationError,
    model: type[BaseModel],
    origins: Mapping[tuple[str, ...], str],
    under: tuple[str, ...] = (),
) -> SettingsError:
    """Return the first mistake as an error; the others are its notes."""
    first, *rest = (_sentence(each, model, origins, under) for each in error.errors())
    for other in rest:
        first.add_note(str(other))
    return first


def _sentence(
    detail: ErrorDetails,
    model: type[BaseModel],
    origins: Mapping[tuple[str, ...], str],
    under: tuple[str, ...],
) -> SettingsError:
    place = tuple(part for part in detail["loc"] if isinstance(part, str))
    full = under + place
    name = ".".join(full)
    origin = origins.get(full) or origins.get(full[:-1], "")
    where = f"{name} ({origin})" if origin else name
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields(model, place[:-1])
        near = get_close_matches(place[-1], known, n=1, cutoff=0.6)
        what = "setting" if full[1:] else "section"
        among = ".".join(full[:-1]) or "segue.toml"
        cure = f"Did you mean {near[0]}?" if near else f"{among} knows {', '.join(known)}"
        return SettingsError(where, f"there is no such {what}", cure)
    if kind == "missing":
        variable = "SEGUE__" + "__".join(full).upper()
        section = ".".join(full[:-1])
        return SettingsError(
            name, "it is missing", f"Set {full[-1]} under [{section}] in segue.toml, or {variable}"
        )
    if kind == "dict_type" and origin.startswith("SEGUE__"):
        return SettingsError(
            where, "this has a name for each of its values", f"Write {origin}__NAME for each"
        )
    return SettingsError(where, *_wrong(detail, kind, context))


def _wrong(detail: ErrorDetails, kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is wrong with a value, and the cure. The value itself may be a secret."""
    if kind == "value_error":
        return _halves(str(context["error"]))
    if kind == "literal_error":
        return "this is not one of its values", f"Write {context['expected']}"
    if kind in _EXPECTED:
        return f"this is not {_EXPECTED[kind]}", f"Write {_EXPECTED[kind]}"
    bounds = {
        "greater_than_equal": ("too small", "at least", "ge"),
        "greater_than": ("too small", "more than", "gt"),
        "less_than_equal": ("too large", "at most", "le"),
        "less_than": ("too large", "less than", "lt"),
        "string_too_short": ("too short", "at least (characters)", "min_length"),
        "string_too_long": ("too long", "at most (characters)", "max_length"),
        "too_short": ("too short a list", "at least (items)", "min_length"),
        "too_long": ("too long a list", "at most (items)", "max_length"),
    }
    if kind in bounds:
        what, word, key = bounds[kind]
        bound = context.get(key)
        return f"this is {what}", f"Write {word} {bound:g}" if bound is not None else "Change it"
    return f"this does not do ({detail['msg']})", "Change it"


def _halves(message: str) -> tuple[str, str]:
    """Split "must be …" (ours) or "found; cure" (an adapter's) into found and cure."""
    if message.startswith("must be "):
        return "this does not do", f"It {message}"
    found, separator, cure = message.partition("; ")
    return (found, cure) if separator else (message, "Change it")


def _fields(model: type[BaseModel], place: tuple[str, ...]) -> list[str]:
    """Return the names that may stand at a place."""
    at: Any = model
    for part in place:
        field = at.model_fields.get(part) if hasattr(at, "model_fields") else None
        at = field.annotation if field else None
        at = next((each for each in get_args(at) if hasattr(each, "model_fields")), at)
    return sorted(at.model_fields) if hasattr(at, "model_fields") else []


# -- secrets ---------------------------------------------------------------------------------------

_SAMPLE = regex.compile(r"(change-?me|your-).*|secret|password|example", regex.IGNORECASE)


def refuse_samples(model: BaseModel, under: tuple[str, ...] = ()) -> None:
    """Raise `SettingsError` if a secret is one that the documentation shows."""
    for path, secret in _secrets(model, under):
        if _SAMPLE.fullmatch(secret):
            raise SettingsError(
                ".".join(path),
                "this is the sample from the documentation, which everybody knows",
                "Make one of your own, for example with `openssl rand -base64 32`",
            )


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case SecretStr():
            yield path, value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name), (*path, name))
        case dict():
            for name, inner in value.items():
                yield from _secrets(inner, (*path, str(name)))
        case list() | tuple():
            for inner in value:
                yield from _secrets(inner, path)
        case _:
            return


def missing_folder(setting: str, path: Path) -> SettingsError:
    """Return the error for a folder that is not there."""
    return SettingsError(
        setting, f"there is no folder {path}", "Make it, or name another one in segue.toml"
    )
