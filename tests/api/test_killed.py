"""kill -9 between accepting a start and beginning its dialog: it begins, once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from segue.memory import Store
from segue.memory.embedded import Embedded
from segue.types import Address, Line, Proof
from segue.voice import plain

KEY = "segue_" + "k" * 43
ADA = "ada" + "0" * 19
BODY = {"customer": f"segue:{ADA}", "dialog": "shipped", "values": {"order": "A1001"}}

Begin = Callable[[str], Awaitable[tuple[asyncio.subprocess.Process, str]]]


@pytest.fixture
async def begin(valkey: Embedded, store_prefix: str) -> AsyncIterator[Begin]:
    """Start a process, that dies at a failpoint if one is named; return it and its address."""
    begun: list[asyncio.subprocess.Process] = []

    async def process(failpoint: str) -> tuple[asyncio.subprocess.Process, str]:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("serving.py")),
            valkey.url,
            store_prefix,
            env={**os.environ, "SEGUE_FAILPOINT": failpoint},
            stdout=asyncio.subprocess.PIPE,
        )
        begun.append(started)
        assert started.stdout is not None
        return started, (await asyncio.wait_for(started.stdout.readline(), 30)).decode().strip()

    yield process
    for one in begun:
        if one.returncode is None:
            one.kill()
        await one.wait()


async def post(address: str) -> int | None:
    """Ask for the dialog; None if the process died over it."""
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "parcel-1"}
    async with aiohttp.ClientSession() as client:
        try:
            async with client.post(f"{address}/api/dialogs", json=BODY, headers=headers) as answer:
                return answer.status
        except aiohttp.ClientError:
            return None


async def said(store: Store) -> list[str]:
    lines, _ = await store.lines(ADA)
    found = [msgspec.msgpack.decode(line, type=Line) for _, line in lines]
    return [
        plain(line.message) for line in found if line.message and "disclosure" not in line.reply
    ]


@pytest.mark.parametrize("failpoint", ["receive", "admitted", "turn", "decide", "committed"])
async def test_what_was_accepted_begins_once(
    begin: Begin, open_a_store: Any, failpoint: str
) -> None:
    """The caller sends the same request again until it is accepted, as clients do."""
    store: Store = await open_a_store()
    await store.create(ADA, Address("web", "w1"), Proof.CHANNEL)
    await store.add_api_key("shop", ["dialogs"], KEY)
    first, address = await begin(failpoint)
    answered = await post(address)
    assert await asyncio.wait_for(first.wait(), 10) != 0, "it was to die"
    _second, address = await begin("")
    if answered is None:
        assert await post(address) == 202
    for _ in range(300):
        if await said(store):
            break
        await asyncio.sleep(0.05)
    assert await post(address) == 202
    await asyncio.sleep(0.5)
    assert await said(store) == ["Your order A1001 is on its way, 2 days."]
