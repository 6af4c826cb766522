"""The company's door, served on loopback in front of a real engine and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession

from segue import Chat, dialog, slot
from segue.memory import Store
from segue.server import Gate, Metrics, Server, make_app
from segue.testing import Rehearsal
from segue.testing.plugin import segue_prefix, segue_server, stage
from segue.types import Address, Proof

__all__ = ["segue_prefix", "segue_server", "stage"]

Number = slot(r"[A-Z]\d{4}", example="A1001")


@dialog("shipped", title="Shipping")
async def shipped(chat: Chat, order: str, days: int = 2) -> None:
    """Tell that an order is on its way."""
    await chat.say("on_its_way", order=order, days=days)
    await chat.milestone("told")


@dialog("send_back", examples=["send it back"])
async def send_back(chat: Chat) -> None:
    """Take something back."""
    number = await chat.ask("ask_number", Number, remember="order")
    await chat.say("taken_back", number=number)


VOICE = """
{% reply on_its_way(order, days) %}
Your order {{ order }} is on its way, {{ days }} days.
{% endreply %}
{% reply ask_number() %}Which order?{% endreply %}
{% reply taken_back(number) %}{{ number }} comes back.{% endreply %}
{% reply by_the_way() %}One more thing:{% endreply %}
"""
PHONE = "+436601234567"
ALL = ("dialogs", "customers", "customers:read", "touchpoints")


@dataclass
class Company:
    """A shop system that calls Segue."""

    bot: Rehearsal
    server: Server
    client: ClientSession
    key: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.address

    @property
    def store(self) -> Store:
        return self.bot.app.store

    async def make_key(self, name: str, *scopes: str) -> str:
        token = f"segue_{name}".ljust(49, "k")
        assert await self.store.add_api_key(name, scopes, token)
        self.keys[name] = token
        return token

    async def call(
        self, method: str, path: str, body: Any = None, *, once: str = "", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Make a request; return the status and the JSON."""
        key = more.pop("key", self.key)
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **more.pop("headers", {})}
        if once:
            headers["Idempotency-Key"] = once
        if body is not None:
            more["json"] = body
        async with self.client.request(
            method, f"{self.url}{path}", headers=headers, **more
        ) as answer:
            return answer.status, await answer.json()

    async def start(self, customer: str, **more: Any) -> tuple[int, dict[str, Any]]:
        once = more.pop("once", "")
        body = {
            "customer": customer,
            "dialog": "shipped",
            "values": {"order": "A1001"},
            **more,
        }
        return await self.call("POST", "/api/dialogs", body, once=once)

    async def customer(self, address: Address, proof: Proof = Proof.CHANNEL) -> str:
        """A customer who has this address, and is the one on stage."""
        self.bot.customer = await self.bot.app.core.create(address, proof)
        return self.bot.customer

    async def heard(self) -> list[str]:
        """What the bot has said since the last time, without the disclosure."""
        return [str(one) for one in await self.bot.settle() if "disclosure" not in one.reply]


Opening = Callable[..., Awaitable[Company]]


@pytest.fixture
async def open_company(stage: Any) -> AsyncIterator[Opening]:
    """Open a company's door with the settings a test wants."""
    made: list[Company] = []

    async def opening(**settings: Mapping[str, Any]) -> Company:
        bot: Rehearsal = await stage(shipped, send_back, voice=VOICE, **settings)
        bot.channel = "sms"
        http = make_app({}, bot.app.core, routes=bot.app.routes(), metrics=Metrics(), gate=Gate())
        server = Server(http, port=0, grace=1)
        await server.start()
        company = Company(bot, server, ClientSession())
        made.append(company)
        company.key = await company.make_key("shop", *ALL)
        return company

    yield opening
    for company in made:
        await company.client.close()
        await company.server.stop()


@pytest.fixture
async def company(open_company: Opening) -> Company:
    """A company's door with the usual settings."""
    return await open_company()
