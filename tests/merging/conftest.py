"""Towns for the tests of merging. What they import by plain name lies beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from two_towns import Town


@pytest.fixture
async def open_town(open_a_store: Callable[..., object]) -> Callable[..., object]:
    """Open towns: processes of one installation."""

    async def opener(undo: timedelta = timedelta(hours=24), **settings: object) -> Town:
        return Town(await open_a_store(**settings), undo)  # type: ignore[misc]

    return opener


@pytest.fixture
async def town(open_town: Callable[..., object]) -> Town:
    """An installation of one process."""
    return await open_town()  # type: ignore[misc, no-any-return]
