"""Lua scripts as values: loaded from `scripts/`, parts put in, named by the digest of their text.

A script says which parts it needs in one line, `--!include time, outbox`, and which keys it takes
in its header. The digest is of the text with the parts in it, so old and new workers run side by
side in a rolling deploy, each with its own scripts.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_KEYS = re.compile(r"^-- KEYS  (.+)$", re.MULTILINE)
_INCLUDE = re.compile(r"^--!include (.+)$", re.MULTILINE)


class Script(NamedTuple):
    """One script: what EVALSHA and EVAL need."""

    name: str
    text: bytes
    sha: bytes
    keys: tuple[str, ...]
    """Names of its keys, from its header: fields of `CustomerKeys`, for a customer's script."""


@cache
def script(name: str) -> Script:
    """Return a script of this package by its name."""
    source = _INCLUDE.sub(
        lambda match: "\n".join(_read("_" + part.strip()) for part in match[1].split(",")),
        _read(name),
    )
    text = source.encode()
    header = _KEYS.search(source)
    if header is None:
        raise ValueError(f"{name}.lua says no KEYS in its header")
    sha = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
    return Script(name, text, sha, tuple(part.strip() for part in header[1].split(",")))


def _read(name: str) -> str:
    return files(__package__).joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")
