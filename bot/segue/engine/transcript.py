"""The transcript of a customer who was two: how its lines are put in order, and whose each one is.

The log is only ever appended to, because readers hold cursors: what came with a merge stands behind
what was there, each line with its own time and with the id of who it came from (`Line.joined`). So
a reader by cursor neither misses nor repeats a line, and whoever shows the whole transcript sorts
it here: each side keeps its own order, and the sides are interleaved by time. A line that an undo
took away leaves its number.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable
from hashlib import blake2b
from heapq import merge

from segue.types import Address, CustomerId, Line, Millis


def interleaved(lines: Iterable[tuple[int, Line]]) -> list[tuple[int, Line]]:
    """Return numbered lines in the order in which they were said.

    Within one side the order stays as it is, also where a message came in before the reply to an
    earlier one was written; so a line counts as said no earlier than the one before it.
    """
    sides: dict[CustomerId, list[tuple[Millis, int, Line]]] = {}
    latest: dict[CustomerId, Millis] = {}
    for number, line in lines:
        at = latest[line.joined] = max(line.at, latest.get(line.joined, 0))
        sides.setdefault(line.joined, []).append((at, number, line))
    if len(sides) < 2:
        return [(number, line) for side in sides.values() for _, number, line in side]
    ordered = merge(*sides.values(), key=lambda one: one[:2])
    return [(number, line) for _, number, line in ordered]


def which(address: Address, addresses: Collection[Address]) -> str:
    """Return what a line says of its address: nothing, where its channel tells which it was."""
    if sum(one.channel == address.channel for one in addresses) < 2:
        return ""
    return _digest(address)


def said_at(line: Line, some: Collection[Address], others: Collection[Address]) -> bool:
    """Whether a line was said at one of some addresses of a customer, and not at the others."""
    here = [address for address in some if address.channel == line.channel]
    if line.address:
        return any(_digest(address) == line.address for address in here)
    return bool(here) and all(address.channel != line.channel for address in others)


def _digest(address: Address) -> str:
    digest = blake2b(address.id.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode()
