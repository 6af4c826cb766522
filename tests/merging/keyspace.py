"""All that a server holds for one installation, unpacked: for whoever looks for traces."""

from __future__ import annotations

import zlib

import msgspec
import redis

from segue.memory.embedded import Embedded


def everything(valkey: Embedded, prefix: str) -> list[tuple[bytes, bytes]]:
    """All keys of an installation, each with all that it holds."""
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        return [(key, key + content(client, key)) for key in client.scan_iter(f"{prefix}*")]


def content(client: redis.Redis, key: bytes) -> bytes:
    kind = client.type(key)
    match kind:
        case b"string":
            parts = [client.get(key)]
        case b"hash":
            parts = [part for pair in client.hgetall(key).items() for part in pair]
        case b"list":
            parts = client.lrange(key, 0, -1)
        case b"zset":
            parts = client.zrange(key, 0, -1)
        case _:
            parts = [
                part for _, fields in client.xrange(key) for pair in fields.items() for part in pair
            ]
    found = b""
    for part in parts:
        try:
            found += b"\n".join(msgspec.msgpack.decode(zlib.decompress(part)))
        except zlib.error:
            found += part + b"\n"
    return found + (client.dump(key) or b"")
