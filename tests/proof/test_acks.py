"""A platform gets its 2xx when a message is stored; what a dialog does meanwhile takes its time.

Nothing here measures milliseconds (`benchmarks/channels.py` does): a step that never ends holds up
no acknowledgement, not even that of the customer whose step it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from everywhere import PHONE, Platforms, on_slack, until

from segue import Chat, dialog
from segue.dialog import Registry
from segue.testing import inline
from segue.types import Address, Who

VOICE = """
{% reply looking() %}
Looking.
{% endreply %}
{% reply found(what) %}
Found: {{ what }}.
{% endreply %}
"""
HERE = 25
"""Messages of each channel."""


async def test_an_acknowledgement_waits_for_no_step(
    platforms: Platforms, open_process: Callable[..., Any]
) -> None:
    """A hundred customers on four channels while every step stands still: all are acknowledged.

    Then the steps go on, and each customer gets the one answer there is.
    """
    begun, going_on = 0, asyncio.Event()

    async def look() -> str:
        nonlocal begun
        begun += 1
        await going_on.wait()
        return "a boat"

    @dialog("look", examples=["look for my boat"])
    async def look_for(chat: Chat) -> None:
        await chat.say("looking")
        await chat.say("found", what=await chat.run(look, timeout=timedelta(seconds=90)))

    here = await open_process(platforms, house=(Registry([look_for]), inline.voice(VOICE)))
    telegram, slack, twilio = platforms.telegram, platforms.slack, platforms.twilio
    users = [telegram.customer(f"T{n}") for n in range(HERE)]
    people = [slack.person(f"S{n}") for n in range(HERE)]
    phones = [twilio.phone(f"+43660{n:07d}") for n in range(HERE)]
    words = "look for my boat"
    async with asyncio.timeout(20):
        for user in users:
            user.write(words)
        await asyncio.gather(
            *(person.write(words) for person in people),
            *(phone.write(words) for phone in phones),
            *(phone.write(words, whatsapp=True) for phone in phones),
        )
        await until(lambda: not telegram.pending and begun == 4 * HERE)
    assert not going_on.is_set()
    hooks = [*telegram.hooks, *slack.hooks, *twilio.hooks]
    inbound = [hook for hook in hooks if "/status" not in hook.url]
    assert len(inbound) == 4 * HERE
    assert all(hook.statuses == [200] for hook in inbound), "nobody was asked to come again"

    # Those who write again while their step runs are acknowledged just the same.
    hook = await phones[0].write("are you there?")
    assert hook is not None
    assert hook.statuses == [200]

    going_on.set()
    await here.rest()
    assert begun == 4 * HERE, "a step of that kind is done once"
    for person, user, phone in zip(people, users, phones, strict=True):
        assert [seen.text for seen in person.screen].count("Found: a boat.") == 1
        assert [seen.text for seen in user.screen].count("Found: a boat.") == 1
        assert phone.chat.count("Found: a boat.") == 1
    for address in (
        Address("telegram", str(users[3].id)),
        on_slack(slack, people[3].user),
        Address("sms", phones[3].number),
        Address("whatsapp", phones[3].number),
    ):
        lines = await here.lines(address)
        assert [line.text for line in lines if line.who is Who.CUSTOMER] == [words]
    assert PHONE not in {phone.number for phone in phones}
