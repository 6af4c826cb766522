"""No key without a word on what becomes of it, and a canary that has sung everywhere."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from keyspace import everything

from segue.channel import Fetched
from segue.engine.state import Fact, State, Timer, encode
from segue.identity.erasing import Erasing
from segue.identity.exporting import Exporting
from segue.identity.merging import Merged
from segue.memory import Commit, Granted, keys
from segue.memory.embedded import Embedded
from segue.memory.registry import FAMILIES, family
from segue.ports import SystemClock
from segue.types import Address, Line, Media, MediaKind, Proof, Who

CANARY = "canary"


class Attic:
    """An adapter that keeps files of customers."""

    def __init__(self) -> None:
        self.files = {"attic/1": b"canary picture"}

    async def fetch(self, media: Media) -> Fetched | None:
        body = self.files.get(media.ref)
        return None if body is None else Fetched(body=body, content_type="image/png")

    async def forget(self, customer: str, media: Any) -> None:
        for each in media:
            self.files.pop(each.ref, None)


def test_every_documented_key_has_its_family() -> None:
    """What `keys.py` describes stands in the registry, and the registry names nothing else."""
    assert keys.__doc__ is not None
    described = {
        re.sub(r"^(\{codes\}|\{spend\}|\{hook:NAME\}):.*", r"\1", name)
        for name, kind in re.findall(r"^    (\S+) +(\w+)  ", keys.__doc__, re.MULTILINE)
        if kind in ("hash", "list", "zset", "stream", "string")
    }
    assert described == {one.name for one in FAMILIES}


@pytest.mark.parametrize("key", ["{3}:c:ada:notes", "letters", "id:+43660000001", "{audit}:x"])
def test_an_unknown_key_has_no_family(key: str) -> None:
    """A new kind of key is noticed."""
    assert family(key) is None


async def seed(town: Any) -> tuple[str, Attic]:
    """A customer who has used everything, under a name that is easily found."""
    store = town.store
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    for number in range(150):
        await town.write(phone, f"{CANARY} {number}")
    await town.write(app, f"{CANARY} from ben")
    merged = await town.merging.merge(ada, ben, actor="cli")
    assert isinstance(merged, Merged)
    await town.sweep()
    granted = await store.admit(ada, town.said(phone, f"{CANARY} last"))
    assert isinstance(granted, Granted)
    media = Media(kind=MediaKind.IMAGE, ref="attic/1", content_type="image/png", bytes=14)
    now = town.now()
    state = State(
        turn=200,
        name=f"{CANARY} name",
        address=phone,
        profile={"email": Fact(f"{CANARY}@example.com", now, "sms", "return_item")},
        timers=[Timer(now + 10**9, "reminder", "9.1", "e", "later", "d", {"v": CANARY})],
    )
    line = Line(who=Who.CUSTOMER, at=now, channel="attic", text=f"{CANARY} line", media=(media,))
    blocked = town.row("200-1", phone, f"{CANARY} reply")
    following = town.row("200-2", phone, f"{CANARY} waits")
    await store.commit(
        granted.lease,
        Commit(
            state=encode(state),
            ack=granted.number,
            log=(msgspec.msgpack.encode(line),),
            rows=(blocked, following),
            events=(b"event",),
            due=now + 10**9,
        ),
    )
    await store.consent(ada, "slack", opted_out=True, how="cli")
    await store.add_address(ada, Address("slack", f"{CANARY}-slack"), Proof.CHANNEL)
    await town.write(phone, f"{CANARY} waits", answer=False)
    # A message that was parked.
    with redis.Redis(unix_socket_path=store_socket(town)) as client:
        named = store.keys.customer(ada)
        letter = msgspec.msgpack.encode(town.said(phone, f"{CANARY} parked"))
        client.xadd(named.dead, {"customer": ada, "letter": letter, "why": "test"})
        client.expire(named.dead, 1000)
    await store.pause("channel", "sms", "paused")
    await store.tide("sms", now)
    await store.singleton("job", 5)
    return ada, Attic()


def store_socket(town: Any) -> str:
    return str(town.socket)


async def test_the_canary(town: Any, valkey: Embedded, store_prefix: str) -> None:
    """Seeded everywhere: all is in the export, and after the erasure in no key, value or file."""
    town.socket = valkey.socket
    ada, attic = await seed(town)
    before = everything(valkey, store_prefix)
    strange = [key for key, _ in before if family(key.decode().removeprefix(store_prefix)) is None]
    assert strange == [], "no family in memory/registry.py"
    kinds = {family(key.decode().removeprefix(store_prefix)).name for key, _ in before}
    assert {"{n}:c:ID:log", "{n}:c:ID:old", "{n}:c:ID:out", "{n}:dead", "{n}:c:ID:undo"} <= kinds
    assert {"{n}:c:ID:was", "{n}:c:ID:consent", "{n}:c:ID:got", "{n}:c:ID:in"} <= kinds

    adapters: Any = {"attic": attic}
    out = io.BytesIO()
    exporting = Exporting(town.store, adapters=lambda: adapters, clock=SystemClock())
    assert await exporting.export(ada, out, actor="cli") == ada
    exported(out)

    erasing = Erasing(town.store, town.merging, adapters=lambda: adapters)
    assert await erasing.erase(ada, actor="cli")
    after = everything(valkey, store_prefix)
    theirs = (CANARY.encode(), b"-of-ada", b"-of-ben")
    left = [key for key, value in after if any(word in value for word in theirs)]
    assert left == []
    assert attic.files == {}
    # Their id is found in the mark and the audit only; nothing is found by it.
    named = {
        family(k.decode().removeprefix(store_prefix)).name for k, v in after if ada.encode() in v
    }
    assert named <= {"{n}:c:ID", "{audit}"}


def exported(out: io.BytesIO) -> None:
    """Each thing that was seeded is in the archive, and nothing that only we understand."""
    with zipfile.ZipFile(out) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert set(texts) >= {"README.txt", "profile.json", "addresses.json", "consent.json"}
    profile = json.loads(texts["profile.json"])
    assert profile["facts"]["email"]["value"] == f"{CANARY}@example.com"
    assert {each["channel"] for each in json.loads(texts["addresses.json"])} >= {"sms", "slack"}
    transcript = json.loads(texts["transcript.json"])
    assert [line["text"] for line in transcript].count(f"{CANARY} 0") == 1
    assert f"{CANARY} from ben" in texts["transcript.txt"].decode()
    talk = json.loads(texts["conversation.json"])
    assert [n["text"] for n in talk["waiting_messages"]] == [f"{CANARY} waits"]
    assert talk["timers"][0]["values"] == {"v": CANARY}
    assert texts["media/0001.png"] == b"canary picture"
    assert json.loads(texts["consent.json"])["record"][0]["how"] == "cli"
    assert [row["what"] for row in json.loads(texts["audit.json"])][:1] == ["customer.merge"]


def test_what_erasing_reaches_is_written_down() -> None:
    """The page for operators says it for each kind of setting that ends something."""
    page = (Path(__file__).parents[2] / "docs/personal-data.md").read_text()
    for setting in ("transcript_days", "profile_days", "event_days", "dead_letter_days"):
        assert f"store.{setting}" in page
