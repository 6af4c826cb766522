"""`/api/customers`: what the company knows of a customer, and what is known of them here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from segue.api.declaring import Call, Problem, Reply
from segue.api.dialogs import storable
from segue.api.door import Door, find, find_or_make, nobody, read_who, some_address
from segue.api.wire import Accepted, Customer, Known, Reachable, TellCustomer, Touchpoint, Waiting
from segue.engine.outreach import waiting
from segue.engine.state import State, decode
from segue.memory import Snapshot
from segue.ports import from_millis, to_millis
from segue.types import Inbound


async def tell_customer(door: Door, call: Call) -> Reply:
    """Accept facts. A customer whose id is new is made. Raises `Problem`."""
    body = call.body
    assert isinstance(body, TellCustomer)
    _check_facts(body.facts)
    return await _into_inbox(
        door,
        call,
        "facts",
        {
            "facts": body.facts,
            "correct": list(body.correct),
            "name": body.name,
            "locale": body.locale,
            "at": _moment(door, body.at),
        },
    )


async def add_touchpoint(door: Door, call: Call) -> Reply:
    """Accept a phone call or a visit. Raises `Problem`."""
    body = call.body
    assert isinstance(body, Touchpoint)
    if not (body.summary or body.wanted or body.promised or body.facts):
        raise Problem(422, "empty", "Say what it was about: summary, wanted, promised or facts.")
    _check_facts(body.facts)
    return await _into_inbox(
        door,
        call,
        "touchpoint",
        {
            "channel": body.channel,
            "at": _moment(door, body.at),
            "summary": door.mask(body.summary),
            "wanted": door.mask(body.wanted),
            "promised": door.mask(body.promised),
            "by": body.by,
            "facts": body.facts,
        },
    )


async def _into_inbox(door: Door, call: Call, kind: str, data: dict[str, Any]) -> Reply:
    customer = await find_or_make(door, read_who(call.who, door.adapters, path=True))
    inbound = Inbound(
        address=await some_address(door, customer),
        message_id=f"{kind}:{call.id}",
        kind=kind,
        received_at=to_millis(door.clock.now()),
        data={**data, "by_key": call.key},
    )
    return 202, Accepted(id=call.id, customer=await door.accept(inbound, customer))


def _check_facts(facts: dict[str, Any]) -> None:
    if not storable(facts):
        raise Problem(422, "facts", "The facts are larger than 16384 bytes, or no plain data.")


def _moment(door: Door, at: datetime | None) -> int:
    now = door.clock.now()
    if at is None:
        return to_millis(now)
    moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        millis = to_millis(moment)
    except (OverflowError, ValueError):
        millis = 0
    if not 0 < millis <= to_millis(now) + 300_000:
        raise Problem(422, "at", "The time must be in the past, like 2026-05-03T14:00:00Z.")
    return millis


# -- reading ---------------------------------------------------------------------------------------


async def show_customer(door: Door, call: Call) -> Reply:
    """Return what is known. Raises `Problem`."""
    ident = await find(door, read_who(call.who, door.adapters, path=True))
    snapshot = await door.store.snapshot(ident) if ident else None
    if snapshot is None:
        raise nobody()
    return 200, customer_view(snapshot, decode(snapshot.state))


def customer_view(snapshot: Snapshot, state: State) -> Customer:
    """Return a customer as the company's systems see them. Pure."""
    return Customer(
        customer=snapshot.customer,
        name=state.name,
        locale=state.locale,
        profile={
            name: Known(
                value=fact.value,
                source=fact.source,
                channel=fact.channel,
                at=from_millis(fact.at),
            )
            for name, fact in state.profile.items()
        },
        channels=[
            Reachable(
                channel=address.channel,
                proof=proof.name.lower(),
                opted_out=address.channel in snapshot.opted_out,
            )
            for address, proof in snapshot.addresses
            if address.channel != "web-user"
        ],
        answered_by=snapshot.controller or "bot",
        dialog=state.frames[-1].dialog if state.frames else "",
        waiting=[
            Waiting(id=timer.instance, dialog=timer.dialog, at=from_millis(timer.due))
            for timer in waiting(state)
        ],
    )
