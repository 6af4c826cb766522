"""CPU of the Python process per call to the memory, at 1, 16 and 64 callers.

    python benchmarks/memory_calls.py

Prints, for each number of callers: the CPU per `renew` (the barest script call), the CPU per turn
(`admit` + `commit` with two lines of transcript), turns a second, and p50 and p99 of a turn.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time

from segue.memory import Commit, Granted, Store, open_store
from segue.types import Address, Inbound

LINE = b"x" * 160
STATE = b"s" * 400


async def renewals(store: Store, granted: Granted, calls: int) -> None:
    for _ in range(calls):
        await store.renew(granted.lease)


async def turns(store: Store, name: str, calls: int, took: list[float]) -> None:
    address = Address("web", name)
    for number in range(calls):
        begun = time.perf_counter()
        inbound = Inbound(address=address, message_id=str(number), text="where is my order A1001?")
        granted = await store.admit(name, inbound, create=number == 0)
        assert isinstance(granted, Granted), granted
        commit = Commit(state=STATE, ack=granted.number, log=(LINE, LINE), said=1)
        await store.commit(granted.lease, commit)
        took.append(time.perf_counter() - begun)


async def measure(
    store: Store, callers: int, round_: int
) -> tuple[float, float, float, list[float]]:
    total = 6400
    leases = []
    for number in range(callers):
        name = f"renew-{round_}-{callers}-{number}"
        inbound = Inbound(address=Address("web", name), message_id="1")
        granted = await store.admit(name, inbound, create=True)
        assert isinstance(granted, Granted), granted
        leases.append(granted)
    cpu = time.process_time()
    await asyncio.gather(*(renewals(store, lease, total // callers) for lease in leases))
    per_call = (time.process_time() - cpu) / total * 1e6

    took: list[float] = []
    cpu, wall = time.process_time(), time.perf_counter()
    names = [f"turn-{round_}-{callers}-{number}" for number in range(callers)]
    await asyncio.gather(*(turns(store, name, total // callers, took) for name in names))
    per_turn = (time.process_time() - cpu) / total * 1e6
    return per_call, per_turn, total / (time.perf_counter() - wall), took


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with await open_store("embedded:", data_dir=folder) as store:
            for callers in (1, 16, 64):
                rounds = [await measure(store, callers, number) for number in range(3)]
                call, turn, rate = (
                    statistics.median(part[index] for part in rounds) for index in range(3)
                )
                took = sorted(seconds for part in rounds for seconds in part[3])
                p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
                print(
                    f"{callers:3} callers: {call:5.1f} µs a call, {turn:5.1f} µs a turn, "
                    f"{rate:6.0f} turns/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms"
                )


if __name__ == "__main__":
    asyncio.run(main())
