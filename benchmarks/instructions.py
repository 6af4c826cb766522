"""Instructions per turn, counted by valgrind: the same from run to run, however busy the machine.

    python benchmarks/instructions.py [FOLDER…]

Counts what the processes of the floor and of Segue execute, 32 customers, 8 turns each; the kernel
is not counted, nor how long memory lets an instruction wait. FOLDER is another checkout of Segue to
count beside this one. Needs `valgrind`; takes about two minutes a server.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from segue.memory.embedded import embedded

sys.path.insert(0, str(Path(__file__).parent))
from bench import HERE, WEB, environment, free_port
from load import talk, visitors

CUSTOMERS, TURNS = 32, 8
LOADED = 60.0
"""Seconds until all is loaded that is loaded late: valgrind makes it take 20 times as long."""
COLLECTED = re.compile(rb"Collected : (\d+)")


async def counted(command: list[str], env: dict[str, str], port: int, folder: str) -> float:
    """Start a server under valgrind; return the instructions of one turn."""
    floor = command[1].endswith("floor.py")
    log = Path(folder) / "valgrind.log"
    process = await asyncio.create_subprocess_exec(
        "valgrind",
        "--tool=callgrind",
        "--instr-atstart=no",
        f"--log-file={log}",
        f"--callgrind-out-file={folder}/callgrind.out",
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        # Counting must not outlast a lease, nor the order of a set change what is counted.
        env={**os.environ, **env, "SEGUE__STORE__LEASE_SECONDS": "60", "PYTHONHASHSEED": "1"},
    )
    try:
        async with asyncio.timeout(300):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.2)
        path = "/messages" if floor else WEB
        group = await visitors(port, path, CUSTOMERS, named=floor)
        await asyncio.sleep(1 if floor else LOADED)
        await talk(group, 4)
        for switch in ("on", "off"):
            turning = await asyncio.create_subprocess_exec(
                "callgrind_control",
                "-i",
                switch,
                str(process.pid),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            await turning.wait()
            if switch == "on":
                await talk(group, TURNS)
        for visitor in group:
            visitor.close()
    finally:
        process.terminate()
        await process.wait()
    found = COLLECTED.search(log.read_bytes())
    if found is None:
        raise RuntimeError("valgrind has counted nothing")
    return int(found[1]) / CUSTOMERS / TURNS


async def main(checkouts: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="segue-count-") as folder:
        async with embedded(Path(folder) / "store") as store:
            port = free_port()
            command = [sys.executable, str(HERE / "floor.py"), str(store.socket), str(port)]
            floor = await counted(command, {}, port, folder)
            print(f"{'floor':40}{floor:12,.0f} instructions a turn")
            for number, checkout in enumerate(["", *checkouts]):
                port = free_port()
                env = environment(store.url, folder) | {"SEGUE__STORE__PREFIX": f"count{number}:"}
                if checkout:
                    env["PYTHONPATH"] = f"{checkout}/bot:{checkout}/adapters"
                command = [sys.executable, "-m", "segue.cli", "run", "--port", str(port)]
                found = await counted(command, env, port, folder)
                print(f"{checkout or 'Segue':40}{found:12,.0f}  {found / floor:.2f} floors")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
