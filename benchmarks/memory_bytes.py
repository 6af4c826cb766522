"""Bytes that an idle customer costs in the store, beyond the words of the transcript.

    python benchmarks/memory_bytes.py [customers] [turns]

A customer here has two addresses (a web session and a phone number), an index entry for each, a
state of 600 bytes and a transcript of so many turns of two lines. Words are the texts of the lines;
everything else (keys, names of fields, marks of seen messages, bookkeeping) counts as cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import tempfile

from msgspec import msgpack

from segue.memory import Commit, Granted, Store, open_store
from segue.types import Address, Inbound, Line, Message, Paragraph, Proof, Text, Who

ASKED = "where is my order A1001? i ordered it last week"
SAID = "Happy to help with that. What's your order number? It starts with A, on the receipt."


def lines(number: int) -> tuple[bytes, bytes]:
    """A question and an answer."""
    at = 1_795_315_786_783 + number
    asked = Line(who=Who.CUSTOMER, at=at, channel="web", text=ASKED, id=f"{number:022}")
    message = Message(body=(Paragraph((Text(SAID),)),))
    said = Line(
        who=Who.BOT,
        at=at,
        channel="web",
        message=message,
        reply="return_item/ask_order",
        voice=12,
        id=f"{number:022}",
    )
    return msgpack.encode(asked), msgpack.encode(said)


async def live(store: Store, turns: int) -> None:
    """One customer's conversation."""
    name = secrets.token_urlsafe(16)
    web = Address("web", secrets.token_hex(32))
    await store.create(name, web, Proof.CHANNEL)
    await store.add_address(
        name, Address("sms", f"+4366{secrets.randbelow(10**8):08}"), Proof.CHANNEL
    )
    for number in range(turns):
        message = Inbound(address=web, message_id=f"{name}{number}", text=ASKED)
        granted = await store.admit(name, message)
        assert isinstance(granted, Granted)
        commit = Commit(state=os.urandom(600), ack=granted.number, log=lines(number), said=1)
        await store.commit(granted.lease, commit)


async def main(customers: int, turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with await open_store("embedded:", data_dir=folder) as store:

            async def used() -> int:
                return int((await store.server.info())[0]["used_memory"])

            before = await used()
            for _ in range(0, customers, 100):
                await asyncio.gather(*(live(store, turns) for _ in range(100)))
            per_customer = (await used() - before) / customers
            words = turns * (len(ASKED) + len(SAID))
            stored = turns * sum(map(len, lines(0)))
            report = {
                "turns": turns,
                "bytes_per_customer": round(per_customer),
                "words": words,
                "lines_as_stored": stored,
                "state": 600,
                "beyond_words": round(per_customer - words),
                "beyond_lines_and_state": round(per_customer - stored - 600),
            }
            print(json.dumps(report))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]] or [2000, 4]
    asyncio.run(main(numbers[0], numbers[1]))
