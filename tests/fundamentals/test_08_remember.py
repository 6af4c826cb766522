"""8. A customer never repeats what stays true of them: `remember=` asks once, on any channel."""

from __future__ import annotations

from segue import Chat, Email, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply ask_email() %}
What is your e-mail address?
{% endreply %}

{% reply still_yours(value) %}
Is {{ value }} still right?
{% button yes %}Yes
{% button no %}No
{% endreply %}

{% reply sent(email) %}
Sent to {{ email }}.
{% endreply %}
"""


@dialog("invoice", examples=["send me my invoice"])
async def invoice(chat: Chat) -> None:
    email = await chat.ask("ask_email", Email, remember="email")
    await chat.say("sent", email=email)


@dialog("contract", examples=["send me my contract"])
async def contract(chat: Chat) -> None:
    email = await chat.ask("ask_email", Email, remember="email", check="still_yours")
    await chat.say("sent", email=email)


async def test_it_is_asked_once(stage: Stage) -> None:
    """What was answered on the web is known by SMS, and in every dialog."""
    rehearsal = await stage(invoice, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: send me my invoice
        bot:      What is your e-mail address?
        customer: ada@example.com
        bot:      Sent to ada@example.com.
        on sms
        customer: send me my invoice
        bot:      Sent to ada@example.com.
        """,
    )
    assert await rehearsal.profile() == {"email": "ada@example.com"}


async def test_it_may_be_confirmed_first(stage: Stage) -> None:
    """`check=` asks whether it still holds; a no asks the question, and the new answer is kept."""
    rehearsal = await stage(invoice, contract, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: send me my invoice
        bot:      …
        customer: ada@example.com
        bot:      Sent to ada@example.com.
        customer: send me my contract
        bot:      Is ada@example.com still right? [Yes] [No]
        customer: no
        bot:      What is your e-mail address?
        customer: ada@home.example
        bot:      Sent to ada@home.example.
        """,
    )
    assert await rehearsal.profile() == {"email": "ada@home.example"}
