"""What operators see of sending: numbers, and the transcript of a customer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from town import Limited, Post, Town, refused

from segue.channel import NotSent, Reason
from segue.cli.customer import _became, _line
from segue.memory import Got
from segue.server.metrics import Metrics
from segue.server.outbox import tell_of_sending
from segue.types import Line, Message, Paragraph, Receipt, Text, Who


async def test_numbers_tell_what_is_sent_and_what_waits(town: Town) -> None:
    """And no label names a customer."""
    post, wire = Limited(town.clock, per_chat=(1.0, 1.0)), Post(town.clock, name="wire")
    sender = town.sender(post, wire)
    ada = await town.person("+43660000001", ident="ada")
    zoe = await town.person("zoe", channel="wire")
    wire.outcomes = [refused(reason=Reason.CREDENTIAL)]
    await town.decide(sender, ada, *(town.row(f"r{n}", "+43660000001") for n in range(3)))
    await town.decide(sender, zoe, town.row("z", "zoe", "wire"))
    await town.quiet()
    metrics = Metrics()
    catch_up = SimpleNamespace(brought={("post",): 2})
    tell_of_sending(metrics, sender.adapters, sender, catch_up)  # type: ignore[arg-type]
    page = metrics.page().decode()
    for line in (
        'segue_replies_total{channel="post",ending="sent"} 1.0',
        'segue_send_waits_total{channel="post",limit="chat"} 1.0',
        'segue_outbox{channel="post",what="rows"} 1.0',
        'segue_outbox{channel="post",what="waiting_for_limits"} 1.0',
        'segue_outbox{channel="wire",what="left_alone"} 1.0',
        'segue_channel_breaks_total{channel="wire",why="credential"} 1.0',
        'segue_caught_up_total{channel="post"} 2.0',
    ):
        assert line in page, page
    assert "43660000001" not in page


async def test_logs_name_no_address(
    town: Town, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """A reply that cannot be sent is one line with customer, channel, reply and reason."""
    number = "+43660000001"
    sender = town.sender(post)
    ada = await town.person(number, ident="ada")
    post.outcomes = [refused(reason=Reason.OTHER), NotSent(why=number, permanent=False)]
    await town.decide(sender, ada, town.row("r1", number), town.row("r2", number))
    await town.pass_time(5)
    [line] = [one for one in caplog.records if one.message == "reply_not_sent"]
    assert set(line.segue) == {"customer", "channel", "reply", "why"}  # type: ignore[attr-defined]
    assert not [one for one in caplog.records if number in str(one.__dict__)]


def test_the_transcript_says_what_did_not_arrive() -> None:
    """`segue customer show`: under a line stands what is more, or less, than sent."""
    message = Message(body=(Paragraph((Text("Hello"),)),))
    got = {
        "1-1": Got(receipt=Receipt.FAILED, at=1, why="blocked", instead="sms"),
        "1-1~1": Got(receipt=Receipt.READ, at=1),
        "1-2": Got(receipt=Receipt.SENT, at=1),
        "1-3": Got(receipt=Receipt.UNKNOWN, at=1),
    }
    for ident, shown in (
        ("1-1", "(failed: blocked, sent by sms instead)"),
        ("1-2", ""),
        ("1-3", "(unknown)"),
        ("1-4", ""),
    ):
        line = Line(who=Who.BOT, at=1, channel="telegram", message=message, id=ident)
        found = _line(1, line, None, got)  # type: ignore[arg-type]
        assert _became(found) == shown
