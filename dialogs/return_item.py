"""Sending something back: bought on the web or in a shop, given back by post or in a shop."""

from __future__ import annotations

from segue import Chat, Email, dialog

from ._orders import find_order, shop
from ._shop import Order


@dialog(
    "return_item",
    title="Send something back",
    examples={
        "en": [
            "I want to send this back",
            "I want to send something back",
            "return an order",
            "I want to return my order",
            "return A1001",
            "I want to return A1001",
            "send back A1001",
            "I'd like to return my jacket",
            "how do I return something",
            "can I give this back in the shop",
            "it doesn't fit, I want to send it back",
            "I want my money back for these boots",
            "I need a return label",
            "this is the wrong size",
            "wrong item in the parcel, I'm sending it back",
            "it arrived damaged",
            "wanna return smth",
            "can I return it, it's too small",
            "I need to return something I bought",
            "return these shoes",
            "I'd like to send my order back",
            "how do I send something back to you",
            "I bought this in your shop and want to give it back",
            "I don't want it, can I give it back",
            "please refund my order",
            "start a return",
            "refund please",
        ],
        "de": [
            "ich möchte etwas zurückschicken",
            "ich will meine Bestellung zurückgeben",
            "Retoure anmelden",
            "A1011 zurückschicken",
            "wie kann ich etwas zurückgeben",
            "ich brauche ein Rücksendeetikett",
            "die Jacke passt nicht, ich will sie zurückschicken",
            "kann ich das im Laden zurückgeben",
            "ich will mein Geld zurück",
            "die Schuhe sind zu klein",
            "falsche Größe bestellt",
            "kam kaputt an",
            "Rücksendung",
            "was zurückschicken",
            "ich will was zurückgeben",
            "kann ich das zurückgeben",
            "es passt mir nicht",
            "ich möchte meine Jacke zurückgeben",
            "Rückgabe",
            "ich muss etwas zurückgeben",
        ],
    },
)
async def return_item(chat: Chat, number: str = "") -> None:
    """Open the order, see what may come back, and make a label or tell the shop."""
    order = await find_order(chat, number)
    if order is None:
        return
    match order.returns:
        case "returned":
            await chat.say("already_returned", order=order)
        case "too_old":
            await chat.say("too_old", order=order)
        case "not_arrived":
            await chat.say("not_arrived")
        case _:
            await send_back(chat, order)


async def send_back(chat: Chat, order: Order) -> None:
    """Learn what, why and how; then do it once."""
    item = order.items[0]
    if len(order.items) > 1:
        chosen = await chat.choose("ask_item", [item.id for item in order.items], order=order)
        item = next(item for item in order.items if item.id == chosen)
    reason = await chat.choose("ask_reason", ["wrong_size", "damaged", "changed_mind"], item=item)
    way = await chat.choose("ask_way", ["post", "shop"])

    if way == "shop":
        if await chat.confirm("confirm_shop", item=item):
            booked = await chat.run(
                shop.book_store_return, order.number, item.id, reason, final=True
            )
            await chat.milestone("return_booked")
            await chat.say("shop_return_ready", item=item, booked=booked)
        else:
            await chat.say("return_dropped")
        return

    email = order.email or await chat.ask("ask_email", Email, remember="email")
    if await chat.confirm("confirm_post", item=item, email=email):
        label = await chat.run(shop.create_label, order.number, item.id, reason, email, final=True)
        await chat.milestone("label_sent")
        await chat.say("label_ready", label=label, email=email)
    else:
        await chat.say("return_dropped")
