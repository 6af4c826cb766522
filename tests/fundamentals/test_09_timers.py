"""9. Waiting costs nothing and survives everything; in a rehearsal, `later` lets time pass."""

from __future__ import annotations

from datetime import timedelta

from segue import Chat, Text, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply i_will() %}
I will tell you when it is ready.
{% endreply %}

{% reply patience() %}
It takes a little longer.
{% endreply %}

{% reply ready() %}
It is ready. When do you come?
{% endreply %}

{% reply see_you() %}
See you then.
{% endreply %}

{% reply kept() %}
We keep it for you.
{% endreply %}
"""


@dialog("tell_me", examples=["tell me when it is ready"])
async def tell_me(chat: Chat) -> None:
    await chat.say("i_will")
    await chat.remind("patience", after=timedelta(minutes=30))
    await chat.wait(for_=timedelta(hours=1))
    answer = await chat.ask("ready", Text, timeout=timedelta(hours=2))
    await chat.say("kept" if answer is None else "see_you")


async def test_a_reminder_a_wait_and_a_time_limit(stage: Stage) -> None:
    """`remind` says something later, `wait` goes on later, `timeout=` gives up waiting."""
    rehearsal = await stage(tell_me, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: tell me when it is ready
        bot:      I will tell you when it is ready.
        later 31 minutes
        bot:      It takes a little longer.
        later 30 minutes
        bot:      It is ready. When do you come?
        later 2 hours
        bot:      We keep it for you.
        later 3 weeks
        """,
    )


async def test_a_crash_does_not_stop_the_clock(stage: Stage) -> None:
    """What is due rings once, on the channel the customer is on, whoever died meanwhile."""
    rehearsal = await stage(tell_me, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        customer: tell me when it is ready
        bot:      I will tell you when it is ready.
        crash
        later 90 minutes
        bot:      It takes a little longer.
        bot:      It is ready. When do you come?
        crash
        customer: tomorrow
        bot:      See you then.
        later 1 day
        """,
    )
