"""Workers by forking: a process that has imported everything, so that a kill costs milliseconds.

It reads one JSON object per line: `{"task": n, …}` begins a worker (see `Task`), and it writes one
per line: `{"task": n, "pid": p}` when a worker was begun, `{"pid": p, "status": s}` when one ended.
When its input ends it kills the workers that are left, and ends.

A worker is a whole process of Segue: webhook, gateway, engine, delivery, sweeper.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from segue import Email, failpoints
from segue.app import App
from segue.channel import (
    Capabilities,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Sent,
    Unknown,
)
from segue.memory import Limits, open_store
from segue.ports import SystemClock
from segue.server import Server, make_app, serve
from segue.settings import load
from segue.slots import SlotContext
from segue.types import Address, Inbound, Message, Row
from segue.voice import load_voice, plain

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "house"))
import errands  # noqa: E402 - found beside this file

TOKEN = "only-the-platform-knows"
PATH = "/channels/phone/webhook"


class Task(msgspec.Struct, kw_only=True):
    """What a worker is to be."""

    task: int
    url: str
    """Of the store."""
    prefix: str
    socket: str
    """Where it listens."""
    platform: str
    """Socket of the stand-in that takes what it sends."""
    ledger: str
    log: str
    failpoint: str = ""
    times: int = 1
    later: str = ""
    """Failpoint to arm when SIGUSR1 comes."""
    later_times: int = 1
    freeze: str = ""
    """Failpoint at which it stops itself (SIGSTOP), once."""
    lease: float = 1.0
    claim: float = 1.5
    grace: float = 5.0
    wait: float = 0.3
    """How long an errand takes to be shipped."""
    slow: float = 0.0
    """How long a step takes."""
    tries: int = 3
    """Turns begun for a message and never finished, before it is parked."""
    life: int = 90
    """Seconds after which it ends whatever happens."""


class Phone:
    """A push channel: messages come in by webhook, replies go out to the stand-in platform."""

    name = "phone"
    capabilities = Capabilities(text_limit=640)

    def __init__(self, platform: str) -> None:
        self._platform = platform

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        return (Route(method="POST", path=PATH),)

    def verify(self, request: RawRequest) -> Refused | None:
        if request.headers.get("x-token") != TOKEN:
            return Refused(status=401, why="token")
        return None

    def parse(self, request: RawRequest) -> Parsed | Refused:
        said = msgspec.json.decode(request.body)
        inbound = Inbound(
            address=Address(self.name, said["from"]), message_id=said["id"], text=said["text"]
        )
        return Parsed(inbound=(inbound,))

    def build(self, message: Message) -> Payload:
        return {"text": plain(message)}

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        try:
            reader, writer = await asyncio.open_unix_connection(self._platform)
        except OSError as error:
            return NotSent(why=str(error), permanent=False)
        try:
            call = {"row": row.id, "to": address.id, "pid": os.getpid(), **payload}
            writer.write(json.dumps(call).encode() + b"\n")
            answer = await reader.readline()
        except OSError as error:
            return Unknown(why=str(error))
        finally:
            writer.close()
        return Sent(id=row.id) if answer == b"taken\n" else Unknown(why="no answer")

    async def start(self, gateway: Gateway) -> None:
        """Nothing runs beside."""

    async def stop(self) -> None:
        """Nothing to stop."""


SETTINGS = load(
    environ={},
    company={"name": "Errands", "phone": "0800 1"},
    voice={"path": str(HERE / "house" / "voice")},
    dialogs={"path": str(HERE / "house")},
    store={"lease_seconds": 1.0, "inbox_limit": 1000},
)
VOICE = load_voice(HERE / "house" / "voice", default_locale="en")


def warm_up() -> None:
    """Load what a first turn would load, so that no worker spends its lease on imports."""
    words = VOICE.words("en")
    context = SlotContext(locale="en", words=words, now=SystemClock().now())
    Email.parse("ada@example.com", context)


async def work(task: Task) -> int:
    """Be a worker until SIGTERM; return the exit code."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, failpoints.arm, task.later, task.later_times)
    app = App(
        SETTINGS.model_copy(
            update={
                "server": SETTINGS.server.model_copy(update={"grace_seconds": task.grace}),
                "store": SETTINGS.store.model_copy(update={"lease_seconds": task.lease}),
            }
        ),
        adapters={"phone": Phone(task.platform)},
    )
    app.setup = app.make_setup(errands.HOUSE, VOICE)
    store = await open_store(
        task.url,
        prefix=task.prefix,
        partitions=1,
        limits=Limits(
            lease=timedelta(seconds=task.lease),
            claim=timedelta(seconds=task.claim),
            sweep=timedelta(milliseconds=300),
            inbox=1000,
            tries=task.tries,
        ),
    )
    await app.start(store)
    await app.watch(sweep_every=0.1)
    http = make_app(app.adapters, app.core, ready={"store": app.ready})
    try:
        return await serve(Server(http, unix=Path(task.socket), grace=task.grace), stop=app.stop)
    finally:
        await store.aclose()


def begin(task: Task) -> None:
    """Become the worker; never returns."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.alarm(task.life)
        log = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
        errands.LEDGER = os.open(task.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        errands.WAIT, errands.SLOW = timedelta(seconds=task.wait), task.slow
        failpoints.arm(task.failpoint, task.times)
        if task.freeze:
            failpoints.on_hit(_freezer(task.freeze))
        with contextlib.suppress(FileNotFoundError):
            Path(task.socket).unlink()
        code = asyncio.run(work(task))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _freezer(name: str) -> Any:
    frozen = []

    def hook(hit: str) -> None:
        if hit == name and not frozen:
            frozen.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)

    return hook


def main() -> None:
    """Begin workers as asked, and say which ended."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    alive: set[int] = set()
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ, "input")
    selector.register(ours, selectors.EVENT_READ, "signal")
    rest = b""

    def say(**values: int) -> None:
        os.write(1, json.dumps(values).encode() + b"\n")

    warm_up()
    say(ready=1)
    while True:
        for key, _ in selector.select():
            if key.data == "signal":
                ours.recv(4096)
                for pid, status in _ended(alive):
                    alive.discard(pid)
                    say(pid=pid, status=status)
                continue
            data = os.read(0, 65536)
            if not data:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                task = msgspec.json.decode(line, type=Task)
                pid = os.fork()
                if pid == 0:
                    begin(task)
                alive.add(pid)
                say(task=task.task, pid=pid)


def _ended(alive: set[int]) -> list[tuple[int, int]]:
    found = []
    while alive:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        found.append((pid, os.waitstatus_to_exitcode(status)))
        alive = alive - {pid}
    return found


if __name__ == "__main__":
    main()
