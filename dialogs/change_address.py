"""Sending an order somewhere else, as long as it has not left."""

from __future__ import annotations

from segue import Chat, dialog, slot

from ._orders import find_order, shop


@slot(name="address", example="5 Dawson Street, D02 XY45 Dublin")
def Address(text: str) -> str | None:  # noqa: N802 - reads as the other slots do
    """Read an address: some words with a number among them. A question is none."""
    said = " ".join(text.split())
    numbered = any(c.isdigit() for c in said)
    return said if numbered and "?" not in said and len(said.split()) > 2 else None


@dialog(
    "change_address",
    title="Change the delivery address",
    examples={
        "en": [
            "I want to change the delivery address",
            "change my address",
            "I entered the wrong address",
            "can you send it to another address",
            "deliver my order somewhere else",
            "I've moved, please change the address of my order",
            "there is a mistake in my address",
            "I forgot the house number",
            "please send the parcel to my work",
            "wrong street on the order",
            "correct my shipping address",
            "my new address",
            "ship it to my neighbour instead",
        ],
        "de": [
            "ich möchte die Lieferadresse ändern",
            "Adresse ändern",
            "ich habe die falsche Adresse angegeben",
            "könnt ihr es an eine andere Adresse liefern",
            "ich bin umgezogen",
            "in meiner Adresse ist ein Fehler",
            "ich habe die Hausnummer vergessen",
            "bitte ins Büro liefern",
            "falsche Straße bei der Bestellung",
            "Lieferanschrift korrigieren",
            "neue Anschrift",
            "schickt das Paket bitte woandershin",
        ],
    },
)
async def change_address(chat: Chat, number: str = "") -> None:
    """Open the order, take the new address, read it back, change it once."""
    order = await find_order(chat, number)
    if order is None:
        return
    if order.state == "in_transit":
        await chat.say("already_left", order=order)
    elif order.state != "packing":
        await chat.say("already_there", order=order)
    else:
        address = await chat.ask("ask_address", Address, order=order)
        while not await chat.confirm("confirm_address", order=order, address=address):
            address = await chat.ask("ask_right_address", Address)
        if await chat.run(shop.change_address, order.number, address, final=True):
            await chat.milestone("address_changed")
            await chat.say("address_changed", order=order, address=address)
        else:
            # It was packed and picked up while we talked.
            await chat.say("already_left", order=order)
