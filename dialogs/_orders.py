"""What several journeys begin with: which order, and is it theirs?"""

from __future__ import annotations

from segue import Chat, slot

from . import _shop
from ._shop import Order

OrderNumber = slot(r"[AS]\d{4}", name="order_number", example="A1001")
"""A for orders from the web, S for receipts from a shop."""

PostcodeOrEmail = slot(
    r"[^\s@]+@[^\s@]+\.[^\s@.,;]+|\d{5}|[A-Z]\d[\dW] ?[A-Z0-9]{4}",
    name="postcode_or_email",
    example="D02 AF30",
)

shop = _shop.open_shop()


async def find_order(chat: Chat) -> Order | None:
    """Open the customer's order, or tell them why it stays closed and return None."""
    number = await chat.ask("ask_order", OrderNumber)
    while True:
        proof = await chat.ask("ask_proof", PostcodeOrEmail)
        found = await chat.run(shop.find_order, number, proof)
        if found.order is not None:
            return found.order
        if found.locked:
            await chat.say("orders_locked")
            return None
        number = await chat.ask("ask_order_again", OrderNumber)
