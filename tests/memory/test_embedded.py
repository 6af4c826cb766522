"""The embedded server: one per folder, shared by all who come; whoever dies, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.errors import StoreUnavailable
from segue.memory import Commit, Committed, Granted, open_store
from segue.memory import embedded as module
from segue.memory.embedded import LONGEST_SOCKET, Embedded, embedded, find_binary, socket_path

USER = """
import asyncio, sys
from segue.memory import Commit, open_store
from segue.types import Address, Inbound

async def main(folder, name):
    async with await open_store("embedded:", data_dir=folder, partitions=4) as store:
        [info] = await store.server.info()
        address = Address("web", name)
        granted = await store.admit(name, Inbound(address=address, message_id="1"), create=True)
        await store.commit(granted.lease, Commit(state=name.encode(), ack=1))
        print(info["process_id"], flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


class Users:
    """Processes that use the store of a folder until they are told to leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []

    def come(self, name: str) -> subprocess.Popen[str]:
        user = subprocess.Popen(
            [sys.executable, "-c", USER, str(self.folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(user)
        return user

    @staticmethod
    def server_of(user: subprocess.Popen[str]) -> int:
        assert user.stdout is not None
        return int(user.stdout.readline())

    @staticmethod
    def leave(user: subprocess.Popen[str]) -> None:
        user.communicate("go\n", timeout=30)
        assert user.returncode == 0

    def end(self) -> None:
        for user in self.running:
            if user.poll() is None:
                user.kill()
            user.communicate()


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Users]:
    """Other processes on this test's folder."""
    users = Users(tmp_path)
    yield users
    users.end()


def runs(pid: int) -> bool:
    """Whether a process is there (and not only its remains)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_six_racing_processes_share_one_server(tmp_path: Path, users: Users) -> None:
    """Six that start at once use one server; it lives until the last has left, and no longer."""
    six = [users.come(f"user{number}") for number in range(6)]
    servers = {users.server_of(user) for user in six}
    assert len(servers) == 1
    [server] = servers
    for user in six[:5]:
        users.leave(user)
    assert runs(server)
    users.leave(six[5])
    assert not runs(server)
    async with await open_store("embedded:", data_dir=tmp_path, partitions=4) as store:
        for number in range(6):
            snapshot = await store.snapshot(f"user{number}")
            assert snapshot is not None
            assert snapshot.state == b"user%d" % number


async def test_killing_a_user_harms_nobody(tmp_path: Path, users: Users) -> None:
    """The one who started the server may die: the server stays for the others and their last."""
    first = users.come("first")
    server = users.server_of(first)
    other = users.come("other")
    assert users.server_of(other) == server
    first.kill()
    first.wait()
    assert runs(server)
    users.leave(other)
    assert not runs(server)


async def test_a_server_whose_only_user_was_killed_is_found_again(
    tmp_path: Path, users: Users
) -> None:
    """A server left alone goes on; the next user joins it and, leaving last, ends it."""
    first = users.come("first")
    server = users.server_of(first)
    first.kill()
    first.wait()
    async with embedded(tmp_path / "store") as found:
        assert found.pid == server
        assert not found.started
    assert not runs(server)


async def test_killing_the_server_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """What was answered before a kill -9 of the server is there after it; callers only wait."""
    async with await open_store("embedded:", data_dir=tmp_path, partitions=4) as store:
        [info] = await store.server.info()
        address = module_address()
        kept = []

        async def one(number: int) -> None:
            name = f"c{number}"
            granted = await store.admit(name, address(number), create=True)
            assert isinstance(granted, Granted)
            done = await store.commit(granted.lease, Commit(state=name.encode(), ack=1))
            assert isinstance(done, Committed)
            kept.append(name)
            if len(kept) == 50:
                os.kill(int(info["process_id"]), signal.SIGKILL)

        await asyncio.gather(*(one(number) for number in range(200)))
        assert len(kept) == 200
        [now] = await store.server.info()
        assert now["process_id"] != info["process_id"]
        for name in kept:
            snapshot = await store.snapshot(name)
            assert snapshot is not None
            assert (snapshot.state, snapshot.version, snapshot.waiting) == (name.encode(), 1, 0)


def module_address() -> Any:
    from segue.types import Address, Inbound

    return lambda number: Inbound(address=Address("web", str(number)), message_id="1")


async def test_after_a_kill_one_process_starts_the_next_server(tmp_path: Path) -> None:
    """Two users whose server was killed end with one server again."""
    async with embedded(tmp_path) as one, embedded(tmp_path) as other:
        assert one.pid == other.pid
        os.kill(one.pid, signal.SIGKILL)
        await asyncio.gather(one.ensure(), other.ensure())
        assert one.pid == other.pid
        assert [one.started, other.started].count(True) == 1


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The server's own last words are in the error, with the file to read on in."""
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=r"(?s)does not start.*server\.log"):
        async with embedded(tmp_path):
            pass


async def test_a_long_path_gets_a_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the path would be too long for a socket, it is in a private folder."""
    with tempfile.TemporaryDirectory(prefix="s") as short:
        monkeypatch.setattr(module.tempfile, "gettempdir", lambda: short)
        deep = tmp_path / ("d" * 60) / ("e" * 60)
        async with embedded(deep) as server:
            assert len(os.fsencode(server.socket)) <= LONGEST_SOCKET
            assert server.socket.parent.stat().st_mode & 0o077 == 0
            assert deep not in server.socket.parents
        other = socket_path(tmp_path / ("d" * 60) / ("f" * 60))
        assert other != server.socket


def test_without_a_server_both_cures_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to run: the error says how to install one, and how to use one's own."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StoreUnavailable, match=r"segue\[embedded\].*store\.url"):
        find_binary()


def test_a_server_on_the_path_is_used_if_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`valkey-server` comes before `redis-server`, and one older than 7.0 is not used."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    def server(name: str, version: str) -> Path:
        binary = tmp_path / name
        binary.write_text(f"#!/bin/sh\necho 'server v={version} sha=0'\n")
        binary.chmod(0o755)
        return binary

    old = server("redis-server", "6.2.14")
    with pytest.raises(StoreUnavailable, match=r"older than 7\.0"):
        find_binary()
    old.unlink()
    redis = server("redis-server", "7.2.4")
    assert find_binary() == redis
    assert find_binary() != server("valkey-server", "8.0.1") == find_binary()


async def test_it_is_durable_and_never_evicts(tmp_path: Path) -> None:
    """The server is what the start-up checks ask of any server."""
    from segue.memory.checks import look_over
    from segue.memory.connection import connect
    from segue.memory.keys import Keys
    from segue.ports import SystemClock

    async with embedded(tmp_path, fsync="always") as server, contextlib.AsyncExitStack() as stack:
        assert isinstance(server, Embedded)
        connection = connect(server.url)
        stack.push_async_callback(connection.close)
        findings = await look_over(connection, Keys("p:", 4), SystemClock())
        assert {finding.level for finding in findings} == {"ok"}
