"""What a turn costs, beside the floor, in the same run: `make bench`.

The figure to judge by is the server's CPU time per turn: it does not depend on what else the
machine is doing while it waits. Rounds of the floor and of Segue alternate; medians are printed.
The last line is one JSON object.

Both servers are pinned to one core, the store and the clients to the other one. The clients are
Python too: where they are busy all the time (the column `client`), turns per second are theirs, not
the server's. `--quick` takes a minute and says which way something went, not how far.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis

from segue.memory.embedded import embedded

sys.path.insert(0, str(Path(__file__).parent))
from load import SCRIPT, Visitor, talk, visitors

HERE = Path(__file__).parent
WEB = "/channels/web/messages?wait=10"
WARM = 8.0
"""Seconds after which everything is loaded that is loaded beside the first requests."""


def cpu_ns(pid: int) -> int:
    """Return the CPU time of a process, user and system, in nanoseconds."""
    tasks = Path(f"/proc/{pid}/task")
    if tasks.is_dir():
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())
    clock = subprocess.check_output(["ps", "-o", "time=", "-p", str(pid)], text=True).strip()
    minutes, _, seconds = clock.rpartition(":")
    return int((int(minutes or 0) * 60 + float(seconds)) * 1e9)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Peer:
    """A server under measurement."""

    name: str
    pid: int
    port: int
    path: str
    named: bool


@asynccontextmanager
async def started(
    name: str, command: list[str], path: str, port: int, *, named: bool, env: dict[str, str]
) -> AsyncIterator[Peer]:
    """Start a server, pinned to one core where that is possible; stop it in the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
            if not line:
                raise RuntimeError(f"{name} did not start")
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {0})
        yield Peer(name, process.pid, port, path, named)
    finally:
        process.terminate()
        await process.wait()


def environment(url: str, folder: str) -> dict[str, str]:
    """Return the settings of the server: the defaults, but for what is said here."""
    return {
        "SEGUE__STORE__URL": url,
        "SEGUE__STORE__PREFIX": "bench:",
        "SEGUE__STORE__DATA_DIR": folder,
        "SEGUE__DIALOGS__PATH": str(HERE / "company" / "dialogs"),
        "SEGUE__VOICE__PATH": str(HERE / "company" / "brand_voice"),
        "SEGUE__LOG__LEVEL": "warning",
        # A closed loop of one machine is what the limiter is there to stop.
        "SEGUE__CHANNELS__WEB__CUSTOMER_RATE": "0",
        "SEGUE__CHANNELS__WEB__PEER_RATE": "0",
    }


def ask(unix: str, *commands: tuple[str | bytes, ...]) -> list[Any]:
    """Return the store's replies to these commands."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(unix)
        wire.sendall(b"".join(map(hiredis.pack_command, commands)))
        reader, replies = hiredis.Reader(), []
        while len(replies) < len(commands):
            reply = reader.gets()
            if reply is False:
                reader.feed(wire.recv(1 << 20))
            else:
                replies.append(reply)
    return replies


def families(unix: str) -> list[tuple[str, int, float]]:
    """Return (kind of key, how many, bytes of one) of everything in the store, as it counts."""
    keys = ask(unix, ("KEYS", "bench:*"))[0]
    sizes = ask(unix, *(("MEMORY", "USAGE", key, "SAMPLES", "0") for key in keys))
    found: dict[str, list[int]] = {}
    for key, size in zip(keys, sizes, strict=True):
        name = re.sub(r"c:[^:]+", "c:ID", re.sub(r"^bench:(\{\d+\}:)?", "", key.decode()))
        found.setdefault(name, []).append(size)
    return [(name, len(all_), sum(all_) / len(all_)) for name, all_ in sorted(found.items())]


def info(unix: str, field: str) -> int:
    """Return one number of the store's INFO."""
    for line in ask(unix, ("INFO", "memory"))[0].decode().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.partition(":")[2])
    raise KeyError(field)


