"""1. A dialog is a plain `async def`. It says what happens, a voice says how.

Read these files in order: each is one idea, and each test is a conversation that is really held,
with the real engine, the real voice and a real store.
"""

from __future__ import annotations

from segue import Chat, Text, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply hello() %}
Hello! What is your name?
{% endreply %}

{% reply nice_to_meet_you(name) %}
Nice to meet you, {{ name }}.
{% endreply %}
"""


@dialog("greet", examples=["hello", "hi there"])
async def greet(chat: Chat) -> None:
    name = await chat.ask("hello", Text)
    await chat.say("nice_to_meet_you", name=name)


async def test_a_dialog_is_a_conversation(stage: Stage) -> None:
    """`ask` says a reply and waits for the customer; `say` says one and goes on."""
    rehearsal = await stage(greet, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: hello
        bot:      Hello! What is your name?
        customer: Ada
        bot:      Nice to meet you, Ada.
        """,
    )


async def test_the_dialog_knows_no_channel_and_no_wording(stage: Stage) -> None:
    """The same five lines serve every channel, and other words need no other code."""
    rehearsal = await stage(greet, voice=VOICE.replace("Nice to meet you", "Welcome"))
    await rehearsal.play(
        "sms",
        """
        customer: hi there
        bot:      Hello! What is your name?
        customer: Ada
        bot:      Welcome, Ada.
        """,
    )


async def test_examples_lead_into_it(stage: Stage) -> None:
    """Nearly an example will do; and what nobody understands is not guessed at."""
    rehearsal = await stage(greet, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: purple monkey dishwasher
        bot:      I did not understand that.
        customer: Hi there!!
        bot:      Hello! …
        """,
    )
