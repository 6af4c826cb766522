"""2. A slot reads a value from what people write, and is written in one line."""

from __future__ import annotations

import pytest

from segue import Chat, dialog, slot
from segue.testing.plugin import Stage

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001", name="order_number")

VOICE = """
{% reply ask_order() %}
Which order?
{% endreply %}

{% reply retry_order_number(example) %}
An order number looks like {{ example }}.
{% endreply %}

{% reply found(number) %}
That is {{ number }}.
{% endreply %}
"""


@dialog("find", examples=["find my order", "where is my parcel"])
async def find(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    await chat.say("found", number=number)


@pytest.mark.parametrize("words", ["A1001", "a1001", "it's A 1001 please", "#a-1001!"])
async def test_people_write_as_they_like(stage: Stage, words: str) -> None:
    """Case, spaces, and the words around it do not count: the dialog gets `A1001`."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.say("find my order")
    [answer] = await rehearsal.say(words)
    assert str(answer) == "That is A1001."


async def test_what_cannot_be_read_is_asked_again(stage: Stage) -> None:
    """The retry line belongs to the slot; after three tries a way out is named."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: find my order
        bot:      Which order?
        customer: the blue one
        bot:      An order number looks like A1001.
        customer: from last week
        bot:      An order number looks like A1001.
        customer: you know, the blue one
        bot:      We are stuck here. …
        customer: A1001
        bot:      That is A1001.
        """,
    )


async def test_what_was_said_already_is_not_asked(stage: Stage) -> None:
    """The words that begin a journey may hold its first answer."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: where is my parcel A1001
        bot:      That is A1001.
        """,
    )
