"""The engine against a model on one page: messages come, come again and cross, processes die, time
passes, code is deployed under the customer and taken back, and after every step all is as expected.

The invariants are those of every test with faults (I1 no loss, I2 no double effect, I3 and I4 the
edge and its order, I5 versions, I9 rest, I10 safe text). A failing run prints its steps.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from process import Process, World, listen
from reference import AGAIN, BACK, CANCEL, START, Model, after
from trips import DONE, REGISTRIES, VERSIONS, voice

from segue import failpoints
from segue.engine.state import State, decode
from segue.memory.embedded import Embedded
from segue.types import Address, Inbound, Line, Message, Paragraph, Proof, Text, Who
from segue.voice import plain

CHANNELS = ("web", "sms", "telegram")
HOSTILE = "<b>*Ada*</b> [x](https://evil.example) {{ 7*7 }} @everyone"
GOOD = {
    "order": ("AB-CD", "EF-GH"),
    "colour": ("red", "green"),
    "size": ("42", "7", "M"),
    "sure": ("yes", "yes", "nope"),
    "wait": ("elephants dance",),
    "stars": ("5",),
}
ALL = (START, *itertools.chain(*GOOD.values()), "elephants dance", AGAIN + "KL-MN")
WORDS = st.sampled_from(ALL)
ORDERS = st.sampled_from([CANCEL, BACK, BACK, BACK])
_line = msgspec.msgpack.Decoder(Line).decode
_worlds = itertools.count(1)
_voice = voice()


class Trips(RuleBasedStateMachine):
    """One customer, one process at a time, one model."""

    server: Embedded

    def __init__(self) -> None:
        super().__init__()
        DONE.clear()
        self.runner = asyncio.Runner()
        self.world = World(str(self.server.socket), f"trips{next(_worlds)}:", _voice)
        self.model = Model()
        self.version = 0
        self.channel = "web"
        self.sent: list[Inbound] = []
        self.accepted: list[str] = []
        """Ids, in the order of acceptance."""
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.process = await Process.start(self.world, REGISTRIES[0])
        listen(self.process)
        self.customer = await self.process.store.create(
            "customer-of-the-model", self._address("web"), Proof.CHANNEL
        )
        for channel in CHANNELS[1:]:
            await self.process.store.add_address(
                self.customer, self._address(channel), Proof.CHANNEL
            )

    def teardown(self) -> None:
        listen(None)
        self.runner.run(self.process.bury())
        self.runner.close()
        self.world.forget()

    @staticmethod
    def _address(channel: str) -> Address:
        return Address(channel, f"{channel}-1")

    # -- what happens ------------------------------------------------------------------------------

    @precondition(lambda self: self.model.trip is None)
    @rule()
    def start(self) -> None:
        self._deliver(START)

    @precondition(lambda self: self.model.trip is not None)
    @rule(pick=st.integers(0, 5))
    def answer(self, pick: int) -> None:
        self._deliver(self._good(pick))

    @precondition(lambda self: self.model.trip is not None)
    @rule(
        pick=st.integers(0, 5),
        name=st.sampled_from(failpoints.NAMES),
        times=st.sampled_from([1, 1, 1, 2]),
    )
    def answer_through_a_crash(self, pick: int, name: str, times: int) -> None:
        self.process.die_at(name, times)
        self._deliver(self._good(pick))

    @precondition(lambda self: self.model.trip is not None)
    @rule(pick=st.integers(0, 5), version=st.sampled_from(range(len(VERSIONS))))
    def answer_after_a_deploy(self, pick: int, version: int) -> None:
        self.deploy(version)
        self._deliver(self._good(pick))

    @precondition(lambda self: self.model.trip is not None)
    @rule(times=st.integers(2, 4))
    def get_on_with_it(self, times: int) -> None:
        for _ in range(times):
            if self.model.trip is not None:
                self._deliver(self._good(0))

    def _good(self, pick: int) -> str:
        assert self.model.trip is not None
        words = GOOD[self.model.trip.asked]
        return words[pick % len(words)]

    @rule(words=WORDS)
    def say_anything(self, words: str) -> None:
        self._deliver(self._calm(words))

    def _calm(self, words: str) -> str:
        """Begin no second trip while the first is on its way: the model knows only one."""
        return "elephants dance" if words == START and self.model.trip is not None else words

    @precondition(lambda self: self.model.trip is not None)
    @rule(code=st.sampled_from(["AB-CE", "KL-MN"]))
    def correct(self, code: str) -> None:
        self._deliver(AGAIN + code)

    @rule(order=ORDERS)
    def cancel_or_go_back(self, order: str) -> None:
        self._deliver(order)

    @precondition(lambda self: self.model.trip is not None)
    @rule(pick=st.integers(0, 5), second=WORDS)
    def two_at_once(self, pick: int, second: str) -> None:
        self._deliver(self._good(pick), self._calm(second))

    @precondition(lambda self: self.model.trip is not None)
    @rule(first=WORDS, pick=st.integers(0, 5))
    def two_at_once_the_other_way(self, first: str, pick: int) -> None:
        self._deliver(self._calm(first), self._good(pick))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        before = self._story()
        inbound = data.draw(st.sampled_from(self.sent))
        self.runner.run(self._through([inbound, inbound]))
        assert self._story() == before

    @rule(name=st.sampled_from(failpoints.NAMES), times=st.integers(1, 3))
    def crash(self, name: str, times: int) -> None:
        """The process will die there, in whatever comes next."""
        self.process.die_at(name, times)

    @precondition(lambda self: self.model.trip is not None and self.model.trip.asked == "wait")
    @rule(
        name=st.sampled_from(["step", "stepped", "flushed", "decide", "committed"]),
        times=st.sampled_from([1, 2]),
    )
    def the_parcel_leaves_through_a_crash(self, name: str, times: int) -> None:
        self.process.die_at(name, times)
        self.time_passes(31)

    @precondition(lambda self: self.model.trip is not None)
    @rule(name=st.sampled_from(failpoints.NAMES), times=st.sampled_from([1, 1, 2]))
    def the_time_comes_through_a_crash(self, name: str, times: int) -> None:
        self.process.die_at(name, times)
        self.time_passes(31)

    @rule(minutes=st.sampled_from([1, 19, 31]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.move(after(minutes))
        self.runner.run(self._through([]))
        self.model.ring(VERSIONS[self.version], self.world.clock.now())

    @rule(version=st.sampled_from(range(len(VERSIONS))))
    def deploy(self, version: int) -> None:
        self.version = version
        self.process.deploy(REGISTRIES[version])

    @rule(channel=st.sampled_from(CHANNELS))
    def switch_channel(self, channel: str) -> None:
        self.channel = channel

    # -- how it happens ----------------------------------------------------------------------------

    def _deliver(self, *texts: str) -> None:
        new = [
            Inbound(
                address=self._address(self.channel),
                message_id=f"m{len(self.sent) + n}",
                text=text,
                name=HOSTILE,
            )
            for n, text in enumerate(texts)
        ]
        self.sent += new
        self.runner.run(self._through(new))
        heard = [line.id for line in self._lines() if line.who == Who.CUSTOMER]
        order = heard[len(self.accepted) :]
        assert sorted(order) == sorted(inbound.message_id for inbound in new), "I1"
        self.accepted += order
        by_id = {inbound.message_id: inbound.text for inbound in new}
        for message in order:
            self.model.hear(by_id[message], VERSIONS[self.version], self.world.clock.now())

    async def _through(self, inbounds: list[Inbound]) -> None:
        """Deliver, and let everything come to rest, through as many deaths as there are."""
        left = inbounds
        for _ in range(6):
            if left:
                results = await asyncio.gather(
                    *(self.process.receive(inbound, self.customer) for inbound in left)
                )
                left = [one for one, ok in zip(left, results, strict=True) if not ok]
                await self.process.settle(self.customer)
            if not self.process.dead:
                await self.process.look_after(self.customer)
            if not self.process.dead:
                snapshot = await self.process.store.snapshot(self.customer)
                assert snapshot is not None
                if not left and not snapshot.waiting and not snapshot.unsent:
                    return
            else:
                await self._another()
        raise AssertionError(f"I9: it does not come to rest: {snapshot}")

    async def _another(self) -> None:
        self.world.deaths += 1
        await self.process.bury()
        self.world.time_passes(self.customer)
        self.process = await Process.start(self.world, REGISTRIES[self.version])
        listen(self.process)

    # -- what must be true -------------------------------------------------------------------------

    def _lines(self) -> list[Line]:
        found, _ = self.runner.run(self.process.store.lines(self.customer, limit=10_000))
        return [_line(data) for _, data in found]

    def _state(self) -> State:
        snapshot = self.runner.run(self.process.store.snapshot(self.customer))
        assert snapshot is not None
        return decode(snapshot.state)

    def _story(self) -> Any:
        return [line for line in self._lines() if line.reply != "trip/still_here"]

    @invariant()
    def nothing_is_lost_and_nothing_is_said_twice(self) -> None:
        lines = self._lines()
        heard = [line.id for line in lines if line.who == Who.CUSTOMER]
        assert heard == self.accepted, "I1"
        said = Counter(line.id for line in lines if line.who == Who.BOT)
        assert set(said.values()) <= {1}, f"I2: {said}"
        replies = Counter(line.reply for line in lines)
        assert replies["trip/booked"] == len(self.model.booked), "I2: said once for each booking"
        assert replies["trip/shipped"] == self.model.shipped, "a wait is over once"
        assert replies["trip/still_here"] == self.model.reminded, "a reminder fires once"

    @invariant()
    def steps_are_done_under_one_key(self) -> None:
        keys = Counter((step, key) for step, _, key in DONE)
        again = sum(times - 1 for times in keys.values())
        assert again <= self.world.deaths, f"I2: {DONE}"
        paid = dict.fromkeys((order, key) for step, order, key in DONE if step == "pay")
        assert [order for order, _ in paid] == self.model.booked, "I2: paid once for each booking"

    @invariant()
    def what_was_decided_is_sent_in_order(self) -> None:
        lines = {line.id: line for line in self._lines() if line.who == Who.BOT}
        place = {row: n for n, row in enumerate(lines)}
        for name in CHANNELS[1:]:
            sent = [delivered.row for delivered in self.world.channels[name].delivered]
            assert set(sent) == {row for row in lines if lines[row].channel == name}, "I3"
            assert len(sent) - len(set(sent)) <= self.world.deaths, "I3"
            assert sent == sorted(sent, key=place.__getitem__), "I4"

    @invariant()
    def versions_have_no_gaps(self) -> None:
        epochs = [epoch for epoch, _ in self.world.written]
        versions = [version for _, version in self.world.written]
        assert versions == list(range(1, len(versions) + 1)), "I5"
        assert epochs == sorted(epochs), "I5"

    @invariant()
    def text_is_what_the_voice_wrote(self) -> None:
        said = {line.id: line.message for line in self._lines() if line.message is not None}
        for message in said.values():
            assert _only_text(message), "I10: nobody's words become markup"
        for name in CHANNELS[1:]:
            for delivered in self.world.channels[name].delivered:
                assert plain(delivered.message) == plain(said[delivered.row]), "I10"
                assert "49" not in plain(delivered.message), "I10"

    @invariant()
    def the_open_question_is_the_models(self) -> None:
        state, trip = self._state(), self.model.trip
        assert [frame.dialog for frame in state.frames] == (["trip"] if trip else [])
        if trip is None:
            assert state.timers == []
            return
        frame = state.frames[0]
        assert frame.open is not None
        asked = {"sure": "sure", "wait": ""}.get(trip.asked, f"ask_{trip.asked}")
        assert frame.open.reply == asked, f"{frame.open.reply} is open, the model asks {asked}"
        assert frame.open.shown
        answered = [name for name in trip.way if name != "sure"]
        known = [name[8:-2] for name in frame.journal.entries if name.startswith("ask:ask_")]
        assert known == answered, "law 8: what was answered is kept, and nothing else"


def _only_text(message: Message) -> bool:
    return all(
        isinstance(block, Paragraph) and all(isinstance(inline, Text) for inline in block.children)
        for block in message.body
    )


def _settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        # The same runs on every machine; `SEGUE_SEED` or `make chaos` look elsewhere.
        derandomize="SEGUE_SEED" not in os.environ and examples < 100,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


def test_the_engine_is_as_the_model(valkey: Embedded) -> None:
    """Whatever happens in whatever order, the customer's trip is what the model says."""
    Trips.server = valkey
    run_state_machine_as_test(Trips, settings=_settings(60, 30))


@pytest.mark.chaos
def test_the_engine_is_as_the_model_for_long(valkey: Embedded) -> None:
    """The same, with other runs every time; a failing one prints how to repeat it."""
    Trips.server = valkey
    run_state_machine_as_test(Trips, settings=_settings(300, 60))
