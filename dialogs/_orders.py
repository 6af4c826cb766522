"""What every journey about an order begins with: which one, and is it theirs?"""

from __future__ import annotations

from segue import Chat, slot

from ._shop import Order, open_shop

shop = open_shop()

OrderNumber = slot(r"[AS]\d{4}", name="order_number", example="A1001")
"""A for orders from the web, S for receipts from a shop."""

PostcodeOrEmail = slot(
    r"[^\s@]+@[^\s@]+\.[^\s@.,;]+|[A-Z]\d[\dW] ?[A-Z0-9]{4}|\d{5}",
    name="postcode_or_email",
    example="D02 AF30",
)


async def find_order(chat: Chat, number: str = "") -> Order | None:
    """Open the customer's order, or tell them why it stays closed and return None.

    `number` is given where they have named it already.
    """
    number = number or await chat.ask("ask_order", OrderNumber)
    while True:
        proof = await chat.ask("ask_proof", PostcodeOrEmail)
        found = await chat.run(shop.find_order, number, proof)
        if found.order is not None:
            await chat.milestone("order_found")
            return found.order
        if found.locked:
            await chat.say("orders_locked")
            return None
        number = await chat.ask("ask_order_again", OrderNumber)
