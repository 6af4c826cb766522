"""The terminal: a channel without accounts."""

from __future__ import annotations

import asyncio
import io

from segue.channel import NotAccepted, NotSent, Sent
from segue.types import Address, Button, Message, Paragraph, Row, Text
from segue_adapters.terminal import TerminalChannel, TerminalSettings, printable
from segue_adapters.testing import MemoryGateway

ADDRESS = Address("terminal", "ada")
MESSAGE = Message(
    body=(Paragraph((Text("Which size?"),)),), buttons=(Button("s", "Small"), Button("l", "Large"))
)


def terminal(typed: str) -> tuple[TerminalChannel, io.StringIO]:
    out = io.StringIO()
    channel = TerminalChannel(TerminalSettings(user="ada"), lines=io.StringIO(typed), out=out)
    return channel, out


async def test_lines_are_messages_until_the_input_ends():
    """Each line that says something is received, in order; then the person has left."""
    gateway = MemoryGateway()
    channel, _ = terminal("hello\n\n   \n  A1001  \n")
    await channel.start(gateway)
    async with asyncio.timeout(5):
        await channel.finished()
    await channel.stop()
    assert [inbound.text for _, inbound in gateway.received] == ["hello", "A1001"]
    assert len({customer for customer, _ in gateway.received}) == 1
    assert gateway.received[0][1].address == ADDRESS


async def test_quit_leaves():
    """`/quit` ends it, and what is typed after it is not read."""
    gateway = MemoryGateway()
    channel, _ = terminal("one\n/quit\ntwo\n")
    await channel.start(gateway)
    async with asyncio.timeout(5):
        await channel.finished()
    assert [inbound.text for _, inbound in gateway.received] == ["one"]


async def test_choices_have_numbers():
    """Buttons are lines that can be answered with their number."""
    channel, out = terminal("")
    outcome = await channel.send(
        ADDRESS, channel.build(MESSAGE), Row(id="r1", address=ADDRESS, message=MESSAGE)
    )
    assert outcome == Sent(id="r1")
    assert out.getvalue() == "Which size?\n  1. Small\n  2. Large\n"


async def test_a_closed_terminal_is_an_outcome():
    """Nothing is raised where nobody can read any more."""
    channel, out = terminal("")
    out.close()
    outcome = await channel.send(
        ADDRESS, channel.build(MESSAGE), Row(id="r1", address=ADDRESS, message=MESSAGE)
    )
    assert isinstance(outcome, NotSent)
    assert outcome.permanent


async def test_what_was_not_taken_is_said():
    """A refused line is not lost without a word."""
    gateway = MemoryGateway()
    gateway.refusing = NotAccepted(why="full", status=429)
    channel, out = terminal("hello\n")
    await channel.start(gateway)
    async with asyncio.timeout(5):
        await channel.finished()
    assert "not taken: full" in out.getvalue()


def test_nothing_steers_the_terminal():
    """Escapes and writing turned round are taken out; joined emoji and line breaks stay."""
    assert printable("a\x1b[2Jb\u202ec\x07\nd") == "a[2Jbc\nd"
    assert printable("👩\u200d💻 e\u0301 \u00a0x") == "👩\u200d💻 e\u0301 \u00a0x"
