"""Hands for poking at the memory from outside: a plain client, messages, time that has passed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from segue.memory import Claim, Commit, Committed, Granted, Store
from segue.memory.embedded import Embedded
from segue.memory.keys import CustomerKeys
from segue.types import Address, Inbound, Message, Paragraph, Purpose, Row, Text


class Hands:
    """Makes messages and rows; looks at keys and moves deadlines, past the store."""

    ada, ben = "ada" + "0" * 19, "ben" + "0" * 19
    web, sms = Address("web", "a1"), Address("sms", "+43660000001")

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.client = client
        self.prefix = prefix

    def said(self, message: int | str, address: Address | None = None, text: str = "") -> Inbound:
        """A message of the customer."""
        return Inbound(
            address=address or self.web, message_id=str(message), text=text or f"message {message}"
        )

    def row(
        self,
        name: str,
        address: Address | None = None,
        *,
        repeat: bool = True,
        expires_at: int = 0,
        notice: bool = False,
    ) -> Row:
        """A reply on its way out."""
        return Row(
            id=name,
            address=address or self.sms,
            message=Message(body=(Paragraph((Text(name),)),)),
            repeat=repeat,
            expires_at=expires_at,
            purpose=Purpose.NOTICE if notice else Purpose.ANSWER,
        )

    async def begin(self, store: Store, customer: str = ada, message: int | str = 1) -> Granted:
        """A first message, and the lease that comes with it."""
        granted = await store.admit(customer, self.said(message), create=True)
        assert isinstance(granted, Granted)
        return granted

    async def sending(self, store: Store, *rows: Row) -> tuple[Claim, ...]:
        """Commit a turn that decided these rows; return what may be sent now."""
        granted = await self.begin(store)
        done = await store.commit(granted.lease, Commit(state=b"s", ack=1, rows=rows))
        assert isinstance(done, Committed)
        return done.claims

    def lease_runs_out(self, store: Store, customer: str) -> None:
        """The holder has not renewed for too long."""
        keys = _keys(store, customer)
        assert self.client.hexists(keys.c, "d")
        self.client.hset(keys.c, "d", 1)
        self.client.zadd(keys.due, {customer: 1})

    def timer_comes(self, store: Store, customer: str) -> None:
        """The customer's next timer is now."""
        keys = _keys(store, customer)
        assert self.client.hexists(keys.c, "w")
        self.client.hset(keys.c, "w", 1)
        self.client.zadd(keys.due, {customer: 1})

    def due(self, store: Store, customer: str) -> float | None:
        """When somebody must look at the customer."""
        return self.client.zscore(_keys(store, customer).due, customer)

    def receipts(self, store: Store, customer: str) -> list[tuple[str, str]]:
        """What became of rows: (row, receipt), oldest first."""
        found = self.client.xrange(_keys(store, customer).events)
        return [
            (fields[b"row"].decode(), fields[b"receipt"].decode())
            for _, fields in found
            if b"receipt" in fields and fields[b"customer"].decode() == customer
        ]

    def row_expires(self, store: Store, customer: str, row: str) -> None:
        """The life of a row is over."""
        self.client.eval(
            "for i, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do "
            "local row = cmsgpack.unpack(entry) "
            "if row[1] == ARGV[1] then row[6] = 1 end "
            "redis.call('LSET', KEYS[1], i - 1, cmsgpack.pack(row)) end",
            1,
            _keys(store, customer).out,
            row,
        )

    def age_claims(self, store: Store, customer: str) -> None:
        """Every claim on the customer's rows has run out, every wait is over."""
        keys = _keys(store, customer)
        self.client.eval(
            "for i, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do "
            "local row = cmsgpack.unpack(entry) row[4] = 1 "
            "redis.call('LSET', KEYS[1], i - 1, cmsgpack.pack(row)) end",
            1,
            keys.out,
        )
        self.client.zadd(keys.due, {customer: 1})


def _keys(store: Store, customer: str) -> CustomerKeys:
    keys = store.keys.customer(customer)
    assert keys is not None
    return keys


@pytest.fixture
def hands(valkey: Embedded, store_prefix: str) -> Iterator[Hands]:
    """Looking and poking from outside."""
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        yield Hands(client, store_prefix)
