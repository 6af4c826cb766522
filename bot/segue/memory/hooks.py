"""Webhooks: to whom is told what happened, and what has been told.

- An event is made of what the commit of a turn wrote into its partition's stream; so what happened
  is told, and what did not happen is not, whatever dies.
- Each webhook has a line of its own and its own cursors over the streams. Events enter the line and
  the cursors move in one step.
- An event leaves the line when it was told, or is parked after a day of trying.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from segue.memory.apikeys import NAME, NAMED
from segue.memory.base import Base, seconds
from segue.memory.scripting import script
from segue.ports import to_millis
from segue.types import CustomerId, Millis

TAIL, PUT = script("tail"), script("hook_put")
LINE, DONE = script("hook_line"), script("hook_done")

Fate: TypeAlias = Literal["told", "later", "park"]

_LIFE = timedelta(days=100)
"""Longer than an event stays in its stream, so that no cursor is forgotten before its events."""
_PARKED = timedelta(days=28)
_TAIL = 200


class Webhook(Struct, frozen=True, kw_only=True):
    """One receiver."""

    name: str = ""
    url: str
    secret: str
    """Signs what is sent; shown once, kept because it is needed to sign."""
    events: tuple[str, ...] = ()
    """Types that are told; empty is all."""
    at: Millis


class Happened(Struct, frozen=True, kw_only=True):
    """One entry of a partition's stream, that a turn wrote."""

    id: str
    """Partition and place in it."""
    at: Millis
    customer: CustomerId
    summary: bytes


class Event(Struct, frozen=True, kw_only=True, array_like=True):
    """One event in a webhook's line. New fields go to the end."""

    id: str
    type: str
    customer: CustomerId
    body: bytes
    """The JSON that is sent, the same at each try."""
    at: Millis
    """When it happened."""
    tries: int = 0
    next: Millis = 0
    """Not tried before."""
    why: str = ""
    """Why the last try failed."""
    since: Millis = 0
    """When it was tried first."""


class Past(Struct, frozen=True, kw_only=True, array_like=True):
    """One line of a webhook's log."""

    at: Millis
    id: str
    type: str
    fate: str
    why: str


class Queue(Struct, frozen=True, kw_only=True):
    """A webhook's line as it stands."""

    known: bool
    """False if it was never begun, or was removed."""
    cursors: Mapping[str, str]
    since: str
    """The cursor over streams that nothing was taken from yet."""
    events: tuple[Event, ...]
    waiting: int
    parked: tuple[Event, ...]
    past: tuple[Past, ...]


