"""Pausing a dialog for the customers who are inside it."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest

from segue.testing import Rehearsal

PAUSED = ["This is paused."]


async def said(rehearsal: Rehearsal, text: str) -> list[str]:
    return [str(message) for message in await rehearsal.say(text)]


async def test_whoever_is_inside_a_paused_dialog_keeps_their_place(
    rehearsal: Rehearsal, house: ModuleType
) -> None:
    """Nothing is played while it is paused; afterwards the same question is still open."""
    store = rehearsal.app.store
    await said(rehearsal, "return an order")
    await store.pause("dialog", "send_back", "paused")
    assert await said(rehearsal, "A1001") == PAUSED
    assert house.DONE == []
    await store.unpause("dialog", "send_back")
    assert (await said(rehearsal, "A1001"))[0].startswith("Why does the lamp come back?")


@pytest.mark.parametrize("word", ["back", "skip"])
async def test_repair_does_not_move_the_place_in_a_paused_dialog(
    rehearsal: Rehearsal, word: str
) -> None:
    """Going back or skipping waits, like an answer."""
    store = rehearsal.app.store
    await said(rehearsal, "return an order")
    await said(rehearsal, "A1001")
    await store.pause("dialog", "send_back", "paused")
    assert await said(rehearsal, word) == PAUSED
    await store.unpause("dialog", "send_back")
    assert (await said(rehearsal, "1"))[0].startswith("Send the lamp back?")


async def test_what_does_not_need_the_paused_dialog_goes_on(rehearsal: Rehearsal) -> None:
    """A person, an answer without code and another journey are to be had."""
    store = rehearsal.app.store
    await said(rehearsal, "return an order")
    await store.pause("dialog", "send_back", "paused")
    assert "0800 1234" in " ".join(await said(rehearsal, "person"))
    assert await said(rehearsal, "when are you open") == ["Every day from nine to six."]
    assert await said(rehearsal, "which size do i need") == ["How tall are you in cm?"]
    assert (await said(rehearsal, "180"))[-1] == "This is paused."
    assert await said(rehearsal, "return an order") == PAUSED


async def test_a_paused_journey_can_be_called_off(rehearsal: Rehearsal, house: ModuleType) -> None:
    """It ends without being played."""
    store = rehearsal.app.store
    await said(rehearsal, "i want to buy a jacket")
    await store.pause("dialog", "order_it", "paused")
    assert await said(rehearsal, "180") == PAUSED, "the dialog it called is part of the journey"
    await said(rehearsal, "cancel")
    assert (await rehearsal.state()).frames == []
    assert house.DONE == []


async def test_a_dialog_that_is_called_while_paused_waits(rehearsal: Rehearsal) -> None:
    """The caller has begun, and goes on when what it called does."""
    store = rehearsal.app.store
    await store.pause("dialog", "size", "paused")
    assert await said(rehearsal, "i want to buy a jacket") == PAUSED
    await store.unpause("dialog", "size")
    assert await said(rehearsal, "180") == ["How tall are you in cm?"]


async def test_timers_of_a_paused_dialog_wait(rehearsal: Rehearsal) -> None:
    """Nobody is reminded of what is switched off; they are when it goes on."""
    store = rehearsal.app.store
    await said(rehearsal, "tell me when it is ready")
    await store.pause("dialog", "wait_for_it", "paused")
    assert await rehearsal.later(timedelta(minutes=40)) == []
    await store.unpause("dialog", "wait_for_it")
    assert await rehearsal.later(timedelta(minutes=2)) != []
