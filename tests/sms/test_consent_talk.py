"""The words of consent in a conversation by SMS, played against the real engine and store."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from segue import Chat, Text, dialog
from segue.channel import Capabilities
from segue.testing import Rehearsal
from segue.testing.channels import StageChannel
from segue.testing.plugin import segue_server
from segue.types import Purpose
from segue.voice.plain import plain

__all__ = ["segue_server"]

VOICE = """
{% reply disclosure() %}I am a machine.{% endreply %}
{% reply opted_out() %}You are out.{% endreply %}
{% reply opted_in() %}You are in.{% endreply %}
{% reply who_writes(phone=none) %}This is the shop.{% if phone %} Call {{ phone }}.{% endif %}
{% endreply %}
{% reply stop_asked() %}No more texts? To opt out, text STOP.{% endreply %}
{% reply ask_name() %}What is your name?{% endreply %}
{% reply named(name) %}Hello {{ name }}.{% endreply %}
{% reply nudge(who) %}Still there, {{ who }}?{% endreply %}
"""


@dialog("meet", examples=["hello there"])
async def meet(chat: Chat) -> None:
    await chat.remind("nudge", after=timedelta(hours=1), who="you")
    name = await chat.ask("ask_name", Text)
    await chat.say("named", name=name)


@pytest.fixture
async def stage(segue_server: str, request: pytest.FixtureRequest) -> AsyncIterator[Rehearsal]:
    name = hashlib.blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()
    rehearsal = await Rehearsal.of(
        [meet], VOICE, url=segue_server, prefix=f"{name}:", sections={"company": {"phone": "0800"}}
    )
    rehearsal.channel = "sms"
    yield rehearsal
    await rehearsal.end()


def sent(stage: Rehearsal) -> list[str]:
    """What reached the phone."""
    return [plain(each.message) for each in stage.channels["sms"].delivered]


async def test_stop_is_confirmed_once_and_silence_follows(stage: Rehearsal) -> None:
    """A second STOP, a question and a reminder get no answer; the conversation keeps its place."""
    await stage.say("hello there")
    await stage.say("Stop.")
    await stage.say("STOP")
    await stage.say("my name is Ada")
    await stage.later(timedelta(days=2))
    assert sent(stage) == ["I am a machine.", "What is your name?", "You are out."]
    await stage.say("yes")
    assert sent(stage)[3:] == ["You are in.", "What is your name?"]
    await stage.say("Ada")
    assert sent(stage)[5:] == ["Hello Ada."]


async def test_yes_is_an_answer_while_opted_in(stage: Rehearsal) -> None:
    """START and YES are the carriers' only while opted out."""
    await stage.say("hello there")
    await stage.say("yes")
    assert sent(stage)[-1] == "Hello yes."


async def test_help_says_who_writes_then_where_we_were(stage: Rehearsal) -> None:
    """Also to somebody who is opted out, who then hears nothing else."""
    await stage.say("hello there")
    await stage.say("HELP")
    assert sent(stage)[2:] == ["This is the shop. Call 0800.", "What is your name?"]
    await stage.say("STOP")
    await stage.say("info")
    assert sent(stage)[4:] == ["You are out.", "This is the shop. Call 0800."]


async def test_the_words_work_while_an_agent_talks(stage: Rehearsal) -> None:
    """The bot is silent then, but law and carrier are answered."""
    await stage.say("hello there")
    await stage.app.store.control(stage.customer, "agent-1")
    for said in ("STOP", "what now?", "START", "help", "please stop texting me"):
        await stage.say(said)
    assert sent(stage)[2:] == ["You are out.", "You are in.", "This is the shop. Call 0800."]


