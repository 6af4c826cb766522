"""Faults that rehearsals have found, each as the conversation it was found in."""

from __future__ import annotations

from datetime import timedelta

from segue import Chat, Integer, Text, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_number() %}
How many?
{% button one %}1
{% button dozen %}12
{% endreply %}

{% reply ask_name() %}
Who are you?
{% endreply %}

{% reply patience() %}
A little patience.
{% endreply %}

{% reply thanks(number) %}
Thank you for {{ number }}.
{% endreply %}

{% reply too_late() %}
Too late.
{% endreply %}
"""


@dialog("count", examples=["count with me"])
async def counting(chat: Chat) -> None:
    number = await chat.ask("ask_number", Integer)
    await chat.say("thanks", number=number)


async def test_a_button_stands_for_what_it_says(stage: Stage) -> None:
    """A button under a question for a number is an answer, as its label would be if written."""
    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: count with me
        bot:      How many? [1] [12]
        customer: [12]
        bot:      Thank you for 12.
        """,
    )


async def test_what_answered_another_question_is_not_called_unreadable(stage: Stage) -> None:
    """Where changed code asks something new, that is asked, and nothing else is said."""

    @dialog("count", examples=["count with me"])
    async def with_a_name(chat: Chat) -> None:
        await chat.ask("ask_name", Text)
        number = await chat.ask("ask_number", Integer)
        await chat.say("thanks", number=number)

    rehearsal = await stage(counting, voice=VOICE)
    await rehearsal.play("web", "customer: count with me\nbot: …")
    await rehearsal.deploy(with_a_name)
    await rehearsal.play("web", "customer: 3\nbot: Who are you?")


async def test_timers_that_are_late_ring_in_their_order(stage: Stage) -> None:
    """After hours away, what should have come first comes first, and ends what came after it."""

    @dialog("count", examples=["count with me"])
    async def impatient(chat: Chat) -> None:
        await chat.remind("patience", after=timedelta(hours=2))
        number = await chat.ask("ask_number", Integer, timeout=timedelta(hours=1))
        await chat.say("too_late" if number is None else "thanks", number=number)

    rehearsal = await stage(impatient, voice=VOICE.replace("too_late()", "too_late(number)"))
    await rehearsal.play("web", "customer: count with me\nbot: …")
    rehearsal.clock.move(timedelta(hours=3))
    # In one go: nobody looked in between.
    assert [str(said) for said in await rehearsal.later(timedelta(0))] == ["Too late."]
    assert (await rehearsal.state()).timers == []
