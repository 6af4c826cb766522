"""A small world around real worker processes: a platform that remembers, a customer, a supervisor.

Nothing here asks Segue what happened where the outside can tell: what was sent is in the platform's
own ledger, what was done is in the ledger of the steps, and what was accepted is what the platform
got a 2xx for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import redis
from verdict import Evidence, Line

from segue.engine.state import decode
from segue.memory import Store, open_store
from segue.types import Address, CustomerId
from segue.types import Line as Stored
from segue.voice import plain

HERE = Path(__file__).parent
_line = msgspec.msgpack.Decoder(Stored).decode
_tasks = itertools.count(1)


class Stuck(AssertionError):
    """Something that must happen by itself did not happen in time (I9)."""


class Nursery:
    """The process that forks workers, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._begun: dict[int, asyncio.Future[int]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())
        self.ready = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Nursery]:
        with (folder / "nursery.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                HERE / "nursery.py",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        nursery = cls(process)
        try:
            async with asyncio.timeout(30):
                await nursery.ready
            yield nursery
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(15):
                    await process.wait()
                    await nursery._reading
            except TimeoutError:
                process.kill()
                raise

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "ready" in said:
                self.ready.set_result(None)
            elif "task" in said:
                self.ended(said["pid"])
                self._begun.pop(said["task"]).set_result(said["pid"])
            else:
                self.ended(said["pid"]).set_result(said["status"])
        if not self.ready.done():
            self.ready.set_exception(Stuck("the nursery did not start, see nursery.log"))

    def ended(self, pid: int) -> asyncio.Future[int]:
        """Return a future of how a worker ends: its exit code, or minus the signal's number."""
        if pid not in self._ended:
            self._ended[pid] = asyncio.get_running_loop().create_future()
        return self._ended[pid]

    async def fork(self, task: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        begun = self._begun[task["task"]] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        async with asyncio.timeout(15):
            return await asyncio.shield(begun)


class Platform:
    """The stand-in for a messaging platform: takes everything, and writes down what it took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        """(row, to, text), in order of arrival."""

    @asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[Platform]:
        server = await asyncio.start_unix_server(self._take, path)
        async with server:
            yield self

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            line = await reader.readline()
            if line.endswith(b"\n"):
                call = json.loads(line)
                self.taken.append((call["row"], call["to"], call["text"]))
                writer.write(b"taken\n")
                await writer.drain()
        writer.close()


@dataclass
class Slot:
    """A place for a worker, which a supervisor keeps filled."""

    number: int
    pid: int = 0
    watching: asyncio.Task[None] | None = None


@dataclass
class World:
    """One installation of `workers` processes, and everything around it."""

    nursery: Nursery
    url: str
    prefix: str
    folder: Path
    store: Store
    platform: Platform
    workers: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """How workers ended: exit codes, or minus the signal."""
    acked: list[tuple[str, str, str]] = field(default_factory=list)
    """(who, message id, text) of what was accepted, in order."""
    supervised: bool = True
    address: str = "+1"
    _count: int = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, nursery: Nursery, url: str, prefix: str, folder: Path, **settings: Any
    ) -> AsyncIterator[World]:
        folder.mkdir(parents=True, exist_ok=True)
        platform = Platform()
        async with (
            await open_store(url, prefix=prefix, partitions=1) as store,
            platform.listening(folder / "p"),
        ):
            world = cls(nursery, url, prefix, folder, store, platform, **settings)
            world.slots = [Slot(number) for number in range(world.workers)]
            try:
                yield world
            finally:
                await world.kill_all()

    # -- workers -------------------------------------------------------------------------------

    async def begin(self, number: int, **arming: Any) -> None:
        """Begin a worker in a slot and keep the slot filled."""
        slot = self.slots[number]
        await self._fork(slot, arming)
        slot.watching = asyncio.create_task(self._watch(slot))

    async def begin_all(self, **arming: Any) -> None:
        """Begin all; `arming` is for the first."""
        for slot in self.slots:
            await self.begin(slot.number, **(arming if slot.number == 0 else {}))
        for slot in self.slots:
            await self.until(lambda n=slot.number: self._up(n), f"worker {slot.number} is not up")

    async def _up(self, number: int) -> bool:
        return await post(self.folder / f"w{number}", b"", path="/healthz") > 0

    async def _fork(self, slot: Slot, arming: dict[str, Any]) -> None:
        slot.pid = await self.nursery.fork(
            {
                "task": next(_tasks),
                "url": self.url,
                "prefix": self.prefix,
                "socket": str(self.folder / f"w{slot.number}"),
                "platform": str(self.folder / "p"),
                "ledger": str(self.folder / "ledger"),
                "log": str(self.folder / "log"),
                **self.options,
                **arming,
            }
        )

    async def _watch(self, slot: Slot) -> None:
        while True:
            status = await asyncio.shield(self.nursery.ended(slot.pid))
            self.statuses.append(status)
            if not self.supervised:
                return
            await self._fork(slot, {})

    @property
    def kills(self) -> int:
        """How many workers died by SIGKILL."""
        return self.statuses.count(-signal.SIGKILL)

    def signal(self, number: int, what: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.slots[number].pid, what)

    async def ended(self, number: int) -> int:
        """Wait for the worker that is in a slot now to end."""
        async with asyncio.timeout(15):
            return await asyncio.shield(self.nursery.ended(self.slots[number].pid))

    async def kill_all(self) -> None:
        """End every worker, also one that is just being begun."""
        self.supervised = False
        async with asyncio.timeout(15):
            for slot in self.slots:
                while slot.watching is not None and not slot.watching.done():
                    if not self.nursery.ended(slot.pid).done():
                        self.signal(slot.number, signal.SIGKILL)
                    await asyncio.sleep(0.01)

    # -- the customer --------------------------------------------------------------------------

    async def write(
        self,
        text: str,
        *,
        again: bool = False,
        who: str = "",
        to: int | None = None,
        within: float = 15.0,
    ) -> str:
        """Write, as a platform delivers: again and again until it gets a 2xx. Returns the id.

        `again` delivers it once more after it was accepted, to the next worker.
        """
        self._count += 1
        who = who or self.address
        message = f"m{1 + sum(by == who for by, _, _ in self.acked)}"
        body = json.dumps({"from": who, "id": message, "text": text}).encode()
        await self._deliver(body, to, within)
        self.acked.append((who, message, text))
        if again:
            await self._deliver(body, to, within, attempt=1)
        return message

    async def _deliver(self, body: bytes, to: int | None, within: float, attempt: int = 0) -> None:
        end = time.monotonic() + within
        while True:
            number = (self._count + attempt) % self.workers if to is None else to
            attempt += 1
            if await post(self.folder / f"w{number}", body) == 200:
                return
            if time.monotonic() > end:
                raise Stuck(f"not accepted within {within} s")
            await asyncio.sleep(0.02)

    async def customer(self, who: str = "") -> CustomerId | None:
        return await self.store.owner(Address("phone", who or self.address))

    async def lines(self, who: str = "") -> list[Stored]:
        customer = await self.customer(who)
        if customer is None:
            return []
        found: list[Stored] = []
        after = -1
        while True:
            page, cursor = await self.store.lines(customer, after=after)
            found += [_line(data) for _, data in page]
            if not page:
                return found
            after = cursor

    async def until_said(self, *replies: str, within: float = 15.0, who: str = "") -> None:
        """Wait until the transcript has these replies, each said once in the script."""

        async def said() -> bool:
            names = {line.reply for line in await self.lines(who) if line.who == "bot"}
            return names.issuperset(replies)

        await self.until(said, f"{replies} was not said", within)

    async def until_quiet(self, who: str = "", within: float = 15.0) -> None:
        """Wait until nothing is waiting, unsent or being answered."""

        async def quiet() -> bool:
            customer = await self.customer(who)
            snapshot = await self.store.snapshot(customer) if customer else None
            return snapshot is not None and snapshot.waiting == 0 and snapshot.unsent == 0

        await self.until(quiet, "it does not come to rest", within)

    async def until(self, condition: Callable[[], Any], problem: str, within: float = 15.0) -> None:
        end = time.monotonic() + within
        while not await condition():
            if time.monotonic() > end:
                lines = [f"{a.who}: {a.reply or a.text}" for a in await self.lines()]
                raise Stuck(f"{problem} within {within} s; ends {self.statuses}; {lines}")
            await asyncio.sleep(0.02)

    # -- what happened -------------------------------------------------------------------------

    async def evidence(self, who: str = "") -> Evidence:
        """Collect everything there is to know about one customer."""
        who = who or self.address
        customer = await self.customer(who)
        assert customer is not None
        snapshot = await self.store.snapshot(customer)
        assert snapshot is not None
        with redis.Redis(unix_socket_path=self.url.removeprefix("unix://")) as client:
            events = client.xrange(f"{self.prefix}{{0}}:events")
            dead = client.xlen(f"{self.prefix}{{0}}:dead")
            score = client.zscore(f"{self.prefix}{{0}}:due", customer)
        ledger = self.folder / "ledger"
        steps = [
            (note["step"], note["subject"], note["key"])
            for note in map(json.loads, ledger.read_text().splitlines() if ledger.exists() else [])
            if note["customer"] == customer
        ]
        return Evidence(
            acked=[(message, text) for by, message, text in self.acked if by == who],
            lines=[
                Line(
                    line.who,
                    line.id,
                    line.reply,
                    plain(line.message) if line.message else line.text,
                )
                for line in await self.lines(who)
            ],
            sent=[(row, text) for row, to, text in self.platform.taken if to == who],
            steps=steps,
            receipts=[
                (fields[b"row"].decode(), fields[b"receipt"].decode())
                for _, fields in events
                if b"row" in fields and fields[b"customer"].decode() == customer
            ],
            turns=sum(
                b"event" in fields and fields[b"customer"].decode() == customer
                for _, fields in events
            ),
            version=snapshot.version,
            waiting=snapshot.waiting,
            unsent=snapshot.unsent,
            dead=dead,
            due=score is not None,
            state=decode(snapshot.state),
            kills=self.kills,
            stops=(self.folder / "log").read_text().count("turn_fenced"),
        )


async def post(
    socket: Path, body: bytes, path: str = "/channels/phone/webhook", within: float = 4
) -> int:
    """POST to a worker as the platform would; 0 if it gave no answer."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n"
        f"X-Token: only-the-platform-knows\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(head.encode() + body)
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0
    return int(status.split()[1]) if status else 0
