"""What all parts of the store share: the server, the keys, the limits, operation ids."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from segue.errors import StoreError
from segue.memory.keys import CustomerKeys, Keys, bulk
from segue.memory.scripting import Script
from segue.memory.server import Server
from segue.memory.wire import pack
from segue.ports import Clock, Ids
from segue.types import CustomerId

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the scripts are told with every call."""

    lease: timedelta = timedelta(seconds=10)
    """How long a turn may go on without `renew`."""
    retention: timedelta = timedelta(days=365)
    """Everything about a customer ends this long after their last turn."""
    transcript: timedelta | None = None
    """The transcript ends so long after the last turn; None is with everything else."""
    events: timedelta = timedelta(days=90)
    dead: timedelta = timedelta(days=28)
    """How long an event and a parked letter are kept: see `Upkeep.trim`."""
    seen: timedelta = timedelta(days=7)
    """How long a message is recognised when it comes again."""
    seen_by_channel: tuple[tuple[str, timedelta], ...] = (
        ("sms", timedelta(days=30)),
        ("whatsapp", timedelta(days=30)),
    )
    """The same where a platform gives no time of sending."""
    claim: timedelta = timedelta(seconds=30)
    """How long a process may take to send a row."""
    inbox: int = 100
    """Unanswered messages of one customer; more are refused as `Full`."""
    batch: int = 16
    """Letters that are given out together."""
    tries: int = 3
    """Turns begun for a letter and never finished, before it is parked."""
    sweep: timedelta = timedelta(seconds=1)
    """How often a slice of the partitions is looked at."""
    audit: timedelta = timedelta(days=730)
    """How long a row of the audit is kept."""


class Tail:
    """The last arguments of a script, where they never change."""

    def __init__(self, *words: int) -> None:
        self.words = tuple(b"%d" % word for word in words)
        self.packed = b"".join(map(bulk, self.words))


NOTHING = Tail()


class Base:
    """The part that has no verbs."""

    def __init__(
        self, server: Server, keys: Keys, *, limits: Limits, clock: Clock, ids: Ids
    ) -> None:
        self.server = server
        self.keys = keys
        self.limits = limits
        self._clock = clock
        self.holder = ids.new()
        """Names this process in leases that are not a customer's."""
        self._stem = blake2b(self.holder.encode(), digest_size=6).digest()
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._claim_seconds = limits.claim.total_seconds() * 0.9
        """How long a claim lasts by our own clock: a little less than by the server's."""
        self._retention = seconds(limits.retention)
        self._retention_tail = Tail(self._retention)

    def _run(
        self, script: Script, keys: CustomerKeys, args: tuple[bytes, ...], tail: Tail = NOTHING
    ) -> Awaitable[Any]:
        """Run a script on one customer; ARGV is the customer, `args`, and the fixed `tail`.

        Only `args` are packed anew, because most of a call is the same every time: that halves what
        packing costs.
        """
        names, begun = keys.begin(script)
        whole = b"*%d\r\n" % (4 + len(names) + len(args) + len(tail.words))
        own = pack(args)
        # Without its own first line, which says how many words there are.
        packed = b"".join((whole, begun, own[own.index(b"\n") + 1 :], tail.packed))
        return self.server.run(script, names, (keys.customer, *args, *tail.words), packed)

    @property
    def round_trips(self) -> int:
        """Round trips to the server so far."""
        return self.server.calls

    def _operation(self) -> bytes:
        """Return ten bytes that no other call of any process has."""
        return self._stem + (next(self._count) & 0xFFFFFFFF).to_bytes(4, "big")

    def _keys(self, customer: CustomerId) -> CustomerKeys:
        keys = self.keys.customer(customer)
        if keys is None:
            raise StoreError(f"{customer!r} is no customer id; one comes from Ids.new()")
        return keys

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # What is done beside the turns is found undone and done by the next who comes along.
            log.warning("store.background_failed", extra={"segue": {"error": type(error).__name__}})


def millis(span: timedelta) -> int:
    """Return whole milliseconds."""
    return int(span.total_seconds() * 1000)


def seconds(span: timedelta) -> int:
    """Return whole seconds."""
    return int(span.total_seconds())
