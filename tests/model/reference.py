"""What a customer's trip should be like, in plain Python: no journal, no replay, no store.

An answer is kept as the customer's words. Which question is open follows from the words and from
the version of the code alone: the first question whose words are missing or mean nothing to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trips import REMINDER, SHIPPING, Integer, Letter, Two, Version

START, CANCEL, BACK = "order a trip please", "never mind", "go back"
AGAIN = "i meant "


def means(question: str, words: str, version: Version) -> bool:
    """Whether words are an answer."""
    patterns = {
        "wait": r"(?!)",
        "order": r".*[A-Z]{2}-[A-Z]{2}",
        "colour": r"red|green",
        "sure": r"yes|nope",
        "stars": r"\d+",
        "size": {Integer: r"\d+", Two: r"\d\d", Letter: r"[SML]", None: r"(?!)"}[version.size],
    }
    return re.fullmatch(patterns[question], words) is not None


@dataclass
class Trip:
    """A journey under way."""

    due: datetime | None
    """When the reminder is due."""
    words: dict[str, str] = field(default_factory=dict)
    way: list[str] = field(default_factory=list)
    """Questions that were answered on the way of the last turn."""
    asked: str = "order"
    """The question that was open when the last turn ended; `wait` until the order is shipped."""
    paid: bool = False
    shipped: bool = False
    ships: datetime | None = None
    """When it is shipped, while that is waited for."""


@dataclass
class Model:
    """Everything that is expected of one customer."""

    trip: Trip | None = None
    booked: list[str] = field(default_factory=list)
    """Orders that were paid, one for each trip that came so far."""
    shipped: int = 0
    reminded: int = 0

    def hear(self, words: str, version: Version, now: datetime) -> None:
        """Read a message."""
        trip = self.trip
        if trip is None:
            if words == START:
                self.trip = Trip(due=now + REMINDER)
                self._play(self.trip, version, now)
            return
        if words == CANCEL:
            self.trip = None
            return
        if words == BACK:
            if not trip.paid and trip.way:
                del trip.words[trip.way[-1]]
        else:
            self._answer(trip, words, version, now)
        self._play(trip, version, now)

    def ring(self, version: Version, now: datetime) -> None:
        """Let the time come."""
        trip = self.trip
        if trip is None:
            return
        if trip.due is not None and trip.due <= now:
            trip.due = None
            self.reminded += 1
        if trip.ships is not None and trip.ships <= now:
            trip.ships = None
            self._play(trip, version, now, shipping=True)

    def _answer(self, trip: Trip, words: str, version: Version, now: datetime) -> None:
        asked = trip.asked
        self._play(trip, version, now)
        if trip.asked == asked and means(asked, words, version):
            trip.words[asked] = words
        elif words.startswith(AGAIN) and not trip.paid and "order" in trip.way:
            trip.words["order"] = words.removeprefix(AGAIN)

    def _play(self, trip: Trip, version: Version, now: datetime, *, shipping: bool = False) -> None:
        trip.way = []
        for question in version.questions:
            if question == "wait":
                if shipping and not trip.shipped:
                    trip.shipped = True
                    self.shipped += 1
                if trip.shipped:
                    continue
                trip.asked = "wait"
                trip.ships = trip.ships or now + SHIPPING
                return
            words = trip.words.get(question)
            if words is None or not means(question, words, version):
                trip.asked, trip.ships = question, None
                return
            trip.way.append(question)
            if question == "sure":
                if words == "nope":
                    break
                if not trip.paid:
                    trip.paid = True
                    self.booked.append(trip.words["order"][-5:])
        self.trip = None


def after(minutes: int) -> timedelta:
    """Return a span."""
    return timedelta(minutes=minutes)
