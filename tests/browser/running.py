"""`segue demo` as somebody starts it: a process of its own, with its own copy of the sample."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

ROOT = Path(__file__).parents[2]
_READY = "Segue is at "
_START_WITHIN = 60.0


class RunningDemo:
    """The demo in a folder that looks like a checkout; `kill` and `start` keep what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.output: list[str] = []
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        (folder / "bot" / "segue").mkdir(parents=True)
        for name in ("dialogs", "brand_voice"):
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait for its address."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CI": "1"}
        environment.pop("TARNWOOD_DATA", None)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "segue.cli", "demo", "--port", str(self.port), "--no-browser"),
            cwd=self.folder,
            env=environment,
            stdout=PIPE,
            stderr=STDOUT,
        )
        ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read(self._process, ready))
        try:
            async with asyncio.timeout(_START_WITHIN):
                await ready.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError("segue demo did not start:\n" + "".join(self.output)) from None

    async def _read(self, process: Process, ready: asyncio.Event) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.output.append(line.decode())
            if _READY in self.output[-1]:
                ready.set()

    async def kill(self) -> None:
        """End it as a crash would (`kill -9`)."""
        await self._end(signal.SIGKILL)

    async def interrupt(self) -> int:
        """End it as Ctrl-C would; returns the exit code."""
        return await self._end(signal.SIGINT)

    async def _end(self, by: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(by)
        code = await asyncio.wait_for(process.wait(), 20)
        if self._reading is not None:
            await self._reading
        self._process = None
        return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
