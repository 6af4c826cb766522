"""Going through all customers, for those who look at the whole installation (`segue replay`).

It reads a slice at a time and blocks nobody. A customer who comes while it goes may be missed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from segue.memory.scripting import script
from segue.memory.store import Store
from segue.types import CustomerId

WALK = script("walk")

_SLICE = 1000
_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")


async def customers(store: Store) -> AsyncIterator[CustomerId]:
    """Yield every customer once."""
    keys = store.keys
    partitions = range(keys.partitions) if store.server.clustered else range(1)
    seen: set[bytes] = set()
    for number in partitions:
        # A script may only touch its own partition of a cluster; elsewhere one walk sees all.
        part = b"{%d}" % number if store.server.clustered else b"{*}"
        pattern = _literal(keys.prefix) + part + b":c:*"
        cursor = b"0"
        while True:
            cursor, *found = await store.server.run(
                WALK, (keys.due(number),), (cursor, pattern, _SLICE)
            )
            for key in found:
                name = bytes(key).rpartition(b":c:")[2]
                if _ID.fullmatch(name) and name not in seen:
                    seen.add(name)
                    yield name.decode()
            if cursor in (b"0", 0):
                break


def _literal(prefix: bytes) -> bytes:
    """Return the prefix so that a pattern takes each of its characters for itself."""
    return re.sub(rb"([\\*?\[\]^-])", rb"\\\1", prefix)
