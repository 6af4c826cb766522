"""The company writes first: a dialog that one of its systems starts joins the conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segue import Chat, dialog, slot
from segue.channel import Capabilities
from segue.engine.outreach import LIFE, Dropped, Later, Scene, decide
from segue.engine.state import Frame, Open, Timer
from segue.memory.records import Claim
from segue.testing import Rehearsal
from segue.types import Address, Inbound, Proof, Purpose

Number = slot(r"[A-Z]\d{4}", example="A1001")


@dialog("shipped", title="Shipping")
async def shipped(chat: Chat, order: str, days: int = 2) -> None:
    """Tell that an order is on its way."""
    await chat.say("on_its_way", order=order, days=days)
    await chat.milestone("told")


@dialog("send_back", examples=["send it back"])
async def send_back(chat: Chat) -> None:
    """Take something back."""
    number = await chat.ask("ask_number", Number)
    await chat.say("taken_back", number=number)


VOICE = """
{% reply on_its_way(order, days) %}
Your order {{ order }} is on its way, {{ days }} days.
{% endreply %}
{% reply ask_number() %}Which order?{% endreply %}
{% reply taken_back(number) %}{{ number }} comes back.{% endreply %}
{% reply by_the_way() %}One more thing:{% endreply %}
"""


def start(rehearsal: Rehearsal, ident: str = "s1", **data: Any) -> Inbound:
    """A start as the API puts it into the inbox."""
    return Inbound(
        address=Address(rehearsal.channel, f"{rehearsal.channel}-of-the-customer"),
        message_id=f"start:{ident}",
        kind="start",
        data={"id": ident, "dialog": "shipped", "values": {"order": "A1001"}, **data},
    )


def texts(heard: list[Any]) -> list[str]:
    """What was said, without the disclosure."""
    return [str(one) for one in heard if "disclosure" not in one.reply]


@pytest.fixture
async def bot(stage: Any) -> Rehearsal:
    made: Rehearsal = await stage(shipped, send_back, voice=VOICE)
    made.channel = "sms"
    return made


async def test_a_dialog_begins_where_the_customer_wrote_last(bot: Rehearsal) -> None:
    """With nothing open it begins at once, as a message we write first."""
    sent: list[Claim] = []
    begin = bot.app.delivery.begin

    def note(customer: str, claim: Claim) -> None:
        sent.append(claim)
        begin(customer, claim)

    await bot.say("hello")
    bot.app.delivery.begin = note  # type: ignore[method-assign]
    heard = await bot.deliver(start(bot))
    assert texts(heard) == ["Your order A1001 is on its way, 2 days."]
    [claim] = sent
    row = claim.row
    assert (row.purpose, row.repeat, row.reply) == (Purpose.PROACTIVE, False, "common/on_its_way")
    assert row.values == {"order": "A1001", "days": "2"}
    assert bot.milestones() == ["told"]


async def test_the_same_start_again_does_nothing(bot: Rehearsal) -> None:
    """It is a message like others: a copy of it is recognised."""
    await bot.say("hello")
    assert texts(await bot.deliver(start(bot)))
    assert texts(await bot.deliver(start(bot))) == []


async def test_it_waits_for_an_open_question_and_follows_its_end(bot: Rehearsal) -> None:
    """It does not talk over what the customer is in the middle of."""
    await bot.say("send it back")
    assert texts(await bot.deliver(start(bot))) == []
    assert texts(await bot.say("A1002")) == [
        "A1002 comes back.",
        "One more thing:",
        "Your order A1001 is on its way, 2 days.",
    ]
    assert texts(await bot.later(timedelta(days=4))) == []


async def test_it_begins_beside_a_question_that_fell_silent(bot: Rehearsal) -> None:
    """After half an hour without an answer it says that it is something else, and comes back."""
    await bot.say("send it back")
    await bot.deliver(start(bot))
    assert texts(await bot.later(timedelta(minutes=29))) == []
    heard = texts(await bot.later(timedelta(minutes=2)))
    assert heard[:2] == ["One more thing:", "Your order A1001 is on its way, 2 days."]
    assert heard[-1].endswith("Which order?")
    assert texts(await bot.say("A1002")) == ["A1002 comes back."]


async def test_it_waits_for_the_end_of_quiet_hours(stage: Any) -> None:
    """At night it is kept, and said in the morning."""
    bot: Rehearsal = await stage(
        shipped, voice=VOICE, company={"quiet_hours": "21:00-08:00", "timezone": "UTC"}
    )
    bot.channel = "sms"
    await bot.say("hello")
    bot.clock.move(timedelta(hours=13))  # from 9:00 to 22:00
    assert texts(await bot.deliver(start(bot))) == []
    assert texts(await bot.later(timedelta(hours=9))) == []
    assert texts(await bot.later(timedelta(hours=2))) == ["Your order A1001 is on its way, 2 days."]


@pytest.mark.parametrize("at", ["admitted", "turn", "decide", "committed"])
async def test_a_process_that_dies_loses_no_start(bot: Rehearsal, at: str) -> None:
    """Accepted means begun, once, whatever dies in between.

    On a platform the send itself may end as unknown, and is not repeated; a page shows it.
    """
    bot.channel = "web"
    await bot.say("hello")
    await bot.crash(at=at)
    heard = texts(await bot.deliver(start(bot)))
    assert heard == ["Your order A1001 is on its way, 2 days."]
    assert texts(await bot.later(timedelta(hours=1))) == []


async def test_a_dialog_that_is_gone_is_dropped(bot: Rehearsal) -> None:
    """Code changed meanwhile: nothing is said, and nothing breaks."""
    await bot.say("hello")
    assert texts(await bot.deliver(start(bot, dialog="gone"))) == []
    assert texts(await bot.deliver(start(bot, "s2", values={"nonsense": 1}))) == []
    assert not (await bot.state()).timers


async def test_stop_is_the_last_that_is_heard_there(stage: Any) -> None:
    """A start that waited is not said after STOP, on the channel where they said it."""
    bot: Rehearsal = await stage(shipped, send_back, voice=VOICE)
    bot.channels["sms"].capabilities = Capabilities(text_limit=640, reserved_words=True)
    bot.app.setup = bot.app.make_setup(bot.dialogs, bot.voice)
    bot.channel = "sms"
    await bot.say("send it back")
    await bot.deliver(start(bot))
    await bot.say("STOP")
    assert "Your order A1001 is on its way, 2 days." not in texts(
        await bot.later(timedelta(days=4))
    )


async def test_it_waits_while_an_agent_speaks(bot: Rehearsal) -> None:
    """The start is kept, and said when the bot speaks again."""
    await bot.say("hello")
    await bot.app.store.control(bot.customer, "bea")
    assert texts(await bot.deliver(start(bot))) == []
    assert texts(await bot.later(timedelta(hours=1))) == []
    await bot.app.store.control(bot.customer, "")
    assert texts(await bot.later(timedelta(minutes=11))) == [
        "Your order A1001 is on its way, 2 days."
    ]


async def test_a_first_visit_after_a_fact_is_still_greeted(stage: Any) -> None:
    """What the company told before is no first visit."""

    @dialog("welcome", opening=True)
    async def welcome(chat: Chat) -> None:
        """Greet."""
        await chat.say("hi")

    bot: Rehearsal = await stage(welcome, voice="{% reply hi() %}Hi there.{% endreply %}")
    address = Address("web", "web-of-the-customer")
    facts = Inbound(address=address, message_id="f1", kind="facts", data={"facts": {"vip": True}})
    assert await bot.deliver(facts) == []
    assert texts(await bot.say("", kind="opened")) == ["Hi there."]
    assert await bot.profile() == {"vip": True}


# -- the decision ----------------------------------------------------------------------------------

SMS, TELEGRAM, WEB = Address("sms", "1"), Address("telegram", "2"), Address("web", "3")
NOW = 1_800_000_000_000
HOUR = 3_600_000
CHANNELS = {"sms": Capabilities(), "telegram": Capabilities(), "web": Capabilities(push=False)}


def timer(channel: str = "", since: int = NOW, given: Address | None = None) -> Timer:
    kept = {"values": {}, "since": since, "given": [given.channel, given.id] if given else None}
    return Timer(NOW, "start", "s1", "", channel, "shipped", kept)


def scene(*owned: Address, **changes: Any) -> Scene:
    proofs = changes.pop("proofs", {})
    known = [(address, proofs.get(address, Proof.CHANNEL)) for address in owned]
    return Scene(at=NOW, addresses=known, capabilities=CHANNELS, **changes)


def asking(asked: int) -> Frame:
    return Frame("send_back", "1.1", open=Open(entry="e", reply="ask", asked=asked))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (scene(SMS, TELEGRAM, last=SMS), SMS),
        (scene(SMS, TELEGRAM, last=TELEGRAM), TELEGRAM),
        (scene(SMS, WEB, last=WEB), SMS),
        (scene(WEB, last=WEB), WEB),
        (scene(SMS, TELEGRAM, last=SMS, opted_out=frozenset({"sms"})), TELEGRAM),
        (scene(SMS, TELEGRAM, last=SMS, proofs={SMS: Proof.CLAIMED}), TELEGRAM),
        (scene(SMS, writing=WEB, last=WEB), WEB),
    ],
)
def test_where_it_goes(where: Scene, found: Address) -> None:
    """Where they wrote last, if it can be written to; never where they opted out or no proof is."""
    assert decide(timer(), where) == found


def test_who_writes_stop_is_not_answered_with_news() -> None:
    """Their last word on a channel is held to, also while they are writing there."""
    stopped = {"opted_out": frozenset({"sms"}), "writing": SMS, "last": SMS}
    assert isinstance(decide(timer(), scene(SMS, **stopped)), Later)
    assert decide(timer(), scene(SMS, TELEGRAM, **stopped)) == TELEGRAM


def test_what_was_asked_for_is_held_to() -> None:
    """A channel that was named is not exchanged for another one."""
    assert decide(timer("telegram"), scene(SMS, TELEGRAM, last=SMS)) == TELEGRAM
    assert isinstance(decide(timer("telegram"), scene(SMS, last=SMS)), Later)


def test_an_address_the_company_gave_may_be_written_to() -> None:
    """It has no proof of its own: the company has answered for it."""
    claimed = scene(SMS, proofs={SMS: Proof.CLAIMED})
    assert isinstance(decide(timer(), claimed), Later)
    assert decide(timer(given=SMS), claimed) == SMS


def test_what_needs_proof_goes_where_it_is() -> None:
    """A dialog with `require="verified"` is not begun on an address that is less sure."""
    sure = {"proofs": {TELEGRAM: Proof.VERIFIED}, "last": SMS, "require": Proof.VERIFIED}
    assert decide(timer(), scene(SMS, TELEGRAM, **sure)) == TELEGRAM
    assert isinstance(decide(timer(), scene(SMS, require=Proof.VERIFIED)), Later)
    claimed = scene(SMS, proofs={SMS: Proof.CLAIMED}, require=Proof.CHANNEL)
    assert isinstance(decide(timer(given=SMS), claimed), Later)


def test_nobody_is_woken_but_who_is_writing_is_answered() -> None:
    """Quiet hours hold on channels that ring."""
    morning = datetime(2027, 1, 15, 8, tzinfo=UTC)
    quiet = {"quiet": lambda _address: morning}
    assert decide(timer(), scene(SMS, **quiet)) == Later(int(morning.timestamp() * 1000))
    assert decide(timer(), scene(WEB, **quiet)) == WEB
    assert decide(timer(), scene(SMS, writing=SMS, **quiet)) == SMS


def test_an_agent_is_not_interrupted() -> None:
    """While an agent speaks, the bot does not (law 5)."""
    assert isinstance(decide(timer(), scene(SMS, agent=True)), Later)
    assert isinstance(decide(timer(), scene(SMS, paused=True)), Later)


def test_an_open_question_is_waited_for() -> None:
    """Until it has been silent for half an hour; a dialog that waits for time is no question."""
    assert decide(timer(), scene(SMS, frames=[asking(NOW - 60_000)])) == Later(NOW + 29 * 60_000)
    assert decide(timer(), scene(SMS, frames=[asking(NOW - HOUR)])) == SMS
    assert isinstance(decide(timer(), scene(SMS, frames=[asking(1)], writing=SMS)), Later)
    assert decide(timer(), scene(SMS, frames=[Frame("x", "1.1", open=Open("e", ""))])) == SMS


def test_what_comes_too_late_is_dropped() -> None:
    """After three days nobody wants to hear it any more."""
    old = NOW - int(LIFE.total_seconds() * 1000) - 1
    assert decide(timer(since=old), scene(SMS)) == Dropped("too_late")
    assert decide(timer(since=old), scene()) == Dropped("unreachable")
    assert decide(timer(since=old), scene(SMS, agent=True)) == Dropped("too_late")
