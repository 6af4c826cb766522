"""What the store needs of a server, and what every way of reaching one shares."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from segue.errors import StoreError, StoreUnavailable
from segue.memory.direct import LoginRefused
from segue.memory.scripting import Script
from segue.memory.wire import Ear
from segue.ports import Chance

log = logging.getLogger(__name__)

AGAIN = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY")
"""Error replies that pass: a server that starts, a failover, a slot that moves."""
FULL = ("OOM", "MISCONF")
"""Error replies of a server that takes no writes now; waiting a second does not help."""


class Server(Protocol):
    """What the store needs of a connection."""

    clustered: bool
    calls: int
    """Round trips so far: a batch counts once."""
    tally: Counter[str]
    """Runs of each script so far."""

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        packed: bytes | None = None,
    ) -> Any:
        """Run one script and return its reply; `packed` is the same call, ready to be sent."""
        ...

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[bytes], Sequence[Any]]]
    ) -> list[Any]:
        """Run independent scripts in one batch."""
        ...

    async def info(self) -> list[dict[str, str]]:
        """Return what each server says of itself (INFO)."""
        ...

    async def listen(self, patterns: list[bytes], heard: Callable[[bytes, bytes], None]) -> None:
        """Return when subscribed; goes on by itself until `close`."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


class Patience:
    """The rhythm of trying again: 20 to 500 ms with jitter, until the time is over."""

    def __init__(self, seconds: float, chance: Chance) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds
        self._chance = chance
        self._pause = 0.02

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - self._loop.time()

    async def wait(self, why: Exception) -> None:
        """Wait a little, or raise `StoreUnavailable` if the time is over."""
        pause = self._pause * (0.5 + self._chance.random())
        if self.left() <= pause:
            raise StoreUnavailable(f"the store cannot be reached: {why}") from why
        self._pause = min(self._pause * 2, 0.5)
        await asyncio.sleep(pause)


class Base:
    """What both kinds share: listening with reconnection, and tasks that end with `close`."""

    clustered = False

    def __init__(self, timeout: float, patience: float, chance: Chance) -> None:
        self.calls = 0
        self.tally: Counter[str] = Counter()
        self._timeout = timeout
        self._patience = patience
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self._ear: Ear | None = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listening_connection(self) -> asyncio.StreamWriter:
        raise NotImplementedError

    async def listen(self, patterns: list[bytes], heard: Callable[[bytes, bytes], None]) -> None:
        """Subscribe, and subscribe again whenever the connection is lost."""
        ear = self._ear = Ear(await self._listening_connection(), patterns, heard)
        await ear.listening

        async def keep() -> None:
            pause = 0.02
            while True:
                if self._ear is not None:
                    await self._ear.ended
                    self._ear = None
                await asyncio.sleep(pause * (0.5 + self._chance.random()))
                try:
                    self._ear = Ear(await self._listening_connection(), patterns, heard)
                    pause = 0.02
                except (LoginRefused, OSError, StoreError) as error:
                    pause = min(pause * 2, 0.5)
                    log.debug(
                        "store.listen_failed", extra={"segue": {"error": type(error).__name__}}
                    )

        self._spawn(keep())

    async def _end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._ear is not None:
            self._ear.close()


def parse_info(reply: bytes | Exception) -> dict[str, str]:
    """Return the fields of an INFO reply."""
    if isinstance(reply, Exception):
        raise StoreError(f"INFO: {reply}")
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}
