"""An answer that cannot arrive where it was to go: which other address of the customer may take it.

Law 6 rules: an address that proves less than the one the customer wrote from is shown nothing. And
the bot must have spoken there before: its first words on a channel are the disclosure, which only a
turn can say.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from segue.channel import Adapter, Capabilities
from segue.engine.state import TooNew, decode
from segue.memory.outgoing import row_of
from segue.memory.records import Snapshot
from segue.types import Address, Proof, Row
from segue.voice import degrade


def other_address(
    snapshot: Snapshot, failed: Address, adapters: Mapping[str, Adapter]
) -> Address | None:
    """Return the address that may be used instead: where they wrote last, else the newest."""
    if snapshot.controller:
        return None
    try:
        state = decode(snapshot.state)
    except TooNew:
        return None
    proofs = dict(snapshot.addresses)
    least = max(proofs.get(failed, Proof.CHANNEL), Proof.CHANNEL)
    able = [
        address
        for address, proof in reversed(snapshot.addresses)
        if address != failed
        and proof >= least
        and address.channel in adapters
        and adapters[address.channel].capabilities.push
        and address.channel in state.disclosed
        and address.channel not in snapshot.opted_out
        and address not in snapshot.unreachable
    ]
    return next((address for address in able if address == state.address), None) or next(
        iter(able), None
    )


def rows_for(row: Row, address: Address, adapter: Adapter, context: dict[str, str]) -> list[Row]:
    """Return the rows that say the same at another address."""
    parts = degrade(row.message, adapter.capabilities)
    return [
        replace(
            row,
            id=f"{row_of(row.id)}~{_part(row.id)}{number}",
            address=address,
            message=part,
            context=context,
        )
        for number, part in enumerate(parts, 1)
    ]


def plain_rows(row: Row, adapter: Adapter) -> list[Row]:
    """Return the rows that say the same without markup, buttons and pictures, where they stand."""
    abilities = adapter.capabilities
    bare = Capabilities(text_limit=abilities.text_limit)
    parts = degrade(row.message, bare)
    if len(parts) == 1:
        return [replace(row, message=parts[0])]
    return [
        replace(row, id=f"{row_of(row.id)}~{_part(row.id)}p{number}", message=part)
        for number, part in enumerate(parts, 1)
    ]


def _part(row: str) -> str:
    """Return the part of a reply that a row is, so that its stand-ins have ids of their own."""
    return row.partition(".")[2].replace("~", "-") + "-" if "." in row else ""
