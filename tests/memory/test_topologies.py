"""The same scripts on a real cluster, behind Sentinel, and over TLS."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from segue.errors import StoreUnfit
from segue.memory import Commit, Committed, Duplicate, Granted, Queued, Store, open_store
from segue.memory.connection import connect
from segue.memory.embedded import Embedded, find_binary
from segue.memory.scripting import script
from segue.memory.walk import customers
from segue.types import Proof, Receipt


@contextmanager
def running(folder: Path, port: int, *options: str, sentinel: bool = False) -> Iterator[int]:
    """A server on a loopback port, ended afterwards; checked to be the one that was started."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [str(find_binary())]
    if sentinel:
        arguments += [str(folder / "sentinel.conf"), "--sentinel"]
    arguments += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: client.info("server")["process_id"] == process.pid)
        yield port
    finally:
        process.kill()
        process.wait()


def until(true: Any) -> None:
    """Wait for another process: ask until it is so."""
    for _ in range(1500):
        try:
            if true():
                return
        except redis.RedisError:
            pass
        select.select([], [], [], 0.01)
    pytest.fail("waited for too long")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, low enough for a cluster's bus (ten thousand above)."""
    found: list[int] = []
    candidate = 21000 + os.getpid() % 20000
    while len(found) < count:
        candidate += 1
        with ExitStack() as stack:
            try:
                for port in (candidate, candidate + 10000):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(candidate)
    return found


async def converse(store: Store, hands: Any, customer: str) -> None:
    """Everything once: each script runs, and each key is where it may be."""
    assert await store.create(customer, hands.web, Proof.CHANNEL) in (customer, hands.ada)
    await store.add_address(customer, hands.web, Proof.CHANNEL)
    granted = await store.admit(customer, hands.said(1))
    assert isinstance(granted, Granted)
    assert await store.admit(customer, hands.said(1)) == Duplicate()
    assert isinstance(await store.admit(customer, hands.said(2)), Queued)
    await store.renew(granted.lease)
    noted = await store.record(granted.lease, Commit(state=b"half", log=(b"line",) * 150))
    assert isinstance(noted, Committed)
    assert noted.lease is not None
    done = await store.commit(
        noted.lease,
        Commit(
            state=b"s",
            ack=1,
            log=(b"line",) * 150,
            rows=(hands.row("r1"), hands.row("r2")),
            events=(b"event",),
        ),
    )
    assert isinstance(done, Committed)
    assert done.more is not None
    await asyncio.gather(*store._tasks)
    following = await store.settle(customer, done.claims[0], Receipt.SENT)
    assert following is not None
    await store.settle(customer, following, Receipt.FAILED)
    await store.release(done.more.lease)
    assert customer in await store.sweep()
    taken = await store.take(customer)
    assert isinstance(taken, Granted)
    await store.control(customer, "agent")
    await store.control(customer, "")
    await store.commit(taken.lease, Commit(state=b"t", ack=2))
    lines, cursor = await store.lines(customer, limit=500)
    assert (len(lines), cursor) == (300, 300)
    assert await store.owner(hands.web) is not None
    await store.drop_address(customer, hands.web)
    assert not await store.has_address(customer, hands.web)
    assert await store.dead_letters() == []
    assert not await store.discard("0.1-1")
    assert not await store.retry("0.1-1")
    assert await store.singleton(f"job-{customer}", 10)
    await store.pause("dialog", "d", "r")
    await store.unpause("dialog", "d")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """A cluster of three servers."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        ports = free_ports(3)
        for port in ports:
            options = ("--cluster-enabled", "yes", "--appendonly", "yes", "--save", "")
            stack.enter_context(running(folder / str(port), port, *options))
        nodes = [stack.enter_context(redis.Redis(port=port)) for port in ports]
        for node, (first, last) in zip(
            nodes, [(0, 5460), (5461, 10922), (10923, 16383)], strict=True
        ):
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for port in ports[1:]:
            nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        until(
            lambda: all(
                b"cluster_state:ok" in node.execute_command("CLUSTER INFO")
                or "ok" in str(node.execute_command("CLUSTER INFO").get("cluster_state", ""))
                for node in nodes
            )
        )
        until(lambda: all(len(node.execute_command("CLUSTER NODES")) == 3 for node in nodes))
        yield ports


async def test_everything_works_on_a_cluster(cluster: list[int], hands: Any) -> None:
    """On three servers every script finds its keys in one slot, and hints reach everybody."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in cluster)
    async with await open_store(f"redis+cluster://{hosts}", partitions=16) as store:
        heard: list[str] = []
        store.subscribe(heard.append)
        names = [f"customer{number}" for number in range(12)]
        partitions = {store.keys.customer(name).partition for name in names}  # type: ignore[union-attr]
        assert len(partitions) > 5
        for name in names:
            await converse(store, hands, name)
        assert sorted([name async for name in customers(store)]) == sorted(names)
        while len(heard) < 2 * len(names):
            await store.snapshot(names[0])
        assert set(heard) == set(names)


async def test_a_node_of_a_cluster_is_no_store_by_itself(cluster: list[int]) -> None:
    """A plain URL to a cluster's node is refused with the URL to write."""
    server = connect(f"redis://127.0.0.1:{cluster[0]}")
    with pytest.raises(StoreUnfit, match=r"redis\+cluster://"):
        await asyncio.gather(
            *(server.run(script("owner"), (key,), (1,)) for key in (b"a", b"b", b"c"))
        )
    await server.close()


async def test_the_master_is_found_through_sentinel(tmp_path: Path, hands: Any) -> None:
    """A list of sentinels and the name of the service lead to whoever is master."""
    port, watcher = free_ports(2)
    conf = tmp_path / "s" / "sentinel.conf"
    conf.parent.mkdir()
    conf.write_text(f"sentinel monitor main 127.0.0.1 {port} 1\n")
    with (
        running(tmp_path / "m", port, "--appendonly", "yes"),
        running(tmp_path / "s", watcher, sentinel=True),
    ):
        url = f"redis+sentinel://127.0.0.1:9,127.0.0.1:{watcher}/main"
        async with await open_store(url, partitions=16) as store:
            [info] = await store.server.info()
            assert info["tcp_port"] == str(port)
            await converse(store, hands, hands.ada)


@pytest.fixture
async def tls(valkey: Embedded, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """The session's server behind TLS on a loopback port, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    pipes: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(str(valkey.socket))
        for work in (pipe(reader, outer), pipe(inner, writer)):
            pipes.add(asyncio.ensure_future(work))

    listener = await asyncio.start_server(proxy, "127.0.0.1", 0, ssl=context)
    yield listener.sockets[0].getsockname()[1], pem
    listener.close()
    await asyncio.wait(pipes, timeout=5)


async def test_a_store_over_tls(tls: tuple[int, Path], store_prefix: str, hands: Any) -> None:
    """`rediss://` checks the server's certificate and then works like any other."""
    port, pem = tls
    url = f"rediss://localhost:{port}?ssl_ca_certs={pem}"
    async with await open_store(url, prefix=store_prefix, partitions=4) as store:
        await converse(store, hands, hands.ada)
