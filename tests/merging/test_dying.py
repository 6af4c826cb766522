"""`kill -9` at every step of a merge, an undo and an erasure: somebody else goes on, all is there.

The process that began it is a real one, and is killed by its failpoint. Meanwhile both customers
write on, let in and answered by another process, which also sweeps.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from keyspace import everything

from segue import failpoints
from segue.identity.erasing import Erasing
from segue.identity.merging import Merged
from segue.memory import Erasing as Found
from segue.memory import Moved
from segue.memory.embedded import Embedded

UNDO = [name for name in failpoints.OF_MERGES if name.startswith("undo")]
MERGE = [
    name for name in failpoints.OF_MERGES if name.startswith("merge") and name != "merge_posted"
]


async def dies(valkey: Embedded, prefix: str, failpoint: str, *command: str) -> None:
    """Run a process of its own to its death at a failpoint."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent / "dying.py"),
        valkey.url,
        prefix,
        *command,
        env={**os.environ, "SEGUE_FAILPOINT": failpoint},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL, f"{failpoint} was not passed: {said!r}"


async def until_quiet(town: Any, *customers: str) -> None:
    """Let whoever is set aside be due, as time would, and sweep."""
    for _ in range(6):
        for customer in customers:
            await town.look_after(customer)
    for customer in customers:
        assert await town.store.merge_held(customer) is None


async def talk(town: Any, phone: Any, app: Any, when: str) -> None:
    for number in range(2):
        await town.write(phone, f"a {when} {number}")
        await town.write(app, f"b {when} {number}")


def whole(words: list[str], who: str, *times: str) -> None:
    """All that one has written stands there once, answered once, in order."""
    said = [f"{who} {when} {number}" for when in times for number in range(2)]
    assert [word for word in words if word.startswith(f"{who} ")] == said
    assert sorted(w for w in words if w.startswith(f"re {who} ")) == sorted(f"re {w}" for w in said)


@pytest.mark.parametrize("side", ["lower stays", "higher stays"])
@pytest.mark.parametrize("name", MERGE)
async def test_a_merge_whose_process_dies(
    town: Any, valkey: Embedded, store_prefix: str, name: str, side: str
) -> None:
    """The sweeper of another process finishes it; each word written meanwhile is answered."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    into, other = (ada, ben) if side == "lower stays" else (ben, ada)
    await talk(town, phone, app, "before")
    await dies(valkey, store_prefix, name, "merge", into, other)
    await talk(town, phone, app, "dead")
    await until_quiet(town, ada, ben)
    await talk(town, phone, app, "after")
    assert await town.store.who(other) == into
    assert await town.addresses(into) == {phone, app}
    words = await town.words(into)
    whole(words, "a", "before", "dead", "after")
    whole(words, "b", "before", "dead", "after")
    assert len(words) == 24
    numbers = [number for number, _ in await town.read(into)]
    assert numbers == list(range(1, 25))
    assert len(town.sent) == 12


@pytest.mark.parametrize("name", UNDO)
async def test_an_undo_whose_process_dies(
    town: Any, valkey: Embedded, store_prefix: str, name: str
) -> None:
    """Both are there again, each with all of their own, and nothing of the other's."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    await talk(town, phone, app, "before")
    merged = await town.merging.merge(ada, ben, actor="cli")
    assert isinstance(merged, Merged)
    await talk(town, phone, app, "one")
    await town.write(app, "b waits 0", answer=False)
    await town.write(app, "b waits 1", answer=False)
    await dies(valkey, store_prefix, name, "undo", merged.merge)
    await talk(town, phone, app, "dead")
    await until_quiet(town, ada, ben)
    await talk(town, phone, app, "after")
    assert await town.addresses(ada) == {phone}
    assert await town.addresses(ben) == {app}
    words, theirs = await town.words(ada), await town.words(ben)
    whole(words, "a", "before", "one", "dead", "after")
    whole(theirs, "b", "before", "one", "waits", "dead", "after")
    assert len(words) + len(theirs) == 16 + 20


@pytest.mark.parametrize("name", failpoints.OF_ERASURES)
async def test_an_erasure_whose_process_dies(
    town: Any, valkey: Embedded, store_prefix: str, name: str
) -> None:
    """It is finished by whoever sweeps, and who writes meanwhile is new."""
    ada, phone = await town.customer("ada")
    await town.write(phone, "canary")
    await dies(valkey, store_prefix, name, "erase", ada)
    taken = await town.store.take(ada)
    if isinstance(taken, Found):
        await Erasing(town.store, town.merging, adapters=dict).resume(ada)
    found = everything(valkey, store_prefix)
    assert not [key for key, value in found if b"canary" in value or phone.id.encode() in value]
    assert await town.store.owner(phone) is None


async def test_letters_in_the_middle_of_everything(
    town: Any, valkey: Embedded, store_prefix: str
) -> None:
    """Killed with letters on their way from one to the other: they arrive, once."""
    ada, phone = await town.customer("ada")
    ben, app = await town.customer("ben", "telegram")
    await town.write(app, "b waits 0", answer=False)
    await town.write(app, "b waits 1", answer=False)
    await dies(valkey, store_prefix, "merge_posted", "merge", ada, ben)
    await town.write(app, "b dead 0")
    await town.write(app, "b dead 1")
    await until_quiet(town, ada, ben)
    assert await town.store.admit(ben, town.said(app, "x")) == Moved(to=ada)
    whole(await town.words(ada), "b", "waits", "dead")
    assert phone in await town.addresses(ada)
