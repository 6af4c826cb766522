"""3. A choice is shown as each channel can show it, and understood however it is answered."""

from __future__ import annotations

import pytest

from segue import Chat, dialog
from segue.testing import CHANNELS, everywhere
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_reason() %}
Why does it come back?
{% button broken %}It is broken
{% button too_big %}It is too big
{% endreply %}

{% reply noted(reason) %}
Noted: {{ reason }}.
{% endreply %}
"""


@dialog("send_back", examples=["i want to send this back"])
async def send_back(chat: Chat) -> None:
    reason = await chat.choose("ask_reason", ["broken", "too_big"])
    await chat.say("noted", reason=reason)


async def test_on_the_web_there_are_buttons(stage: Stage) -> None:
    """A script presses a button by its label."""
    rehearsal = await stage(send_back, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to send this back
        bot:      Why does it come back? [It is broken] [It is too big]
        customer: [It is too big]
        bot:      Noted: too_big.
        """,
    )


async def test_by_sms_there_are_numbers(stage: Stage) -> None:
    """The same message becomes a list; nobody wrote it twice."""
    rehearsal = await stage(send_back, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        customer: i want to send this back
        bot:      Why does it come back?
                  1. It is broken
                  2. It is too big
        customer: the second one
        bot:      Noted: too_big.
        """,
    )


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("words", ["2", "two", "it is too big", "too big", "its too bigg"])
async def test_every_way_to_answer_works_on_every_channel(
    stage: Stage, channel: str, words: str
) -> None:
    """The number, the ordinal, the label, nearly the label."""
    rehearsal = await stage(send_back, voice=VOICE)
    rehearsal.channel = channel
    await rehearsal.say("i want to send this back")
    [answer] = await rehearsal.say(words)
    assert str(answer) == "Noted: too_big."


async def test_one_script_on_all_channels(stage: Stage) -> None:
    """`everywhere` plays it on each and fails if one of them says something else."""
    rehearsal = await stage(send_back, voice=VOICE)
    heard = await everywhere(
        rehearsal,
        """
        customer: i want to send this back
        bot:      Why does it come back? [It is broken] [It is too big]
        customer: [It is broken]
        bot:      Noted: broken.
        """,
    )
    assert heard["telegram"][0].buttons
    assert heard["sms"][0].text.endswith("2. It is too big")
