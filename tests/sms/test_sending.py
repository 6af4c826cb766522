"""Sends end as sent, not sent or unknown: by Twilio's error bodies, and when the line breaks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from tests.sms.conftest import section

from segue.channel import NotSent, Reason, Sent, Site, Unknown
from segue.ports import to_millis
from segue.testing.clock import FakeClock
from segue.testing.platforms import Fault, Twilio
from segue.testing.platforms.twilio_messages import error
from segue.types import Address, Message, Paragraph, Purpose, Row, Text
from segue_adapters.sms import SmsChannel, SmsSettings
from segue_adapters.twilio_api import NoAnswer
from segue_adapters.twilio_outcomes import outcome, reason_of
from segue_adapters.whatsapp import WhatsAppChannel, WhatsAppSettings

ADA = Address("sms", "+436601234567")
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def row(text: str = "Hello.", **more: object) -> Row:
    message = Message(body=(Paragraph((Text(text),)),))
    return Row(id="3-1", address=ADA, message=message, customer="c" * 22, **more)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
async def sms(twilio: Twilio, clock: FakeClock):
    twilio.clock = clock
    adapter = SmsChannel(
        SmsSettings(**section(twilio, timeout_seconds=0.3)),  # type: ignore[arg-type]
        Site(public_url="https://bot.example.com", clock=clock),
    )
    yield adapter
    await adapter.stop()


async def send(adapter, one: Row):
    return await adapter.send(ADA, adapter.build(one.message), one)


async def test_one_post_whatever_happens(sms, twilio: Twilio) -> None:
    """No client tries by itself: each fault meets exactly one request."""
    kinds = ["taken_then_reset", "reset", "broken", "stall", "too_fast"]
    for number, kind in enumerate(kinds, 1):
        twilio.fault(Fault(kind))  # type: ignore[arg-type]
        answer = await send(sms, row())
        assert len(twilio.ledger) == number
        assert isinstance(answer, NotSent if kind == "too_fast" else Unknown)
    twilio.release()
    assert isinstance(await send(sms, row()), Sent)
    await sms.stop()
    await twilio.stop()
    assert isinstance(await send(sms, row()), NotSent), "it was never written"


async def test_too_fast_says_which_bucket_and_how_long(sms, twilio: Twilio) -> None:
    """20429 is the account's, and takes Twilio's word for the time."""
    twilio.fault(Fault("too_fast", retry_after=7))
    answer = await send(sms, row())
    assert answer.retry_after == timedelta(seconds=7)
    assert answer.pause == sms.takes(ADA, sms.build(row().message))[1].bucket
    assert not answer.permanent


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (21610, 400, Reason.OPTED_OUT),
        (21211, 400, Reason.NO_ADDRESS),
        (21614, 400, Reason.NO_ADDRESS),
        (21408, 400, Reason.NO_ADDRESS),
        (21617, 400, Reason.CONTENT),
        (30007, 400, Reason.CONTENT),
        (30004, 400, Reason.BLOCKED),
        (20003, 401, Reason.CREDENTIAL),
        (21606, 400, Reason.CREDENTIAL),
        (63016, 400, Reason.WINDOW),
        (99999, 400, Reason.OTHER),
    ],
)
def test_permanent_errors(code: int, status: int, reason: Reason) -> None:
    """Each of Twilio's bodies leads to what follows from it."""
    import json

    body = json.dumps(error(code, "as it is", status))
    found = outcome(status, body, {}, account="a", number="n")
    assert found == NotSent(why=f"twilio_{code}", permanent=True, reason=reason)


@pytest.mark.parametrize(("code", "pause"), [(14107, ""), (21611, "n"), (20429, "a"), (63018, "a")])
def test_errors_that_pass(code: int, pause: str) -> None:
    """The right bucket waits: the lane, the number or the account."""
    found = outcome(429, f'{{"code": {code}}}', {}, account="a", number="n")
    assert isinstance(found, NotSent)
    assert not found.permanent
    assert found.pause == pause
    assert found.retry_after is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [(201, "{}"), (201, "<html>"), (201, '{"sid": "no"}'), (500, ""), (502, "{}"), (302, "")],
)
def test_answers_that_say_nothing_are_unknown(status: int, body: str) -> None:
    """It may have been taken."""
    assert isinstance(outcome(status, body, {}, account="", number=""), Unknown)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("30003", Reason.NO_ADDRESS), ("21610", Reason.OPTED_OUT), ("", Reason.OTHER), ("x", "other")],
)
def test_reasons_of_receipts(code: str, reason: Reason) -> None:
    """The same table serves what is told later."""
    assert reason_of(code) is Reason(reason)