async def test_a_wish_in_ones_own_words_is_noted_and_asked_about(stage: Rehearsal) -> None:
    """Nothing is changed before the customer says so with the word."""
    await stage.say("hello there")
    await stage.say("please stop texting me")
    assert sent(stage)[2:] == ["No more texts? To opt out, text STOP."]
    snapshot = await stage.app.store.snapshot(stage.customer)
    assert snapshot is not None
    assert not snapshot.opted_out
    await stage.say("stop")
    assert sent(stage)[3:] == ["You are out."]
    noted = await stage.app.store.consents(stage.customer)
    assert [(each.what, each.how) for each in noted] == [
        ("asked", "word"),
        ("out", "word"),
        ("shown", "reply"),
    ]
    assert noted[2].shown is not None
    assert plain(noted[2].shown) == "You are out."


async def test_other_channels_are_not_opted_out(stage: Rehearsal) -> None:
    """STOP by SMS is about SMS; and on a channel without such words it is a word like any other."""
    await stage.say("hello there")
    await stage.say("STOP")
    stage.channel = "telegram"
    [*_, heard] = await stage.say("Ada")
    assert str(heard) == "Hello Ada."
    await stage.say("stop")
    snapshot = await stage.app.store.snapshot(stage.customer)
    assert snapshot is not None
    assert snapshot.opted_out == {"sms"}


async def test_a_platform_that_answers_itself_is_not_repeated(segue_server: str) -> None:
    """Where the platform confirms, we do not; the conversation goes on all the same."""
    stage = await Rehearsal.of([meet], VOICE, url=segue_server, prefix="answers:")
    try:
        stage.channel = "sms"
        caps = Capabilities(text_limit=640, reserved_words=True, answers_stop=True)
        stage.channels["sms"].capabilities = caps
        stage.app.setup = stage.app.make_setup(stage.dialogs, stage.voice)
        for said in ("hello there", "STOP", "START", "HELP"):
            await stage.say(said)
        question = "What is your name?"
        assert sent(stage) == ["I am a machine.", question, question, question]
    finally:
        await stage.end()


async def test_a_voice_without_these_replies_still_works(segue_server: str) -> None:
    """The effect is there, only nothing is said about it."""
    voice = "\n".join(line for line in VOICE.splitlines() if "ask_name" in line or "nudge" in line)
    stage = await Rehearsal.of(
        [meet], voice + "{% reply named(name) %}Hi.{% endreply %}", url=segue_server, prefix="bare:"
    )
    try:
        stage.channel = "sms"
        for said in ("hello there", "STOP", "hello"):
            await stage.say(said)
        assert sent(stage)[-1] == "What is your name?"
        snapshot = await stage.app.store.snapshot(stage.customer)
        assert snapshot is not None
        assert snapshot.opted_out == {"sms"}
    finally:
        await stage.end()


async def test_a_reminder_is_proactive_and_waits_for_day(stage: Rehearsal) -> None:
    """It carries what a platform's template needs, is never repeated, and comes in the daytime."""
    rows = []
    channel: StageChannel = stage.channels["sms"]
    plain_send = channel.send

    async def send(address, payload, row):  # type: ignore[no-untyped-def]
        rows.append((stage.clock.now(), row))
        return await plain_send(address, payload, row)

    channel.send = send  # type: ignore[method-assign]
    await stage.later(timedelta(hours=24 - stage.clock.now().hour - 1))
    await stage.say("hello there")
    await stage.later(timedelta(days=1))
    at, row = next(each for each in rows if each[1].purpose is Purpose.PROACTIVE)
    assert 8 <= at.hour < 21
    assert not row.repeat
    assert row.reply.endswith("nudge")
    assert row.values == {"who": "you"}


async def test_stop_in_a_flood_is_confirmed(segue_server: str) -> None:
    """Too many messages are not read, but this one is."""
    stage = await Rehearsal.of(
        [meet],
        VOICE,
        url=segue_server,
        prefix="flood:",
        sections={"customers": {"rate": 0.001, "burst": 1}},
    )
    try:
        stage.channel = "sms"
        await stage.at_once("hello there", "hello", "are you there", "STOP")
        assert sent(stage)[-1] == "You are out."
        await stage.say("hello?")
        assert sent(stage)[-1] == "You are out."
    finally:
        await stage.end()
