"""`segue.client`: the company's Python code, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from segue.client import Segue
from segue.errors import ApiError
from segue.testing.clock import FakeClock
from segue.types import Address

from .conftest import PHONE, Company


@pytest.fixture
async def segue(company: Company) -> AsyncIterator[Segue]:
    async with Segue(company.url, company.key) as made:
        yield made


async def test_everything_can_be_done(company: Company, segue: Segue) -> None:
    """Start, tell, touchpoint, read."""
    customer = await company.customer(Address("sms", PHONE))
    name = f"segue:{customer}"
    assert await segue.start(f"sms:{PHONE}", "shipped", {"order": "A1001"}, once="p1")
    assert await segue.start(f"sms:{PHONE}", "shipped", {"order": "A1001"}, once="p1")
    assert await company.heard() == ["Your order A1001 is on its way, 2 days."]
    assert await segue.tell(name, {"vip": True}, name="Ada") == customer
    at = datetime(2026, 5, 4, 8, tzinfo=UTC)
    assert await segue.touchpoint(name, "phone", at, wanted="A refund.", by="Bea")
    await company.bot.settle()
    known = await segue.customer(name)
    assert (known["name"], known["profile"]["vip"]["value"]) == ("Ada", True)
    assert known["profile"]["last_contact"]["value"]["by"] == "Bea"


async def test_an_id_with_odd_characters_is_the_same_on_both_sides(
    company: Company, segue: Segue
) -> None:
    """It is escaped in the path."""
    customer = await segue.tell("a/b ä?#", {"vip": True})
    assert await company.store.owner(company.bot.app.door.external("a/b ä?#")) == customer


async def test_a_refusal_is_an_error_with_its_sentence(segue: Segue) -> None:
    """It says what is wrong and whether the same may work later."""
    with pytest.raises(ApiError, match="no dialog of this name") as refused:
        await segue.start("shop-17", "gone")
    assert (refused.value.status, refused.value.code, refused.value.retry) == (
        404,
        "no_dialog",
        False,
    )


async def test_a_busy_server_is_asked_again_under_the_same_key() -> None:
    """And one that nobody answers at, in the end, is told as such."""
    keys: list[str] = []

    async def busy(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            return web.json_response({"error": "Later.", "code": "unavailable"}, status=503)
        return web.json_response({"id": "x", "customer": "y"}, status=202)

    app = web.Application()
    app.router.add_post("/api/dialogs", busy)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    clock: Any = FakeClock(hurry=True)
    async with Segue(url, "segue_k", clock=clock) as segue:
        assert await segue.start("shop-17", "shipped") == "x"
        assert len(set(keys)) == 1
        assert len(keys) == 3
        await runner.cleanup()
        with pytest.raises(ApiError) as nobody:
            await segue.start("shop-17", "shipped")
    assert (nobody.value.code, nobody.value.retry) == ("unreachable_server", True)
