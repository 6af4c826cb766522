"""Every step of a turn × `kill -9` × one worker and two: the end is as if nothing had happened.

The cells are played side by side, each with processes, customer, platform and keys of its own,
because most of their time is waiting for a dead worker's lease to run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from errand import Cell, play
from verdict import Evidence, judge
from world import Nursery

from segue import failpoints
from segue.memory.embedded import Embedded

SIDE_BY_SIDE = 10
IN_A_TIMER = [name for name in failpoints.NAMES if name not in ("receive", "admitted")]

CELLS = [
    *(Cell(name, at, n) for name in failpoints.NAMES for at in (1, 2) for n in (1, 2)),
    *(Cell(name, 1, n, "timer") for name in IN_A_TIMER for n in (1, 2)),
    *(Cell(name, 1, n, "crowd") for name in failpoints.NAMES for n in (1, 2)),
    *(Cell(name, 2, 1, "crowd") for name in failpoints.NAMES),
]
# The first of two workers stores progress in one turn only.
CELLS.remove(Cell("flushed", 2, 2))
# Which of two workers sends a row hangs on who settles the one before it in its lane: the first may
# get to no second send.
for _sending in ("send", "sent", "settled"):
    CELLS.remove(Cell(_sending, 2, 2))

Results = dict[Cell, Evidence | BaseException]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, valkey: Embedded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    """Play all the cells that were asked for."""
    wanted = [
        item.callspec.params["cell"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
    ]
    # A path of a unix socket is short.
    folder: Path = tmp_path_factory.mktemp("m")
    with asyncio.Runner() as runner:
        calm = [cell.calm for cell in wanted]
        yield runner.run(play_all([*calm, *wanted], valkey.url, folder))


async def play_all(cells: list[Cell], url: str, folder: Path) -> Results:
    found: Results = {}
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(cell: Cell, nursery: Nursery) -> None:
        async with room:
            try:
                async with asyncio.timeout(60):
                    found[cell] = await play(cell, nursery, url, folder)
            except Exception as error:
                found[cell] = error

    async with Nursery.open(folder) as nursery:
        await asyncio.gather(*(one(cell, nursery) for cell in dict.fromkeys(cells)))
    return found


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_worker_dies(results: Results, cell: Cell) -> None:
    """Nothing accepted is lost, nothing takes effect twice, and the end is the calm run's."""
    calm = results[cell.calm]
    assert isinstance(calm, Evidence), calm
    assert judge(calm) == []
    seen = results[cell]
    if not isinstance(seen, Evidence):
        raise seen
    assert seen.kills >= 1, "the failpoint was not passed: this cell proves nothing"
    assert judge(seen, calm, crowd=cell.scene == "crowd") == []
