"""Saying something over plain HTTP."""

from __future__ import annotations

import asyncio

from segue.channel import NotAccepted
from segue.types import Button, Message, Paragraph, Proof, Strong, Text


async def test_a_first_message_needs_nothing_but_its_text(shop):
    """A stranger's message is accepted, answered, and comes with a session."""
    status, said = await shop.post("messages?wait=5", json={"text": "Hello"})
    assert status == 200
    assert said["accepted"] is True
    assert said["duplicate"] is False
    assert [reply["text"] for reply in said["replies"]] == ["You said: Hello"]
    assert said["session"].count(".") == 2


async def test_without_wait_the_answer_is_read_later(shop):
    """Accepted is 202 with a cursor, after which the answer is found."""
    shop.gateway.held = asyncio.Event()
    status, said = await shop.post(json={"text": "Hello"})
    assert status == 202
    assert "replies" not in said
    shop.gateway.held.set()
    customer = shop.gateway.received[0][0]
    await shop.gateway.settled(customer, within=5)
    status, page = await shop.get(f"messages?after={said['cursor']}", said["session"])
    assert status == 200
    assert [(line["who"], line["text"]) for line in page["lines"]] == [
        ("customer", "Hello"),
        ("bot", "You said: Hello"),
    ]
    _, rest = await shop.get(f"messages?after={page['cursor']}", said["session"])
    assert rest["lines"] == []


async def test_a_wait_that_is_too_short_is_not_an_error(shop):
    """Time is up: the message is accepted, its replies come later."""
    shop.gateway.held = asyncio.Event()
    status, said = await shop.post("messages?wait=0.02", json={"text": "Hello"})
    assert status == 202
    assert said["accepted"] is True
    assert "replies" not in said
    shop.gateway.held.set()


async def test_the_same_id_is_the_same_message(shop):
    """A client that asks again, ten times at once, is heard once and gets the answer."""
    session = await shop.begin()
    body = {"text": "Where is my order?", "client_message_id": "m-1"}
    answers = await asyncio.gather(
        *(shop.post("messages?wait=5", json=body, session=session) for _ in range(10))
    )
    assert [status for status, _ in answers] == [200] * 10
    assert sorted(said["duplicate"] for _, said in answers) == [False] + [True] * 9
    assert [inbound.text for _, inbound in shop.gateway.received].count(body["text"]) == 1
    _, again = await shop.post("messages?wait=5", json=body, session=session)
    assert [reply["text"] for reply in again["replies"]] == ["You said: Where is my order?"]


async def test_one_customer_may_use_an_id_another_has_used(shop):
    """`client_message_id` is unique per customer, not among all of them."""
    for _ in range(2):
        session = await shop.begin()
        status, said = await shop.post(
            json={"text": "Hi", "client_message_id": "1"}, session=session
        )
        assert (status, said["duplicate"]) == (202, False)


async def test_a_button_press_carries_its_id(shop):
    """`choice` reaches the bot as the id of the button, `text` as its label."""
    session = await shop.begin()
    status, _ = await shop.post(
        json={"choice": "wrong_size", "text": "Wrong size"}, session=session
    )
    assert status == 202
    inbound = shop.gateway.received[-1][1]
    assert (inbound.choice, inbound.text) == ("wrong_size", "Wrong size")


async def test_a_reply_keeps_its_form(shop):
    """Replies come as plain text and as a tree, with the buttons' ids and labels."""
    shop.gateway.answering = lambda _: (
        Message(
            body=(Paragraph((Text("Which "), Strong((Text("size"),)), Text("?"))),),
            buttons=(Button("s", "Small"), Button("l", "Large")),
        ),
    )
    _, said = await shop.post("messages?wait=5", json={"text": "x"})
    assert said["replies"] == [
        {
            "text": "Which size?",
            "body": [["p", [["t", "Which "], ["b", [["t", "size"]]], ["t", "?"]]]],
            "buttons": [{"id": "s", "label": "Small"}, {"id": "l", "label": "Large"}],
            "media": [],
        }
    ]


async def test_the_locale_is_the_one_asked_for(shop):
    """A field wins over the browser's languages; nonsense is no locale."""
    session = await shop.begin()
    for written, header, expected in [
        ("de-AT", "fr", "de-AT"),
        (None, "fr-CH, fr;q=0.9", "fr-CH"),
        (None, "*", None),
        ("../../etc", "", None),
    ]:
        body = {"text": "x", **({"locale": written} if written else {})}
        await shop.post(json=body, session=session, headers={"Accept-Language": header})
        assert shop.gateway.received[-1][1].locale == expected


async def test_a_message_that_cannot_be_stored_is_not_accepted(shop):
    """503 with Retry-After when the store is away or the server stops: the client keeps it."""
    session = await shop.begin()
    shop.gateway.broken = True
    status, said = await shop.post(json={"text": "x"}, session=session)
    assert status == 503
    assert said["error"].count(".") == 1
    shop.gateway.broken = False
    for why, code in (("closed", 503), ("full", 429), ("paused", 503)):
        shop.gateway.refusing = NotAccepted(why=why, status=code)
        status, said = await shop.post(json={"text": "x"}, session=session)
        assert status == code
        assert shop.counts["refused", why] == 1


async def test_who_writes_too_fast_is_slowed_down(open_shop):
    """A customer's burst is let through, what is beyond it is 429 with the time to wait."""
    shop = await open_shop(customer_rate=1, customer_burst=3)
    session = await shop.begin()
    statuses = [(await shop.post(json={"text": "x"}, session=session))[0] for _ in range(4)]
    assert statuses == [202, 202, 429, 429]
    shop.clock.advance(seconds=1)
    assert (await shop.post(json={"text": "x"}, session=session))[0] == 202
    assert shop.counts["refused", "too_fast"] == 2
    other = await shop.begin()
    assert (await shop.post(json={"text": "x"}, session=other))[0] == 202


async def test_limits_can_be_switched_off(open_shop):
    """A rate of 0 is no limit."""
    shop = await open_shop(customer_rate=0, customer_burst=1)
    session = await shop.begin()
    for _ in range(30):
        assert (await shop.post(json={"text": "x"}, session=session))[0] == 202


async def test_an_anonymous_session_is_worth_the_channels_word(shop):
    """An anonymous address is proved by the channel, an identified one is verified."""
    await shop.begin()
    customer, inbound = shop.gateway.received[0]
    assert inbound.proof is Proof.CHANNEL
    assert shop.gateway.proof(customer, inbound.address) is Proof.CHANNEL
    assert len(inbound.address.id) == 32
