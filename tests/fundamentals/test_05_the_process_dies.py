"""5. What was accepted is answered, whatever dies; and nothing is said or done twice."""

from __future__ import annotations

from segue import Chat, Email, dialog
from segue.testing import survives
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_email() %}
Where shall the label go?
{% endreply %}

{% reply sent(label, email) %}
Label {{ label }} goes to {{ email }}.
{% endreply %}
"""


async def print_label(email: str, idempotency_key: str) -> str:
    """Stands for a shop that prints one label per key, however often it is asked."""
    return "L1"


@dialog("label", examples=["i need a label"])
async def label(chat: Chat) -> None:
    email = await chat.ask("ask_email", Email)
    made = await chat.run(print_label, email)
    await chat.say("sent", label=made, email=email)


async def test_the_question_stays_open(stage: Stage) -> None:
    """Another process knows what was asked; nobody has to begin again."""
    rehearsal = await stage(label, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i need a label
        bot:      Where shall the label go?
        crash
        customer: ada@example.com
        bot:      Label L1 goes to ada@example.com.
        """,
    )


async def test_a_step_that_was_not_recorded_is_done_again_under_the_same_key(stage: Stage) -> None:
    """A process may die between doing and recording: so a step gets a key to pass on."""
    rehearsal = await stage(label, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i need a label
        bot:      Where shall the label go?
        crash at stepped
        customer: ada@example.com
        bot:      Label L1 goes to ada@example.com.
        """,
    )
    first, second = rehearsal.steps
    assert first == second


async def test_it_survives_a_death_at_every_step_of_a_turn(stage: Stage) -> None:
    """The same conversation is held, wherever in each of its turns the process dies."""
    rehearsal = await stage(label, voice=VOICE)
    died = await survives(
        rehearsal,
        "sms",
        """
        customer: i need a label
        bot:      Where shall the label go?
        customer: ada@example.com
        bot:      Label L1 goes to ada@example.com.
        """,
    )
    assert {"receive", "admitted", "turn", "stepped", "decide", "committed", "send"} <= set(died)
