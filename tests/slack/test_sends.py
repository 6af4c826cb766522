"""What Slack says to a send, and what follows from it; finding, catching up, files, the doctor."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from segue.channel import (
    Attachments,
    CatchingUp,
    Configurable,
    Limited,
    NotSent,
    Reason,
    Reconciling,
    Sent,
    Site,
    Unknown,
)
from segue.testing import FakeClock
from segue.testing.platforms import Fault, Slack
from segue.types import Button, Items, Link, Media, MediaKind, Message, Paragraph, Row, Strong, Text
from segue_adapters.slack import SlackChannel, SlackSettings
from segue_adapters.slack_events import address

MESSAGE = Message(
    body=(
        Paragraph((Text("Which of "), Strong((Text("these"),)), Text("?"))),
        Items(((Text("A lamp"),), (Link("https://shop.example/x", (Text("a chair"),)),)), 3),
    ),
    buttons=(Button("lamp", "The lamp"), Button("chair", "The chair")),
)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def slack(clock):
    async with Slack(clock=clock) as slack:
        yield slack


@pytest.fixture
async def channel(slack, clock):
    settings = SlackSettings(
        bot_token=slack.bot_token,
        signing_secret=slack.signing_secret,
        api_base=slack.api_base,
        file_base=slack.file_base,
        timeout_seconds=1,
    )
    channel = SlackChannel(settings, Site(clock=clock, public_url="https://chat.example.com"))
    yield channel
    await channel.stop()


@pytest.fixture
def ada(slack):
    return slack.person("Ada")


def row(person, slack, *, place="", id_="3-1", message=MESSAGE, context=None):
    where = address(slack.team, person.user, place)
    return Row(id=id_, address=where, message=message, context=context or {})


async def send(channel, given):
    return await channel.send(given.address, channel.build(given.message), given)


def test_it_can_do_what_slack_can(channel):
    """The optional protocols of the contract, as the core finds them."""
    for protocol in (Limited, Reconciling, CatchingUp, Attachments, Configurable):
        assert isinstance(channel, protocol)


async def test_a_message_is_shown_as_it_was_meant(channel, slack, ada):
    """Words, a list from its number, a link, buttons with our ids that are meant for one user."""
    assert isinstance(await send(channel, row(ada, slack)), Sent)
    (seen,) = ada.screen
    assert seen.text.split("\n")[:1] == ["Which of these?"]
    assert "3. A lamp" in seen.text
    assert "4. a chair" in seen.text
    assert seen.links == ["https://shop.example/x"]
    assert [(b.label, b.value) for b in seen.buttons] == [
        ("The lamp", "lamp"),
        ("The chair", "chair"),
    ]
    assert {b.block_id for b in seen.buttons} == {f"for:{ada.user}"}
    call = slack.ledger[-1]
    assert call.params["metadata"] == {"event_type": "segue_reply", "event_payload": {"ob": "3-1"}}
    assert (call.params["unfurl_links"], call.params["link_names"]) == (False, False)


async def test_the_dm_is_opened_once(channel, slack, ada):
    """And never where the customer's own message has told which it is."""
    for number in range(3):
        await send(channel, row(ada, slack, id_=str(number)))
    assert [call.method for call in slack.ledger].count("conversations.open") == 1
    ben = slack.person("Ben")
    dm = slack.dm(ben.user).id
    await send(channel, row(ben, slack, context={"dm": dm}))
    assert [call.method for call in slack.ledger].count("conversations.open") == 1


async def test_a_dm_that_is_not_there_any_more_is_opened_anew(channel, slack, ada):
    """What a message told is no longer true: the platform is asked."""
    outcome = await send(channel, row(ada, slack, context={"dm": "D0GONE"}))
    assert isinstance(outcome, Sent)
    assert len(ada.screen) == 1


