"""Two of our bots, each the other's customer: they soon find that nobody is there (T39).

Each is an installation of its own behind its real adapter and its own stand-in; what one sends is
written to the other as a person would write it: with signatures, ids and buttons read as a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
from everywhere import PHONE, Platforms, Process

from segue.memory.embedded import Embedded

CHANNELS = ("telegram", "slack", "sms", "whatsapp")
OTHER = "+436607654321"
_numbers = count()


class Side:
    """One of the two: a bot, and the account under which the other one writes to it."""

    def __init__(self, platforms: Platforms, process: Process, channel: str, name: str) -> None:
        self.process = process
        telegram, slack, twilio = platforms.telegram, platforms.slack, platforms.twilio
        number = {"one": PHONE, "two": OTHER}[name]
        self.read = 0
        """How many of the bot's messages the other one was shown."""
        self._user = telegram.customer(name) if channel == "telegram" else None
        self._person = slack.person(name) if channel == "slack" else None
        self._phone = twilio.phone(number) if channel in ("sms", "whatsapp") else None
        self._whatsapp = channel == "whatsapp"

    @property
    def said(self) -> list[str]:
        """What the bot has said to the other one, with buttons as somebody would read them."""
        if self._user is not None:
            shown = [each for each in self._user.screen if each.who == "bot"]
            return [listed(each.text, each.buttons) for each in shown]
        if self._person is not None:
            return [listed(each.text, each.labels) for each in self._person.screen]
        assert self._phone is not None
        return list(self._phone.chat if self._whatsapp else self._phone.screen)

    async def hear(self, text: str) -> None:
        """Let the other one write."""
        if self._user is not None:
            self._user.write(text)
        elif self._person is not None:
            await self._person.write(text)
        else:
            assert self._phone is not None
            await self._phone.write(text, whatsapp=self._whatsapp)


def listed(text: str, labels: object) -> str:
    """Return a message with its buttons below."""
    return "\n".join([text, *(f"{n}. {label}" for n, label in enumerate(labels, 1))])  # type: ignore[call-overload]


@pytest.fixture
async def pair(
    valkey: Embedded, store_prefix: str, tmp_path: Path
) -> AsyncIterator[Callable[..., object]]:
    """Open two installations: `one, two = await pair("slack")`."""
    async with AsyncExitStack() as stack:

        async def make(channel: str) -> tuple[Side, Side]:
            sides = []
            for name in ("one", "two"):
                platforms = await stack.enter_async_context(Platforms())
                store = {
                    "url": valkey.url,
                    "prefix": f"{store_prefix}{name}{next(_numbers)}:",
                    "data_dir": str(tmp_path / name),
                }
                process = Process(platforms, store, watch=False, customers={"rate": 2})
                stack.push_async_callback(process.stop)
                await process.start()
                sides.append(Side(platforms, process, channel, name))
            return sides[0], sides[1]

        yield make


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("first", ["hello", "I want to send something back"])
async def test_they_stop_within_five_exchanges(
    pair: Callable[..., object], channel: str, first: str
) -> None:
    """Whatever begins it, after five answers of each at the most both are silent, for good."""
    one, two = await pair(channel)  # type: ignore[misc]
    await one.hear(first)
    exchanges = 0
    async with asyncio.timeout(60):
        while True:
            await one.process.rest()
            await two.process.rest()
            news = [(side, side.said[side.read :]) for side in (one, two)]
            if not any(texts for _, texts in news):
                break
            exchanges += 1
            assert exchanges <= 12, "they talk for ever"
            for side, texts in news:
                side.read += len(texts)
                for text in texts:
                    await (two if side is one else one).hear(text)
    # An answer in the first turn comes with the disclosure, a message of its own.
    assert len(one.said) <= 1 + 5, one.said
    assert len(two.said) <= 1 + 5, two.said
    loops = [side.process.app.worker.counts.loops for side in (one, two)]
    assert sum(loops) >= 1
    for platforms in (one.process.platforms, two.process.platforms):
        assert not any(call.status == 429 for call in platforms.telegram.ledger)


@pytest.mark.parametrize("channel", ["telegram", "slack"])
async def test_what_a_platform_marks_as_a_bot_is_not_even_heard(
    platforms: Platforms, open_process: Callable[..., object], channel: str
) -> None:
    """Telegram and Slack say who is a bot: such a message starts nothing."""
    here = await open_process(platforms)  # type: ignore[misc]
    if channel == "telegram":
        platforms.telegram.customer("Other", is_bot=True).write("hello")
    else:
        await platforms.slack.person("Other", bot=True).write("hello")
    await here.rest()
    assert here.app.worker.counts.turns == 0
    assert here.app.adapters[channel].counts["ignored", "bot"] == 1
    ledger = getattr(platforms, channel).ledger
    assert not [call for call in ledger if call.method in ("sendMessage", "chat.postMessage")]