async def measure(peer: Peer, customers: int, turns: int) -> dict[str, float]:
    """Return CPU per turn, turns per second and latencies of one closed-loop run."""
    group = await visitors(peer.port, peer.path, customers, named=peer.named)
    each = max(turns // customers // len(SCRIPT), 1) * len(SCRIPT)
    before, own = cpu_ns(peer.pid), time.process_time()
    seconds = await talk(group, each)
    spent, own = cpu_ns(peer.pid) - before, time.process_time() - own
    times = sorted(t for visitor in group for t in visitor.latencies)
    for visitor in group:
        visitor.close()
    done = each * customers
    return {
        "cpu_us": spent / done / 1000,
        "turns_s": done / seconds,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "client": own / seconds * 100,
    }


async def history(peer: Peer, turns: int) -> tuple[float, float]:
    """Return CPU per turn of customers around their 20th turn, and of others around a late one.

    Both are measured by turns, several times: a machine that is busy is so for both.
    """
    old = await visitors(peer.port, peer.path, 32, named=peer.named)
    await talk(old, turns - 64 - old[0].turns)

    async def cost(group: list[Visitor]) -> float:
        before = cpu_ns(peer.pid)
        await talk(group, 32)
        return (cpu_ns(peer.pid) - before) / 32 / len(group) / 1000

    early, late = [], []
    for _ in range(4):
        young = await visitors(peer.port, peer.path, 32, named=peer.named)
        early.append(await cost(young))
        late.append(await cost(old))
        for visitor in young:
            visitor.close()
    for visitor in old:
        visitor.close()
    return statistics.median(early), statistics.median(late)


async def idle_bytes(peer: Peer, unix: str, customers: int) -> float:
    """Return the store's bytes per customer after one journey, beyond the words of it.

    A thousand have been there before: every partition has its event stream by then, whose first
    page (4 kB, 512 times) belongs to the installation and not to its first customers.
    """
    await journeys(peer, 1000)
    before = info(unix, "used_memory")
    words = await journeys(peer, customers)
    return (info(unix, "used_memory") - before - words) / customers


async def journeys(peer: Peer, customers: int) -> int:
    """Let new customers make one journey each; return how many characters were said."""
    words = 0
    for start in range(0, customers, 50):
        group = [Visitor(peer.port, peer.path) for _ in range(min(50, customers - start))]
        await asyncio.gather(*(visitor.connect() for visitor in group))
        for text in SCRIPT:
            said = await asyncio.gather(*(visitor.say(text) for visitor in group))
            for answer in said:
                replies = answer["replies"]
                assert isinstance(replies, list)
                words += len(text) + sum(
                    len(r["text"]) + sum(len(b["label"]) for b in r["buttons"]) for r in replies
                )
        for visitor in group:
            visitor.close()
    await asyncio.sleep(0.2)
    return words


async def cold_start(command: list[str], port: int, env: dict[str, str]) -> float:
    """Return the seconds from the start of `segue run` until /readyz says yes."""
    begun = asyncio.get_running_loop().time()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, env={**os.environ, **env}
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(
                        b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
                    )
                    status = await reader.readline()
                    writer.close()
                    if b" 200 " in status:
                        return asyncio.get_running_loop().time() - begun
                except OSError:
                    pass
                await asyncio.sleep(0.01)
    finally:
        process.terminate()
        await process.wait()


async def main(rounds: int, turns: int, late_turn: int, idle_customers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as folder:
        async with embedded(Path(folder) / "store") as store:
            unix = str(store.socket)
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(store.pid, {1 % (os.cpu_count() or 1)})
            settings = environment(store.url, folder)
            floor_port, web_port = free_port(), free_port()
            floor = started(
                "floor",
                [sys.executable, str(HERE / "floor.py"), unix, str(floor_port)],
                "/messages",
                floor_port,
                named=True,
                env={},
            )
            web = started(
                "web",
                [sys.executable, "-m", "segue.cli", "run", "--port", str(web_port)],
                WEB,
                web_port,
                named=False,
                env=settings,
            )
            async with floor as bare, web as segue:
                # What Segue loads late (`slots/warm.py`) is no turn's, and no floor's.
                await asyncio.sleep(WARM)
                if hasattr(os, "sched_setaffinity"):
                    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
                rows: dict[tuple[str, int], list[dict[str, float]]] = {}
                for number in range(rounds):
                    for customers in (1, 16, 64):
                        for peer in (bare, segue):
                            amount = turns if customers > 1 else turns // 4
                            row = await measure(peer, customers, amount)
                            rows.setdefault((peer.name, customers), []).append(row)
                    print(f"round {number + 1} of {rounds}", file=sys.stderr)
                early, late = await history(segue, late_turn)
                idle = await idle_bytes(segue, unix, idle_customers)
                kinds = families(unix)
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, range(os.cpu_count() or 1))
            ready_port = free_port()
            ready = await cold_start(
                [sys.executable, "-m", "segue.cli", "run", "--port", str(ready_port)],
                ready_port,
                settings,
            )
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{'':8}{'customers':>10}{'CPU µs/turn':>13}{'turns/s':>9}{'p50 ms':>8}{'p99 ms':>8}"
        f"{'client':>8}"
    )
    median: dict[tuple[str, int], dict[str, float]] = {}
    for (name, customers), found in rows.items():
        median[name, customers] = m = {
            key: statistics.median(row[key] for row in found) for key in found[0]
        }
        print(
            f"{name:8}{customers:>10}{m['cpu_us']:>13.0f}{m['turns_s']:>9.0f}"
            f"{m['p50_ms']:>8.2f}{m['p99_ms']:>8.2f}{m['client']:>7.0f}%"
        )
    ratio = statistics.median(
        web["cpu_us"] / bare["cpu_us"]
        for bare, web in zip(rows["floor", 64], rows["web", 64], strict=True)
    )
    print(f"Segue to floor, 64 customers, median of each round's own ratio: {ratio:.2f}")
    print(f"CPU per turn around turn 20: {early:.0f} µs, around turn {late_turn}: {late:.0f} µs")
    print(f"store bytes per idle customer beyond their words: {idle:.0f}")
    for name, number, size in kinds:
        print(f"    {name:12}{number:6} keys of {size:.0f} bytes")
    print(f"segue run to ready: {ready:.2f} s")
    print(
        json.dumps(
            {
                "web_cpu_us": round(median["web", 64]["cpu_us"], 1),
                "floor_cpu_us": round(median["floor", 64]["cpu_us"], 1),
                "web_turns_s": round(median["web", 64]["turns_s"]),
                "floor_turns_s": round(median["floor", 64]["turns_s"]),
                "bytes_per_idle_customer": round(idle),
                f"slope_{late_turn}": round(late / early, 3),
                "ratio": round(ratio, 2),
                "ready_s": round(ready, 2),
            }
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=4000, help="turns per run")
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten")
    given = parser.parse_args()
    if given.quick:
        asyncio.run(main(2, 1200, 300, 1000))
    else:
        asyncio.run(main(given.rounds, given.turns, 1000, 3000))
