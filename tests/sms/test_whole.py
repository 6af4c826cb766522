"""A customer with a phone: the real adapter, the real core, and a stand-in as strict as Twilio."""

from __future__ import annotations

import asyncio

from segue.memory import Commit, Granted
from segue.testing.platforms import Fault
from segue.types import Address, Inbound, Message, Paragraph, Purpose, Receipt, Row, Text, Who

ADA = "+436601234567"


async def owner(house, channel="sms"):
    found = await house.app.core.owner(Address(channel, ADA))
    assert found is not None
    return found


async def lines(house, channel="sms"):
    """Return (who, words) of the customer's transcript."""
    page = await house.app.core.page(await owner(house, channel), after=-1)
    return [(line.who, line.text) for _, line in page.lines]


async def test_a_return_by_sms(house, twilio):
    """From the first words to the label; numbers stand for buttons."""
    here = await house()
    ada = twilio.phone(ADA)
    for words in ("I want to send something back", "A1001", "D02 AF30", "2"):
        hook = await ada.write(words)
        assert hook.statuses == [200]
        await here.rest()
    while "1. " in ada.screen[-1]:
        await ada.write("1")
        await here.rest()
    assert "mail" in ada.screen[-1]
    await ada.write("ada@example.com")
    await here.rest()
    while "1. " in ada.screen[-1]:
        await ada.write("1")
        await here.rest()
    assert "label" in ada.screen[-1]
    assert "automated assistant" in ada.screen[0]
    assert all(call.status == 201 for call in twilio.ledger)
    assert (Who.CUSTOMER, "ada@example.com") in await lines(here)


async def test_what_is_posted(house, twilio):
    """Who sends, how long it is worth sending, and where to tell what became of it."""
    here = await house()
    await twilio.phone(ADA).write("How long does delivery take?")
    await here.rest()
    for call in twilio.ledger:
        [callback] = call.params["StatusCallback"]
        assert callback.startswith(f"{here.base}/channels/sms/status?c=")
        assert ADA.lstrip("+") not in callback
        assert call.params["From"] == [twilio.number]
        assert 1 <= int(call.params["ValidityPeriod"][0]) <= 900


async def test_receipts_in_any_order_end_with_the_last(house, twilio):
    """`delivered` before `sent` stays delivered."""
    here = await house()
    twilio.shuffled = True
    await twilio.phone(ADA).write("How long does delivery take?")
    await here.rest()
    assert here.app.core.reports["sms", "delivered"] == len(twilio.ledger)
    became = await here.app.store.got(await owner(here))
    assert {each.receipt for each in became.values()} == {Receipt.DELIVERED}
    hooks = [hook for hook in twilio.hooks if "/status" in hook.url]
    assert hooks
    assert all(hook.statuses == [204] for hook in hooks)


async def test_a_receipt_settles_what_nobody_knew(house, twilio):
    """The line broke after the message was taken: its receipt says so, and it is not sent again."""
    here = await house()
    ada = twilio.phone(ADA)
    twilio.fault(Fault("taken_then_reset"))
    await ada.write("How long does delivery take?")
    await here.rest()
    became = await here.app.store.got(await owner(here))
    assert Receipt.DELIVERED in {each.receipt for each in became.values()}
    assert len(ada.screen) == len(set(ada.screen))
    assert len(twilio.ledger) == len({call.params["Body"][0] for call in twilio.ledger})


async def test_a_phone_that_is_off_is_known_as_such(house, twilio):
    """30003 comes with the receipt, as the reason why it failed."""
    here = await house()
    ada = twilio.phone(ADA)
    ada.off = True
    await ada.write("How long does delivery take?")
    await here.rest()
    became = (await here.app.store.got(await owner(here))).values()
    assert ("failed", "no_address") in {(each.receipt, each.why) for each in became}


async def test_a_replayed_webhook_has_no_second_effect(house, twilio):
    """The same signed request again, now or in a week, is acknowledged and nothing else."""
    here = await house()
    hook = await twilio.phone(ADA).write("How long does delivery take?")
    await here.rest()
    sent = len(twilio.ledger)
    for _ in range(3):
        assert await twilio.post(hook.url, hook.body, hook.headers) == 200
    await here.rest()
    assert len(twilio.ledger) == sent
    assert [who for who, _ in await lines(here)].count(Who.CUSTOMER) == 1


async def _queued(here, customer, number):
    """Let rows wait for the customer, as after an outage."""
    store = here.app.store
    granted = await store.admit(
        customer, Inbound(address=Address("sms", ADA), message_id="SM-by-hand", text="x")
    )
    assert isinstance(granted, Granted)
    rows = tuple(
        Row(
            id=f"by-hand-{place}",
            address=Address("sms", ADA),
            message=Message(body=(Paragraph((Text(f"row {place}"),)),)),
            purpose=Purpose.ANSWER,
        )
        for place in range(number)
    )
    done = await store.commit(
        granted.lease, Commit(state=granted.state, ack=granted.number, rows=rows)
    )
    return done.claims


