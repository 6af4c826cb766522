"""What happens before anybody has asked for anything in particular."""

from __future__ import annotations

import re

from segue import Chat, dialog

from .change_address import change_address
from .order_status import order_status
from .return_item import return_item


@dialog("welcome", opening=True)
async def welcome(chat: Chat) -> None:
    """Greet whoever opens the page for the first time, and say what can be done here."""
    await chat.say("welcome")


@dialog(
    "about_an_order",
    title="Something about an order",
    pattern=r"(?:and |what about |how about |und |was ist mit )?"
    r"(?:(?:my |meine |meiner )?(?:order|bestellung|number|nummer|nr\.?|#)[ :]*)?"
    r"(?P<number>[AS]\d{4})[ ?!.]*",
)
async def about_an_order(chat: Chat, number: str) -> None:
    """Somebody named an order and nothing else: ask what is to be done with it."""
    wish = await chat.choose("ask_wish", ["order_status", "return_item", "change_address"])
    match wish:
        case "order_status":
            await chat.call(order_status, number=number)
        case "return_item":
            await chat.call(return_item, number=number)
        case _:
            await chat.call(change_address, number=number)


@dialog(
    "talk_to_a_person",
    title="Talk to a person",
    examples={
        "en": [
            "I want to talk to a person",
            "can I speak to a human",
            "let me talk to somebody",
            "get me a real human being",
            "connect me with an agent",
            "I'd like to speak with customer service",
            "can somebody call me back",
            "I need someone who can help me",
            "what is your phone number",
            "how can I reach you by phone",
            "contact details",
            "can I write you an email",
            "is there a hotline",
            "I want to speak to your manager",
            "transfer me to a colleague",
        ],
        "de": [
            "ich möchte mit einem Menschen sprechen",
            "kann ich mit jemandem reden",
            "verbinde mich mit einem Mitarbeiter",
            "ich will einen echten Menschen",
            "kann mich jemand anrufen",
            "bitte um Rückruf",
            "wie ist eure Telefonnummer",
            "wie erreiche ich euch",
            "Kontakt",
            "gibt es eine Hotline",
            "ich will den Chef sprechen",
            "ich brauche jemanden, der mir hilft",
        ],
    },
)
async def talk_to_a_person(chat: Chat) -> None:
    """Say how to reach a colleague."""
    await chat.handoff()


@dialog("not_understood", fallback=True)
async def not_understood(chat: Chat, utterance: str) -> None:
    """Nobody knew what was meant. If an order is named, start from there; else say what we can."""
    named = re.findall(r"\b[AS]\d{4}\b", utterance, re.IGNORECASE)
    if len(named) == 1:
        await chat.call(about_an_order, number=named[0].upper())
    else:
        await chat.say("not_sure")
