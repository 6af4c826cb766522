"""10. A dialog may call another one, and every journey can be called off."""

from __future__ import annotations

from segue import Cancelled, Chat, Integer, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_height() %}
How tall are you, in cm?
{% endreply %}

{% reply ask_order_it(size) %}
You need an {{ size }}. Shall I order it?
{% button yes %}Yes
{% button no %}No
{% endreply %}

{% reply ordered() %}
Ordered.
{% endreply %}

{% reply free_again() %}
The jacket is free for somebody else.
{% endreply %}
"""


def hold(item: str) -> None:
    """Stands for a shop that keeps something aside."""


def release(item: str) -> None:
    """Stands for a shop that puts it back."""


@dialog("size")
async def size(chat: Chat) -> str:
    height = await chat.ask("ask_height", Integer)
    return "L" if height >= 180 else "M"


@dialog("buy", examples=["i want to buy the jacket"])
async def buy(chat: Chat) -> None:
    await chat.run(hold, "jacket")
    try:
        found = await chat.call(size)
        if await chat.confirm("ask_order_it", size=found):
            await chat.say("ordered")
    except Cancelled:
        await chat.run(release, "jacket")
        await chat.say("free_again")
        raise


async def test_a_dialog_asks_another_one(stage: Stage) -> None:
    """`call` comes back with what the other dialog returned."""
    rehearsal = await stage(buy, size, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to buy the jacket
        bot:      How tall are you, in cm?
        customer: 186
        bot:      You need an L. Shall I order it? [Yes] [No]
        customer: yes
        bot:      Ordered.
        """,
    )


async def test_calling_off_tidies_up(stage: Stage) -> None:
    """`Cancelled` is raised where the dialog waits, also through a call; then it may tidy up."""
    rehearsal = await stage(buy, size, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to buy the jacket
        bot:      How tall are you, in cm?
        customer: never mind
        bot:      The jacket is free for somebody else.
        customer: never mind
        bot:      There is nothing to cancel.
        """,
    )
    assert [step.name for step in rehearsal.steps] == ["hold", "release"]