class Hooks(Base):
    """Receivers, their lines, and the streams behind them."""

    async def add_webhook(
        self, name: str, url: str, secret: str, events: Sequence[str] = ()
    ) -> bool:
        """Add a receiver of what happens from now on; False if there is one of this name."""
        if NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name; use lower case letters, digits, - and _")
        hook = Webhook(
            url=url, secret=secret, events=tuple(events), at=to_millis(self._clock.now())
        )
        args = ("add", name, msgspec.msgpack.encode(hook), self._operation())
        reply = await self.server.run(NAMED, (self.keys.webhooks,), args)
        if reply[0] != b"done":
            return False
        await self.begin_webhook(name)
        return True

    async def begin_webhook(self, name: str) -> None:
        """Begin the line of a receiver that has none: with what happens from now on."""
        await self.server.run(PUT, self.keys.hook(name)[:3], ("begin", seconds(_LIFE), 0, 0))

    async def remove_webhook(self, name: str) -> bool:
        """Tell it nothing any more, and forget what waits for it; False if there is none."""
        args = ("drop", name, b"", self._operation())
        reply = await self.server.run(NAMED, (self.keys.webhooks,), args)
        await self._move_event(name, "drop", "", b"", b"")
        return bool(reply[0] == b"done")

    async def webhooks(self) -> list[Webhook]:
        """Return all receivers, by name."""
        _, flat = await self.server.run(NAMED, (self.keys.webhooks,), ())
        found = [
            msgspec.structs.replace(
                msgspec.msgpack.decode(record, type=Webhook), name=name.decode()
            )
            for name, record in zip(flat[::2], flat[1::2], strict=True)
            if name
        ]
        return sorted(found, key=lambda hook: hook.name)

    async def happened(self, queue: Queue) -> tuple[list[Happened], dict[str, str]]:
        """Return what turns have told after a line's cursors, and where these are to go."""
        numbers = range(self.keys.partitions)
        groups = [[n] for n in numbers] if self.server.clustered else [list(numbers)]
        calls = []
        for group in groups:
            cursors = [queue.cursors.get(str(number), queue.since) for number in group]
            calls.append((TAIL, [self.keys.events(n) for n in group], (_TAIL, *cursors)))
        found: list[Happened] = []
        moved: dict[str, str] = {}
        for group, parts in zip(groups, await self.server.run_many(calls), strict=True):
            for number, part in zip(group, parts, strict=True):
                cursor = part[0].decode()
                if cursor != queue.cursors.get(str(number), queue.since):
                    moved[str(number)] = cursor
                places = range(1, len(part), 3)
                found += [_happened(number, part[place : place + 3]) for place in places]
        return found, moved

    async def put_events(
        self, name: str, events: Sequence[Event], cursors: Mapping[str, str]
    ) -> bool:
        """Put events into a line and move its cursors; False if the webhook was removed."""
        args: list[Any] = [self._operation(), seconds(_LIFE), len(cursors), len(events)]
        for partition, cursor in cursors.items():
            args += (partition, cursor)
        for event in events:
            args += (event.id, msgspec.msgpack.encode(event))
        return bool(await self.server.run(PUT, self.keys.hook(name)[:3], args))

    async def queue(self, name: str, limit: int = 500) -> Queue:
        """Return the first events of a line, its cursors, what is parked, and its log."""
        at, flat, waiting, parked, past = await self.server.run(
            LINE, self.keys.hook(name), (limit,)
        )
        fields = {
            key.decode(): value.decode("utf-8", "replace")
            for key, value in zip(at[::2], at[1::2], strict=True)
        }
        return Queue(
            known="since" in fields,
            cursors={key: value for key, value in fields.items() if key.isdecimal()},
            since=fields.get("since", "0"),
            events=tuple(_event(row) for row in flat[1::2] if row),
            waiting=waiting,
            parked=tuple(_event(row) for row in parked[1::2]),
            past=tuple(msgspec.msgpack.decode(line, type=Past) for line in past),
        )

    async def settle_event(self, name: str, event: Event, fate: Fate, past: Past) -> bool:
        """Say what became of a try; False if the event is not in the line (any more)."""
        row = msgspec.msgpack.encode(event)
        return await self._move_event(name, fate, event.id, row, msgspec.msgpack.encode(past))

    async def revive_event(self, name: str, event: Event) -> bool:
        """Put a parked event at the end of the line; False if it is not there (any more)."""
        fresh = msgspec.structs.replace(event, tries=0, next=0, why="", since=0)
        return await self._move_event(name, "revive", event.id, msgspec.msgpack.encode(fresh), b"")

    async def forget_events(self, customers: Collection[CustomerId]) -> None:
        """Take events about these customers out of every line, waiting or parked."""
        for hook in await self.webhooks():
            queue = await self.queue(hook.name, limit=1_000_000)
            for event in (*queue.events, *queue.parked):
                if event.customer in customers:
                    await self._move_event(hook.name, "forget", event.id, b"", b"")

    async def _move_event(self, name: str, what: str, ident: str, row: bytes, past: bytes) -> bool:
        args = (what, ident, row, past, seconds(_PARKED), seconds(_LIFE))
        return bool(await self.server.run(DONE, self.keys.hook(name), args))


def _event(row: bytes) -> Event:
    return msgspec.msgpack.decode(row, type=Event)


def _happened(partition: int, entry: list[bytes]) -> Happened:
    place = entry[0].decode()
    return Happened(
        id=f"{partition}-{place}",
        at=int(place.partition("-")[0]),
        customer=entry[1].decode(),
        summary=entry[2],
    )