async def test_stop_with_fifty_replies_queued(house, twilio):
    """None goes out afterwards; one confirmation does, ours, since Twilio has none of its own."""
    here = await house(platform_answers_stop=False)
    twilio.answers_stop = False
    ada = twilio.phone(ADA)
    await ada.write("hello")
    await here.rest()
    [claim] = await _queued(here, await owner(here), 50)
    before = len(ada.screen)
    await ada.write(" Stop. ")
    await here.rest()
    here.app.delivery.begin(await owner(here), claim)
    await here.rest()
    await ada.write("STOP")
    await ada.write("are you there?")
    await here.rest()
    after = ada.screen[before:]
    assert len([text for text in after if "START" in text]) == 1
    # The one that was under way may arrive; the forty-nine behind it do not.
    assert len(after) <= 2
    snapshot = await here.app.store.snapshot(await owner(here))
    assert snapshot.opted_out == {"sms"}
    assert snapshot.unsent == 0
    await ada.write("START")
    await here.rest()
    assert "STOP" in ada.screen[-1]


async def test_twilios_own_confirmation_is_not_repeated(house, twilio):
    """One confirmation, Twilio's; nothing of ours is tried and refused."""
    here = await house()
    ada = twilio.phone(ADA)
    await ada.write("hello")
    await here.rest()
    sent, shown = len(twilio.ledger), len(ada.screen)
    for words in ("STOP", "hello?", "UNSTOP"):
        await ada.write(words)
        await here.rest()
    assert len(ada.screen) == shown + 2
    assert "unsubscribed" in ada.screen[shown]
    assert "re-subscribed" in ada.screen[shown + 1]
    assert len(twilio.ledger) == sent


async def test_21610_brings_the_consent_record_up_to_date(house, twilio):
    """What Twilio knows and we did not is known after the first refused send."""
    here = await house()
    ada = twilio.phone(ADA)
    await ada.write("hello")
    await here.rest()
    twilio.opted_out.add((twilio.number, ADA))
    await ada.write("How long does delivery take?")
    await here.rest()
    assert twilio.ledger[-1].answer["code"] == 21610
    snapshot = await here.app.store.snapshot(await owner(here))
    assert snapshot.opted_out == {"sms"}
    [noted] = await here.app.store.consents(await owner(here))
    assert (noted.what, noted.how) == ("out", "platform")
    tried = len(twilio.ledger)
    await ada.write("hello?")
    await here.rest()
    assert len(twilio.ledger) == tried


async def test_a_photo_arrives_as_an_attachment(house, twilio):
    """It is fetched from Twilio with our token, which does not go where Twilio keeps it."""
    here = await house()
    await twilio.phone(ADA).send_photo()
    await here.rest()
    page = await here.app.core.page(await owner(here), after=-1)
    [media] = next(line.media for _, line in page.lines if line.media)
    fetched = await here.app.adapters["sms"].fetch(media)
    assert fetched.content_type == "image/png"
    assert fetched.body.startswith(b"\x89PNG")


async def test_forged_webhooks_are_refused(house, twilio):
    """A changed byte, no signature, another account's token: 403, and nothing is stored."""
    here = await house()
    hook = await twilio.phone(ADA).write("hello")
    await here.rest()
    body = hook.body.replace(b"hello", b"hellp")
    assert await twilio.post(hook.url, body, hook.headers) == 403
    status = f"{here.base}/channels/sms/status?c=x&r=1-1"
    assert await twilio.post(status, b"MessageStatus=delivered", {}) == 403
    spoofed = {**hook.headers, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert await twilio.post(hook.url, body, spoofed) == 403
    assert [who for who, _ in await lines(here)].count(Who.CUSTOMER) == 1


async def test_whatsapp_inside_the_window(house, twilio):
    """Session replies are text, choices a numbered list; the same customer's SMS is another."""
    here = await house()
    ada = twilio.phone(ADA)
    await ada.write("I want to send something back", whatsapp=True)
    await here.rest()
    assert "A1001" in ada.chat[-1]
    assert not ada.screen
    assert (Who.CUSTOMER, "I want to send something back") in await lines(here, "whatsapp")


async def test_two_of_our_bots_stop_talking(house, twilio):
    """What our own number writes is not answered."""
    here = await house()
    ourselves = twilio.phone(twilio.number)
    for _ in range(3):
        await ourselves.write("hello")
    await here.rest()
    assert twilio.ledger == []
    await asyncio.sleep(0)
    assert here.app.adapters["sms"].counts["ignored", "ourselves"] == 3