async def test_life_is_handed_on(sms, twilio: Twilio, clock: FakeClock) -> None:
    """`ValidityPeriod` is what is left, between a second and ten hours; without an end, nothing."""
    for left, told in ((900, "900"), (0.2, "1"), (100_000, "36000")):
        ends = to_millis(clock.now() + timedelta(seconds=left))
        await send(sms, row(expires_at=ends))
        assert twilio.ledger[-1].params["ValidityPeriod"] == [told]
    await send(sms, row())
    assert "ValidityPeriod" not in twilio.ledger[-1].params


async def test_what_became_of_an_unknown_send(sms, twilio: Twilio, clock: FakeClock) -> None:
    """It is found in the account's list by its words, if it is there; else it was not taken."""
    twilio.fault(Fault("taken_then_reset"))
    one = row("Find me.")
    assert isinstance(await send(sms, one), Unknown)
    await twilio.delivered()
    found = await sms.find(ADA, one)
    assert found == Sent(id=twilio.messages[-1].sid)
    # The same message does not stand for another of the same words.
    twilio.fault(Fault("reset"))
    assert isinstance(await send(sms, one), Unknown)
    assert isinstance(await sms.find(ADA, one), Unknown), "the list may lag behind"
    clock.move(timedelta(seconds=6))
    assert isinstance(await sms.find(ADA, one), NotSent)


async def test_what_was_missed_is_asked_for(sms, twilio: Twilio, clock: FakeClock) -> None:
    """Oldest first, from `since`, with pictures, and under the ids their webhooks had."""
    ada = twilio.phone(ADA.id)
    await ada.write("too early")
    clock.move(timedelta(hours=1))
    since = clock.now()
    await ada.write("first")
    clock.move(timedelta(minutes=1))
    await ada.send_photo(text="second")
    await send(sms, row())
    missed = [each async for each in sms.missed(since)]
    assert [each.text for each in missed] == ["first", "second"]
    assert missed[0].received_at == to_millis(since), "when it was written, not when it was found"
    assert [each.message_id for each in missed] == [
        each.sid for each in twilio.messages if each.direction == "inbound"
    ][1:]
    assert missed[1].media[0].content_type == "image/png"
    assert await sms.fetch(missed[1].media[0]) is not None


def test_costs_are_counted_in_segments(sms) -> None:
    """A long text takes as many tokens of the number as it has segments; no number in the name."""
    short, account = sms.takes(ADA, sms.build(row("a").message))
    long, _ = sms.takes(ADA, sms.build(row("a" * 400).message))
    assert (short.cost, long.cost, short.rate) == (1.0, 3.0, 1.0)
    assert account.cost == 1.0
    assert not any("500555" in take.bucket or "43660" in take.bucket for take in (short, account))


async def test_nothing_private_is_logged(sms, twilio: Twilio, caplog) -> None:
    """Neither words nor numbers nor the token, at any level."""
    caplog.set_level(logging.DEBUG)
    await send(sms, row("a canary sings"))
    twilio.suspended = True
    await send(sms, row("a canary sings"))
    for secret in ("canary", ADA.id[1:], twilio.auth_token, twilio.number[1:]):
        assert not any(secret in record.getMessage() for record in caplog.records), secret


async def test_doctor_looks_and_mends(sms, twilio: Twilio) -> None:
    """It says what is wrong, sets it with `fix`, and is content afterwards."""
    where = "https://bot.example.com/channels/sms/webhook"
    before = await sms.doctor(fix=False)
    assert [each.level for each in before] == ["ok", "error"]
    assert where in before[1].cure
    mended = await sms.doctor(fix=True)
    assert mended[-1].found == f"the number called nobody; now it calls {where}"
    assert twilio.numbers[twilio.number].sms_url == where
    assert [each.level for each in await sms.doctor(fix=False)] == ["ok", "ok"]
    twilio.suspended = True
    assert (await sms.doctor(fix=False))[0].level == "error"
    told = " ".join(each.found + each.cure for each in (*before, *mended))
    assert twilio.auth_token not in told
    assert twilio.number not in told


