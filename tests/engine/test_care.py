"""A customer who floods us, and a bot that talks with us: how much is enough (T38, T39)."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.app import App
from segue.channel import Accepted, NotAccepted, Outcome, Payload
from segue.engine.care import LIMIT, NOTICE, Rate, paced, rested, sign, spoken, weighed
from segue.engine.state import Pace, Watch
from segue.settings import load
from segue.testing import CAPABILITIES, FakeClock, StageChannel
from segue.types import Address, Button, Inbound, Message, Paragraph, Row, Text, Who
from segue.voice import degrade, plain

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = {"dialogs": {"path": str(ROOT / "dialogs")}, "voice": {"path": str(ROOT / "brand_voice")}}
_installations = count()


class Wire(StageChannel):
    """A channel whose every message is written to another bot, as if a customer had."""

    def __init__(self, name: str, me: str) -> None:
        super().__init__(name)
        self.me = me
        self.other: App | None = None
        self.late = 0.0
        """Seconds until a message is there."""
        self.clock: FakeClock | None = None

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Deliver to the other bot."""
        outcome = await super().send(address, payload, row)
        if self.clock is not None:
            self.clock.move(self.late)
        assert self.other is not None
        number = len(self.delivered)
        await self.other.core.receive(
            Inbound(
                address=Address(self.name, self.me),
                message_id=f"{self.me}-{number}",
                text=as_text(payload["message"]),
            )
        )
        return outcome


def as_text(message: Message) -> str:
    """Return what the other side reads: the words, and the buttons as a list."""
    rows = [f"{place}. {button.label}" for place, button in enumerate(message.buttons, 1)]
    return "\n".join([plain(message), *rows])


@pytest.fixture
async def bots(segue_server: str) -> AsyncIterator[object]:
    """Make bots, each an installation of its own."""
    stack = AsyncExitStack()

    async def make(
        channel: StageChannel, clock: FakeClock | None = None, **settings: object
    ) -> App:
        sections = {**SAMPLE, **settings}
        app = App(
            load(
                environ={},
                store={
                    "url": segue_server,
                    "prefix": f"care{next(_installations)}:",
                    "partitions": 4,
                },
                **sections,
            ),
            adapters={channel.name: channel},
            clock=clock,
        )
        await app.start()
        stack.push_async_callback(app.stop, grace=2)
        return app

    yield make
    await stack.aclose()


async def rest(*apps: App) -> None:
    """Wait until none of them has anything to answer or to send."""
    while any(app.worker._running or app.delivery._tasks for app in apps):
        for app in apps:
            await asyncio.gather(*app.worker._running.values(), return_exceptions=True)
            await app.delivery.settled()
        await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [0.0, 20.0], ids=["at once", "slowly"])
@pytest.mark.parametrize("channel", ["sms", "telegram", "slack"])
@pytest.mark.parametrize("first", ["hello", "where is my parcel?", "qwer asdf yxcv"])
async def test_two_of_our_bots_stop_within_five_exchanges(bots, caplog, channel, seconds, first):
    """Wired to each other on a channel, each soon finds that nobody is there, and says so once."""
    clock = FakeClock()
    one, two = Wire(channel, "one"), Wire(channel, "two")
    a, b = await bots(one, clock), await bots(two, clock)
    one.other, two.other = b, a
    one.clock = two.clock = clock
    one.late = two.late = seconds
    with caplog.at_level(logging.ERROR, "segue.engine"):
        await a.core.receive(
            Inbound(address=Address(channel, "two"), message_id="seed", text=first)
        )
        await asyncio.wait_for(rest(a, b), 20)
    # The first answer of each comes with the disclosure, a message of its own.
    assert len(one.delivered) <= 1 + 5
    assert len(two.delivered) <= 1 + 5
    assert a.worker.counts.turns + b.worker.counts.turns <= 2 * 6 + 1
    told = [record for record in caplog.records if record.message == "loop_broken"]
    assert 1 <= len(told) <= 2
    assert a.worker.counts.loops + b.worker.counts.loops == len(told)


async def test_a_bot_of_somebody_else_is_noticed_too(bots):
    """One that answers anything with its two sentences gets no more than a few answers."""
    channel = StageChannel("sms")
    app = await bots(channel)
    for number in range(20):
        text = ("Thank you for contacting Acme!", "Our office is closed until Monday.")[number % 2]
        await app.core.receive(
            Inbound(address=Address("sms", "+4930901820"), message_id=str(number), text=text)
        )
        await rest(app)
    assert app.worker.counts.loops == 1
    assert len(channel.delivered) <= 7


