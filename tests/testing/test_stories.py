"""What a test says when it fails, and what it refuses to be silent about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue import Chat, Integer, dialog
from segue.testing import Mismatch, Rehearsal, ScriptError, everywhere
from segue.testing.plugin import Stage

HERE = Path(__file__)
VOICE = """
{% reply ask_number() %}
Which number?
{% button 1 %}One
{% button 2 %}Two
{% endreply %}

{% reply thanks(number) %}
Thank you for {{ number }}.
{% on sms %}
Thanks, {{ number }}.
{% endreply %}
"""


@dialog("count", examples=["count with me"])
async def counting(chat: Chat) -> None:
    number = await chat.ask("ask_number", Integer)
    await chat.say("thanks", number=number)


@dialog("broken", examples=["break it"])
async def broken(chat: Chat) -> None:
    raise RuntimeError("the fuse is gone")


def line_of(words: str) -> int:
    """Return the line of this file that ends with these words."""
    lines = HERE.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.endswith(words))


async def told(rehearsal: Rehearsal, script: str, channel: str = "web") -> str:
    with pytest.raises(Mismatch) as caught:
        await rehearsal.play(channel, script)
    return str(caught.value)


async def test_a_difference_is_told_with_its_place(stage: Stage) -> None:
    """File and line of the expectation, both texts, where they part, and the talk until then."""
    story = await told(
        await stage(counting, voice=VOICE),
        """
        customer: count with me
        bot:      Which number do you like? [One] [Two]
        """,
    )
    place, *rest = story.split("\n")
    assert place.endswith(f"test_stories.py:{line_of('do you like? [One] [Two]')}")
    assert rest[:3] == [
        "  expected: Which number do you like? [One] [Two]",
        "  bot said: Which number? [One] [Two]",
        "                        ^ from here on it differs",
    ]
    assert "its reply: common/ask_number (en/common.j2:2)" in story
    assert story.endswith(
        "  the conversation so far:\n"
        "    customer (web): count with me\n"
        "    bot (web): Which number? [One] [Two]"
    )


async def test_a_line_that_cannot_be_read_is_told_with_its_place(stage: Stage) -> None:
    """A slip of the pen leads to its file and line, too."""
    rehearsal = await stage(counting, voice=VOICE)
    with pytest.raises(ScriptError, match="Did you mean 'later 2 hours'") as caught:
        await rehearsal.play(
            "web",
            """
            customer: count with me
            latr 2 hours
            """,
        )
    [note] = caught.value.__notes__
    assert note.endswith(f"test_stories.py:{line_of('latr 2 hours')}")


async def test_why_is_told(stage: Stage) -> None:
    """An error in a dialog is told with its own words and its line; a customer sees neither."""
    story = await told(await stage(broken, counting, voice=VOICE), "customer: break it\nbot: Done.")
    line = line_of('RuntimeError("the fuse is gone")')
    assert f"a problem at {HERE}:{line}: the fuse is gone" in story
    assert "led to dialog:broken" in story


async def test_silence_and_surplus_are_differences(stage: Stage) -> None:
    """What does not come fails, and so does what nobody expected."""
    rehearsal = await stage(counting, voice=VOICE)
    story = await told(rehearsal, "customer: count with me")
    assert "expected: nothing more\n  bot said: Which number?" in story
    story = await told(rehearsal, "customer: 2\nbot: Thank you for 2.\nbot: Anything else?")
    assert "expected: Anything else?\n  bot said: nothing" in story


async def test_a_button_that_is_not_there(stage: Stage) -> None:
    """Pressing what was not shown is told as that."""
    rehearsal = await stage(counting, voice=VOICE)
    story = await told(rehearsal, "customer: count with me\nbot: …\ncustomer: [Three]")
    assert story.startswith("no button 'Three' was shown")


async def test_a_script_for_a_channel_that_shows_everything_holds_on_all(stage: Stage) -> None:
    """`[One]` may stand for a numbered line, and pressing it for its number."""
    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        customer: count with me
        bot:      Which number? [One] [Two]
        customer: [Two]
        bot:      Thanks, 2.
        """,
    )
    assert rehearsal.heard[0].text.split("\n")[-2:] == ["1. One", "2. Two"]


async def test_everywhere_finds_the_channel_that_differs(stage: Stage) -> None:
    """A channel may have words of its own, but not another course of things."""

    @dialog("count", examples=["count with me"])
    async def by_channel(chat: Chat) -> None:
        number = await chat.ask("ask_number", Integer)
        if await chat.channel() == "slack":
            await chat.say("ask_number")
        else:
            await chat.say("thanks", number=number)

    script = """
        customer: count with me
        bot:      Which number? [One] [Two]
        customer: [Two]
        bot:      Thank you for 2.
        """
    heard = await everywhere(await stage(counting, voice=VOICE), script)
    assert heard["sms"][-1].text == "Thanks, 2."
    with pytest.raises(Mismatch) as caught:
        await everywhere(await stage(by_channel, voice=VOICE), script)
    assert re.search(r"web: Thank you for 2\..*\n  slack: Which number\?", str(caught.value))


async def test_looking_inside(stage: Stage) -> None:
    """What was said, done and reached can be asked for."""

    @dialog("sum", examples=["add it up"])
    async def adding(chat: Chat) -> None:
        number = await chat.ask("ask_number", Integer, remember="number")
        total = await chat.run(double, number)
        await chat.milestone("added")
        await chat.say("thanks", number=total)

    def double(number: int) -> int:
        return number * 2

    rehearsal = await stage(adding, voice=VOICE)
    await rehearsal.say("add it up")
    assert (await rehearsal.state()).frames[-1].dialog == "sum"
    await rehearsal.say("21")
    assert rehearsal.said() == ["common/ask_number", "common/thanks"]
    assert rehearsal.milestones() == ["added"]
    assert await rehearsal.profile() == {"number": 21}
    assert [str(step) for step in rehearsal.steps] == ["double(21)"]
    assert str(rehearsal.heard[-1]) == "Thank you for 42."
