"""`POST /api/dialogs`: one of the company's systems starts a dialog with a customer.

Accepted means stored: the start waits in the customer's inbox, and begins as `engine/outreach.py`
says. What cannot ever begin is refused here, where somebody reads the sentence.
"""

from __future__ import annotations

from typing import Any

import msgspec

from segue.api.declaring import Call, Problem, Reply
from segue.api.door import Door, Who, find, nobody, read_address, read_who
from segue.api.wire import Accepted, StartDialog
from segue.engine.outreach import Scene, fits, start_timer, target
from segue.engine.state import decode
from segue.memory import Snapshot
from segue.ports import to_millis
from segue.types import Address, CustomerId, Inbound, Proof

_LARGEST = 16_384


async def start_dialog(door: Door, call: Call) -> Reply:
    """Accept a start. Raises `Problem`."""
    body = call.body
    assert isinstance(body, StartDialog)
    _check(door, body)
    who = read_who(body.customer, door.adapters)
    given = read_address(body.address, door.adapters) if body.address else who.address
    customer = await find(door, who)
    if customer is None or body.address:
        customer = await _with_address(door, body, who, customer, given, call)
    else:
        given = None
    snapshot = await door.store.snapshot(customer)
    if snapshot is None or not snapshot.addresses:
        raise nobody()
    inbound = Inbound(
        address=snapshot.addresses[0][0],
        message_id=f"start:{call.id}",
        kind="start",
        received_at=to_millis(door.clock.now()),
        data={
            "id": call.id,
            "dialog": body.dialog,
            "values": body.values,
            "channel": body.channel,
            "given": [given.channel, given.id] if given else None,
            "by": call.key,
        },
    )
    if _target(door, inbound, snapshot) is None:
        where = f"on {body.channel}" if body.channel else "at any address"
        raise Problem(
            422,
            "unreachable",
            f"This customer may not be written to {where}: none is known, proved and opted in.",
        )
    return 202, Accepted(id=call.id, customer=await door.accept(inbound, customer))


def _check(door: Door, body: StartDialog) -> None:
    dialog = door.setup().dialogs.get(body.dialog)
    wrong = fits(dialog, body.values)
    if wrong is not None:
        raise Problem(*((404, "no_dialog") if dialog is None else (422, "values")), wrong)
    if body.channel and body.channel not in door.adapters:
        known = ", ".join(sorted(door.adapters))
        raise Problem(422, "no_channel", f"There is no channel {body.channel}; there are {known}.")
    if not storable(body.values):
        raise Problem(422, "values", f"The values are larger than {_LARGEST} bytes, or no data.")


def storable(values: Any) -> bool:
    """Whether this fits into a message of the inbox."""
    try:
        return len(msgspec.msgpack.encode(values)) <= _LARGEST
    except (OverflowError, TypeError, ValueError):
        return False


async def _with_address(
    door: Door,
    body: StartDialog,
    who: Who,
    customer: CustomerId | None,
    given: Address | None,
    call: Call,
) -> CustomerId:
    """Return the customer who has the address that was given, made if that is allowed."""
    if given is None or (who.customer and customer is None):
        raise nobody()
    owner = await door.store.owner(given)
    if owner is not None:
        if owner != customer and (customer is not None or who.external):
            raise Problem(
                409,
                "address_taken",
                "This address belongs to somebody who has not proved to be this customer; name "
                "them by the address alone.",
            )
        customer = owner
        snapshot = await door.store.snapshot(owner)
        if snapshot is None or dict(snapshot.addresses).get(given, 0) >= Proof.CHANNEL:
            return owner
    if not door.settings.new_addresses:
        raise Problem(
            403, "new_address", "This address has never written to us (see api.new_addresses)."
        )
    if not body.consent.strip():
        raise Problem(422, "consent", "Name in consent by what right you write to this address.")
    if customer is None:
        first = door.external(who.external) if who.external else given
        proof = Proof.VERIFIED if who.external else Proof.CLAIMED
        customer = await door.store.create(door.ids.new(), first, proof)
    if owner is None:
        await door.store.add_address(customer, given, Proof.CLAIMED)
    await door.store.audit(
        "consent.named",
        actor=f"key:{call.key}",
        customer=customer,
        details={"channel": given.channel, "basis": body.consent, "start": call.id},
    )
    return customer


def _target(door: Door, inbound: Inbound, snapshot: Snapshot) -> Address | None:
    setup = door.setup()
    scene = Scene(
        at=inbound.received_at,
        last=decode(snapshot.state).address,
        addresses=[
            (address, proof)
            for address, proof in snapshot.addresses
            if address not in snapshot.unreachable
        ],
        require=setup.dialogs[inbound.data["dialog"]].require,
        opted_out=snapshot.opted_out,
        capabilities=setup.capabilities,
    )
    return target(start_timer(inbound, inbound.received_at), scene)
