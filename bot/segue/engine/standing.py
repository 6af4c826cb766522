"""How sure it is, in this turn, that an address is the customer's.

- The customer's record is the truth about levels. It says nothing about time.
- A phone number is given to other people: one that was silent for too long proves nothing any more
  until a code sent there comes back. When it was heard from is kept with the state.
- An address that is not in the record stands lowest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import regex

from segue.engine.state import Number, State
from segue.types import Address, Millis, Proof

_PHONE = regex.compile(r"\+[1-9][0-9]{6,14}")


def is_phone(address: Address) -> bool:
    """Whether an address is a phone number, which may be somebody else's one day."""
    return _PHONE.fullmatch(address.id) is not None


class Standing:
    """The levels of one customer's addresses in one turn."""

    def __init__(
        self,
        addresses: Iterable[tuple[Address, Proof]],
        state: State,
        *,
        at: Millis,
        silent: timedelta,
    ) -> None:
        self._levels = dict(addresses)
        self._state = state
        self._at = at
        self._silent = int(silent.total_seconds() * 1000)
        self.lost: list[Address] = []
        """Numbers whose record still says that they are proved, and must not any more."""
        if state.numbers:
            known = {_key(address) for address in self._levels}
            for gone in state.numbers.keys() - known:
                del state.numbers[gone]

    def of(self, address: Address) -> Proof:
        """Return the level of an address."""
        level = self._levels.get(address, Proof.CLAIMED)
        if level is Proof.VERIFIED and is_phone(address):
            number = self._state.numbers.get(_key(address))
            if number is not None and (number.stale or self._too_long(number)):
                return Proof.CHANNEL
        return level

    def addresses(self) -> list[Address]:
        """Return the customer's addresses, in the order of the record."""
        return list(self._levels)

    def heard_from(self, address: Address) -> None:
        """Note that a message came from there; after too long a silence it proves nothing."""
        if not is_phone(address):
            return
        number = self._state.numbers.setdefault(_key(address), Number(heard=self._at))
        if self._too_long(number):
            number.stale = True
        number.heard = self._at
        if number.stale and self._levels.get(address) is Proof.VERIFIED:
            self.lost.append(address)

    def proved(self, address: Address, level: Proof) -> None:
        """Note that an address has just been proved."""
        self._levels[address] = max(level, self._levels.get(address, level))
        if address in self.lost:
            self.lost.remove(address)
        if is_phone(address):
            self._state.numbers[_key(address)] = Number(heard=self._at)

    def _too_long(self, number: Number) -> bool:
        return number.heard < self._at - self._silent


def _key(address: Address) -> str:
    return f"{address.channel}:{address.id}"
