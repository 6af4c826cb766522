"""Faults: each does what it says, once, and leaves nothing behind."""

from __future__ import annotations

import pytest

from segue import Chat, Integer, dialog, failpoints
from segue.testing import survives
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_number() %}
Which number?
{% endreply %}

{% reply thanks(number) %}
Thank you for {{ number }}.
{% endreply %}
"""


def double(number: int) -> int:
    return number * 2


def halve(number: int) -> int:
    return number // 2


@dialog("count", examples=["count with me"])
async def counting(chat: Chat) -> None:
    number = await chat.ask("ask_number", Integer)
    twice = await chat.run(double, number)
    await chat.say("thanks", number=await chat.run(halve, twice))


TALK = """
    customer: count with me
    bot:      Which number?
    customer: 2
    bot:      Thank you for 2.
    """


@pytest.mark.parametrize("channel", ["web", "sms"])
async def test_a_death_anywhere_is_not_noticed(stage: Stage, channel: str) -> None:
    """At every failpoint that a turn passes; afterwards none is watched any more."""
    rehearsal = await stage(counting, voice=VOICE)
    died = await survives(rehearsal, channel, TALK)
    expected = (
        set(failpoints.NAMES) - {"sent"} - ({"send", "settled"} if channel == "web" else set())
    )
    assert set(died) == expected
    assert failpoints._quiet


async def test_what_was_sent_in_the_dark_is_sent_once_more(stage: Stage) -> None:
    """Who dies between sending and settling leaves an answer that may arrive twice, not thrice."""
    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        crash at sent
        customer: count with me
        bot:      Which number?
        bot:      Which number?
        crash
        customer: 2
        bot:      Thank you for 2.
        """,
    )


async def test_a_death_in_the_middle_of_a_slow_step(stage: Stage) -> None:
    """The step is done again, under the same key, by whoever goes on."""
    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: count with me
        bot:      Which number?
        slow double
        customer: 2
        crash
        bot:      Thank you for 2.
        """,
    )
    first, second, _halve = rehearsal.steps
    assert first == second


async def test_writing_while_a_step_is_slow(stage: Stage) -> None:
    """What is written meanwhile is answered afterwards, in order."""
    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: count with me
        bot:      Which number?
        slow double
        customer: 2
        customer: count with me
        done
        bot:      Thank you for 2.
        bot:      Which number?
        """,
    )


@pytest.mark.parametrize(
    ("fate", "heard"),
    [("unknown", 2), ("lost", 1), ("refused", 0), ("late", 0)],
)
async def test_what_becomes_of_a_send(stage: Stage, fate: str, heard: int) -> None:
    """Unknown outcomes are tried once more, a refusal is not, and what is late comes later."""
    rehearsal = await stage(counting, voice=VOICE)
    rehearsal.channel = "sms"
    rehearsal.send(fate)
    assert len(await rehearsal.say("count with me")) == heard
    if fate == "late":
        from datetime import timedelta

        [late] = await rehearsal.later(timedelta(seconds=6))
        assert str(late) == "Which number?"


async def test_tries_and_times(stage: Stage) -> None:
    """`tries` counts calls, `times` counts steps with all their calls."""
    rehearsal = await stage(counting, voice=VOICE)
    rehearsal.fail("double", tries=2)
    await rehearsal.play("web", TALK)
    assert [step.name for step in rehearsal.steps] == ["double"] * 3 + ["halve"]
    rehearsal.fail("double", error=ValueError("no"))
    await rehearsal.play(
        "web",
        """
        customer: count with me
        bot:      Which number?
        customer: 2
        bot:      That did not work just now. …
        """,
    )


async def test_a_fault_that_never_comes_to_pass_is_told(stage: Stage) -> None:
    """A test that meant to see a failure, and saw none, proves nothing."""
    rehearsal = await stage(counting, voice=VOICE)
    rehearsal.fail("duoble")
    rehearsal.slow("halve")
    rehearsal.crash_at("send")
    await rehearsal.say("count with me")
    unmet = rehearsal.faults.unmet()
    assert unmet == [
        "the step duoble was to fail, and was never run (run were: none)",
        "the step halve was to be slow, and was never run (run were: none)",
        "the process was to die at send, and never got there",
    ]
    # This test has seen what it wanted: its end need not complain.
    rehearsal.faults.forget()
