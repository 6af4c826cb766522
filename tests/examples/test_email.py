"""The e-mail channel of docs/channels.md, against a mail server on this machine."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_servers import Mailbox, Outbox, imap, smtp

from email_channel import EmailChannel, EmailSettings
from email_reading import read_mail
from segue.channel import NotAccepted, NotSent, Reason, Refused, Sent, Site, Unknown
from segue.testing import FakeClock
from segue.types import Address, Message, Paragraph, Proof, Row, Text
from segue_adapters.testing import MemoryGateway

OURS = "help@tarnwood.example"
ADA = Address("email", "ada@example.com")
MESSAGE = Message(body=(Paragraph((Text("What's your order number?"),)),))


def row(**fields):
    return Row(id="3-1", address=ADA, message=MESSAGE, customer="c1", **fields)


def mail(text="Where is my order?", *, sender="Ada <ada@example.com>", ident="1", **headers):
    lines = {"From": sender, "To": OURS, "Subject": "Order", "Message-ID": f"<{ident}@x.example>"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
async def channel(stack, outbox, mailbox):
    settings = EmailSettings(
        address=OURS,
        name="Tarnwood",
        smtp_host="127.0.0.1",
        smtp_port=await stack.enter_async_context(smtp(outbox)),
        smtp_tls=False,
        imap_host="127.0.0.1",
        imap_port=await stack.enter_async_context(imap(mailbox)),
        imap_tls=False,
        password="right",
        user="help",
        timeout_seconds=5,
    )
    channel = EmailChannel(settings, Site(clock=FakeClock()))
    yield channel
    await channel.stop()


async def send(channel, **fields):
    return await channel.send(ADA, channel.build(MESSAGE), row(**fields))


# -- out -------------------------------------------------------------------------------------------


async def test_an_answer_joins_the_thread_of_the_question(channel, outbox):
    """It has the question's subject and refers to it, in text and in HTML, marked as automatic."""
    (asked,) = read_mail(mail(References="<0@x.example>"), ours=OURS)
    outcome = await send(channel, context=asked.context)
    (sent,) = outbox.mails
    assert outcome == Sent(id=sent["Message-ID"])
    assert sent["Subject"] == "Re: Order"
    assert sent["In-Reply-To"] == "<1@x.example>"
    assert sent["References"] == "<0@x.example> <1@x.example>"
    assert sent["Auto-Submitted"] == "auto-replied"
    assert sent["From"] == "Tarnwood <help@tarnwood.example>"
    assert sent.get_body(("plain",)).get_content().strip() == "What's your order number?"
    assert "<p>What&#x27;s your order number?</p>" in sent.get_body(("html",)).get_content()


async def test_the_same_row_is_the_same_mail(channel, outbox):
    """A row that is sent again has the same Message-ID, so that it is shown once."""
    await send(channel)
    await send(channel)
    first, second = outbox.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_subject_cannot_smuggle_headers(channel, outbox):
    """Line breaks in what a customer wrote end up as spaces."""
    await send(channel, context={"subject": "Hi\r\nBcc: all@example.com"})
    (sent,) = outbox.mails
    assert sent["Bcc"] is None
    assert sent["Subject"] == "Hi Bcc: all@example.com"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    {
        "RCPT 550 no such user": NotSent(why="smtp_550", permanent=True, reason=Reason.NO_ADDRESS),
        "RCPT 450 try later": NotSent(why="smtp_450", permanent=False, reason=Reason.NO_ADDRESS),
        "554 spam": NotSent(why="smtp_554", permanent=True, reason=Reason.CONTENT),
        "451 busy": NotSent(why="smtp_451", permanent=False, reason=Reason.CONTENT),
        "cut": Unknown(why="SMTPServerDisconnected"),
    }.items(),
)
async def test_what_the_server_says_is_the_outcome(channel, outbox, answer, outcome):
    """5xx is for good, 4xx for now; where the connection was cut nobody knows."""
    outbox.answers = [answer]
    assert await send(channel) == outcome


async def test_a_server_that_is_not_there_has_nothing(channel):
    """Nothing was sent, and it may be tried again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = channel.settings.model_copy(update={"smtp_port": taken.getsockname()[1]})
        outcome = await send(EmailChannel(settings))
    assert isinstance(outcome, NotSent)
    assert outcome.permanent is False


# -- in --------------------------------------------------------------------------------------------


async def test_mail_is_seen_when_it_is_stored_and_not_before(channel, mailbox):
    """A mail that could not be stored stays unseen and is received at the next look, once."""
    mailbox.mails = [mail(), mail("Hello?", sender="ben@example.com", ident="2")]
    gateway = MemoryGateway()
    gateway.refusing = NotAccepted(why="full", status=429)
    assert await channel.look(gateway) == 0
    assert mailbox.seen == set()
    gateway.refusing = None
    assert await channel.look(gateway) == 2
    assert mailbox.seen == {1, 2}
    mailbox.seen.clear()  # Somebody marks them as unread.
    await channel.look(gateway)
    said = [(inbound.address.id, inbound.text) for _, inbound in gateway.received]
    assert said == [("ada@example.com", "Where is my order?"), ("ben@example.com", "Hello?")]


async def test_a_mailbox_that_refuses_us_is_tried_again(channel, mailbox, caplog):
    """The look fails, is logged without an address, and the next one works."""
    mailbox.password = "changed"
    mailbox.mails = [mail()]
    gateway = MemoryGateway()
    await channel.start(gateway)
    while not caplog.records:
        await channel.site.clock.sleep(0)
    assert [record.message for record in caplog.records] == ["mailbox_failed"]
    assert "@" not in caplog.text
    mailbox.password = "right"
    while not gateway.received:
        channel.site.clock.move(channel.settings.poll_seconds)
        await channel.site.clock.sleep(0)
    await channel.stop()


def test_from_alone_proves_nothing():
    """Whoever can write a From line is let in as claimed, and no further."""
    (inbound,) = read_mail(mail(), ours=OURS)
    assert inbound.proof is Proof.CLAIMED
    assert inbound.address == ADA


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example>"},
        {"sender": "MAILER-DAEMON@x.example"},
        {"sender": "no-reply@x.example"},
        {"sender": OURS},
    ],
    ids=str,
)
def test_machines_are_not_answered(headers):
    """Bounces, lists, absence notes and our own mail are taken, and nobody is answered."""
    assert read_mail(mail(**headers), ours=OURS) == ()


async def test_two_of_us_do_not_talk_to_each_other(channel, outbox):
    """What this channel sends is not answered by another one."""
    await send(channel)
    (sent,) = outbox.mails
    assert read_mail(sent.as_bytes(), ours="info@other.example") == ()


@pytest.mark.parametrize("sender", ["", "nobody", "a@x.example, b@x.example"])
def test_a_mail_must_come_from_somebody(sender):
    """No sender, or several, is refused."""
    assert isinstance(read_mail(mail(sender=sender), ours=OURS), Refused)


def test_a_subject_alone_is_a_message():
    """Some people write everything into the subject."""
    (inbound,) = read_mail(mail(""), ours=OURS)
    assert inbound.text == "Order"


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: mail(text[:200])))
def test_whatever_bytes_come_they_are_read_or_refused(body):
    """Reading never raises."""
    found = read_mail(body, ours=OURS)
    assert isinstance(found, Refused | tuple)
