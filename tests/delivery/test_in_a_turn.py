"""What turns have to do with sending: owning up to lateness, sending once only, showing typing."""

from __future__ import annotations

from datetime import timedelta

from segue import Chat, dialog
from segue.testing.channels import CAPABILITIES, StageChannel
from segue.testing.plugin import Stage, segue_prefix, segue_server, stage
from segue.types import Address

__all__ = ["segue_prefix", "segue_server", "stage"]

VOICE = """
{% reply hello() %}
Hello.
{% endreply %}
{% reply voucher() %}
Your voucher is ABC.
{% endreply %}
{% reply moment() %}
One moment.
{% endreply %}
"""
SORRY = """
{% reply delayed() %}
Sorry for the delay.
{% endreply %}
"""


@dialog("greet", examples=["hello there my friend"])
async def greet(chat: Chat) -> None:
    await chat.say("hello")


@dialog("gift", examples=["give me a voucher please"])
async def gift(chat: Chat) -> None:
    await chat.say("voucher", once=True)


async def look_it_up() -> str:
    return "found"


@dialog("slow", examples=["look something up for me"])
async def slow(chat: Chat) -> None:
    await chat.say("moment")
    await chat.run(look_it_up)
    await chat.say("hello")


async def test_an_answer_that_came_too_late_is_owned_up_to(stage: Stage) -> None:
    """Once, when the channel is back; the answer itself is not sent any more."""
    rehearsal = await stage(greet, voice=VOICE + SORRY)
    rehearsal.channel = "sms"
    rehearsal.send("late")
    assert await rehearsal.say("hello there my friend") == []
    assert [str(heard) for heard in await rehearsal.later(timedelta(hours=1))] == [
        "Sorry for the delay."
    ]
    assert await rehearsal.later(timedelta(hours=2)) == []


async def test_a_voice_without_those_words_says_nothing(stage: Stage) -> None:
    """And the next message is answered like any other."""
    rehearsal = await stage(greet, voice=VOICE)
    rehearsal.channel = "sms"
    rehearsal.send("late")
    assert await rehearsal.say("hello there my friend") == []
    assert await rehearsal.later(timedelta(hours=1)) == []
    assert [str(heard) for heard in await rehearsal.say("hello there my friend")] == ["Hello."]


async def test_what_may_be_sent_once_only(stage: Stage) -> None:
    """`once=True`: where nobody knows whether it arrived, it is not sent again."""
    rehearsal = await stage(greet, gift, voice=VOICE)
    rehearsal.channel = "sms"
    rehearsal.send("lost")
    assert await rehearsal.say("give me a voucher please") == []
    rehearsal.send("lost")
    assert [str(heard) for heard in await rehearsal.say("hello there my friend")] == ["Hello."]


class Showing(StageChannel):
    """A channel that shows typing."""

    def __init__(self) -> None:
        super().__init__("telegram", CAPABILITIES["telegram"])
        self.shown: list[Address] = []

    async def typing(self, address: Address) -> None:
        self.shown.append(address)


async def test_typing_is_shown_while_a_step_takes_its_time(stage: Stage) -> None:
    """On the channel that is being answered, until the answer is there."""
    rehearsal = await stage(slow, voice=VOICE)
    channel = Showing()
    rehearsal.channels["telegram"] = channel
    rehearsal.app.delivery.adapters["telegram"] = channel  # type: ignore[index]
    rehearsal.channel = "telegram"
    rehearsal.slow("look_it_up")
    assert [str(heard) for heard in await rehearsal.say("look something up for me")] == [
        "One moment."
    ]
    assert {address.channel for address in channel.shown} == {"telegram"}
    assert [str(heard) for heard in await rehearsal.done()] == ["Hello."]
    shown = len(channel.shown)
    await rehearsal.settle()
    assert len(channel.shown) == shown
    assert not rehearsal.app.worker._showing._tasks
