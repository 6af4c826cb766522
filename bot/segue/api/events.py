"""What is told to other systems, made of what a turn's commit wrote. Pure.

An event holds ids and names, none of the customer's words and none of the values that are known:
who may read them asks `/api/customers`. Its id is made of its place in the stream, so the same
event has the same id at every try. Types only grow; `handoff.*` is kept for handoffs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from segue.engine.summary import Summary, decode
from segue.memory.hooks import Event, Happened, Webhook
from segue.ports import from_millis

TYPES = {
    "milestone.reached": "a customer has come to a named point of a journey",
    "profile.changed": "facts of the profile are new, other or gone",
    "dialog.started": "a dialog that was started by `/api/dialogs` has begun",
    "dialog.dropped": "it never will, and why",
}
RESERVED = ("handoff.requested", "handoff.taken", "handoff.returned")


def events_of(happened: Happened, external: Sequence[str] = ()) -> list[Event]:
    """Return what is to be told of one entry; nothing of most turns."""
    try:
        summary = decode(happened.summary)
    except msgspec.DecodeError:
        # Nothing that a turn wrote; the cursor goes past it.
        return []
    return [
        _event(happened, number, kind, data, external)
        for number, (kind, data) in enumerate(_told(summary))
    ]


def wanted(hook: Webhook, kind: str) -> bool:
    """Whether a webhook is told events of this type."""
    return not hook.events or kind in hook.events


def _told(summary: Summary) -> Iterable[tuple[str, dict[str, Any]]]:
    for ident in summary.started:
        yield "dialog.started", {"id": ident}
    for ident, why in summary.dropped:
        yield "dialog.dropped", {"id": ident, "why": why}
    for name in summary.milestones:
        yield "milestone.reached", {"milestone": name, "channel": summary.channel}
    if summary.facts:
        yield "profile.changed", {"facts": sorted(summary.facts)}


def _event(
    happened: Happened, number: int, kind: str, data: dict[str, Any], external: Sequence[str]
) -> Event:
    ident = f"{happened.id}-{number}"
    body = {
        "id": ident,
        "type": kind,
        "at": from_millis(happened.at).isoformat(timespec="milliseconds"),
        "customer": happened.customer,
        "external": list(external),
        "data": data,
    }
    return Event(
        id=ident,
        type=kind,
        customer=happened.customer,
        body=msgspec.json.encode(body),
        at=happened.at,
    )
