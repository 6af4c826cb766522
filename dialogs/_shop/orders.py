"""The sample shop's shelves and books: Tarnwood, clothes and gear for walking.

Everything here is made up. Days are counted from today, so the sample never grows old:
an order "delivered five days ago" was delivered five days ago whenever you try it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

DAYS_TO_RETURN: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing in an order. Product names are the same in every language."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order as a dialog sees it: opened for somebody who proved that it is theirs."""

    number: str
    items: list[Item]
    state: str
    """`packing`, `in_transit`, `delivered`, or `collected` (bought over the counter)."""
    returns: str
    """`open`, `too_old`, `returned`, or `not_arrived`."""
    bought_in: str = "online"
    """`online`, or the town of the shop."""
    expected_on: date | None = None
    arrived_on: date | None = None
    returned_on: date | None = None
    return_until: date | None = None
    carrier: str = ""
    tracking: str = ""
    address: str = ""
    email: str = ""
    """Only where the customer named it as their proof, so nobody is asked for it twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An order as the shop keeps it; never leaves this package."""

    number: str
    customer: str
    email: str
    postcode: str
    address: str
    items: list[Item]
    bought_in: str = "online"
    arrived: int | None = None
    """Days since it was delivered, or bought over the counter."""
    expected: int | None = None
    """Days until it arrives."""
    packing: bool = False
    returned: int | None = None
    """Days since it came back."""
    carrier: str = ""
    tracking: str = ""


def _items(*names: str) -> list[Item]:
    return [Item(id=name.split()[0].casefold(), name=name) for name in names]


_ADA = Record(
    number="",
    customer="ada",
    email="ada@example.com",
    postcode="D02 AF30",
    address="14 Merrion Row, D02 AF30 Dublin",
    items=[],
    carrier="An Post",
)
_BEN = Record(
    number="",
    customer="ben",
    email="ben@example.com",
    postcode="20095",
    address="Lilienstraße 7, 20095 Hamburg",
    items=[],
    carrier="DHL",
)
_CLEO = Record(
    number="",
    customer="cleo",
    email="cleo@example.com",
    postcode="T12 X70A",
    address="3 Quay Lane, T12 X70A Cork",
    items=[],
    carrier="An Post",
)

RECORDS: Final[dict[str, Record]] = {
    record.number: record
    for record in (
        replace(_ADA, number="A1001", items=_items("Ridge Jacket"), arrived=5, tracking="TW51001"),
        replace(_ADA, number="A1002", items=_items("Cairn Boots"), expected=2, tracking="TW51002"),
        replace(
            _ADA,
            number="A1003",
            items=_items("Fern Shirt", "Heath Trousers", "Moss Socks"),
            arrived=9,
            tracking="TW51003",
        ),
        replace(_ADA, number="A1004", items=_items("Tarn Fleece"), arrived=74, tracking="TW51004"),
        replace(
            _ADA,
            number="A1005",
            items=_items("Drift Poncho"),
            arrived=20,
            returned=6,
            tracking="TW51005",
        ),
        replace(_ADA, number="A1006", items=_items("Loch Flask", "Ember Stove"), packing=True),
        replace(_ADA, number="S2001", items=_items("Gale Hat"), bought_in="Dublin", arrived=3),
        replace(_BEN, number="A1011", items=_items("Summit Tent"), arrived=12, tracking="TW51011"),
        replace(_BEN, number="A1012", items=_items("Pine Rucksack"), packing=True, expected=4),
        replace(
            _BEN,
            number="A1013",
            items=_items("Beck Sandals", "Moss Socks"),
            expected=1,
            tracking="TW51013",
        ),
        replace(_BEN, number="A1014", items=_items("Crag Gloves"), arrived=31, tracking="TW51014"),
        replace(_BEN, number="S2002", items=_items("Ridge Jacket"), bought_in="Hamburg", arrived=8),
        replace(_BEN, number="S2003", items=_items("Loch Flask"), bought_in="Hamburg", arrived=120),
        replace(_CLEO, number="A1021", items=_items("Fell Leggings"), arrived=2),
        replace(_CLEO, number="A1022", items=_items("Tarn Fleece"), expected=3),
    )
}


def view(record: Record, today: date) -> Order:
    """Return `record` as a dialog may see it on that day."""
    arrived = today - timedelta(days=record.arrived) if record.arrived is not None else None
    until = arrived + timedelta(days=DAYS_TO_RETURN) if arrived else None
    if record.bought_in != "online":
        state = "collected"
    elif arrived:
        state = "delivered"
    else:
        state = "packing" if record.packing else "in_transit"
    if record.returned is not None:
        returns = "returned"
    elif until is None:
        returns = "not_arrived"
    else:
        returns = "open" if today <= until else "too_old"
    return Order(
        number=record.number,
        items=record.items,
        state=state,
        returns=returns,
        bought_in=record.bought_in,
        expected_on=(
            today + timedelta(days=record.expected) if record.expected is not None else None
        ),
        arrived_on=arrived,
        returned_on=(
            today - timedelta(days=record.returned) if record.returned is not None else None
        ),
        return_until=until,
        carrier=record.carrier if record.tracking else "",
        tracking=record.tracking,
        address=record.address,
    )
