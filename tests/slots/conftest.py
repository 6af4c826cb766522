"""What slots may know beside the words: English and German, on Wednesday 12 March 2025."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from segue.slots import SlotContext
from segue.types import Button
from segue.words import Words

NOW = datetime(2025, 3, 12, 10, 0, tzinfo=UTC)


def _in(
    locale: str = "en", *, buttons: tuple[Button, ...] = (), choice: str | None = None
) -> SlotContext:
    return SlotContext(
        locale=locale, words=Words(locale=locale), now=NOW, buttons=buttons, choice=choice
    )


@pytest.fixture(scope="session")
def context() -> Callable[..., SlotContext]:
    """Return a function that makes a context for a locale, with or without shown buttons."""
    return _in
