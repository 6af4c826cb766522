"""Forgetting a customer: what is left, who is fenced, and what a late message finds."""

from __future__ import annotations

from typing import Any

import pytest
from keyspace import everything

from segue.identity.erasing import Erasing
from segue.identity.merging import Merged
from segue.memory import Erasing as Found
from segue.memory import Fenced, Granted
from segue.memory.embedded import Embedded


@pytest.fixture
def erasing(town: Any) -> Erasing:
    return Erasing(town.store, town.merging, adapters=dict)


async def test_nothing_is_found_again(
    town: Any, erasing: Erasing, valkey: Embedded, store_prefix: str
) -> None:
    """No key or value holds a word of theirs, or their address; others keep what they have."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    for number in range(150):
        await town.write(phone, f"canary {number}")
    await town.write(app, "ben stays")
    assert await erasing.erase(ada, actor="cli")
    found = everything(valkey, store_prefix)
    assert not [key for key, value in found if b"canary" in value or b"sms-of-ada" in value]
    assert await town.words(ben) == ["ben stays", "re ben stays"]
    assert [row.action for row in await town.store.audited(customer=ada)] == ["customer.erase"]


async def test_a_running_turn_is_fenced(town: Any, erasing: Erasing) -> None:
    """What it decided does not land, and brings nobody back."""
    ada, phone = await town.customer("ada")
    granted = await town.store.admit(ada, town.said(phone, "canary"))
    assert isinstance(granted, Granted)
    await erasing.erase(ada, actor="cli")
    done = await town.store.commit(granted.lease, town.turn(granted))
    assert isinstance(done, Fenced)
    assert await town.store.snapshot(ada) is None
    assert await town.read(ada) == []
    assert town.sent == []


async def test_a_late_message_starts_a_new_customer(town: Any, erasing: Erasing) -> None:
    """F30: they are welcome, and nobody knows them."""
    ada, phone = await town.customer("ada")
    await town.write(phone, "canary")
    await erasing.erase(ada, actor="cli")
    assert await town.store.owner(phone) is None
    fresh = await town.store.create("new".ljust(22, "x"), phone, 2)
    assert await town.write(phone, "hello again") == fresh
    assert await town.words(fresh) == ["hello again", "re hello again"]
    assert not await erasing.erase(ada, actor="cli")


async def test_who_was_merged_is_forgotten_too(
    town: Any, erasing: Erasing, valkey: Embedded, store_prefix: str
) -> None:
    """Also what was kept for the undo."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    await town.write(phone, "canary a")
    await town.write(app, "canary b")
    assert isinstance(await town.merging.merge(ada, ben, actor="cli"), Merged)
    await town.sweep()
    # By whichever name.
    assert await erasing.erase(ben, actor="cli")
    found = everything(valkey, store_prefix)
    assert not [key for key, value in found if b"canary" in value or b"-of-" in value]
    assert await town.store.owner(app) is None


async def test_an_erasure_in_the_middle_of_a_merge(town: Any, erasing: Erasing) -> None:
    """A merge that has not landed is called off: the other one goes on as before."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    granted = await town.store.admit(ada, town.said(phone, "running"))
    assert isinstance(granted, Granted)
    await town.merging.begin(ben, ada, actor="cli")
    assert await erasing.erase(ada, actor="cli")
    assert isinstance(await town.store.commit(granted.lease, town.turn(granted)), Fenced)
    assert await town.write(app, "still here") == ben
    assert await town.words(ben) == ["still here", "re still here"]


async def test_an_erasure_that_was_left_half_done_is_gone_on_with(
    town: Any, valkey: Embedded, store_prefix: str, erasing: Erasing
) -> None:
    """Whoever sweeps finds it."""
    ada, phone = await town.customer("ada")
    await town.write(phone, "canary")
    await town.store.erase_begin(ada, "cli")
    assert isinstance(await town.store.take(ada), Found)
    await erasing.resume(ada)
    assert not [key for key, value in everything(valkey, store_prefix) if b"canary" in value]
    assert await town.store.owner(phone) is None
