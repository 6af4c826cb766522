"""A deploy under way: two workers with different code answer one customer in turns."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from process import Process, World
from reference import START, Model, after
from trips import DONE, REGISTRIES, VERSIONS, Letter, Version, voice

from segue.engine.state import decode
from segue.memory.embedded import Embedded
from segue.types import Address, Inbound, Proof

PAIRS = [(0, n) for n in range(1, len(VERSIONS))] + [(n, 0) for n in range(1, len(VERSIONS))]
ALTERNATING = 9
"""Turns until the deploy has ended, and only the newer code is left."""
HOME = Address("sms", "+1")
_worlds = itertools.count(1)
_voice = voice()


def good(question: str, version: Version) -> str:
    """Return what the worker that will read it understands; empty where nothing is asked."""
    size = "M" if version.size is Letter else "42"
    answers = {"order": "AB-CD", "colour": "red", "size": size, "sure": "yes", "stars": "5"}
    return answers.get(question, "")


@pytest.fixture
async def world(valkey: Embedded) -> AsyncIterator[World]:
    DONE.clear()
    world = World(str(valkey.socket), f"rolling{next(_worlds)}:", _voice)
    yield world
    world.forget()


@pytest.mark.parametrize(
    "pair", PAIRS, ids=lambda p: f"{VERSIONS[p[0]].name} | {VERSIONS[p[1]].name}"
)
async def test_old_and_new_code_take_turns(world: World, pair: tuple[int, int]) -> None:
    """Every answer that both understand is kept, nothing is done twice, and the trip is made.

    An answer to a question that only one of the two knows reaches the other one in vain, so the
    trip may not get on before the deploy has ended; what each turn comes to is as in the model.
    """
    workers = [await Process.start(world, REGISTRIES[n]) for n in pair]
    first = workers[0]
    customer = await first.store.create("customer-of-two", HOME, Proof.CHANNEL)
    model = Model()
    try:
        for n in range(40):
            turn = n % 2 if n < ALTERNATING else 1
            if n > 0 and model.trip is None:
                break
            words = START if model.trip is None else good(model.trip.asked, VERSIONS[pair[turn]])
            if words:
                inbound = Inbound(address=HOME, message_id=f"m{n}", text=words)
                assert await workers[turn].receive(inbound, customer)
                await workers[turn].settle(customer)
                model.hear(words, VERSIONS[pair[turn]], world.clock.now())
            else:
                world.clock.move(after(21))
                await workers[turn].look_after(customer)
                model.ring(VERSIONS[pair[turn]], world.clock.now())
            snapshot = await first.store.snapshot(customer)
            assert snapshot is not None
            frames = decode(snapshot.state).frames
            if model.trip is None:
                assert frames == []
                continue
            assert frames[0].open is not None
            asked = {"sure": "sure", "wait": ""}.get(model.trip.asked, f"ask_{model.trip.asked}")
            assert frames[0].open.reply == asked
        assert [order for step, order, _ in DONE if step == "pay"] == model.booked
        assert len({key for _, _, key in DONE}) == len(DONE)
        assert model.trip is None
        assert model.booked == ["AB-CD"]
        if pair == (1, 0):
            # The old code did it first; the new code knows what it was called then.
            assert "lookup" not in {step for step, _, _ in DONE}
    finally:
        for worker in workers:
            await worker.store.aclose()
