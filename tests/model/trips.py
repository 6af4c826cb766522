"""One journey in six versions of its code, as deploys would bring them and take them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from segue import Chat, Dialog, Integer, dialog, slot
from segue.dialog import Registry
from segue.slots import Slot
from segue.voice import Voice, load_voice

HERE = Path(__file__).parent
Code = slot(r"[A-Z]{2}-[A-Z]{2}", example="AB-CD", name="code")
Colour = slot(r"red|green", example="red", name="colour")
Two = slot(r"\d{2}", example="42", name="two")
Letter = slot(r"[SML]", example="M", name="letter")

REMINDER = timedelta(minutes=30)
SHIPPING = timedelta(minutes=20)

DONE: list[tuple[str, str, str]] = []
"""(step, subject, key) of everything that was done outside."""


async def fetch(order: str, idempotency_key: str) -> str:
    DONE.append(("fetch", order, idempotency_key))
    return f"trip {order}"


async def lookup(order: str, idempotency_key: str) -> str:
    DONE.append(("lookup", order, idempotency_key))
    return f"trip {order}"


async def pay(order: str, idempotency_key: str) -> str:
    DONE.append(("pay", order, idempotency_key))
    return f"receipt {order}"


async def price(trip: str, idempotency_key: str) -> int:
    DONE.append(("price", trip, idempotency_key))
    return 12


async def ship(order: str, idempotency_key: str) -> str:
    DONE.append(("ship", order, idempotency_key))
    return f"parcel {order}"


async def tell_depot(parcel: str, idempotency_key: str) -> None:
    DONE.append(("tell_depot", parcel, idempotency_key))


@dataclass(frozen=True)
class Version:
    """What one version of the code asks, and how."""

    name: str
    colour: bool = False
    size: Slot[int] | Slot[str] | None = Integer
    renamed: bool = False

    @property
    def questions(self) -> list[str]:
        """Return the questions, and the wait, in their order."""
        asked = ["order"]
        asked += ["colour"] if self.colour else []
        asked += ["size"] if self.size is not None else []
        return [*asked, "sure", "wait", "stars"]

    def dialog(self) -> Dialog[None]:
        """Return the journey as this version has it."""

        @dialog(
            "trip",
            examples=["order a trip please", "i want to go on a trip"],
            renamed={"fetch": "lookup"} if self.renamed else None,
        )
        async def trip(chat: Chat) -> None:
            await chat.say("hello")
            await chat.remind("still_here", after=REMINDER)
            order = await chat.ask("ask_order", Code)
            if self.renamed:
                found = await chat.run(lookup, order)
            else:
                found = await chat.run(fetch, order)
            await chat.run(price, found)
            if self.colour:
                await chat.ask("ask_colour", Colour)
            if self.size is not None:
                await chat.ask("ask_size", self.size)
            if not await chat.confirm("sure", order=order):
                await chat.say("not_booked", order=order)
                return
            receipt = await chat.run(pay, order, final=True)
            await chat.say("booked", receipt=receipt)
            await chat.wait(for_=SHIPPING)
            parcel = await chat.run(ship, order)
            await chat.run(tell_depot, parcel)
            await chat.say("shipped", parcel=parcel)
            await chat.ask("ask_stars", Integer)
            await chat.say("thanks")

        return trip


VERSIONS = [
    Version("first"),
    Version("step renamed", renamed=True),
    Version("question added", colour=True),
    Version("question removed", size=None),
    Version("slot changed", size=Two),
    Version("slot changed to another alphabet", size=Letter),
]
REGISTRIES = [Registry([version.dialog()]) for version in VERSIONS]


def voice() -> Voice:
    """Return the voice of the trips."""
    return load_voice(HERE / "house", default_locale="en")
