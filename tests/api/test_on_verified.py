"""`@on_verified`: what the company knows of a customer who has proved who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from segue import VerifiedCustomer, on_verified
from segue.dialog import Registry
from segue.errors import DialogError
from segue.testing import Rehearsal
from segue.types import Address, Proof

from .conftest import VOICE, send_back

SMS = Address("sms", "sms-of-the-customer")


async def begun(stage: Any, function: Any) -> Rehearsal:
    bot: Rehearsal = await stage(send_back, voice=VOICE)
    bot.dialogs = Registry([send_back], [on_verified(function)])
    bot.app.setup = bot.app.make_setup(bot.dialogs, bot.voice)
    bot.channel = "sms"
    bot.customer = await bot.app.core.create(SMS, Proof.CHANNEL)
    return bot


async def settle(bot: Rehearsal) -> None:
    """Let the function answer, and the turn after it be played."""
    for _ in range(4):
        for task in list(bot.app.worker._tasks):
            await task
        await bot.settle()


async def test_it_is_called_once_when_somebody_is_verified(stage: Any) -> None:
    """Its answer is known from then on, and the bot does not ask for it."""
    seen: list[VerifiedCustomer] = []

    async def look_up(customer: VerifiedCustomer) -> dict[str, Any]:
        seen.append(customer)
        return {"order": "A1001", "vip": True}

    bot = await begun(stage, look_up)
    await bot.say("hello")
    await settle(bot)
    assert seen == [], "a platform's word is no proof"
    await bot.app.store.add_address(bot.customer, SMS, Proof.VERIFIED)
    await bot.say("hello again")
    await settle(bot)
    [customer] = seen
    assert (customer.id, customer.verified) == (bot.customer, {"sms": SMS.id})
    known = (await bot.state()).profile["vip"]
    assert (known.value, known.source) == (True, "company:on_verified")
    assert "A1001 comes back." in [str(one) for one in await bot.say("send it back")]
    await bot.later(timedelta(days=3))
    await settle(bot)
    assert len(seen) == 1


async def test_it_is_called_as_soon_as_they_have_proved_it(stage: Any) -> None:
    """Without waiting for their next message."""
    seen: list[str] = []

    async def look_up(customer: VerifiedCustomer) -> None:
        seen.append(customer.id)

    bot = await begun(stage, look_up)
    await bot.say("hello")
    await bot.app.store.add_address(bot.customer, SMS, Proof.VERIFIED)
    verified = bot.app.room.proving.verified
    assert verified is not None
    await verified(bot.customer, SMS)
    await settle(bot)
    assert seen == [bot.customer]


async def test_a_failure_blocks_nobody_and_is_tried_again(stage: Any) -> None:
    """The turn goes on; the function is called again later, and its answer is taken then."""
    calls: list[int] = []

    async def look_up(customer: VerifiedCustomer) -> dict[str, Any]:
        calls.append(len(calls))
        if len(calls) < 3:
            raise ConnectionError("the shop system is away")
        return {"vip": True}

    bot = await begun(stage, look_up)
    await bot.app.store.add_address(bot.customer, SMS, Proof.VERIFIED)
    assert [str(one) for one in await bot.say("send it back")][-1] == "Which order?"
    await settle(bot)
    assert len(calls) == 1
    for minutes in (2, 6, 31):
        await bot.later(timedelta(minutes=minutes))
        await settle(bot)
    assert len(calls) == 3
    assert (await bot.profile())["vip"] is True
    assert not (await bot.state()).timers


@pytest.mark.parametrize("answer", ["text", {"big": "x" * 20_000}, {"odd": object()}])
async def test_an_answer_that_is_no_data_changes_nothing(stage: Any, answer: Any) -> None:
    """It is a failure like another."""

    async def look_up(customer: VerifiedCustomer) -> Any:
        return answer

    bot = await begun(stage, look_up)
    await bot.app.store.add_address(bot.customer, SMS, Proof.VERIFIED)
    await bot.say("hello")
    await settle(bot)
    assert await bot.profile() == {}
    assert [timer.kind for timer in (await bot.state()).timers] == ["company"]


async def test_it_is_given_up_in_the_end(stage: Any) -> None:
    """After six calls the timer is gone; customers whose company is away are no burden."""
    calls: list[int] = []

    async def look_up(customer: VerifiedCustomer) -> None:
        calls.append(1)
        raise ConnectionError

    bot = await begun(stage, look_up)
    await bot.app.store.add_address(bot.customer, SMS, Proof.VERIFIED)
    await bot.say("hello")
    for _ in range(8):
        await settle(bot)
        await bot.later(timedelta(days=1, minutes=1))
    assert len(calls) == 6
    assert not (await bot.state()).timers


def test_a_function_that_cannot_be_called_is_a_mistake_with_its_line() -> None:
    """It is found when the dialogs are loaded."""

    def plain(customer: VerifiedCustomer) -> None:
        return

    with pytest.raises(DialogError, match="async def plain"):
        on_verified(plain)  # type: ignore[arg-type]
