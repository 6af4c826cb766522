"""Older lines of a transcript, 64 to a compressed chunk."""

from __future__ import annotations

import zlib

from msgspec import msgpack

CHUNK = 64
"""Lines of a chunk."""


def fold(lines: list[bytes]) -> bytes:
    """Return a chunk of these lines."""
    return zlib.compress(msgpack.encode(lines), 6)


def unfold(chunk: bytes) -> list[bytes]:
    """Return the lines of a chunk."""
    return msgpack.decode(zlib.decompress(chunk), type=list[bytes])
