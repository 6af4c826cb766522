"""A small house of dialogs in which every verb has one reason to be."""

from __future__ import annotations

from datetime import timedelta

from segue import Cancelled, Chat, Email, Integer, Retry, StepFailed, Text, dialog, slot
from segue.dialog import Registry

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001", name="order_number")

DONE: list[tuple[str, str]] = []
"""(step, idempotency key) of everything that was done outside."""
FAIL: dict[str, int] = {}
"""How often a step is to fail before it works."""


async def fetch(number: str, idempotency_key: str) -> dict[str, str]:
    DONE.append((f"fetch {number}", idempotency_key))
    if FAIL.get("fetch", 0) > 0:
        FAIL["fetch"] -= 1
        raise ConnectionError("the shop is closed")
    return {"number": number, "item": "lamp" if number == "A1001" else "chair"}


async def pay(number: str, idempotency_key: str) -> str:
    DONE.append((f"pay {number}", idempotency_key))
    return f"receipt for {number}"


def release(number: str) -> None:
    DONE.append((f"release {number}", ""))


@dialog("send_back", examples=["i want to send something back", "return an order"])
async def send_back(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    order = await chat.run(fetch, number, retry=Retry(attempts=1))
    reason = await chat.choose("ask_reason", ["broken", "too_big"], order=order)
    if not await chat.confirm("confirm", order=order):
        await chat.say("not_sent", order=order)
        return
    email = await chat.ask("ask_email", Email, remember="email")
    receipt = await chat.run(pay, number, final=True)
    await chat.milestone("paid")
    await chat.say("sent", receipt=receipt, email=email, reason=reason)
    await chat.ask("ask_stars", Integer)
    await chat.say("thanks")


@dialog("size", examples=["which size do i need", "help me with the size"])
async def size(chat: Chat) -> str:
    height = await chat.ask("ask_height", Integer)
    await chat.say("your_size", height=height)
    return "L"


@dialog("order_it", examples=["i want to buy a jacket"])
async def order_it(chat: Chat) -> None:
    try:
        chosen = await chat.call(size)
        note = await chat.ask("ask_note", Text, skippable=True)
        await chat.say("ordered", size=chosen, note=note or "none")
    except Cancelled:
        await chat.run(release, "jacket")
        await chat.say("released")
        raise


@dialog("wait_for_it", examples=["tell me when it is ready"])
async def wait_for_it(chat: Chat) -> None:
    await chat.say("i_will")
    await chat.remind("still_here", after=timedelta(minutes=30))
    await chat.wait(for_=timedelta(hours=1))
    answer = await chat.ask("ask_come", Text, timeout=timedelta(minutes=10))
    await chat.say("so_be_it" if answer is None else "you_come")


@dialog("careful", examples=["be careful please now"])
async def careful(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    try:
        await chat.run(fetch, number, retry=Retry(attempts=1))
    except StepFailed:
        await chat.say("shop_closed")
        return
    await chat.say("thanks")


@dialog("counting", examples=["count with me"])
async def counting(chat: Chat, so_far: int = 0) -> None:
    number = await chat.ask("ask_number", Integer)
    if number:
        await chat.say("sum", total=so_far + number)
        await chat.restart(so_far=so_far + number)
    await chat.say("thanks")


@dialog("deliver_to", examples=["deliver it to another place"])
async def deliver_to(chat: Chat) -> None:
    number = await chat.ask("ask_order", OrderNumber)
    place = await chat.ask("ask_place", Text)
    if await chat.confirm("confirm_place", place=place):
        await chat.say("on_its_way", number=number, place=place)


@dialog("errand", examples=["i have an errand"])
async def errand(chat: Chat) -> None:
    wish = await chat.choose("ask_wish", ["size", "count"])
    await chat.call(size if wish == "size" else counting)


@dialog("broken", examples=["break it"])
async def broken(chat: Chat) -> None:
    await chat.ask("ask_number", Integer)
    raise RuntimeError("customer@example.com said something secret")


HOUSE = Registry(
    [
        *(send_back, size, order_it, wait_for_it, careful, counting),
        *(deliver_to, errand, broken),
    ]
)
