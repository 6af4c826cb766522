"""Where a turn's time goes: the same server whole, and with parts of it taken out.

    python benchmarks/parts.py [ROUNDS]

Profilers of Python charge a call for being looked at; so parts are stubbed and the difference is
measured, side by side in the same rounds:

    floor      benchmarks/floor.py
    http       a message is parsed, its session checked, an answer encoded; no memory, no turn
    no-turn    the same with memory, leases and transcript; what is said is always the same
    whole      Segue
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from segue.channel import Accepted, Page
from segue.memory.embedded import embedded
from segue.memory.records import Commit, Granted
from segue.types import Line, Message, Paragraph, Text, Who

sys.path.insert(0, str(Path(__file__).parent))
from bench import HERE, WARM, WEB, cpu_ns, environment, free_port, started
from load import talk, visitors

CUSTOMERS, TURNS = 64, 24
MESSAGE = Message(body=(Paragraph((Text("Why are you sending back the Rain jacket?"),)),))
LINES = (
    Line(who=Who.CUSTOMER, at=1, channel="web", text="A1001"),
    Line(who=Who.BOT, at=1, channel="web", message=MESSAGE, reply="return_item/ask_reason"),
)


def serve(part: str, port: str) -> None:
    """Run the server with one part taken out."""
    from segue.cli import main as segue
    from segue.engine import gateway, worker

    class Speech:
        spoken = LINES

    class Player:
        faults = 0

    class Care:
        folded = loops = 0

    class Standing:
        lost = ()

    class NoTurn:
        notes, flags, speech, player, care, standing = (), 0, Speech, Player, Care, Standing
        ask_company = forget = False

        def __init__(self, _setup: object, granted: Granted, _flush: object) -> None:
            self.granted, self.customer = granted, granted.lease.customer

        async def run(self) -> Commit:
            log, ack = (b"x" * 40, b"y" * 150), self.granted.letters[-1].number
            return Commit(state=b"s" * 250, ack=ack, log=log, said=1, events=(b"e" * 60,))

        def end(self) -> None:
            pass

    async def receive(_self: object, _inbound: object, *, customer: str, **_: Any) -> Accepted:
        return Accepted(customer=customer)

    async def answered(_self: object, _customer: str, _message: str, **_: Any) -> Page:
        return Page(lines=tuple(enumerate(LINES, 1)), cursor=2)

    replaced: Any = gateway.Core if part == "http" else worker
    if part == "http":
        replaced.receive, replaced.answered = receive, answered
    elif part == "no-turn":
        replaced.Turn = NoTurn
    segue(["run", "--port", port])


async def main(rounds: int) -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-parts-"))
        store = await stack.enter_async_context(embedded(Path(folder) / "store"))
        groups = {}
        for part in ("floor", "http", "no-turn", "whole"):
            port = free_port()
            command = (
                [str(HERE / "floor.py"), str(store.socket), str(port)]
                if part == "floor"
                else [__file__, part, str(port)]
            )
            env = environment(store.url, folder) | {"SEGUE__STORE__PREFIX": f"{part}:"}
            path, named = ("/messages", True) if part == "floor" else (WEB, False)
            server = started(part, [sys.executable, *command], path, port, named=named, env=env)
            peer = await stack.enter_async_context(server)
            groups[part] = peer, await visitors(port, path, CUSTOMERS, named=named)
        if hasattr(os, "sched_setaffinity"):
            for pid in (0, store.pid):
                os.sched_setaffinity(pid, {1 % (os.cpu_count() or 1)})
        await asyncio.sleep(WARM)
        spent: dict[str, list[float]] = {part: [] for part in groups}
        for _ in range(rounds):
            for part, (peer, group) in groups.items():
                before = cpu_ns(peer.pid)
                await talk(group, TURNS)
                spent[part].append((cpu_ns(peer.pid) - before) / CUSTOMERS / TURNS / 1000)
        for part, found in spent.items():
            print(f"{part:10}{statistics.median(found):8.0f} µs of CPU a turn")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        serve(sys.argv[1], sys.argv[2])
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
