"""Workers that are asked to stop, that stop by themselves and come back, and a store that goes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from errand import SHIPPED, TURNS, Cell, play, run
from verdict import Evidence, judge
from world import Nursery, World, post

from segue.memory.embedded import Embedded, embedded

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = [f"+{n}" for n in range(1, 7)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    async with Nursery.open(tmp_path_factory.mktemp("n")) as nursery:
        yield nursery


async def calmly(nursery: Nursery, valkey: Embedded, folder: Path) -> Evidence:
    """Return what the errand comes to when nothing goes wrong."""
    return await play(Cell(), nursery, valkey.url, folder)


async def all_judged(world: World, calm: Evidence) -> None:
    for who in CUSTOMERS:
        seen = await world.evidence(who)
        calm.state.address = seen.state.address
        assert judge(seen, calm) == [], who


async def test_sigterm_under_load(nursery: Nursery, valkey: Embedded, tmp_path: Path) -> None:
    """A worker that is told to stop ends with 0 within its grace; nothing is lost or doubled."""
    calm = await calmly(nursery, valkey, tmp_path)
    options = {"slow": 0.05, "grace": 4.0}
    async with World.open(
        nursery, valkey.url, "term:", tmp_path / "term", workers=2, options=options
    ) as world:
        await world.begin_all()
        errands = [asyncio.create_task(run(world, who)) for who in CUSTOMERS]
        for number in (0, 1, 0):
            await asyncio.sleep(0.25)
            leaving = world.ended(number)
            begun = time.monotonic()
            world.signal(number, signal.SIGTERM)
            assert await leaving == 0
            assert time.monotonic() - begun < options["grace"] + 1
        await asyncio.gather(*errands)
        assert world.statuses == [0, 0, 0]
        await all_judged(world, calm)


async def test_a_turn_that_outlasts_the_grace_is_handed_back(
    nursery: Nursery, valkey: Embedded, tmp_path: Path
) -> None:
    """What is not done within the grace is another's at once, not when the lease has ended."""
    async with World.open(
        nursery,
        valkey.url,
        "grace:",
        tmp_path / "grace",
        workers=2,
        options={"lease": 30.0, "slow": 0.6, "grace": 0.2},
    ) as world:
        await world.begin_all()
        await world.write(TURNS[0][0])
        await world.until_said(*TURNS[0][1])
        await world.write("A1001", to=0)
        await asyncio.sleep(0.1)
        world.supervised = False
        world.signal(0, signal.SIGTERM)
        assert await world.ended(0) == 0
        await world.until_said(*TURNS[1][1], within=10)
        await world.until_quiet()
        seen = await world.evidence()
        # The step that was cut off may have been done: it is done again under its key.
        seen.stops += 1
        assert judge(seen) == []


async def test_a_worker_frozen_after_deciding_commits_nothing(
    nursery: Nursery, valkey: Embedded, tmp_path: Path
) -> None:
    """A peer finishes the turn; the one that wakes up later is fenced, and says nothing."""
    calm = await calmly(nursery, valkey, tmp_path)
    async with World.open(nursery, valkey.url, "frozen:", tmp_path / "frozen", workers=2) as world:
        await world.begin_all(freeze="decide")
        (first, replies), (second, answers), *rest = TURNS
        await world.write(first, to=1)
        await world.until_said(*replies)
        await world.write(second, to=0)
        await world.until_said(*answers)
        before = await world.evidence()
        world.signal(0, signal.SIGCONT)

        async def fenced() -> bool:
            return "turn_fenced" in (tmp_path / "frozen" / "log").read_text()

        await world.until(fenced, "the frozen worker was not fenced")
        after = await world.evidence()
        assert after.version == before.version
        assert after.lines == before.lines
        for text, said in rest:
            await world.write(text)
            await world.until_said(*said)
        await world.until_said(*SHIPPED)
        await world.until_quiet()
        seen = await world.evidence()
        assert seen.version == calm.version
        assert judge(seen, calm) == []


async def test_a_worker_frozen_before_a_send_does_not_send_late(
    nursery: Nursery, valkey: Embedded, tmp_path: Path
) -> None:
    """A claim that ran out is another's: whoever held it finds out before sending."""
    async with World.open(nursery, valkey.url, "late:", tmp_path / "late", workers=2) as world:
        await world.begin_all(freeze="send")
        await world.write(TURNS[0][0], to=0)
        await world.until_said(*TURNS[0][1])
        await world.until_quiet()
        world.signal(0, signal.SIGCONT)
        # It goes on where it was: a message it answers proves that it came past that send.
        await world.write(TURNS[1][0], to=0)
        await world.until_said(*TURNS[1][1])
        await world.until_quiet()
        seen = await world.evidence()
        assert judge(seen) == []
        assert len(seen.sent) == 4, "a row was sent twice although its first claim was never used"


async def test_the_store_dies_and_comes_back(nursery: Nursery, tmp_path: Path) -> None:
    """Nothing is accepted while the store is away; all that was before and after is answered."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded(tmp_path / "s", fsync="always"))
        calm = await play(Cell(), nursery, server.url, tmp_path)
        world = await stack.enter_async_context(
            World.open(nursery, server.url, "store:", tmp_path / "w", workers=2)
        )
        await world.begin_all()
        errands = [asyncio.create_task(run(world, who)) for who in CUSTOMERS]
        for how in (signal.SIGKILL, signal.SIGTERM):
            await asyncio.sleep(0.3)
            os.kill(server.pid, how)
            await asyncio.sleep(0.3)
            server = await stack.enter_async_context(embedded(tmp_path / "s", fsync="always"))
            assert server.started, "the old server is still there: this proves nothing"
        await asyncio.gather(*errands)
        for who in CUSTOMERS:
            seen = await world.evidence(who)
            # Outcomes that were lost on the way: a step and a send may have been taken up again.
            seen.stops += 2
            calm.state.address = seen.state.address
            assert judge(seen, calm) == [], who


async def test_no_store_is_a_refusal(nursery: Nursery, tmp_path: Path) -> None:
    """With the store away for long, the platform is told to come again later: 503, not silence."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded(tmp_path / "s"))
        world = await stack.enter_async_context(
            World.open(nursery, server.url, "none:", tmp_path / "w")
        )
        await world.begin_all()
        await world.write("run an errand for me")
        await world.until_said(*TURNS[0][1])
        await world.until_quiet()
        os.kill(server.pid, signal.SIGKILL)
        body = b'{"from": "+1", "id": "m2", "text": "A1001"}'
        assert await post(tmp_path / "w" / "w0", body, within=9) == 503
        await stack.enter_async_context(embedded(tmp_path / "s"))
        await world.write("A1001")
        await world.until_said(*TURNS[1][1])
        await world.until_quiet()
        assert judge(await world.evidence()) == []