async def test_it_can_be_switched_off(bots):
    """Where machines are meant to talk to the bot."""
    channel = StageChannel("sms")
    app = await bots(channel, customers={"break_loops": False, "rate": 0})
    for number in range(12):
        text = "Our office is closed until Monday."
        await app.core.receive(
            Inbound(address=Address("sms", "+4930901820"), message_id=str(number), text=text)
        )
        await rest(app)
    assert app.worker.counts.loops == 0
    assert len(channel.delivered) >= 12


async def test_a_person_is_not_kept_in_silence(bots):
    """After a loop was broken, a pressed button or new words, typed, are answered at once."""
    clock = FakeClock()
    channel = StageChannel("telegram")
    app = await bots(channel, clock)
    here = Address("telegram", "7")

    async def say(number: int, text: str, choice: str | None = None) -> int:
        before = len(channel.delivered)
        await app.core.receive(
            Inbound(address=here, message_id=str(number), text=text, choice=choice)
        )
        await rest(app)
        return len(channel.delivered) - before

    for number in range(8):
        await say(number, "I am out of the office until Monday.")
    assert app.worker.counts.loops == 1
    assert await say(10, "I am out of the office until Monday.") == 0
    clock.move(30)
    assert await say(11, "sorry, that was my mail program") >= 1


async def test_somebody_who_asks_again_is_answered(bots):
    """The same question three times, as people type it when they are cross, is no loop."""
    clock = FakeClock()
    channel = StageChannel("telegram")
    app = await bots(channel, clock)
    for number in range(3):
        clock.move(15)
        before = len(channel.delivered)
        await app.core.receive(
            Inbound(
                address=Address("telegram", "7"),
                message_id=str(number),
                text="How long does delivery take?",
            )
        )
        await rest(app)
        assert len(channel.delivered) > before
    assert app.worker.counts.loops == 0


async def test_a_flood_is_kept_and_answered_once_a_minute(bots):
    """What is above the rate stands in the transcript; one reply asks to slow down."""
    clock = FakeClock()
    channel = StageChannel("slack")
    app = await bots(channel, clock, customers={"rate": 1, "burst": 5})
    here = Address("slack", "T1:U1")
    for number in range(60):
        stored = await app.core.receive(
            Inbound(address=here, message_id=str(number), text=f"message number {number} to you")
        )
        assert isinstance(stored, Accepted)
        await rest(app)
    said = [plain(each.message) for each in channel.delivered]
    assert sum("a lot at once" in text for text in said) == 1
    assert app.worker.counts.folded == 55
    owner = await app.core.owner(here)
    page = await app.core.page(owner, after=-1)
    assert sum(line.who is Who.CUSTOMER for _, line in page.lines) == 60
    # After a while there is room again.
    clock.move(30)
    before = len(channel.delivered)
    await app.core.receive(
        Inbound(address=here, message_id="later", text="How long does delivery take?")
    )
    await rest(app)
    assert len(channel.delivered) > before


async def test_the_web_keeps_its_own_limit(bots):
    """A channel that is read is limited at its door, not here."""
    channel = StageChannel("web")
    app = await bots(channel, customers={"rate": 1, "burst": 2})
    for number in range(10):
        await app.core.receive(
            Inbound(address=Address("web", "s"), message_id=str(number), text="Opening hours?")
        )
        await rest(app)
    assert app.worker.counts.folded == 0


async def test_a_thousand_messages_leave_memory_flat(bots):
    """From one chat, faster than we can read: some are refused for now, none is piled up here."""
    channel = StageChannel("sms")
    app = await bots(channel, customers={"rate": 2, "burst": 20})
    here = Address("sms", "+4930901820")

    async def flood(begin: int, many: int) -> list[Accepted | NotAccepted]:
        found = await asyncio.gather(
            *(
                app.core.receive(
                    Inbound(address=here, message_id=f"{n}", text=f"message {n} " * 20)
                )
                for n in range(begin, begin + many)
            )
        )
        await rest(app)
        return list(found)

    await flood(0, 200)
    gc.collect()
    tracemalloc.start()
    try:
        answers = await flood(200, 1000)
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {getattr(each, "status", 200) for each in answers} <= {200, 429}
    assert kept < 1_000_000
    assert peak < 40_000_000
    assert len(channel.delivered) < 100


