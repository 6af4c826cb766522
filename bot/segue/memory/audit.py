"""The audit: who did what to whom, appended and never changed.

The rules it lives by:

- A row holds who acted, what was done, to which customer (by id), and a few short details. Never a
  customer's words, never a phone number or an e-mail address: those are blotted out here, whoever
  wrote them into a detail.
- Each row continues the digest of the one before, and the head keeps the number and digest of both
  ends. A row that was changed, taken out or put in is found by `check_audit`. Somebody who may
  write to the store could make a whole new chain: so `segue audit verify` prints the digest of the
  last row, and one that was kept elsewhere shows that too.
- Rows end by their age (`store.audit_days`), oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from segue.errors import StoreError
from segue.memory.base import Base, seconds
from segue.memory.scripting import script
from segue.ports import to_millis
from segue.types import CustomerId, Millis

AUDIT, AUDITED = script("audit"), script("audited")

_ACTION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)*")
_ID = re.compile(r"\d{1,20}-\d{1,20}")
_PERSONAL = re.compile(r"\+?\d{7,}|\+\d[\d ()/.-]{5,}\d|[^\s@]+@[^\s@]+\.\w+")
_LONGEST = 200
_TRIES = 50
_PAGE = 500


class Row(Struct, frozen=True, kw_only=True, array_like=True):
    """What is kept of one row, and what its digest is of. New fields go to the end."""

    action: str
    actor: str
    customer: CustomerId
    details: dict[str, str]
    at: Millis
    once: bytes
    """Makes two rows that say the same different."""


class Audited(Struct, frozen=True, kw_only=True):
    """One row as it is read."""

    id: str
    """Where it stands: pass it as `after`."""
    number: int
    """Grows by one, without gaps."""
    at: Millis
    action: str
    """What was done: `customer.link`, `api_key.revoke`."""
    actor: str
    """Who did it: `customer`, `cli`, `key:NAME`, an agent's id."""
    customer: CustomerId
    """To whom; empty where it is about no customer."""
    details: Mapping[str, str]


class Verdict(Struct, frozen=True, kw_only=True):
    """What checking the chain has found."""

    rows: int
    number: int
    """Of the last row that was ever written."""
    digest: str
    """Of the last row: kept elsewhere, it shows later that nothing before it was changed."""
    problems: tuple[str, ...]
    """Empty if the chain is whole."""


class Audit(Base):
    """Appending to the audit, reading and checking it."""

    _audit_head: bytes = b""

    async def audit(
        self,
        action: str,
        *,
        actor: str,
        customer: CustomerId = "",
        details: Mapping[str, str] = {},
    ) -> None:
        """Append a row. `action` is lower case words with dots: `customer.link`.

        Details are names and short facts; what looks like a phone number or an e-mail address is
        blotted out. Raises `ValueError` for an action that is no name.
        """
        if _ACTION.fullmatch(action) is None:
            raise ValueError(f"{action!r} is no name of an action; write one like customer.link")
        row = msgspec.msgpack.encode(
            Row(
                action=action,
                actor=_tame(actor),
                customer=customer,
                details={name: _tame(value) for name, value in details.items()},
                at=to_millis(self._clock.now()),
                once=self._operation(),
            )
        )
        before, life = self._audit_head, seconds(self.limits.audit)
        for _ in range(_TRIES):
            digest = _digest(before, row)
            reply = await self.server.run(AUDIT, self.keys.audit, (before, row, digest, life))
            if reply[0] == b"done":
                self._audit_head = digest
                return
            before = reply[2]
        raise StoreError("too many rows were written to the audit at once; try again")

    async def audited(
        self, after: str = "", limit: int = 100, customer: CustomerId | None = None
    ) -> list[Audited]:
        """Return rows after one of them, oldest first; with `customer` only those about them."""
        found: list[Audited] = []
        while len(found) < limit:
            rows = (await self._audit_page(after, _PAGE if customer else limit))[4]
            found += [
                row for row in map(_audited, rows) if customer is None or row.customer == customer
            ]
            if customer is None or len(rows) < _PAGE:
                break
            after = rows[-1][0].decode()
        return found[:limit]

    async def check_audit(self) -> Verdict:
        """Go through all rows; a row that was changed, lost or put in is named by its number."""
        problems: list[str] = []
        number, digest, base, before, rows = await self._audit_page("", _PAGE)
        expected, count = base + 1, 0
        while rows:
            for _, at, row, signed in rows:
                count += 1
                if at != expected:
                    problems.append(f"{_missing(expected, at)} missing")
                elif _digest(before, row) != signed:
                    problems.append(f"row {at} was changed, or the one before it")
                expected, before = at + 1, signed
            last = rows[-1][0].decode()
            number, digest, _, _, rows = await self._audit_page(last, _PAGE)
        if expected <= number:
            problems.append(f"{_missing(expected, number + 1)} missing at the end")
        elif before != digest:
            problems.append("the last row is not the one that was written last")
        return Verdict(rows=count, number=number, digest=digest.decode(), problems=tuple(problems))

    async def _audit_page(self, after: str, limit: int) -> Any:
        if after and _ID.fullmatch(after) is None:
            raise StoreError(f"{after!r} is no row of the audit; `segue audit show` names them")
        return await self.server.run(AUDITED, self.keys.audit, (after, limit))


def _digest(before: bytes, row: bytes) -> bytes:
    return sha256(before + b"\n" + row).hexdigest().encode()


def _tame(text: str) -> str:
    return _PERSONAL.sub("•••", text)[:_LONGEST]


def _missing(first: int, after: int) -> str:
    return f"row {first} is" if after == first + 1 else f"rows {first} to {after - 1} are"


def _audited(entry: list[Any]) -> Audited:
    ident, number, packed, _ = entry
    try:
        row = msgspec.msgpack.decode(packed, type=Row)
    except msgspec.DecodeError:
        row = Row(action="unreadable", actor="", customer="", details={}, at=0, once=b"")
    return Audited(
        id=ident.decode(),
        number=number,
        at=row.at,
        action=row.action,
        actor=row.actor,
        customer=row.customer,
        details=row.details,
    )
