"""SAMPLE: the shop behind the sample dialogs. Put your own order system in its place.

An order number alone opens nothing: `find_order` also wants the postcode or the e-mail on that
order, and answers the same way whether the number, the postcode or both are wrong. Five wrong
tries lock the customer who is guessing for an hour. The order is never locked: whoever owns it
can still open it.

Whatever changes something takes an `idempotency_key` and does it once per key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final

from .book import Book
from .orders import RECORDS, Item, Order, Record, view

__all__ = ["Found", "Item", "Label", "Order", "Shop", "StoreReturn", "open_shop", "things_to_try"]

TRIES: Final = 5
LOCKED_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search for an order brought: the order, or nothing, or nothing for an hour."""

    order: Order | None = None
    locked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A shipping label, sent by e-mail."""

    code: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreReturn:
    """What to show at the till."""

    code: str
    until: date


class Shop:
    """The sample shop, with its book in `folder`."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._book = Book(folder / "shop.jsonl")
        self._now = now

    def find_order(self, number: str, proof: str, *, customer: str = "anybody") -> Found:
        """Open an order for somebody who knows the postcode or the e-mail on it."""
        if self._locked(customer):
            return Found(locked=True)
        record = RECORDS.get(number.strip().upper())
        if record is None or not _proves(record, proof):
            self._note_wrong_try(customer, number, proof)
            return Found(locked=self._locked(customer))
        order = view(record, self._now().date())
        for moved in self._book.all("address"):
            if moved["number"] == order.number:
                order = replace(order, address=moved["address"])
        return Found(order=replace(order, email=record.email) if "@" in proof else order)

    def create_label(
        self, number: str, item: str, reason: str, email: str, *, idempotency_key: str
    ) -> Label:
        """Make a shipping label for one item and send it. The same key gets the same label."""
        code = _code("L", idempotency_key or f"{number}/{item}")
        deed = self._book.once(
            f"label/{idempotency_key}",
            lambda: {
                "what": "label",
                "number": number,
                "item": item,
                "reason": reason,
                "email": email,
                "code": code,
            },
        )
        return Label(code=deed["code"], url=f"https://www.tarnwood.example/labels/{deed['code']}")

    def book_store_return(
        self, number: str, item: str, reason: str, *, idempotency_key: str
    ) -> StoreReturn:
        """Tell the shops that something comes back over the counter within two weeks."""
        until = self._now().date() + timedelta(days=14)
        deed = self._book.once(
            f"store/{idempotency_key}",
            lambda: {
                "what": "store_return",
                "number": number,
                "item": item,
                "reason": reason,
                "code": _code("R", idempotency_key or f"{number}/{item}"),
                "until": until.isoformat(),
            },
        )
        return StoreReturn(code=deed["code"], until=date.fromisoformat(deed["until"]))

    def change_address(self, number: str, address: str, *, idempotency_key: str) -> bool:
        """Send an order elsewhere, if it has not left yet. False: it has."""
        record = RECORDS[number]
        if not record.packing:
            return False
        self._book.once(
            f"address/{idempotency_key}",
            lambda: {"what": "address", "number": number, "address": address},
        )
        return True

    def _locked(self, customer: str) -> bool:
        """Whether they guessed wrong five times within an hour, less than an hour ago."""
        who, now = _code("", customer), self._now()
        tries = sorted(
            datetime.fromisoformat(deed["at"])
            for deed in self._book.all("wrong_try")
            if deed["who"] == who
        )
        return any(
            last - first < LOCKED_FOR and now - last < LOCKED_FOR
            for first, last in zip(tries, tries[TRIES - 1 :], strict=False)
        )

    def _note_wrong_try(self, customer: str, number: str, proof: str) -> None:
        at = self._now().isoformat()
        who = _code("", customer)
        # The same wrong pair again is the same try: a repeated step must not count twice.
        self._book.once(
            f"try/{who}/{_code('', number + proof)}/{at[:13]}",
            lambda: {"what": "wrong_try", "who": who, "at": at},
        )


def things_to_try() -> list[dict[str, str]]:
    """Return what the demo page suggests: an order that works, and how it is opened."""
    tries = (
        ("return", "A1001", "a jacket that arrived five days ago"),
        ("track", "A1002", "boots that are on their way"),
        ("choose", "A1003", "three things, one of them to send back"),
        ("too_late", "A1004", "a fleece that came too long ago"),
        ("address", "A1006", "a parcel that has not left yet"),
        ("counter", "S2002", "a jacket bought over the counter"),
    )
    return [
        {
            "what": what,
            "order": number,
            "postcode": RECORDS[number].postcode,
            "email": RECORDS[number].email,
            "customer": RECORDS[number].customer,
            "about": about,
        }
        for what, number, about in tries
    ]


def _proves(record: Record, proof: str) -> bool:
    if "@" in proof:
        return proof.strip().casefold() == record.email
    return _squeezed(proof) == _squeezed(record.postcode)


def _squeezed(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _code(prefix: str, seed: str) -> str:
    number = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest())
    return f"{prefix}{number % 1_000_000:06d}"


def open_shop() -> Shop:
    """Return the shop with its book in `$TARNWOOD_DATA`, or in `data/` where nothing says so."""
    return Shop(Path(os.environ.get("TARNWOOD_DATA", "data")))