OUTCOMES = {
    "too_fast": (
        Fault("too_fast", retry_after=7),
        NotSent(why="too_fast", permanent=False, retry_after=timedelta(seconds=7)),
    ),
    "internal error": (Fault("broken", status=500), Unknown(why="internal_error")),
    "bad gateway": (Fault("broken", status=502, body={"x": 1}), Unknown(why="http_502")),
    "unavailable": (
        Fault("broken", status=503, body={"ok": False, "error": "service_unavailable"}),
        NotSent(why="service_unavailable", permanent=False),
    ),
    "reset": (Fault("reset"), Unknown(why="ServerDisconnectedError")),
    "taken, then reset": (Fault("taken_then_reset"), Unknown(why="ServerDisconnectedError")),
    "stall": (Fault("stall"), Unknown(why="TimeoutError")),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_every_fault_is_an_outcome(channel, slack, ada, name):
    """And there is one call: whether to say it again is the outbox's to decide."""
    fault, expected = OUTCOMES[name]
    fault = Fault(
        fault.kind, "chat.postMessage", fault.retry_after, status=fault.status, body=fault.body
    )
    slack.fault(fault)
    outcome = await send(channel, row(ada, slack))
    slack.release()
    if isinstance(outcome, Unknown):
        assert isinstance(expected, Unknown)
        assert outcome.why in (expected.why, "SocketTimeoutError", "ClientOSError")
    else:
        assert outcome.why == expected.why
        assert outcome.permanent is expected.permanent
        assert outcome.retry_after == expected.retry_after
    assert [call.method for call in slack.ledger].count("chat.postMessage") == 1
    assert len(ada.screen) == (1 if name == "taken, then reset" else 0)


CODES = {
    "channel_not_found": (True, Reason.NO_ADDRESS),
    "is_archived": (True, Reason.NO_ADDRESS),
    "user_disabled": (True, Reason.NO_ADDRESS),
    "cannot_dm_bot": (True, Reason.NO_ADDRESS),
    "msg_too_long": (True, Reason.CONTENT),
    "no_text": (True, Reason.CONTENT),
    "account_inactive": (False, Reason.CREDENTIAL),
    "token_revoked": (False, Reason.CREDENTIAL),
    "invalid_auth": (False, Reason.CREDENTIAL),
    "missing_scope": (False, Reason.CREDENTIAL),
    "something_new": (True, Reason.OTHER),
}


@pytest.mark.parametrize("code", CODES)
async def test_refusals_say_why(channel, slack, ada, code):
    """Each error of Slack's list is the reason from which the right thing follows."""
    slack.fault(Fault("broken", "chat.postMessage", status=200, body={"ok": False, "error": code}))
    outcome = await send(channel, row(ada, slack))
    permanent, reason = CODES[code]
    assert isinstance(outcome, NotSent)
    assert (outcome.why, outcome.permanent, outcome.reason) == (code, permanent, reason)


async def test_nobody_there(channel, slack, ada):
    """Somebody who left, a bot, and a server that is not there: none was told anything."""
    ada.disabled = True
    outcome = await send(channel, row(ada, slack))
    assert outcome == NotSent(why="user_disabled", permanent=True, reason=Reason.NO_ADDRESS)
    bot = slack.person("Other bot", bot=True)
    outcome = await send(channel, row(bot, slack))
    assert outcome == NotSent(why="cannot_dm_bot", permanent=True, reason=Reason.NO_ADDRESS)
    await slack.stop()
    outcome = await send(channel, row(slack.person("Ben"), slack))
    assert isinstance(outcome, NotSent)
    assert outcome.permanent is False


async def test_blocks_that_are_not_taken_become_words(channel, slack, ada):
    """Once, counted, with the buttons as a list that can be answered in words."""
    body = {"ok": False, "error": "invalid_blocks"}
    slack.fault(Fault("broken", "chat.postMessage", status=200, body=body))
    assert isinstance(await send(channel, row(ada, slack)), Sent)
    (seen,) = ada.screen
    assert seen.buttons == []
    assert "1. The lamp\n2. The chair" in seen.text
    assert channel.counts["fallback", "invalid_blocks"] == 1


async def test_too_many_signs_become_words(channel, slack, ada):
    """A message whose blocks are too long for Slack arrives as plain text."""
    long = Message(body=(Paragraph((Text("word " * 2800),)),))
    assert isinstance(await send(channel, row(ada, slack, message=long)), Sent)
    (seen,) = ada.screen
    assert len(seen.text) > 13_000
    assert channel.counts["fallback", "msg_blocks_too_long"] == 1


async def test_it_keeps_to_slacks_pace(channel, slack, ada, clock):
    """Whoever waits for what `takes` says is never told that it was too fast."""
    levels = {}
    for number in range(20):
        given = row(ada, slack, id_=str(number))
        for take in channel.takes(given.address, {}):
            level, at = levels.get(take.bucket, (take.burst, clock.monotonic()))
            level = min(take.burst, level + (clock.monotonic() - at) * take.rate)
            if level < 1:
                clock.move((1 - level) / take.rate)
                level = 1.0
            levels[take.bucket] = (level - 1, clock.monotonic())
        assert isinstance(await send(channel, given), Sent)
    assert all(call.status == 200 for call in slack.ledger)
    assert not any(ada.user in bucket or slack.bot_token in bucket for bucket in levels)


async def test_without_waiting_slack_complains(channel, slack, ada):
    """The stand-in's bucket is real: a burst passes, then come 429 and Retry-After."""
    outcomes = [await send(channel, row(ada, slack, id_=str(n))) for n in range(8)]
    refused = [each for each in outcomes if isinstance(each, NotSent)]
    assert len(refused) == 3
    assert refused[0].retry_after == timedelta(seconds=1)
    takes = {take.bucket for take in channel.takes(row(ada, slack).address, {})}
    assert refused[0].pause in takes


async def test_a_command_is_answered_at_slacks_own_address_only(channel, slack, ada):
    """Whatever address a command came with: words go to Slack or to the configured base."""
    slack.conversation("C0GENERAL", {slack.bot_user})
    for url in ("https://hooks.slack.com.evil.example/x", "http://hooks.slack.com/x", "file:///x"):
        given = row(ada, slack, place="C0GENERAL", context={"answer": url})
        assert isinstance(await send(channel, given), Sent)
    assert channel.counts["ignored", "response_url"] == 3
    assert [call.method for call in slack.ledger] == ["chat.postEphemeral"] * 3


class TestFinding:
    async def test_what_arrived_is_found(self, channel, slack, ada):
        """The connection broke, and the message is in the history, with our row's id."""
        slack.fault(Fault("taken_then_reset", "chat.postMessage"))
        given = row(ada, slack)
        assert isinstance(await send(channel, given), Unknown)
        found = await channel.find(given.address, given)
        assert found == Sent(id=f"{slack.dm(ada.user).id}:{ada.screen[0].ts}")

    async def test_what_did_not_arrive_is_not_there_at_the_second_look(
        self, channel, slack, ada, clock
    ):
        """A first look may come too early; after some seconds it was surely not sent."""
        slack.fault(Fault("reset", "chat.postMessage"))
        given = row(ada, slack)
        assert isinstance(await send(channel, given), Unknown)
        assert await channel.find(given.address, given) == Unknown(why="not_there_yet")
        clock.move(6)
        found = await channel.find(given.address, given)
        assert found == NotSent(why="not_in_history", permanent=False)

    async def test_another_row_is_not_mistaken_for_it(self, channel, slack, ada, clock):
        """Ids are compared, not words."""
        await send(channel, row(ada, slack, id_="3-1"))
        given = row(ada, slack, id_="3-2")
        await channel.find(given.address, given)
        clock.move(6)
        assert isinstance(await channel.find(given.address, given), NotSent)

    async def test_a_history_that_cannot_be_read_says_nothing(self, channel, slack, ada):
        """It stays unknown."""
        await send(channel, row(ada, slack))
        slack.fault(Fault("too_fast", "conversations.history"))
        given = row(ada, slack)
        assert isinstance(await channel.find(given.address, given), Unknown)


class TestCatchingUp:
    async def test_what_was_missed_is_told_in_order(self, channel, slack, ada, clock):
        """Of all DMs, oldest first, with the ids that the events would have had."""
        ben = slack.person("Ben")
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        since = clock.now()
        before = await ada.write("too old")
        clock.move(2 * 3600)
        since = clock.now()
        wrote = []
        for who, text in ((ada, "one"), (ben, "two"), (ada, "three")):
            clock.move(1)
            wrote.append(f"{slack.dm(who.user).id}:{await who.write(text)}")
        await send(channel, row(ada, slack))
        slack.fault(Fault("too_fast", "conversations.history", retry_after=2))
        clock.hurry = True
        missed = [inbound async for inbound in channel.missed(since)]
        assert [inbound.message_id for inbound in missed] == wrote
        assert [inbound.text for inbound in missed] == ["one", "two", "three"]
        assert before not in [inbound.message_id for inbound in missed]
        assert all(inbound.received_at >= since.timestamp() * 1000 for inbound in missed)

    async def test_histories_are_not_asked_all_the_time(self, channel, slack, ada, clock):
        """At the start, then once an hour; what was put off is not forgotten."""
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        begin = clock.now()
        assert [_ async for _ in channel.missed(begin)] == []
        asked = len(slack.ledger)
        clock.move(300)
        ts = await ada.write("while nobody listened")
        clock.move(300)
        assert [_ async for _ in channel.missed(begin + timedelta(minutes=1))] == []
        clock.move(300)
        assert [_ async for _ in channel.missed(clock.now())] == []
        assert len(slack.ledger) == asked
        clock.move(3600)
        missed = [inbound async for inbound in channel.missed(clock.now())]
        assert [inbound.message_id for inbound in missed] == [f"{slack.dm(ada.user).id}:{ts}"]

    async def test_a_new_process_looks_back_further(self, channel, slack, ada, clock):
        """The one before may have put something off when it ended."""
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        await ada.write("while nobody listened")
        clock.move(1800)
        assert len([_ async for _ in channel.missed(clock.now())]) == 1

    async def test_it_can_be_switched_off(self, slack, clock):
        """No call at all, for apps that may read one history a minute."""
        settings = SlackSettings(
            bot_token=slack.bot_token,
            signing_secret="x" * 32,
            api_base=slack.api_base,
            catch_up_conversations=0,
        )
        alone = SlackChannel(settings, Site(clock=clock))
        assert [_ async for _ in alone.missed(clock.now())] == []
        await alone.stop()
        assert slack.ledger == []


class TestFiles:
    async def test_a_file_is_fetched_with_the_token(self, channel, slack, ada):
        """By its id, from the configured host, its kind read from its bytes."""
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        png = b"\x89PNG\r\n\x1a\n" + b"0" * 40
        await ada.write("look", files={"lamp.png": png})
        (file,) = slack.files
        found = await channel.fetch(Media(kind=MediaKind.IMAGE, ref=file))
        assert found is not None
        assert (found.body, found.content_type, found.name) == (png, "image/png", "lamp.png")

    async def test_the_token_is_not_sent_elsewhere(self, channel, slack, ada):
        """A file that Slack says is on another host is not fetched."""
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        await ada.write("look", files={"lamp.png": b"x"})
        (file,) = slack.files
        slack.files[file][0]["url_private_download"] = "https://evil.example/lamp.png"
        assert await channel.fetch(Media(kind=MediaKind.IMAGE, ref=file)) is None
        assert channel.counts["file", "host"] == 1

    async def test_a_page_to_sign_in_is_no_file(self, channel, slack, ada):
        """Slack answers with a page, and 200, where the token may not read files."""
        slack.call_at("http://127.0.0.1:9")
        slack.retries = ()
        await ada.write("look", files={"lamp.png": b"x"})
        (file,) = slack.files
        info = slack.files[file][0]
        slack.files["F0OTHER"] = (info, b"")
        del slack.files[file]
        assert await channel.fetch(Media(kind=MediaKind.IMAGE, ref="F0OTHER")) is None
        assert channel.counts["file", "sign_in"] == 1

    async def test_a_file_that_is_gone(self, channel):
        """Deleted in Slack, or never there."""
        assert await channel.fetch(Media(kind=MediaKind.FILE, ref="F0NONE")) is None
        assert channel.counts["file", "file_not_found"] == 1


class TestDoctor:
    async def test_all_is_well(self, channel):
        """Token and scopes are good; what only a person can look at is said with the addresses."""
        found = await channel.doctor(fix=False)
        assert [each.level for each in found] == ["ok", "ok", "warning"]
        assert "https://chat.example.com/channels/slack/events" in found[-1].cure

    async def test_a_refused_token(self, channel, slack):
        """Is an error with the cure, and without the token."""
        slack.revoked = True
        (found,) = await channel.doctor(fix=True)
        assert found.level == "error"
        assert "token_revoked" in found.found
        assert slack.bot_token not in f"{found}"

    async def test_scopes_that_are_lacking(self, channel, slack):
        """Each is named."""
        slack.scopes = "chat:write,im:history,im:read"
        found = await channel.doctor(fix=False)
        lacking = [each for each in found if each.level == "error"]
        assert "im:write, app_mentions:read" in lacking[0].found

    async def test_no_way_in(self, slack):
        """Without a public address and without Socket Mode Slack cannot reach us."""
        settings = SlackSettings(
            bot_token=slack.bot_token, signing_secret="x" * 32, api_base=slack.api_base
        )
        alone = SlackChannel(settings, Site())
        found = await alone.doctor(fix=False)
        await alone.stop()
        assert found[-1].level == "error"
        assert "socket_mode" in found[-1].cure


async def test_nothing_secret_and_nothing_said_is_logged(channel, slack, ada, caplog):
    """Whatever goes wrong, at the most talkative level."""
    slack.fault(Fault("reset", "chat.postMessage"), Fault("broken", "chat.postMessage"))
    with caplog.at_level(logging.DEBUG):
        for number in range(3):
            await send(channel, row(ada, slack, id_=str(number)))
        slack.revoked = True
        await send(channel, row(ada, slack))
        await channel.doctor(fix=False)
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in (slack.bot_token, slack.signing_secret, "Which of", ada.user):
        assert secret not in text
