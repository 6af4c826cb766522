"""7. A deploy finds customers in the middle of a dialog; what they answered stays answered."""

from __future__ import annotations

from segue import Chat, Integer, Text, dialog
from segue.dialog import Dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_name() %}
What is your name?
{% endreply %}

{% reply ask_age() %}
How old are you?
{% endreply %}

{% reply ask_town() %}
Where do you live?
{% endreply %}

{% reply ask_full_name() %}
What is your full name?
{% endreply %}

{% reply all_of_it(name, age, town=none) %}
{{ name }}, {{ age }}{% if town %}, {{ town }}{% endif %}.
{% endreply %}
"""


@dialog("sign_up", examples=["sign me up"])
async def before(chat: Chat) -> None:
    name = await chat.ask("ask_name", Text)
    age = await chat.ask("ask_age", Integer)
    await chat.say("all_of_it", name=name, age=age)


@dialog("sign_up", examples=["sign me up"])
async def with_a_town(chat: Chat) -> None:
    town = await chat.ask("ask_town", Text)
    name = await chat.ask("ask_name", Text)
    age = await chat.ask("ask_age", Integer)
    await chat.say("all_of_it", name=name, age=age, town=town)


@dialog("sign_up", examples=["sign me up"], renamed={"ask_name": "ask_full_name"})
async def renamed(chat: Chat) -> None:
    name = await chat.ask("ask_full_name", Text)
    age = await chat.ask("ask_age", Integer)
    await chat.say("all_of_it", name=name, age=age)


BEGIN = "customer: sign me up\nbot: What is your name?\ncustomer: Ada\nbot: How old are you?"


async def test_answers_keep_their_names(stage: Stage) -> None:
    """A question that is new is asked; one that was answered, wherever it stands now, is not."""
    rehearsal = await stage(before, voice=VOICE)
    await rehearsal.play("web", BEGIN)
    await rehearsal.deploy(with_a_town)
    await rehearsal.play(
        "web",
        """
        customer: 36
        bot:      Where do you live?
        customer: London
        bot:      How old are you?
        customer: 36
        bot:      Ada, 36, London.
        """,
    )


async def test_a_renamed_question_keeps_its_answer(stage: Stage) -> None:
    """`renamed=` tells what a question was called before."""
    rehearsal = await stage(before, voice=VOICE)
    await rehearsal.play("web", BEGIN)
    await rehearsal.deploy(renamed)
    await rehearsal.play("web", "customer: 36\nbot: Ada, 36.")


async def test_a_dialog_that_is_gone_is_not_met_with_silence(stage: Stage) -> None:
    """Who was inside is told so, in words of the voice, and can begin something else."""
    other: Dialog[None] = dialog("other", examples=["something else"])(before.function)
    rehearsal = await stage(before, voice=VOICE)
    await rehearsal.play("web", BEGIN)
    await rehearsal.deploy(other)
    await rehearsal.play(
        "web",
        """
        customer: 36
        bot:      This works differently now. What would you like to do?
        customer: something else
        bot:      What is your name?
        """,
    )
