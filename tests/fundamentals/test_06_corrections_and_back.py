"""6. People change their minds: "back" and "no, I meant" work in every dialog, for free."""

from __future__ import annotations

from segue import Chat, dialog, slot
from segue.testing.plugin import Stage

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001", name="order_number")

VOICE = """
{% reply ask_order() %}
Which order?
{% endreply %}

{% reply ask_sure(item) %}
Send back the {{ item }}?
{% button yes %}Yes
{% button no %}No
{% endreply %}

{% reply ask_again() %}
Another one?
{% button yes %}Yes
{% button no %}No
{% endreply %}

{% reply done() %}
It is on its way.
{% endreply %}
"""


def fetch(number: str) -> str:
    return {"A1001": "lamp", "A1002": "chair"}[number]


def send(number: str) -> None:
    """Stands for something that cannot be undone."""


@dialog("send_back", examples=["i want to send this back"])
async def send_back(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    item = await chat.run(fetch, number)
    if await chat.confirm("ask_sure", item=item):
        await chat.run(send, number, final=True)
        if await chat.confirm("ask_again"):
            return await chat.restart()
    await chat.say("done")


async def test_a_correction_replaces_an_answer(stage: Stage) -> None:
    """What followed from the old answer is done anew; the rest is kept."""
    rehearsal = await stage(send_back, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to send this back
        bot:      Which order?
        customer: A1001
        bot:      Send back the lamp? [Yes] [No]
        customer: no, i meant A1002
        bot:      Changed.
        bot:      Send back the chair? [Yes] [No]
        """,
    )
    assert [str(step) for step in rehearsal.steps] == ["fetch('A1001')", "fetch('A1002')"]


async def test_back_takes_the_last_answer_back(stage: Stage) -> None:
    """One step at a time, to the first question."""
    rehearsal = await stage(send_back, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to send this back
        bot:      Which order?
        customer: A1001
        bot:      Send back the lamp? …
        customer: back
        bot:      Which order?
        customer: back
        bot:      This is where we began.
        bot:      Which order?
        """,
    )


async def test_final_closes_the_way_back(stage: Stage) -> None:
    """What cannot be undone is marked `final=True`: no correction reaches across it."""
    rehearsal = await stage(send_back, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to send this back
        bot:      …
        customer: A1001
        bot:      …
        customer: yes
        bot:      Another one? …
        customer: no, i meant A1002
        bot:      That is done and cannot be changed here.
        bot:      Another one? …
        """,
    )
