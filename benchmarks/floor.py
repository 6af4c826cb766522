"""The floor: the least that a durable turn over HTTP can cost with these libraries.

One aiohttp handler, two script round trips over one multiplexed connection, one msgspec decode and
encode, one precompiled Jinja2 template. No sessions, no fencing, no transcript, no dialogs.

    python floor.py SOCKET PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import Any

import hiredis
import jinja2
import msgspec
from aiohttp import web

ADMIT = b"""
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return {'again'} end
redis.call('ZADD', KEYS[2], 1, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -100)
return {redis.call('HGET', KEYS[1], 's') or ''}
"""
COMMIT = b"""
redis.call('HSET', KEYS[1], 's', ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], -200, -1)
return 'OK'
"""
REPLY = jinja2.Environment(autoescape=False).from_string(
    "Why are you sending back the {{ order.item }}{% if name %}, {{ name }}{% endif %}?"
)


class Posted(msgspec.Struct):
    text: str
    client_message_id: str
    customer: str = "c"


class State(msgspec.Struct, array_like=True):
    turn: int = 0
    order: dict[str, str] = msgspec.field(default_factory=lambda: {"item": "Rain jacket"})


class Connection(asyncio.Protocol):
    """Many callers, one connection: replies come in the order of the calls."""

    def __init__(self) -> None:
        self.reader = hiredis.Reader()
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.pending: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        while (reply := self.reader.gets()) is not False:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(reply)

    def call(self, *words: bytes | str) -> asyncio.Future[Any]:
        future = self.loop.create_future()
        self.waiting.append(future)
        if not self.pending:
            self.loop.call_soon(self.flush)
        self.pending.append(hiredis.pack_command(words))
        return future

    def flush(self) -> None:
        self.transport.write(b"".join(self.pending))
        self.pending.clear()


async def main(socket: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    _, redis = await loop.create_unix_connection(Connection, socket)
    admit = await redis.call("SCRIPT", "LOAD", ADMIT)
    commit = await redis.call("SCRIPT", "LOAD", COMMIT)
    posted = msgspec.json.Decoder(Posted)
    answer = msgspec.json.Encoder()
    load, dump = msgspec.msgpack.Decoder(State), msgspec.msgpack.Encoder()

    async def handle(request: web.Request) -> web.Response:
        said = posted.decode(await request.read())
        key = f"floor:{said.customer}"
        (blob,) = await redis.call(
            "EVALSHA", admit, "2", key, f"{key}:seen", said.client_message_id
        )
        state = load.decode(blob) if blob else State()
        state.turn += 1
        text = REPLY.render(order=state.order, name=None)
        await redis.call("EVALSHA", commit, "2", key, f"{key}:log", dump.encode(state), text)
        return web.Response(
            body=answer.encode({"replies": [{"text": text, "buttons": []}]}),
            content_type="application/json",
        )

    app = web.Application()
    app.router.add_post("/messages", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
