"""Customers on several channels, a voice with what Segue's own dialogs say, hands on the store."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from segue.builtin import MAKERS
from segue.channel import Accepted
from segue.testing import Rehearsal
from segue.testing.plugin import Stage, segue_prefix, segue_server, stage
from segue.types import Address, CustomerId, Inbound, Line, Proof
from segue.voice import plain

__all__ = ["segue_prefix", "segue_server", "stage"]

BRAND = Path(__file__).resolve().parents[2] / "brand_voice/en"
SMS, ELSEWHERE = Address("sms", "+436601234567"), Address("sms", "+436607654321")
WEB, TELEGRAM = Address("web", "w-ada"), Address("telegram", "4711")


def wording(common: str = "") -> dict[str, str]:
    """The house's own replies, and the sample company's for the dialogs that Segue brings."""
    found = {"en/common.j2": common}
    for path in BRAND.glob("*.j2"):
        if path.stem in MAKERS:
            found[f"en/{path.name}"] = path.read_text()
    return found


class People:
    """People who write from addresses; several of them on one bot."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.app = rehearsal.app
        self.store = rehearsal.app.store
        self._count = 0
        self._read: dict[Address, int] = {}

    async def writes(self, address: Address, text: str, **more: Any) -> list[str]:
        """Somebody writes; return what reaches that address since it was read last."""
        self._count += 1
        inbound = Inbound(address=address, message_id=f"p{self._count}", text=text, **more)
        answer = await self.app.core.receive(inbound)
        assert isinstance(answer, Accepted), answer
        await self.rest()
        return await self.sees(address)

    async def agrees(self, address: Address, word: str = "yes") -> list[str]:
        """Somebody says yes, and brings the code that this needs where senders can be forged."""
        said = await self.writes(address, word)
        if said and "six digits" in said[-1]:
            said = await self.writes(address, self.code_at(address))
        return said

    async def rest(self) -> None:
        """Wait until nothing is under way, nor left for the sweeper."""
        worker = self.app.worker
        while True:
            while worker._running or worker._tasks:
                await asyncio.wait([*worker._running.values(), *worker._tasks])
            await self.app.delivery.settled()
            if not await worker.sweep() and not worker._tasks:
                return

    async def sees(self, address: Address) -> list[str]:
        """Return what has reached an address since it was read last."""
        channel = self.rehearsal.channels[address.channel]
        if channel.capabilities.push:
            texts = [plain(one.message) for one in channel.delivered if one.address == address]
        else:
            owner = await self.store.owner(address)
            lines = [] if owner is None else await self.lines(owner)
            texts = [
                plain(line.message) for line in lines if line.message and line.channel == "web"
            ]
        new = texts[self._read.get(address, 0) :]
        self._read[address] = len(texts)
        return new

    async def lines(self, customer: CustomerId) -> list[Line]:
        page = await self.app.core.page(customer, after=-1, limit=1000)
        return [line for _, line in page.lines]

    async def who(self, address: Address) -> CustomerId:
        owner = await self.store.owner(address)
        assert owner is not None
        return owner

    async def level(self, address: Address) -> Proof:
        """The level of an address in its customer's record."""
        snapshot = await self.store.snapshot(await self.who(address))
        assert snapshot is not None
        return dict(snapshot.addresses)[address]

    def code_at(self, address: Address) -> str:
        """The last six digits that reached an address."""
        channel = self.rehearsal.channels[address.channel]
        texts = [plain(one.message) for one in channel.delivered if one.address == address]
        found = re.findall(r"\b\d{6}\b", " ".join(texts))
        assert found, texts
        return found[-1]


@pytest.fixture
def people() -> type[People]:
    return People


@pytest.fixture
def begin(stage: Stage) -> Any:
    """Put dialogs on stage with the house's words; the result are its people."""

    async def make(*dialogs: Any, voice: str = "", **settings: Any) -> People:
        return People(await stage(*dialogs, voice=wording(voice), **settings))

    return make
