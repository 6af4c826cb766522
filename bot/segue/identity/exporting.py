"""Everything kept about one customer, in one archive that they can read.

    README.txt          what is in it, in words
    profile.json        what is known, with where and when it was learned
    addresses.json      their addresses, and how sure it is that they are theirs
    consent.json        what they agreed to and took back
    transcript.txt      the conversation, to be read
    transcript.json     the same with all that is kept of each line
    conversation.json   open journeys, reminders, messages and replies that wait
    media/              what they sent, where it is still kept; media.json lists it
    audit.json          who did what to their data

Nothing in it is a secret of ours: no digests, no keys, no leases.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from segue.channel import Adapter, Attachments, Fetched
from segue.engine.state import State, decode
from segue.engine.transcript import interleaved
from segue.memory import Snapshot, Store
from segue.memory.replies import decode_inbound
from segue.ports import Clock, from_millis
from segue.types import CustomerId, Inbound, Line, Media, Row
from segue.voice import plain

_line = msgspec.msgpack.Decoder(Line).decode
_FOLLOWED = 8
_ENDINGS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
}


class Exporting:
    """Exports customers of one installation."""

    def __init__(
        self, store: Store, *, adapters: Callable[[], Mapping[str, Adapter]], clock: Clock
    ) -> None:
        self.store = store
        self._adapters = adapters
        self._clock = clock

    async def export(
        self, customer: CustomerId, out: IO[bytes] | Path, *, actor: str
    ) -> CustomerId | None:
        """Write the archive; returns whose it is (who they are now), None if there is no such one.

        It is personal data: whoever gets the file must be the customer, or act for them.
        """
        found = await self._resolved(customer)
        snapshot = await self.store.snapshot(found) if found else None
        if found is None or snapshot is None:
            return None
        await self.store.audit("customer.export", actor=actor, customer=found)
        state = decode(snapshot.state)
        lines = await self._lines(found)
        waiting, unsent = await self._waiting(found)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            media = await self._media(archive, lines, waiting)
            documents = {
                "profile.json": _profile(snapshot, state),
                "addresses.json": _addresses(snapshot),
                "consent.json": await self._consent(snapshot),
                "transcript.json": await self._transcript(found, lines),
                "conversation.json": _conversation(state, waiting, unsent),
                "media.json": media,
                "audit.json": await self._audit(found),
            }
            for name, document in documents.items():
                text = msgspec.json.format(msgspec.json.encode(document), indent=2)
                archive.writestr(name, text)
            archive.writestr("transcript.txt", _readable(lines))
            archive.writestr("README.txt", _readme(found, self._clock))
        return found

    async def _resolved(self, customer: CustomerId) -> CustomerId | None:
        for _ in range(_FOLLOWED):
            found = await self.store.who(customer)
            if found is None or found == customer:
                return found
            customer = found
        return None

    async def _lines(self, customer: CustomerId) -> list[tuple[int, Line]]:
        found: list[tuple[int, Line]] = []
        after = -1
        while True:
            lines, after = await self.store.lines(customer, after, 500)
            if not lines:
                return interleaved(found)
            found += [(number, _line(data)) for number, data in lines]

    async def _waiting(self, customer: CustomerId) -> tuple[list[Inbound], list[Row]]:
        letters, rows = await self.store.under_way(customer)
        return [decode_inbound(letter) for letter in letters], rows

    async def _transcript(
        self, customer: CustomerId, lines: list[tuple[int, Line]]
    ) -> list[dict[str, Any]]:
        got = await self.store.got(customer)
        return [
            {
                "number": number,
                "at": _when(line.at),
                "channel": line.channel,
                "who": line.who.value,
                "text": _text(line),
                "buttons": [button.label for button in line.message.buttons]
                if line.message
                else [],
                "reply": line.reply,
                "voice": line.voice,
                "id": line.id,
                "choice": line.choice,
                "attachments": [media.ref for media in line.media],
                "delivery": got[line.id].receipt.value if line.id in got else None,
            }
            for number, line in lines
        ]

    async def _consent(self, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "opted_out": sorted(snapshot.opted_out),
            "record": [
                {
                    "at": _when(noted.at),
                    "channel": noted.channel,
                    "what": noted.what,
                    "how": noted.how,
                    "shown": plain(noted.shown) if noted.shown else None,
                }
                for noted in await self.store.consents(snapshot.customer)
            ],
        }

    async def _audit(self, customer: CustomerId) -> list[dict[str, Any]]:
        return [
            {"at": _when(row.at), "what": row.action, "who": row.actor, "details": row.details}
            for row in await self.store.audited(limit=10_000, customer=customer)
        ]

    async def _media(
        self, archive: zipfile.ZipFile, lines: list[tuple[int, Line]], waiting: list[Inbound]
    ) -> list[dict[str, Any]]:
        attached = [
            *((line.channel, line.at, media) for _, line in lines for media in line.media),
            *((n.address.channel, n.received_at, media) for n in waiting for media in n.media),
        ]
        listed = []
        for count, (channel, at, media) in enumerate(attached, 1):
            fetched = await self._fetched(channel, media)
            name = None
            if fetched is not None:
                name = f"media/{count:04}{_ENDINGS.get(fetched.content_type, '.bin')}"
                archive.writestr(name, fetched.body)
            listed.append(
                {
                    "at": _when(at),
                    "channel": channel,
                    "kind": media.kind.value,
                    "type": media.content_type,
                    "bytes": media.bytes,
                    "ref": media.ref,
                    "file": name,
                }
            )
        return listed

    async def _fetched(self, channel: str, media: Media) -> Fetched | None:
        adapter = self._adapters().get(channel)
        if adapter is None or not isinstance(adapter, Attachments):
            return None
        try:
            return await adapter.fetch(media)
        except Exception:  # noqa: BLE001 - the list says that the file is not there
            return None


def _profile(snapshot: Snapshot, state: State) -> dict[str, Any]:
    return {
        "customer": snapshot.customer,
        "name": state.name,
        "locale": state.locale,
        "turns": state.turn,
        "facts": {
            name: {
                "value": fact.value,
                "learned": _when(fact.at),
                "channel": fact.channel,
                "source": fact.source,
            }
            for name, fact in state.profile.items()
        },
    }


def _addresses(snapshot: Snapshot) -> list[dict[str, str]]:
    return [
        {"channel": address.channel, "id": address.id, "proof": proof.name.lower()}
        for address, proof in snapshot.addresses
    ]


def _conversation(state: State, waiting: list[Inbound], unsent: list[Row]) -> dict[str, Any]:
    return {
        "open": [
            {
                "dialog": frame.dialog,
                "began": _when(frame.started),
                "with_the_words": frame.utterance,
                "question": frame.open.reply if frame.open else None,
                "known": {
                    name: msgspec.to_builtins(entry)
                    for name, entry in frame.journal.entries.items()
                },
            }
            for frame in state.frames
        ],
        "timers": [
            {
                "due": _when(timer.due),
                "kind": timer.kind,
                "dialog": timer.dialog,
                "reply": timer.reply,
                "values": timer.values,
            }
            for timer in state.timers
        ],
        "waiting_messages": [
            {"channel": n.address.channel, "at": _when(n.received_at), "text": n.text}
            for n in waiting
        ],
        "waiting_replies": [
            {"channel": row.address.channel, "text": plain(row.message)} for row in unsent
        ],
    }


def _readable(lines: list[tuple[int, Line]]) -> str:
    return "".join(
        f"{_when(line.at)}  {line.channel:<9} {line.who.value:<9} {_text(line)}\n"
        for _, line in lines
    )


def _text(line: Line) -> str:
    return plain(line.message) if line.message is not None else line.text


def _when(millis: int) -> str | None:
    return from_millis(millis).isoformat(timespec="seconds") if millis else None


def _readme(customer: CustomerId, clock: Clock) -> str:
    return f"""What we keep about you
======================

This archive holds everything that is kept about the customer {customer},
as of {clock.now().isoformat(timespec="seconds")}. All times are UTC.

profile.json        what is known, and where and when it was learned
addresses.json      your addresses, and how sure it is that they are yours
consent.json        what you agreed to, and what you took back
transcript.txt      the conversation, on all channels
transcript.json     the same, with all that is kept of each line
conversation.json   what is open: journeys, reminders, messages that wait
media/, media.json  what you sent; a file that is not kept any more is only listed
audit.json          who did what to your data

The .json files open in any text editor and in most browsers.
"""
