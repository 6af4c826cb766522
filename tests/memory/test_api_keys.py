"""API keys: kept as digests, revoked within a second, and what a request came to."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from segue.memory import Store
from segue.testing.clock import FakeClock

TOKEN = "segue_" + "k" * 43
DAY = timedelta(days=1)


async def test_a_key_is_known_by_its_token_alone(store: Store) -> None:
    """The token finds the key with its scopes; anything near it finds nothing."""
    assert await store.add_api_key("shop", ["dialogs"], TOKEN)
    found = await store.api_key(TOKEN)
    assert found is not None
    assert (found.name, found.scopes) == ("shop", ("dialogs",))
    for near in ("", TOKEN[:-1], TOKEN + "k", TOKEN.upper(), "ü" * 49, "\udc80"):
        assert await store.api_key(near) is None, near


async def test_the_token_is_not_in_the_store(store: Store, hands: Any) -> None:
    """T34: whoever reads the store cannot use a key."""
    await store.add_api_key("shop", ["dialogs"], TOKEN)
    values = hands.client.hgetall(store.keys.api_keys)
    assert values
    assert not any(TOKEN.encode() in value for value in values.values())


async def test_a_name_is_taken_once(store: Store) -> None:
    """A second key of one name is refused, the first goes on working."""
    assert await store.add_api_key("shop", ["dialogs"], TOKEN)
    assert not await store.add_api_key("shop", ["customers"], TOKEN + "2")
    assert await store.api_key(TOKEN + "2") is None
    assert await store.api_key(TOKEN) is not None
    for bad in ("", "Shop", "a b", "ä", "x" * 41):
        with pytest.raises(ValueError, match="no name for a key"):
            await store.add_api_key(bad, ["dialogs"], TOKEN)


async def test_a_revoked_key_is_refused_within_a_second_elsewhere(open_a_store: Any) -> None:
    """Another process knows the keys for a second, then looks again."""
    here, clock = await open_a_store(), FakeClock()
    there = await open_a_store(clock=clock)
    await here.add_api_key("shop", ["dialogs"], TOKEN)
    assert await there.api_key(TOKEN) is not None
    assert await here.revoke_api_key("shop")
    assert not await here.revoke_api_key("shop")
    assert await here.api_key(TOKEN) is None
    clock.move(1.0)
    assert await there.api_key(TOKEN) is None


async def test_its_last_use_is_noted(store: Store) -> None:
    """Operators see which keys nobody uses any more."""
    await store.add_api_key("shop", ["dialogs"], TOKEN)
    assert [key.used for key in await store.api_keys()] == [0]
    await store.api_key(TOKEN)
    await asyncio.gather(*store._tasks)
    [key] = await store.api_keys()
    assert key.used > 0


async def test_a_change_whose_answer_was_lost_is_made_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding and revoking, each repeated by the client, answer as the first time."""
    run = store.server.run

    async def twice(*call: Any) -> Any:
        await run(*call)
        return await run(*call)

    monkeypatch.setattr(store.server, "run", twice)
    assert await store.add_api_key("shop", ["dialogs"], TOKEN)
    assert await store.revoke_api_key("shop")


async def test_the_first_claim_of_an_idempotency_key_stands(store: Store) -> None:
    """Of requests with one key at once, all act by the same record; callers do not share keys."""
    found = await asyncio.gather(*(store.once("shop", "k", b"%d" % n, DAY) for n in range(8)))
    assert len(set(found)) == 1
    assert await store.once("other", "k", b"x", DAY) == b"x"
    await store.keep_once("shop", "k", b"done", DAY)
    assert await store.once("shop", "k", b"new", DAY) == b"done"
    await store.drop_once("shop", "k")
    assert await store.once("shop", "k", b"new", DAY) == b"new"
