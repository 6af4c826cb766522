"""What may be spent on messages that nobody's words have asked for: codes, and writing first.

Whoever owns expensive numbers has codes sent to them, thousands of times ("pumping"). So:

- a cap for each day, a few messages to one number, some more to its neighbours (all numbers that
  differ in the last four digits only);
- a breaker: where many codes went and hardly any came back, no more go, for that prefix and for
  that country;
- only countries that are allowed, and never numbers that cost more than a phone call (premium).

It fails closed: without the store, or where a number cannot be read, nothing is sent. Answers to a
customer never come this way: a conversation under way is not cut off by a cap.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from segue.channel import Reason
from segue.errors import StoreUnavailable
from segue.memory.scripting import script
from segue.ports import Clock, to_millis
from segue.quiet import PHONES
from segue.types import Address, Purpose

if TYPE_CHECKING:
    from segue.memory import Store

SPEND, SPEND_BACK = script("spend"), script("spend_back")
log = logging.getLogger("segue.spending")

_COSTS = (Purpose.CODE, Purpose.PROACTIVE)
_NEIGHBOURS = 4
"""Digits at the end that do not belong to the prefix."""
_COUNTRY = 5
"""How many times as many codes a country may have sent for nothing as a prefix."""
_ALERT = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How much (`[spending]` in the settings)."""

    per_day: int = 1000
    per_number: int = 3
    number_minutes: float = 10.0
    per_prefix: int = 30
    prefix_minutes: float = 10.0
    breaker_after: int = 20
    least_percent: int = 20
    countries: frozenset[str] = frozenset()


class Spending:
    """Counts what is sent, in the store, for all processes."""

    def __init__(self, store: Store, caps: Caps, clock: Clock) -> None:
        self._store = store
        self._caps = caps
        self._clock = clock
        self._told: dict[str, float] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        """(purpose, `sent`, `returned`, or why it was held back) → how often."""

    async def may_send(self, address: Address, purpose: Purpose) -> Reason | None:
        """Count a message that is about to be sent; return why it must not be, or None."""
        if purpose not in _COSTS or not _is_phone(address):
            return None
        country, why = judged(address.id, self._caps.countries)
        if not why:
            why = await self._full(address.id, country, purpose)
        self.counts[purpose.value, why or "sent"] += 1
        if not why:
            return None
        self._alert(why, country)
        return Reason.SPENT

    async def converted(self, address: Address) -> None:
        """Note that a code came back from there."""
        if not _is_phone(address):
            return
        country, _ = judged(address.id, frozenset())
        self.counts[Purpose.CODE.value, "returned"] += 1
        keys = (self._key("prefix", _prefix(address.id)), self._key("country", country))
        try:
            await self._store.server.run(SPEND_BACK, keys, ())
        except StoreUnavailable:
            log.warning("spending_not_counted")

    async def _full(self, number: str, country: str, purpose: Purpose) -> str:
        caps, now = self._caps, self._clock.now()
        keys = (
            self._key("day", f"{now:%Y-%m-%d}"),
            self._key("number", number),
            self._key("prefix", _prefix(number)),
            self._key("country", country),
        )
        args = (
            *(to_millis(now), caps.per_day, caps.per_number, int(caps.number_minutes * 60_000)),
            *(caps.per_prefix, int(caps.prefix_minutes * 60_000), caps.breaker_after),
            *(caps.least_percent, int(purpose is Purpose.CODE), caps.breaker_after * _COUNTRY),
        )
        try:
            answer: bytes = await self._store.server.run(SPEND, keys, args)
        except StoreUnavailable:
            return "unavailable"
        return answer.decode()

    def _key(self, kind: str, name: str) -> bytes:
        return self._store.keys.spending(kind, blake2b(name.encode(), digest_size=12).hexdigest())

    def _alert(self, why: str, country: str) -> None:
        """Write one line a minute for each reason; the counter has them all."""
        now = self._clock.monotonic()
        if now - self._told.get(why, -_ALERT.total_seconds()) >= _ALERT.total_seconds():
            self._told[why] = now
            log.warning("spending_held", extra={"segue": {"why": why, "country": country}})


def judged(number: str, countries: frozenset[str]) -> tuple[str, str]:
    """Return a number's country (`AT`; empty: not known) and why nothing is sent there, if so."""
    import phonenumbers
    from phonenumbers import PhoneNumberType

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", "no_number"
    country = phonenumbers.region_code_for_number(parsed) or ""
    if not phonenumbers.is_possible_number(parsed):
        return country, "no_number"
    dear = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN)
    if phonenumbers.number_type(parsed) in dear:
        return country, "premium"
    return country, "country" if countries and country not in countries else ""


def _is_phone(address: Address) -> bool:
    # What has no plus is no number: no carrier takes it, it stands for a phone in a rehearsal.
    return address.channel in PHONES and address.id.startswith("+")


def _prefix(number: str) -> str:
    return number[:-_NEIGHBOURS]
