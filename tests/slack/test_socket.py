"""Socket Mode: acknowledged when stored, connected anew, shared by processes."""

from __future__ import annotations

import asyncio

import pytest

from segue.channel import NotAccepted, Site
from segue.testing import FakeClock
from segue.testing.platforms import Fault, Slack
from segue_adapters.slack import SlackChannel, SlackSettings
from segue_adapters.testing import MemoryGateway


@pytest.fixture
async def slack():
    async with Slack() as slack:
        slack.patience = 0.3
        yield slack


@pytest.fixture
async def connect(slack):
    """Connect a process: its channel, with a gateway in memory."""
    open_ones = []

    async def connect(gateway: MemoryGateway, **settings: object) -> SlackChannel:
        given = {
            "bot_token": slack.bot_token,
            "socket_mode": True,
            "app_token": slack.app_token,
            "api_base": slack.api_base,
            **settings,
        }
        channel = SlackChannel(SlackSettings(**given), Site(clock=FakeClock(hurry=True)))
        open_ones.append(channel)
        await channel.start(gateway)
        return channel

    yield connect
    for channel in open_ones:
        await channel.stop()


def heard(gateway: MemoryGateway) -> list[str]:
    return [inbound.text for _, inbound in gateway.received]


async def test_an_envelope_is_acknowledged_when_it_is_stored(slack, connect):
    """While the store refuses, Slack sends again; then there is one message."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    gateway.refusing = NotAccepted(why="unavailable", status=503)

    async def mend() -> None:
        while not channel.counts["refused", "not_stored"]:  # noqa: ASYNC110 - counts ring no bell
            await asyncio.sleep(0.01)
        gateway.refusing = None

    await asyncio.gather(slack.person("Ada").write("hello"), mend())
    assert heard(gateway) == ["hello"]
    assert channel.counts["envelope", "accepted"] == 1
    assert channel.gauges() == {"open_sockets": 1.0}


async def test_a_store_that_raises_acknowledges_nothing(slack, connect):
    """The connection stays, and the envelope comes again."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    gateway.broken = True

    async def mend() -> None:
        while not channel.counts["refused", "not_stored"]:  # noqa: ASYNC110 - counts ring no bell
            await asyncio.sleep(0.01)
        gateway.broken = False

    await asyncio.gather(slack.person("Ada").write("hello"), mend())
    assert heard(gateway) == ["hello"]


async def test_buttons_and_commands_come_the_same_way(slack, connect):
    """Three kinds of envelopes, and what else Slack may send is acknowledged."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    ada = slack.person("Ada")
    await ada.mention_in("C0GENERAL")
    await ada.command()
    await slack.tell({"type": "reaction_added", "user": ada.user})
    assert [inbound.kind for _, inbound in gateway.received] == ["public", "public"]
    assert channel.counts["ignored", "unknown_event"] == 1


async def test_a_connection_that_will_be_closed_is_replaced_first(slack, connect):
    """After Slack's word of warning there is another one before the old one ends."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    await slack.refresh()
    await slack.connected(2)
    assert channel.counts["reconnected", "socket"] == 0
    await slack.person("Ada").write("hello")
    assert heard(gateway) == ["hello"]


async def test_a_connection_that_broke_is_opened_again(slack, connect):
    """Also if Slack refuses a few times."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    slack.fault(
        Fault("broken", "apps.connections.open"), Fault("too_fast", "apps.connections.open")
    )
    await slack.drop()
    await slack.connected()
    await slack.person("Ada").write("hello")
    assert heard(gateway) == ["hello"]
    assert channel.counts["reconnected", "socket"] >= 3


async def test_two_processes_share_the_events(slack, connect):
    """Each has a connection of its own; an envelope goes to one of them."""
    one, two = MemoryGateway(), MemoryGateway()
    await connect(one)
    await slack.connected(1)
    await connect(two)
    await slack.connected(2)
    await slack.person("Ada").write("hello")
    assert sorted([len(one.received), len(two.received)]) == [0, 1]


async def test_an_address_that_is_not_slacks_is_not_connected_to(slack, connect):
    """Whatever the answer says, tokens and words go to Slack or to the configured base."""
    gateway = MemoryGateway()
    channel = await connect(gateway)
    await slack.connected()
    socket = channel._socket
    assert socket is not None
    assert socket._ours(f"ws://127.0.0.1:{slack.url.rpartition(':')[2]}/link")
    assert socket._ours("wss://wss-primary.slack.com/link/?ticket=1")
    for address in (
        "ws://wss-primary.slack.com/",
        "wss://slack.com.evil.example/",
        "wss://evilslack.com/",
        "https://evil.example",
        "",
    ):
        assert not socket._ours(address)
