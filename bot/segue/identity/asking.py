"""What a customer asks about themselves: the steps of `my_data` and `delete_data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from segue.channel import Fetched
from segue.engine.inside import inside
from segue.engine.state import decode
from segue.identity.destinations import masked
from segue.types import CustomerId, Media, MediaKind

if TYPE_CHECKING:
    from segue.identity.room import Room

EXPORT = "export"
"""Stands for a channel in links to a customer's own archive."""
_SHOWN = 12
"""So many facts are told in chat; the archive has all."""


class KnownFact(Struct, frozen=True, kw_only=True):
    """One fact, as it is told."""

    name: str
    value: str
    channel: str


class KnownData(Struct, frozen=True, kw_only=True):
    """What is known about somebody, short enough to be read in chat."""

    name: str
    facts: list[KnownFact]
    more: int
    """Facts that are not told here."""
    channels: list[dict[str, str]]
    """`channel` and the masked `id` of each address."""
    opted_out: list[str]


class Asking:
    """What the dialogs about one's own data do outside themselves."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @inside
    async def known(self, *, customer: CustomerId = "") -> KnownData:
        """Return what is known about the customer."""
        snapshot = await self._room.store.snapshot(customer)
        if snapshot is None:
            return KnownData(name="", facts=[], more=0, channels=[], opted_out=[])
        state = decode(snapshot.state)
        facts = [
            KnownFact(name=name.replace("_", " "), value=_short(fact.value), channel=fact.channel)
            for name, fact in state.profile.items()
        ]
        known = self._room.adapters()
        return KnownData(
            name=state.name,
            facts=facts[:_SHOWN],
            more=max(0, len(facts) - _SHOWN),
            channels=[
                {
                    "channel": address.channel,
                    "id": _shown(address.id),
                }
                for address, _ in snapshot.addresses
                if address.channel in known
            ],
            opted_out=sorted(snapshot.opted_out),
        )

    @inside
    async def archive(self, *, customer: CustomerId = "") -> str:
        """Return a link to the customer's whole archive, for a while; empty if there is none."""
        if self._room.export is None:
            return ""
        media = Media(kind=MediaKind.FILE, ref=customer, content_type="application/zip")
        return self._room.media.links.url(EXPORT, media)

    def may_erase(self) -> bool:
        """Whether there is anything that erases."""
        return self._room.erase is not None


class Archives:
    """Makes the archive that a sealed link names, when somebody opens it."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def fetch(self, media: Media) -> Fetched | None:
        """Return the archive; None if the customer is gone."""
        if self._room.export is None:
            return None
        body = await self._room.export(media.ref)
        if body is None:
            return None
        return Fetched(body=body, content_type="application/zip", name="my-data.zip")


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} …"
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _shown(ident: str) -> str:
    """Return a masked id; nothing of one that says nothing to people, like a session's digest."""
    return masked(ident) if "@" in ident or ident.startswith("+") else ""
