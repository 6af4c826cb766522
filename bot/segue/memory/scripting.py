"""Lua scripts as values: loaded from `scripts/`, parts put in, named by the digest of their text.

A script says which parts it needs in one line, `--!include time, outbox`. The digest is of the text
after that, so old and new workers run side by side in a rolling deploy, each with its own scripts.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_INCLUDE = re.compile(r"^--!include (.+)$", re.MULTILINE)


class Script(NamedTuple):
    """One script: what EVALSHA and SCRIPT LOAD need."""

    name: str
    text: bytes
    sha: bytes


@cache
def script(name: str) -> Script:
    """Return a script of this package by its name."""
    source = _INCLUDE.sub(
        lambda match: "\n".join(_read("_" + part.strip()) for part in match[1].split(",")),
        _read(name),
    )
    text = source.encode()
    sha = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
    return Script(name, text, sha)


def _read(name: str) -> str:
    return files(__package__).joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")
