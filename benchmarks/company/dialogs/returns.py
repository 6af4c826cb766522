"""Four turns: what it is about, which order, why, and yes."""

from __future__ import annotations

from segue import Chat, dialog, slot

OrderNumber = slot(r"[A-Z]\d{4}", example="A1001")


async def find_order(number: str) -> dict[str, str]:
    """Return an order at once: the shop's own time is not what is measured."""
    return {"number": number, "item": "Rain jacket"}


@dialog("return_item", examples=["I want to send something back", "return an order"])
async def return_item(chat: Chat) -> None:
    """Find the order, learn why, confirm."""
    number = await chat.ask("ask_order", OrderNumber)
    order = await chat.run(find_order, number)
    reason = await chat.choose("ask_reason", ["wrong_size", "damaged", "changed_mind"], order=order)
    if await chat.confirm("confirm_return", order=order):
        await chat.say("label_ready", order=order, reason=reason)
    else:
        await chat.say("return_cancelled")
