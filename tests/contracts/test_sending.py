"""Sending ends as sent, not sent, or unknown; never as an exception, and never as a guess."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cases import SECRET
from sample_channel import SampleChannel, SampleSettings
from sample_platform import Platform

from segue.channel import NotSent, Sent, Unknown
from segue.types import Address, Button, Message, Paragraph, Row, Text

ADDRESS = Address("sample", "ada")
MESSAGE = Message(body=(Paragraph((Text('Is 2 < 3 & "so"?'),)),), buttons=(Button("yes", "Yes"),))
ROW = Row(id="c1/t1/0", address=ADDRESS, message=MESSAGE)


@pytest.fixture
async def platform():
    platform = Platform(SECRET)
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def channel(platform):
    channel = SampleChannel(SampleSettings(secret=SECRET, base_url=platform.url, patience=0.5))
    yield channel
    await channel.stop()


async def send(channel):
    return await channel.send(ADDRESS, channel.build(MESSAGE), ROW)


async def test_a_message_arrives_as_it_was_meant(platform, channel):
    """The strict platform takes it, and gives it an id."""
    assert await send(channel) == Sent(id="p1")
    (taken,) = platform.taken
    assert taken.to == "ada"
    assert taken.html == "Is 2 &lt; 3 &amp; &quot;so&quot;?"
    assert platform.complaints == []


OUTCOMES = {
    "400": (NotSent(why="http_400", permanent=True), 0),
    "401": (NotSent(why="http_401", permanent=True), 0),
    "403": (NotSent(why="http_403", permanent=True), 0),
    "404": (NotSent(why="http_404", permanent=True), 0),
    "503": (NotSent(why="unavailable", permanent=False), 0),
    "too fast": (
        NotSent(why="too_fast", permanent=False, retry_after=timedelta(seconds=7)),
        0,
    ),
    "too fast, and says not how long": (
        NotSent(why="too_fast", permanent=False, retry_after=timedelta(seconds=1)),
        0,
    ),
    "500": (Unknown(why="http_500"), 0),
    "504": (Unknown(why="http_504"), 0),
    "bad gateway after": (Unknown(why="http_502"), 1),
    "reset before": (Unknown(why="ServerDisconnectedError"), 0),
    "reset after": (Unknown(why="ServerDisconnectedError"), 1),
    "hangs": (Unknown(why="TimeoutError"), 0),
    "no id": (Unknown(why="no_id"), 1),
    "nonsense": (Unknown(why="no_id"), 1),
}


@pytest.mark.parametrize("fault", OUTCOMES)
async def test_every_fault_is_an_outcome(platform, channel, fault):
    """And the adapter asks once: whether to ask again is the outbox's to decide."""
    platform.faults = [fault]
    expected, taken = OUTCOMES[fault]
    outcome = await send(channel)
    if isinstance(outcome, Unknown) and isinstance(expected, Unknown):
        assert outcome.why in (expected.why, "SocketTimeoutError", "ClientOSError")
    else:
        assert outcome == expected
    assert len(platform.asked) == 1
    assert len(platform.taken) == taken


async def test_a_platform_that_was_never_reached_has_nothing(platform, channel):
    """Refused connections are not sent, and may be tried again."""
    await platform.stop()
    outcome = await send(channel)
    assert isinstance(outcome, NotSent)
    assert outcome.permanent is False


async def test_a_platform_that_does_not_know_us_refuses_for_good(platform):
    """A wrong secret is not repaired by asking again."""
    channel = SampleChannel(SampleSettings(secret="wrong", base_url=platform.url))
    outcome = await send(channel)
    await channel.stop()
    assert outcome == NotSent(why="http_401", permanent=True)
    assert platform.taken == []


@pytest.mark.parametrize(
    "html",
    ["<b>x", "x</b>", "<u>x</u>", '<a onclick="x" href="y">z</a>', "<!-- x -->", "<script>"],
)
async def test_the_stand_in_is_strict(platform, html):
    """It would notice markup that was not escaped."""
    channel = SampleChannel(SampleSettings(secret=SECRET, base_url=platform.url))
    outcome = await channel.send(ADDRESS, {"html": html, "buttons": []}, ROW)
    await channel.stop()
    assert outcome == NotSent(why="http_400", permanent=True)
    assert len(platform.complaints) == 1
