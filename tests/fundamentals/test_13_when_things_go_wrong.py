"""13. Things go wrong: a rehearsal lets them, one at a time, and says what the customer sees."""

from __future__ import annotations

from segue import Chat, Retry, StepFailed, dialog, slot
from segue.testing.plugin import Stage

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001", name="order_number")

VOICE = """
{% reply ask_order() %}
Which order?
{% endreply %}

{% reply one_moment() %}
One moment.
{% endreply %}

{% reply found(item) %}
That is the {{ item }}.
{% endreply %}

{% reply closed() %}
The shop is closed, try tomorrow.
{% endreply %}
"""


async def find_order(number: str) -> str:
    return "lamp"


@dialog("find", examples=["find my order"])
async def find(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    await chat.say("one_moment")
    await chat.say("found", item=await chat.run(find_order, number))


@dialog("careful", examples=["find it carefully please"])
async def careful(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    try:
        item = await chat.run(find_order, number, retry=Retry(attempts=2))
    except StepFailed:
        return await chat.say("closed")
    await chat.say("found", item=item)


async def test_a_step_is_tried_again_before_anybody_notices(stage: Stage) -> None:
    """Three tries, unless `retry=` says otherwise; waiting in between takes no time here."""
    rehearsal = await stage(find, voice=VOICE)
    rehearsal.fail("find_order", tries=2)
    await rehearsal.play(
        "web",
        """
        customer: find my order
        bot:      Which order?
        customer: A1001
        bot:      One moment.
        bot:      That is the lamp.
        """,
    )
    assert len(rehearsal.steps) == 3


async def test_a_step_that_gives_up_keeps_the_journey(stage: Stage) -> None:
    """Nothing the customer said is lost: when they write again, it is tried again."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: find my order
        bot:      Which order?
        fail find_order
        customer: A1001
        bot:      One moment.
        bot:      That did not work just now. …
        customer: and now?
        bot:      That is the lamp.
        """,
    )


async def test_a_dialog_may_know_what_to_say_then(stage: Stage) -> None:
    """`StepFailed` is an ordinary exception."""
    rehearsal = await stage(careful, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: find it carefully please
        bot:      Which order?
        fail find_order
        customer: A1001
        bot:      The shop is closed, try tomorrow.
        """,
    )


async def test_nobody_waits_in_silence_for_a_slow_step(stage: Stage) -> None:
    """After half a second, what was said so far is shown."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "web",
        """
        customer: find my order
        bot:      Which order?
        slow find_order
        customer: A1001
        bot:      One moment.
        done
        bot:      That is the lamp.
        """,
    )


async def test_twice_out_of_order_and_all_at_once(stage: Stage) -> None:
    """Platforms deliver twice, or in the wrong order; people write before they have read."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        customer: find my order
        bot:      Which order?
        again
        out of order
        customer: A1001
        and:      the one from last week
        bot:      I could not read that. …
        bot:      One moment.
        bot:      That is the lamp.
        """,
    )


async def test_nobody_knows_whether_it_arrived(stage: Stage) -> None:
    """An answer whose sending ended in the dark is sent once more: better twice than never."""
    rehearsal = await stage(find, voice=VOICE)
    await rehearsal.play(
        "sms",
        """
        send lost
        customer: find my order
        bot:      Which order?
        send unknown
        again
        customer: hm
        bot:      I could not read that. …
        bot:      I could not read that. …
        """,
    )
