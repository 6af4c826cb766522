"""Errands: dialogs that touch the world in every way a crash can hurt.

`errand` has two steps in one turn, a called dialog with a step of its own, a remembered fact, a
final step, a timer after which two more steps follow, and an open question at its end. Every step
writes into a ledger outside Segue, with the key it was given, before it returns.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import timedelta
from typing import Any

from segue import Chat, Email, Integer, dialog, slot
from segue.dialog import Registry

Number = slot(r"[A-Z]\d{4}", example="A1001", name="order_number")

WAIT = timedelta(milliseconds=300)
"""How long the errand takes to be shipped. A worker may be told another time (`Task.wait`)."""

LEDGER = -1
"""Descriptor of the ledger, opened for appending; one write per line survives any kill."""


SLOW = 0.0
"""Seconds that a step takes."""


async def note(step: str, subject: str, customer: str, key: str) -> None:
    """Write down that something was done outside."""
    await asyncio.sleep(SLOW)
    if LEDGER >= 0:
        line = {"step": step, "subject": subject, "customer": customer, "key": key}
        os.write(
            LEDGER, json.dumps({**line, "pid": os.getpid(), "at": time.time()}).encode() + b"\n"
        )


async def reserve(number: str, customer: str, idempotency_key: str) -> dict[str, Any]:
    await note("reserve", number, customer, idempotency_key)
    return {"number": number, "item": "lamp"}


async def price(number: str, item: str, customer: str, idempotency_key: str) -> int:
    await note("price", f"{number} {item}", customer, idempotency_key)
    return 12


async def cut(height: int, customer: str, idempotency_key: str) -> str:
    await note("cut", str(height), customer, idempotency_key)
    return "L"


async def pay(number: str, customer: str, idempotency_key: str) -> str:
    await note("pay", number, customer, idempotency_key)
    return f"receipt for {number}"


async def ship(number: str, customer: str, idempotency_key: str) -> str:
    await note("ship", number, customer, idempotency_key)
    return "parcel 7"


async def tell_depot(parcel: str, customer: str, idempotency_key: str) -> str:
    await note("tell_depot", parcel, customer, idempotency_key)
    return "noon"


@dialog("measure", examples=["measure me for a coat"])
async def measure(chat: Chat) -> str:
    height = await chat.ask("ask_height", Integer)
    size = await chat.run(cut, height)
    await chat.say("measured", size=size)
    return size


@dialog("errand", examples=["run an errand for me", "do an errand"])
async def errand(chat: Chat) -> None:
    await chat.say("gladly")
    number = await chat.ask("ask_number", Number)
    order = await chat.run(reserve, number)
    cost = await chat.run(price, number, order["item"])
    await chat.say("found", item=order["item"], cost=cost)
    size = await chat.call(measure)
    if not await chat.confirm("sure", size=size):
        await chat.say("dropped")
        return
    email = await chat.ask("ask_email", Email, remember="email")
    receipt = await chat.run(pay, number, final=True)
    await chat.milestone("paid")
    await chat.say("paid", receipt=receipt, email=email)
    await chat.wait(for_=WAIT)
    parcel = await chat.run(ship, number)
    when = await chat.run(tell_depot, parcel)
    await chat.say("shipped", parcel=parcel, when=when)
    await chat.ask("ask_stars", Integer)
    await chat.say("thanks")


HOUSE = Registry([errand, measure])
