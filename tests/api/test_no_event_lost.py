"""What a turn has to tell is written with the commit that makes it true: once, whatever dies."""

from __future__ import annotations

from typing import Any

import pytest

from segue import Chat, dialog
from segue.api.events import events_of
from segue.memory.hooks import Queue
from segue.testing import Rehearsal


async def first() -> str:
    return "one"


async def second() -> str:
    return "two"


@dialog("errand", examples=["do it"])
async def errand(chat: Chat) -> None:
    """Reach a milestone before, between and after two steps."""
    await chat.milestone("begun")
    await chat.run(first)
    await chat.milestone("half")
    await chat.run(second)
    await chat.milestone("done")
    await chat.say("did_it")


ALL = Queue(known=True, cursors={}, since="0", events=(), waiting=0, parked=(), past=())


async def told(bot: Rehearsal) -> list[str]:
    """Return the milestones in the order in which the streams have them."""
    happened, _ = await bot.app.store.happened(ALL)
    events = [event for entry in happened for event in events_of(entry)]
    return [str(event.body).split('"milestone":"')[1].split('"')[0] for event in events]


@pytest.mark.parametrize(
    ("at", "times"),
    [
        ("", 1),
        ("turn", 1),
        ("step", 1),
        ("step", 2),
        ("stepped", 1),
        ("stepped", 2),
        ("flushed", 1),
        ("decide", 1),
        ("committed", 1),
    ],
)
async def test_each_milestone_is_told_once(stage: Any, at: str, times: int) -> None:
    """Between the steps the turn stores what it has so far, and what it has to tell with it."""
    bot: Rehearsal = await stage(errand, voice="{% reply did_it() %}Done.{% endreply %}")
    if at:
        bot.crash_at(at, times)
    heard = await bot.say("do it")
    assert str(heard[-1]) == "Done."
    assert await told(bot) == ["begun", "half", "done"]
