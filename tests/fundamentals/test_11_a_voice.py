"""11. The voice is a screenplay: wordings, channels and languages, and never a line of code."""

from __future__ import annotations

from segue import Chat, Text, dialog
from segue.testing.plugin import Stage

ENGLISH = """
{% reply ask_name() %}
Happy to help. **Who** are you?
{% or %}
Let us begin. **Who** are you?
{% on sms %}
Who are you?
{% endreply %}

{% reply hello(name) %}
Hello {{ name }}.
{% endreply %}
"""

GERMAN = """
{% reply ask_name() %}
Wie heißen Sie?
{% endreply %}

{% reply hello(name) %}
Guten Tag, {{ name }}.
{% endreply %}
"""


@dialog("meet", examples=["let us meet"])
async def meet(chat: Chat) -> None:
    name = await chat.ask("ask_name", Text)
    await chat.say("hello", name=name)


async def test_wordings_and_channels(stage: Stage) -> None:
    """`or` is another wording of the same, never twice in a row; `on sms` replaces them there."""
    rehearsal = await stage(meet, voice=ENGLISH)
    await rehearsal.say("let us meet")
    await rehearsal.say("Ada")
    await rehearsal.say("let us meet")
    first, _hello, second = [said.text for said in rehearsal.heard]
    assert {first, second} == {"Happy to help. Who are you?", "Let us begin. Who are you?"}
    await rehearsal.play("sms", "customer: Ada\nbot: Hello Ada.")
    await rehearsal.play("sms", "customer: let us meet\nbot: Who are you?")


async def test_what_customers_write_stays_text(stage: Stage) -> None:
    """A value is never read as markup: nobody can put bold, links or code into a reply."""
    rehearsal = await stage(meet, voice=ENGLISH)
    await rehearsal.play(
        "web",
        """
        customer: let us meet
        bot:      …
        customer: **Ada** [me](https://evil.example) {{ 7 * 7 }}
        bot:      Hello **Ada** [me](https://evil.example) {{ 7 * 7 }}.
        """,
    )


async def test_a_language_is_a_folder(stage: Stage) -> None:
    """What a locale does not have is said in the default one, so that nobody meets silence."""
    voice = {"en/common.j2": ENGLISH, "de/common.j2": GERMAN}
    rehearsal = await stage(meet, voice=voice)
    rehearsal.locale = "de-AT"
    await rehearsal.play(
        "web",
        """
        customer: let us meet
        bot:      Wie heißen Sie?
        customer: Ada
        bot:      Guten Tag, Ada.
        """,
    )
