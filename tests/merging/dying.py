"""A process of its own that begins a merge, an undo or an erasure, and is killed on the way.

    python dying.py URL PREFIX merge INTO OTHER | undo MERGE | erase CUSTOMER

`SEGUE_FAILPOINT` says where it dies, by SIGKILL.
"""

from __future__ import annotations

import asyncio
import sys

from segue.identity.erasing import Erasing
from segue.identity.merging import Merging
from segue.memory import open_store
from segue.ports import SystemClock, SystemIds


async def main(url: str, prefix: str, verb: str, *who: str) -> None:
    async with await open_store(url, prefix=prefix, partitions=4) as store:
        merging = Merging(store, clock=SystemClock(), ids=SystemIds())
        match verb:
            case "merge":
                print(await merging.merge(who[0], who[1], actor="cli"))
            case "undo":
                print(await merging.undo(who[0], actor="cli"))
            case _:
                print(await Erasing(store, merging, adapters=dict).erase(who[0], actor="cli"))


asyncio.run(main(*sys.argv[1:]))