class TestPace:
    @given(
        st.lists(st.integers(0, 5000), min_size=1, max_size=80),
        st.sampled_from([0.5, 1.0, 2.0, 10.0]),
        st.integers(1, 20),
    )
    def test_never_more_than_rate_and_burst(self, gaps, rate, burst):
        """In any stretch of time, what is read is at most the burst and what flowed in."""
        pace, at, read = None, 1_000_000, []
        for gap in gaps:
            at += gap
            pace, fits = paced(pace, at, Rate(rate=rate, burst=burst))
            if fits:
                read.append(at)
            pace = rested(pace, at, Rate(rate=rate, burst=burst))
        for first, begin in enumerate(read):
            for last in range(first, len(read)):
                many = last - first + 1
                assert many <= burst + (read[last] - begin) / 1000 * rate + 1e-6

    def test_no_rate_is_no_limit(self):
        """0 switches it off."""
        assert paced(None, 5, Rate()) == (None, True)

    def test_a_clock_that_goes_back_gives_nothing(self):
        """Messages dated earlier than the last one take tokens like any other."""
        pace, fits = paced(Pace(left=0.5, at=10_000), 1_000, Rate(rate=1, burst=5))
        assert not fits
        assert pace is not None
        assert pace.at == 10_000

    def test_nothing_is_kept_of_a_customer_at_rest(self):
        """The state stays small: a full bucket whose notice is old is forgotten."""
        rate = Rate(rate=1, burst=5)
        assert rested(Pace(left=0, at=0, told=1), 5_000, rate) is not None
        assert rested(Pace(left=0, at=0, told=1), NOTICE + 5_000, rate) is None


class TestWatch:
    def says(self, text: str, at: int, choice: str | None = None) -> Inbound:
        return Inbound(
            address=Address("sms", "x"), message_id="m", text=text, choice=choice, received_at=at
        )

    def test_our_own_words_are_recognised_with_a_list_after_them(self):
        """Buttons become a list in a text message; the words before it are the same."""
        message = Message(body=(Paragraph((Text("Which of these two orders do you mean?"),)),))
        watch = spoken(Watch(), [message], 1000)
        text = "Which of these two orders do you mean?\n\n1. A1001\n2. A1002"
        assert weighed(watch, self.says(text, 60_000), lost=False).points == 3

    @pytest.mark.parametrize("text", ["yes", "A1001", "2", "", "👍", "nope thanks"])
    def test_short_answers_prove_nothing(self, text):
        """People say them again and again."""
        watch = Watch()
        for at in range(20):
            watch = weighed(watch, self.says(text, at), lost=True)
        assert watch.points == 0

    def test_a_journey_made_again_and_again_is_none(self):
        """The same words begin it each time, at once, and answers follow."""
        watch = Watch()
        for number in range(30):
            question = Message(body=(Paragraph((Text("Which of these orders do you mean?"),)),))
            for text in ("I want to send something back", "A1001", "2", "yes"):
                watch = weighed(watch, self.says(text, number), lost=False)
                assert watch.points < LIMIT
                watch = spoken(watch, [question], number)

    def test_a_press_is_a_person(self):
        """Whatever came before."""
        watch = Watch(points=LIMIT - 1, until=99_000, at=5)
        after = weighed(watch, self.says("Yes", 10, choice="yes"), lost=False)
        assert (after.points, after.until) == (0, 0)

    def test_after_a_pause_it_begins_anew(self):
        """What was said an hour ago is no loop."""
        watch = Watch(said=[sign("How long does delivery take?")], points=3, at=0)
        assert weighed(watch, self.says("x", 3_600_000), lost=False).points == 0

    @given(st.text(max_size=200))
    def test_signs_are_small_numbers(self, text):
        """Any text has one, and it is not the text."""
        assert 0 <= sign(text) < 2**32

    def test_it_stays_small(self):
        """However long they talk, little is kept."""
        watch = Watch()
        for at in range(100):
            message = Message(body=(Paragraph((Text(f"What we say the {at}th time to them"),)),))
            said = self.says(f"What they say the {at}th time", at * 1000)
            watch = spoken(weighed(watch, said, lost=False), [message], at * 1000)
        assert len(msgspec.msgpack.encode(watch)) < 120


@pytest.mark.parametrize("channel", ["sms", "telegram", "slack"])
def test_what_a_channel_makes_of_a_message_has_the_same_sign(channel):
    """Numbered lists, where there are no buttons, do not hide our own words."""
    message = Message(
        body=(Paragraph((Text("Which of these do you mean?"),)),),
        buttons=(Button("a", "One"), Button("b", "Two")),
    )
    [part] = degrade(message, CAPABILITIES[channel])
    assert sign(as_text(part)) == sign(plain(message)) != 0


@pytest.mark.parametrize("channel", ["sms", "slack"])
async def test_a_rehearsal_may_say_the_same_as_often_as_it_likes(rehearsal, channel):
    """On stage no time passes between two lines: that makes nobody a flood or a bot."""
    for _ in range(30):
        said = len(rehearsal.heard)
        await rehearsal.play(channel, "customer: this is no order number\nbot: …")
        assert len(rehearsal.heard) > said