async def test_doctor_sets_a_messaging_service(twilio: Twilio) -> None:
    """A service's own address is read and set; messages to its number are ours."""
    twilio.service = "MG" + "4" * 32
    given = {**section(twilio), "from_number": "", "messaging_service_sid": twilio.service}
    adapter = SmsChannel(SmsSettings(**given), Site(public_url="https://bot.example.com"))  # type: ignore[arg-type]
    await adapter.doctor(fix=True)
    assert twilio.service_url == "https://bot.example.com/channels/sms/webhook"
    assert isinstance(await send(adapter, row()), Sent)
    assert twilio.ledger[-1].params["MessagingServiceSid"] == [twilio.service]
    assert "From" not in twilio.ledger[-1].params
    await adapter.stop()


# -- WhatsApp --------------------------------------------------------------------------------------


@pytest.fixture
async def whatsapp(twilio: Twilio, clock: FakeClock):
    twilio.clock = clock
    twilio.templates = {"HX" + "5" * 32: "Order {{1}} is on its way to {{2}}."}
    templates = {"shipping/sent": {"sid": "HX" + "5" * 32, "values": ["order.number", "city"]}}
    adapter = WhatsAppChannel(
        WhatsAppSettings(**section(twilio, templates=templates)),  # type: ignore[arg-type]
        Site(clock=clock),
    )
    yield adapter
    await adapter.stop()


FIRST = {"purpose": Purpose.PROACTIVE, "reply": "shipping/sent", "repeat": False}


async def test_inside_the_window_anything_is_said(whatsapp, twilio: Twilio, clock) -> None:
    """For a day after their last message, a template is not needed."""
    ada = twilio.phone(ADA.id)
    await ada.write("hi", whatsapp=True)
    context = {"at": f"{to_millis(clock.now())}"}
    clock.move(timedelta(hours=23))
    assert isinstance(await send(whatsapp, row("Hello.", context=context, **FIRST)), Sent)
    await twilio.delivered()
    assert ada.chat == ["Hello."]
    clock.move(timedelta(hours=1))
    answer = await send(whatsapp, row("Hello.", context=context))
    assert answer.reason is Reason.WINDOW
    assert answer.permanent
    assert len(twilio.ledger) == 1, "nothing is tried that WhatsApp would not let through"


async def test_outside_the_window_a_template_stands_for_the_reply(whatsapp, twilio) -> None:
    """With the reply's values in its places; one that is missing is named."""
    ada = twilio.phone(ADA.id)
    values = {"order.number": "A1001", "city": "Vienna"}
    assert isinstance(await send(whatsapp, row(values=values, **FIRST)), Sent)
    await twilio.delivered()
    assert ada.chat == ["Order A1001 is on its way to Vienna."]
    assert "Body" not in twilio.ledger[-1].params
    answer = await send(whatsapp, row(values={"city": "Vienna"}, **FIRST))
    assert answer.reason is Reason.WINDOW
    assert "order.number" in answer.why
    other = row(values=values, purpose=Purpose.PROACTIVE, reply="other/one")
    assert (await send(whatsapp, other)).reason is Reason.WINDOW


def test_a_template_may_be_written_short(twilio: Twilio) -> None:
    """The sid alone is a template without places."""
    sid = "HX" + "6" * 32
    settings = WhatsAppSettings(**section(twilio, templates={"a/b": sid}))  # type: ignore[arg-type]
    assert settings.templates["a/b"].sid == sid


def test_the_way_here(twilio: Twilio) -> None:
    """A link that opens a message with the code in it, on either of the two."""
    given = section(twilio)
    sms = SmsChannel(SmsSettings(**given)).invite("t", "ABCD 1234")  # type: ignore[arg-type]
    assert sms.link == f"sms:{twilio.number}?body=JOIN%20ABCD%201234"
    chat = WhatsAppChannel(WhatsAppSettings(**given)).invite("t", "ABCD 1234")  # type: ignore[arg-type]
    assert chat.link == f"https://wa.me/{twilio.number[1:]}?text=JOIN%20ABCD%201234"
    assert sms.number == chat.number == twilio.number
    service = {**given, "from_number": "", "messaging_service_sid": "MG" + "4" * 32}
    assert SmsChannel(SmsSettings(**service)).invite("t", "X").link == ""  # type: ignore[arg-type]


async def test_what_cannot_be_asked_for_now_is_not_passed_over(sms, twilio: Twilio, clock) -> None:
    """An account that does not answer is an error, so that it is asked again later."""
    twilio.suspended = True
    with pytest.raises(NoAnswer):
        _ = [each async for each in sms.missed(clock.now())]
