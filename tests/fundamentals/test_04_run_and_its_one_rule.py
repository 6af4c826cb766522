"""4. What may differ next time goes through `chat.run(…)`. That is the one rule.

A dialog is not kept in memory while it waits. When the customer answers, it is played again from
its first line, and what was asked or done before comes from its journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from segue import Chat, Text, dialog
from segue.testing.plugin import Stage

VOICE = """
{% reply your_ticket(ticket) %}
Your ticket is {{ ticket.number }}. What is it about?
{% endreply %}

{% reply thanks(ticket, about) %}
Ticket {{ ticket.number }}: {{ about }}.
{% endreply %}
"""


@dataclass(frozen=True)
class Ticket:
    number: int


async def test_a_step_is_done_once(stage: Stage) -> None:
    """However often the dialog is played, the desk is asked for one ticket."""
    numbers = count(1)

    async def draw_ticket() -> Ticket:
        return Ticket(next(numbers))

    @dialog("complain", examples=["i want to complain"])
    async def complain(chat: Chat) -> None:
        ticket = await chat.run(draw_ticket)
        about = await chat.ask("your_ticket", Text, ticket=ticket)
        await chat.say("thanks", ticket=ticket, about=about)

    rehearsal = await stage(complain, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: i want to complain
        bot:      Your ticket is 1. What is it about?
        customer: the noise
        bot:      Ticket 1: the noise.
        """,
    )
    assert [str(step) for step in rehearsal.steps] == ["draw_ticket()"]
    assert next(numbers) == 2


async def test_a_rehearsal_finds_what_breaks_the_rule(stage: Stage) -> None:
    """Every turn is played twice. What differs is found here, and not by a customer."""
    numbers = count(1)

    @dialog("complain", examples=["i want to complain"])
    async def complain(chat: Chat) -> None:
        if next(numbers) == 1:
            await chat.ask("hello", Text)
        await chat.say("your_ticket", ticket={"number": next(numbers)})

    voice = VOICE + "{% reply hello() %}\nHello?\n{% endreply %}"
    rehearsal = await stage(complain, voice=voice)
    await rehearsal.play(
        "web",
        """
        customer: i want to complain
        bot:      Something went wrong on our side.
        """,
    )
    [problem] = [note.values["error"] for note in rehearsal.notes if note.kind == "problem"]
    assert "did not do the same again" in problem
    assert "goes through chat.run" in problem
