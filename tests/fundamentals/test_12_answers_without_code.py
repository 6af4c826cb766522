"""12. Most of what customers ask needs no dialog: a reply that says which questions it answers."""

from __future__ import annotations

from segue import Chat, Integer, dialog
from segue.testing.plugin import Stage

VOICE = {
    "en/answers.j2": """
{% reply delivery_time() %}
{% asked %}how long does delivery take
{% asked %}when will it arrive
Two days.
{% button buy %}Buy something
{% endreply %}
""",
    "en/common.j2": """
{% reply ask_how_many() %}
How many do you want?
{% endreply %}
{% reply bought(many) %}
{{ many }} it is.
{% endreply %}
""",
}


@dialog("buy", examples=["i want to buy something"])
async def buy(chat: Chat) -> None:
    many = await chat.ask("ask_how_many", Integer)
    await chat.say("bought", many=many)


async def test_a_question_is_answered(stage: Stage) -> None:
    """It is found like a dialog, and may lead into one."""
    rehearsal = await stage(buy, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: how long does delivery take?
        bot:      Two days. [Buy something]
        customer: [Buy something]
        bot:      How many do you want?
        """,
    )


async def test_also_in_the_middle_of_a_dialog(stage: Stage) -> None:
    """Then the open question is asked again: nobody loses their place by asking."""
    rehearsal = await stage(buy, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to buy something
        bot:      How many do you want?
        customer: how long does delivery take?
        bot:      Two days. [Buy something]
        bot:      Back to where we were.
                  How many do you want?
        customer: 3
        bot:      3 it is.
        """,
    )
