"""A small voice of our own, and a way to write others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from segue.voice import Voice, load_voice

Write = Callable[[Mapping[str, str]], Path]
Speak = Callable[..., Voice]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of a voice (`en/shop.j2` → source) and return its folder."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "brand_voice"
        for name, source in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source, encoding="utf-8")
        return root

    return make


@pytest.fixture
def speak(write: Write) -> Speak:
    """Load a voice whose English shop dialog has this source."""

    def make(source: str, **options: object) -> Voice:
        return load_voice(write({"en/shop.j2": source}), **options)  # type: ignore[arg-type]

    return make
