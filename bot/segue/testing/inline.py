"""Bots without a project: what every bot must be able to say is given, the rest comes inline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from segue.app import App
from segue.dialog import Registry, load_dialogs
from segue.settings import Settings, load
from segue.voice import Voice, load_voice

_REPLY = re.compile(r"{%-?\s*reply\s+(\w+)")
_BLOCK = re.compile(r"{%-?\s*reply\s+(\w+).*?{%-?\s*endreply\s*-?%}\n?", re.DOTALL)
_COMMON, _WORDS = "en/common.j2", "en/words.toml"

_read: dict[tuple[Any, ...], Voice] = {}


def settings(sections: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return settings that no variable and no project around has a say in."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "segue.toml"
        file.touch()
        return load(file, environ={}, **sections)


@cache
def _given(name: str) -> str:
    return files(__package__).joinpath("voice", name).read_text(encoding="utf-8")


def voice(texts: str | Mapping[str, str]) -> Voice:
    """Return a voice from texts by file, completed with what every bot must be able to say.

    One text alone is `en/common.j2`.
    """
    written = {_COMMON: texts} if isinstance(texts, str) else dict(texts)
    own = written.get(_COMMON, "")
    names = set(_REPLY.findall(own))
    rest = [block[0] for block in _BLOCK.finditer(_given(_COMMON)) if block[1] not in names]
    # The test's own words first: a mistake in them is told with the line they have there.
    written[_COMMON] = own.rstrip() + "\n" + "".join(rest)
    written.setdefault(_WORDS, _given(_WORDS))
    with TemporaryDirectory(prefix="voice-") as folder:
        for name, text in written.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return load_voice(folder, default_locale="en")


def read(base: Settings) -> tuple[Registry, Voice]:
    """Read a project's dialogs, anew for each rehearsal, and its voice, which never changes."""
    root = Path(base.voice.path)
    signature = (
        str(root),
        base.company.locale,
        tuple(base.voice.allowed_domains),
        *sorted(
            (str(file), status.st_mtime_ns, status.st_size)
            for file in root.rglob("*")
            if file.is_file() and (status := file.stat())
        ),
    )
    known = _read.get(signature)
    if known is not None and Path(base.dialogs.path).is_dir():
        return load_dialogs(base.dialogs.path), known
    dialogs, made = App(base).read()
    _read[signature] = made
    return dialogs, made
