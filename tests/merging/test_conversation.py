"""Merges seen by the customer: two channels of one bot, an open journey on each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from segue.channel import Accepted
from segue.dialog import Chat, dialog
from segue.engine.state import decode
from segue.identity.merging import Merged, Parted
from segue.memory.embedded import Embedded
from segue.slots import Integer
from segue.slots import Text as AnyText
from segue.testing import Rehearsal
from segue.types import Address, Inbound
from segue.voice import plain as text_of

PHONE, APP = Address("sms", "+43660000001"), Address("telegram", "77")

VOICE = """
{% reply ask_order() %}Which order?{% endreply %}
{% reply ask_reason() %}Why do you send it back?{% endreply %}
{% reply done(order, reason) %}Return of {{ order }}: {{ reason }}.{% endreply %}
{% reply ask_where() %}Where to?{% endreply %}
{% reply moved(where) %}It goes to {{ where }}.{% endreply %}
{% reply joined() %}Your conversations are one now.{% endreply %}
{% reply parted() %}Your conversations are two again.{% endreply %}
"""


@dialog("return_item", examples=["send it back please", "a return"])
async def return_item(chat: Chat) -> None:
    """Two questions."""
    order = await chat.ask("ask_order", AnyText)
    reason = await chat.ask("ask_reason", AnyText)
    await chat.say("done", order=order, reason=reason)


@dialog("delivery", examples=["change the delivery address", "deliver it elsewhere"])
async def delivery(chat: Chat) -> None:
    """One question."""
    where = await chat.ask("ask_where", Integer)
    await chat.say("moved", where=where)


class Two:
    """A customer on two channels, who are two customers to begin with."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.app = rehearsal.app
        self._count = 0

    async def say(self, address: Address, text: str) -> list[str]:
        """Write, and return what the bot answers."""
        self._count += 1
        self.rehearsal.clock.move(timedelta(seconds=10))
        inbound = Inbound(address=address, message_id=f"t{self._count}", text=text)
        accepted = await self.app.core.receive(inbound)
        assert isinstance(accepted, Accepted), accepted
        page = await self.app.core.answered(accepted.customer, inbound.message_id, within=10)
        assert page is not None
        return [plain(line) for _, line in page.lines if line.who == "bot"]

    async def told(self, customer: str) -> list[str]:
        """All that the bot has said to a customer."""
        page = await self.app.core.page(customer, after=-1)
        return [plain(line) for _, line in page.lines if line.message]

    async def look_after(self, customer: str) -> None:
        await self.app.worker.look_after(customer)
        await self.app.core.settled(customer, within=5)


def plain(line: Any) -> str:
    return text_of(line.message)


@pytest.fixture
async def two(valkey: Embedded, store_prefix: str) -> AsyncIterator[Two]:
    rehearsal = await Rehearsal.of(
        [return_item, delivery], VOICE, url=valkey.url, prefix=store_prefix
    )
    yield Two(rehearsal)
    await rehearsal.end()


async def merged(two: Two) -> tuple[str, str, str]:
    ada = await two.app.store.owner(PHONE)
    ben = await two.app.store.owner(APP)
    assert ada
    assert ben
    done = await two.app.merging.merge(ada, ben, actor="cli")
    assert isinstance(done, Merged)
    await two.look_after(ada)
    return ada, ben, done.merge


async def test_the_newer_journey_goes_on_and_the_other_comes_back(two: Two) -> None:
    """Nothing that was answered on either channel is asked again."""
    await two.say(PHONE, "send it back please")
    await two.say(PHONE, "A1001")
    await two.say(APP, "change the delivery address")
    await merged(two)
    answer = " ".join(await two.say(APP, "1010"))
    assert "It goes to 1010." in answer
    assert "Why do you send it back?" in answer
    answer = " ".join(await two.say(APP, "too big"))
    assert "Return of A1001: too big." in answer


async def test_the_other_journey_is_gone_on_with_when_asked_for(two: Two) -> None:
    """They swap places; the one they were at comes back after it."""
    await two.say(PHONE, "send it back please")
    await two.say(PHONE, "A1001")
    await two.say(APP, "change the delivery address")
    ada, _, _ = await merged(two)
    state = decode((await two.app.store.snapshot(ada)).state)  # type: ignore[union-attr]
    assert [frame.dialog for frame in state.frames] == ["return_item", "delivery"]
    answer = " ".join(await two.say(PHONE, "i want to send it back please"))
    assert "Why do you send it back?" in answer
    answer = " ".join(await two.say(PHONE, "too small"))
    assert "Return of A1001: too small." in answer
    assert "Where to?" in answer


async def test_an_operator_who_links_has_the_customer_told(two: Two) -> None:
    """On the channel they wrote from last; who links by themselves is told by the dialog."""
    await two.say(PHONE, "send it back please")
    await two.say(APP, "change the delivery address")
    ada, ben, merge = await merged(two)
    lines = [
        plain(line) for _, line in (await two.app.core.page(ada, after=-1)).lines if line.message
    ]
    assert "Your conversations are one now." in lines
    done = await two.app.merging.undo(merge, actor="cli")
    assert done == Parted(customer=ada, other=ben)
    await two.look_after(ada)
    lines = [
        plain(line) for _, line in (await two.app.core.page(ada, after=-1)).lines if line.message
    ]
    assert "Your conversations are two again." in lines
    assert "Where to?" not in lines


async def test_after_an_erasure_they_are_somebody_new(two: Two) -> None:
    """F30: through the gateway, whose cache still knew them."""
    await two.say(PHONE, "send it back please")
    ada = await two.app.store.owner(PHONE)
    assert ada
    assert await two.app.erasing.erase(ada, actor="cli")
    answer = await two.say(PHONE, "A1001")
    assert answer
    assert await two.app.store.owner(PHONE) not in (None, ada)
