"""From the scripts' replies to records: flat lists of bytes and integers in, typed values out."""

from __future__ import annotations

from typing import Any

from msgspec import msgpack

from segue.memory.keys import addresses, channels
from segue.memory.records import Claim, Granted, Lease, Letter
from segue.types import CustomerId, Inbound, Row

OPERATION = 10
"""Bytes of an operation id; each letter starts with the one that stored it."""

encode = msgpack.Encoder().encode
decode_inbound = msgpack.Decoder(Inbound).decode
decode_row = msgpack.Decoder(Row).decode


def granted(customer: CustomerId, reply: list[Any], *, state: bytes | None = None) -> Granted:
    """Read a lease, the state and the letters; `state` stands in where the caller has it."""
    _, epoch, version, deadline, number, tries, first, stored, record, *rest = reply
    out, controller, entries, parked = rest
    letters = []
    for offset, entry in enumerate(entries):
        letters.append(
            Letter(
                number=first + offset,
                inbound=decode_inbound(entry[OPERATION:]),
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
        parked=bool(parked),
    )


def claims(reply: list[Any], token: bytes, deadline: float) -> tuple[Claim, ...]:
    """Read the rows that are ours to send until `deadline`."""
    return tuple(
        Claim(row=decode_row(blob), deadline=deadline, token=token, sends=sends)
        for sends, blob in reply
    )
