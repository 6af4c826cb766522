"""Where is my order?"""

from __future__ import annotations

from segue import Chat, dialog

from ._orders import find_order


@dialog(
    "order_status",
    title="Where is my order?",
    examples={
        "en": [
            "where is my order",
            "where is my parcel",
            "track my order",
            "track my package",
            "order status",
            "where is A1001",
            "has my order been sent",
            "have you shipped my order yet",
            "when will my order arrive",
            "my parcel has not arrived yet",
            "I'm still waiting for my delivery",
            "is there any news about my order",
            "what is the tracking number",
            "tracking doesn't work",
            "I ordered a jacket last week and it isn't here",
            "when does my stuff come",
            "check on an order",
            "I want to know where my order is",
            "when is my delivery coming",
            "my order is late",
            "did you send it already",
            "where are my boots",
            "how far is my parcel",
        ],
        "de": [
            "wo ist meine Bestellung",
            "wo ist mein Paket",
            "Paket verfolgen",
            "Sendungsverfolgung",
            "Status meiner Bestellung",
            "wo ist A1011",
            "wann kommt meine Bestellung an",
            "wurde meine Bestellung schon verschickt",
            "mein Paket ist noch nicht da",
            "ich warte noch auf meine Lieferung",
            "gibt es etwas Neues zu meiner Bestellung",
            "wie lautet die Sendungsnummer",
            "ich habe letzte Woche bestellt und noch nichts bekommen",
            "wann kommen meine Sachen",
            "Lieferstatus",
            "wann kommt mein Paket",
            "ist meine Bestellung schon unterwegs",
            "meine Lieferung ist zu spät",
            "wo sind meine Schuhe",
        ],
    },
)
async def order_status(chat: Chat, number: str = "") -> None:
    """Open the order and say where it is."""
    order = await find_order(chat, number)
    if order is None:
        return
    if order.returns == "returned":
        await chat.say("came_back", order=order)
    elif order.state == "packing":
        await chat.say("is_packing")
    elif order.state == "in_transit":
        await chat.say("in_transit", order=order)
    elif order.state == "collected":
        await chat.say("was_collected", order=order)
    else:
        await chat.say("was_delivered", order=order)
