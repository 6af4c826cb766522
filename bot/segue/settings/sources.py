"""Where settings come from: the file, the environment, and files that hold one secret each."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import regex

from segue.errors import SettingsError

PREFIX = "SEGUE__"
FROM_FILE = "file:"

Path_: TypeAlias = tuple[str, ...]
"""A setting's place: `("store", "url")`."""
Origins: TypeAlias = dict[Path_, str]
"""Where each setting was written: `segue.toml:4`, or the name of the variable."""

_HEADER = regex.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = regex.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""")


def from_toml(path: Path) -> tuple[dict[str, Any], Origins]:
    """Return what the file says, and on which line. Raises `SettingsError` if it is broken."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = regex.search(r"at line (\d+)", str(error))
        at = f"{path.name}:{line[1] if line else max(1, len(text.splitlines()))}"
        what = regex.sub(r"\s*\(at .*\)$", "", str(error))
        raise SettingsError(at, f"this is not TOML ({what})", "Mend that line") from None
    except UnicodeDecodeError:
        raise SettingsError(path.name, "this is not UTF-8 text", "Save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(
            str(path), f"it cannot be read ({error.strerror})", "Make it readable"
        ) from None
    return values, _lines(text, path.name)


def _lines(text: str, name: str) -> Origins:
    """Return on which line each key stands; a key written in an unusual way is left out."""
    origins: Origins = {}
    section: Path_ = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = _parts(header[1])
            origins.setdefault(section, f"{name}:{number}")
        elif key := _KEY.match(line):
            origins.setdefault(section + _parts(key[1]), f"{name}:{number}")
    return origins


def _parts(dotted: str) -> Path_:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], Origins]:
    """Return what the `SEGUE__SECTION__NAME` variables say, and their names."""
    values: dict[str, Any] = {}
    origins: Origins = {}
    for name, value in sorted(environ.items()):
        if not name.upper().startswith(PREFIX):
            continue
        path = tuple(name.lower().removeprefix(PREFIX.lower()).split("__"))
        if len(path) < 2 or not all(path):
            raise SettingsError(
                name, "it names no setting", "Call it SEGUE__SECTION__NAME, like SEGUE__STORE__URL"
            )
        place = values
        for part in path[:-1]:
            deeper = place.setdefault(part, {})
            if not isinstance(deeper, dict):
                raise SettingsError(name, f"{part} has a value of its own", "Unset one of the two")
            place = deeper
        place[path[-1]] = value
        origins[path] = name
    return values, origins


def split_words(value: object) -> object:
    """Let a list be written as `a, b` or as JSON, as it must be in a variable."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _listed(value)
    return [word for word in (part.strip() for part in value.split(",")) if word]


def one_or_many(value: object) -> object:
    """Let a list be written as its only item or as JSON; a comma may be part of an item."""
    if not isinstance(value, str):
        return value
    listed = _listed(value)
    return listed if isinstance(listed, list) else [value]


def _listed(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


def reveal(value: Any, where: str) -> Any:
    """Replace each `file:PATH` in a value by what that file holds."""
    match value:
        case str() if value.startswith(FROM_FILE):
            path = Path(value.removeprefix(FROM_FILE))
            try:
                return path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise SettingsError(
                    where,
                    f"the file {path} cannot be read",
                    "Mend the path",
                ) from None
        case dict():
            return {key: reveal(inner, f"{where}.{key}") for key, inner in value.items()}
        case list():
            return [reveal(inner, where) for inner in value]
        case _:
            return value
