"""From the scripts' replies to records: flat lists of bytes and integers in, typed values out."""

from __future__ import annotations

from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from segue.memory.keys import addresses, channels, needle
from segue.memory.records import Claim, Got, Granted, Lease, Letter
from segue.types import CustomerId, Inbound, Receipt, Row

OPERATION = 10
"""Bytes of an operation id; each letter starts with the one that stored it."""

RECEIPTS = {
    "u": Receipt.UNKNOWN,
    "s": Receipt.SENT,
    "f": Receipt.FAILED,
    "d": Receipt.DELIVERED,
    "r": Receipt.READ,
}
"""By the letters in which the scripts keep them."""
LETTERS = {receipt: letter for letter, receipt in RECEIPTS.items()}

encode = msgpack.Encoder().encode
decode_inbound = msgpack.Decoder(Inbound).decode
decode_row = msgpack.Decoder(Row).decode


def granted(
    customer: CustomerId,
    reply: list[Any],
    *,
    state: bytes | None = None,
    own: tuple[bytes, Inbound] | None = None,
) -> Granted:
    """Read a lease, the state and the letters; `state` stands in where the caller has it.

    `own` is the letter that was just handed in: what comes back unchanged is not read again.
    """
    _, epoch, version, deadline, number, tries, first, stored, record, *rest = reply
    out, controller, entries, parked = rest
    letters = []
    for offset, entry in enumerate(entries):
        letters.append(
            Letter(
                number=first + offset,
                inbound=own[1]
                if own is not None and entry == own[0]
                else decode_inbound(entry[OPERATION:]),
                attempts=0 if offset else tries,
            )
        )
    return Granted(
        lease=Lease(customer=customer, epoch=epoch, version=version, deadline=deadline),
        state=stored if state is None else state,
        letters=tuple(letters),
        addresses=addresses(record),
        opted_out=channels(out) if out else frozenset(),
        controller=controller.decode() if controller else "",
        number=number,
        parked=bool(parked & 1),
        late=bool(parked & 2),
    )


def claims(reply: list[Any], token: bytes, now: float, lasts: float) -> tuple[Claim, ...]:
    """Read the rows that are ours to send for so many seconds from `now` (monotonic)."""
    return tuple(_claim(entry, token, now, lasts) for entry in reply)


def _claim(entry: list[Any], token: bytes, now: float, lasts: float) -> Claim:
    sends, blob, tries, doubt, born, lane, again = entry
    row = decode_row(blob)
    if needle(row.address) != lane:
        # The address has got another id since the row was decided.
        row = replace(row, address=addresses(lane + b"1")[0][0])
    return Claim(
        row=row,
        deadline=now + lasts,
        token=token,
        sends=sends,
        tries=tries,
        doubt=doubt,
        born=born,
        again=again,
    )


def got(flat: list[bytes]) -> dict[str, Got]:
    """Read what became of rows."""
    found = {}
    for row, value in zip(flat[::2], flat[1::2], strict=True):
        first, why, instead = value.decode().split("\t")
        found[row.decode("utf-8", "surrogatepass")] = Got(
            receipt=RECEIPTS[first[0]], at=int(first[1:]), why=why, instead=instead
        )
    return found
