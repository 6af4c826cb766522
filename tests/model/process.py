"""One process of Segue inside the test: it can die at a failpoint, and another takes its place.

Dying is raised, not killed: from that moment on nothing of the process reaches the store, and all
its tasks are thrown away. Time that must pass on the server (a lease, a claim) is moved there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis

from segue import failpoints
from segue.app import App
from segue.channel import Accepted, Adapter
from segue.dialog import Registry
from segue.memory import Limits, Store, open_store
from segue.memory.records import Commit, Committed, Lease
from segue.settings import load
from segue.testing import CAPABILITIES, CountedIds, FakeClock, FixedChance, StageChannel
from segue.types import CustomerId, Inbound
from segue.voice import Voice

HERE = Path(__file__).parent
SETTINGS = load(
    environ={},
    company={"name": "Trips", "phone": "0800 1", "quiet_hours": "00:00-00:00"},
    voice={"path": str(HERE / "house")},
    dialogs={"path": str(HERE)},
)
# What time does to a lease and to claims on the server.
_TIME_PASSES = """
if redis.call('HEXISTS', KEYS[1], 'd') == 1 then redis.call('HSET', KEYS[1], 'd', 1) end
local rows = redis.call('LRANGE', KEYS[2], 0, -1)
for i = 1, #rows do
  local row = cmsgpack.unpack(rows[i])
  row[4] = 1
  redis.call('LSET', KEYS[2], i - 1, cmsgpack.pack(row))
end
"""


class Death(BaseException):
    """The process died here."""


@dataclass
class World:
    """What outlives a process: the clock, the channels, what was written where."""

    socket: str
    prefix: str
    voice: Voice
    clock: FakeClock = field(default_factory=FakeClock)
    ids: CountedIds = field(default_factory=CountedIds)
    channels: Mapping[str, StageChannel] = field(
        default_factory=lambda: {name: StageChannel(name) for name in CAPABILITIES}
    )
    written: list[tuple[int, int]] = field(default_factory=list)
    """(epoch, version) of every commit and record that landed, in order."""
    deaths: int = 0

    def time_passes(self, customer: CustomerId) -> None:
        """Let leases and claims run out."""
        with redis.Redis(unix_socket_path=self.socket) as client:
            key = f"{self.prefix}{{0}}:c:{customer}"
            client.eval(_TIME_PASSES, 2, key, f"{key}:out")

    def forget(self) -> None:
        """Take everything out of the server again."""
        with redis.Redis(unix_socket_path=self.socket) as client:
            keys = list(client.scan_iter(match=f"{self.prefix}*", count=1000))
            if keys:
                client.delete(*keys)


class Process:
    """A worker, from its start to its death."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False
        self.app: App
        self.store: Store
        self._fatal = ""
        self._left = 0

    @classmethod
    async def start(cls, world: World, dialogs: Registry) -> Process:
        """Begin one on the world's store."""
        process = cls(world)
        process.store = process._watched(
            await open_store(
                f"unix://{world.socket}",
                prefix=world.prefix,
                partitions=1,
                limits=Limits(lease=timedelta(seconds=60), claim=timedelta(seconds=60), tries=9),
                clock=world.clock,
                ids=world.ids,
            )
        )
        process.app = App(
            SETTINGS,
            clock=world.clock,
            ids=world.ids,
            chance=FixedChance(),
            adapters=dict[str, Adapter](world.channels),
            play_twice=True,
        )
        process.deploy(dialogs)
        await process.app.start(process.store)
        return process

    def deploy(self, dialogs: Registry) -> None:
        """Run other code from the next turn on."""
        self.app.setup = self.app.make_setup(dialogs, self.world.voice)

    def _watched(self, store: Store) -> Store:
        """See what lands; a dead process reaches the store no more."""
        written = self.world.written

        def watch(name: str) -> None:
            call = getattr(store, name)

            async def watched(*args: Any, **kwargs: Any) -> Any:
                if self.dead:
                    raise Death
                result = await call(*args, **kwargs)
                if isinstance(result, Committed):
                    lease: Lease = args[0]
                    assert isinstance(args[1], Commit)
                    written.append((lease.epoch, result.version))
                return result

            setattr(store, name, watched)

        for name in ("admit", "take", "renew", "record", "commit", "settle", "release"):
            watch(name)
        return store

    # -- dying -------------------------------------------------------------------------------------

    def die_at(self, name: str, times: int) -> None:
        """Die when this failpoint is passed for the `times`-th time from now."""
        self._fatal, self._left = name, times

    def passed(self, name: str) -> None:
        """Be told of a failpoint."""
        if self.dead:
            raise Death
        if name == self._fatal:
            self._left -= 1
            if self._left == 0:
                self.dead = True
                raise Death

    async def bury(self) -> None:
        """Throw away what is left of it."""
        self.dead = True
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.store.aclose()

    # -- living ------------------------------------------------------------------------------------

    async def receive(self, inbound: Inbound, customer: CustomerId) -> bool:
        """Deliver a message; True if it was accepted, False if the process died first."""
        try:
            result = await self.app.core.receive(inbound, customer=customer)
        except Death:
            return False
        assert isinstance(result, Accepted), result
        return True

    async def settle(self, customer: CustomerId) -> None:
        """Wait until nothing runs any more in this process."""
        while True:
            tasks = [*self.app.worker._running.values(), *self.app.delivery._tasks]
            if not tasks:
                return
            await asyncio.wait(tasks, timeout=20)

    async def look_after(self, customer: CustomerId) -> None:
        """Do what the sweeper would, at the time it is for the test."""
        ahead = timedelta(seconds=self.world.clock.monotonic())
        try:
            await self.app.worker.look_after(customer, ahead=ahead)
        except Death:
            return
        await self.settle(customer)


def listen(process: Process | None) -> None:
    """Let failpoints tell this process; None: nobody."""
    failpoints.on_hit(process.passed if process else None)
