"""A cluster of servers, through redis-py's client, with our own patience around it.

redis-py does not wait between its tries and gives up within a second, where a failover takes three
and more; and while it rebuilds its table of slots, errors of its own escape from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import NoScriptError, RedisError, ResponseError

from segue.errors import StoreError, StoreUnavailable
from segue.memory.scripting import Script
from segue.memory.server import AGAIN, FULL, Base, Patience, parse_info
from segue.memory.urls import hosts, login, taken_over
from segue.ports import Chance


class Cluster(Base):
    """A cluster, through redis-py's client, with our own patience around it."""

    clustered = True

    def __init__(self, url: str, *, timeout: float, patience: float, chance: Chance) -> None:
        super().__init__(timeout, patience, chance)
        self._hosts = hosts(urlsplit(url).netloc, 6379)
        options = login(url)
        options.pop("db", None)
        self._options = options | {
            "protocol": 2,
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
        }
        self._client: RedisCluster | None = None

    def _connected(self) -> RedisCluster:
        if self._client is None:
            nodes = [ClusterNode(host, port) for host, port in self._hosts]
            self._client = RedisCluster(startup_nodes=nodes, **self._options)
        return self._client

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes],
        args: Sequence[Any],
        packed: bytes | None = None,
    ) -> Any:
        """Run one script on the node that holds its keys."""
        self.calls += 1
        self.tally[script.name] += 1
        patience: Patience | None = None
        while True:
            try:
                client = self._connected()
                try:
                    return await client.execute_command(
                        "EVALSHA", script.sha, len(keys), *keys, *args
                    )
                except NoScriptError:
                    return await client.execute_command(
                        "EVAL", script.text, len(keys), *keys, *args
                    )
            except ResponseError as error:
                if str(error).startswith(FULL):
                    raise StoreUnavailable(f"the store takes no writes: {error}") from error
                if not str(error).startswith(AGAIN):
                    raise StoreError(f"{script.name}: {error}") from error
                problem: Exception = error
            except (RedisError, OSError, TimeoutError, AttributeError, TypeError) as error:
                # The last two escape from redis-py while it rebuilds its table of slots.
                problem = error
            patience = patience or Patience(self._patience, self._chance)
            await patience.wait(problem)

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[bytes], Sequence[Any]]]
    ) -> list[Any]:
        """Run independent scripts side by side."""
        before = self.calls
        replies = await asyncio.gather(*(self.run(*call) for call in calls))
        self.calls = before + 1
        return list(replies)

    async def info(self) -> list[dict[str, str]]:
        """Return the INFO of every primary."""
        patience = Patience(self._patience, self._chance)
        while True:
            try:
                client = self._connected()
                await client.initialize()
                found = []
                for node in client.get_primaries():
                    connection = node.acquire_connection()
                    try:
                        await connection.connect()  # type: ignore[no-untyped-call]
                        await connection.send_command("INFO")
                        found.append(parse_info(await connection.read_response()))
                    finally:
                        node.release(connection)
                self.calls += 1
                return found
            except (RedisError, OSError, TimeoutError, AttributeError, TypeError) as error:
                await patience.wait(error)

    async def _listening_connection(self) -> asyncio.StreamWriter:
        # A published message reaches every node of a cluster, so any one will do.
        client = self._connected()
        await client.initialize()
        options = {k: v for k, v in self._options.items() if k != "ssl"}
        problem: Exception = StoreUnavailable("the cluster has no nodes")
        for node in client.get_nodes():
            try:
                kind = node.connection_class
                return await taken_over(kind(host=node.host, port=node.port, **options))
            except OSError as error:
                problem = error
        raise problem

    async def close(self) -> None:
        """End all connections."""
        await self._end()
        if self._client is not None:
            await self._client.aclose()
