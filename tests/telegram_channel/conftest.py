"""A bot on the stand-in for Telegram."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from telegram_house import TOKEN, Clock, settings

from segue.channel import Site
from segue.testing.platforms.telegram import Telegram
from segue_adapters.telegram import TelegramChannel


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    """The server."""
    async with Telegram(token=TOKEN) as server:
        yield server


@pytest.fixture
async def channel(telegram: Telegram) -> AsyncIterator[TelegramChannel]:
    """The adapter on it."""
    found = TelegramChannel(settings(telegram, timeout_seconds=0.5), Site(clock=Clock()))
    yield found
    await found.stop()
