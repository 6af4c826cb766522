"""A customer on Slack: the real adapter, the real core, and a workspace as strict as Slack's."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from pathlib import Path

import pytest

from segue.types import Who
from segue_adapters.slack_events import address

ROOT = Path(__file__).resolve().parents[2]


async def lines(house, person, place=""):
    """Return (who, words) of a customer's transcript."""
    owner = await house.app.core.owner(address(house.slack.team, person.user, place))
    assert owner is not None
    page = await house.app.core.page(owner, after=-1)
    return [(line.who, line.text) for _, line in page.lines]


@pytest.mark.parametrize("socket", [False, True], ids=["http", "socket mode"])
async def test_a_return_by_buttons(house, slack, socket):
    """From the first words to the label, over HTTP as in Socket Mode."""
    here = await house(socket=socket)
    ada = slack.person("Ada")
    await ada.write("I want to send something back")
    await here.rest()
    assert "automated assistant" in ada.screen[0].text
    assert "A1001" in ada.screen[-1].text
    for words in ("A1001", "D02 AF30"):
        await ada.write(words)
        await here.rest()
    pressed = []
    while ada.screen[-1].labels:
        pressed.append(ada.screen[-1].labels[0])
        await ada.press(pressed[-1])
        await here.rest()
    assert len(pressed) >= 2
    assert "mail" in ada.screen[-1].text
    # Slack sends an e-mail address as a link; the dialog gets the address.
    await ada.write("ada@example.com")
    await here.rest()
    assert "ada@example.com" in ada.screen[-1].text
    await ada.press("Yes")
    await here.rest()
    assert "label" in ada.screen[-1].text
    assert "ada@example.com" in ada.screen[-1].text
    assert not any(each.mentions for each in ada.screen)
    assert all(call.answer.get("ok") for call in slack.ledger)
    said = await lines(here, ada)
    assert (Who.CUSTOMER, "ada@example.com") in said


async def test_the_same_message_under_other_event_ids_is_one(house, slack):
    """Eleven deliveries, each with an event id of its own, have one effect."""
    here = await house()
    slack.copies = 11
    ada = slack.person("Ada")
    await ada.write("How long does delivery take?")
    await here.rest()
    said = await lines(here, ada)
    assert [words for who, words in said if who == Who.CUSTOMER] == ["How long does delivery take?"]
    assert len(ada.screen) == 2
    assert here.app.adapters["slack"].counts["webhook", "retry"] == 0


async def test_a_mention_is_answered_by_an_invitation_and_nothing_else(house, slack):
    """Only they see it, it says nothing of theirs, and their words are not kept (law 6)."""
    here = await house()
    ada = slack.person("Ada")
    await ada.mention_in("C0GENERAL", "where is my order A1001?")
    await here.rest()
    (seen,) = ada.screen
    assert seen.ephemeral
    assert seen.channel == "C0GENERAL"
    assert "direct" in seen.text.lower() or "directly" in seen.text
    assert "A1001" not in seen.text
    assert ada.heard_in("C0GENERAL") == []
    assert [who for who, _ in await lines(here, ada, "C0GENERAL")] == [Who.BOT]
    # Nobody of that name has written in private yet.
    assert await here.app.core.owner(address(slack.team, ada.user)) is None


async def test_a_command_is_answered_where_it_was_given(house, slack):
    """Also in a channel that we are not in; only they see it, and it says nothing of theirs."""
    here = await house()
    ada = slack.person("Ada")
    await ada.command("where is A1001?", channel="C0ELSEWHERE")
    await here.rest()
    (seen,) = ada.screen
    assert (seen.ephemeral, seen.channel) == (True, "C0ELSEWHERE")
    assert "direct" in seen.text.lower()
    assert ada.heard_in("C0ELSEWHERE") == []


async def test_a_command_that_waited_too_long_is_answered_if_we_are_there(house, slack):
    """Its own address has expired; in a channel that we are in there is another way."""
    here = await house()
    ada = slack.person("Ada")
    slack.conversation("C0GENERAL", {slack.bot_user})
    slack.conversation("C0ELSEWHERE")
    for channel in ("C0GENERAL", "C0ELSEWHERE"):
        slack.responses.clear()
        slack.response_url = lambda user, channel: f"{slack.url}/commands/gone"
        await ada.command(channel=channel)
        await here.rest()
    assert [seen.channel for seen in ada.screen] == ["C0GENERAL"]


async def test_app_home_shows_what_can_be_begun(house, slack):
    """A page with buttons; pressing one begins the journey in the DM, once a day it is written."""
    here = await house()
    ada = slack.person("Ada")
    for _ in range(3):
        await ada.open_home()
        await here.rest()
    assert [call.method for call in slack.ledger] == ["views.publish"]
    assert ada.home is not None
    assert "Send something back" in ada.home.labels
    await ada.press("Send something back")
    await here.rest()
    assert "A1001" in ada.screen[-1].text


async def test_the_messages_tab_greets_once(house, slack):
    """Whoever comes and says nothing is greeted; who comes again is not."""
    here = await house()
    ada = slack.person("Ada")
    await ada.open_home("messages")
    await here.rest()
    greeted = len(ada.screen)
    assert greeted >= 1
    await ada.open_home("messages")
    await here.rest()
    assert len(ada.screen) == greeted


async def test_nobody_presses_somebody_elses_buttons(house, slack):
    """A press by another user than the one the buttons are for has no effect."""
    here = await house()
    ada, ben = slack.person("Ada"), slack.person("Ben")
    await ada.write("hjkl uiop")
    await here.rest()
    label = ada.screen[-1].labels[0]
    before = len(ada.screen)
    await ben.press_in(ada, label)
    await here.rest()
    assert len(ada.screen) == before
    assert ben.screen == []
    assert here.app.adapters["slack"].counts["ignored", "not_theirs"] == 1


async def test_a_stale_button_does_no_harm(house, slack):
    """A button of an older question does not answer the one that is open: that is asked again."""
    here = await house()
    ada = slack.person("Ada")
    for words in ("I want to send something back", "A1001", "D02 AF30"):
        await ada.write(words)
        await here.rest()
    reasons = ada.screen[-1].labels
    await ada.press(reasons[0])
    await here.rest()
    await ada.press("By post")
    await here.rest()
    question = ada.screen[-1].text
    await ada.press("By post")
    await here.rest()
    assert "mail" in question
    assert "mail" in ada.screen[-1].text
    # The answer of before stands, and the journey goes on.
    await ada.write("ada@example.com")
    await here.rest()
    assert "ada@example.com" in ada.screen[-1].text


async def test_bots_are_not_talked_to(house, slack):
    """Another app that writes to us, and our own words that come back as events, are dropped."""
    here = await house()
    await slack.person("Helper", bot=True).write("Hello! How can I help you today?")
    ada = slack.person("Ada")
    await ada.write("hello")
    await here.rest()
    said = slack.dm(ada.user).messages[-1]
    before = len(slack.ledger)
    await slack.tell({**said, "channel": slack.dm(ada.user).id, "channel_type": "im"})
    await here.rest()
    assert len(slack.ledger) == before
    assert here.app.adapters["slack"].counts["ignored", "bot"] == 2


async def test_a_changed_message_corrects_the_answer(house, slack):
    """Editing the message that answered the last question answers it anew."""
    here = await house()
    ada = slack.person("Ada")
    for words in ("I want to send something back", "A1001"):
        await ada.write(words)
        await here.rest()
    before = len(ada.screen)
    await ada.edit("A1002")
    await here.rest()
    said = await lines(here, ada)
    assert (Who.CUSTOMER, "A1002") in said
    assert len(ada.screen) > before
    await ada.delete()
    await here.rest()
    assert all(hook.statuses == [200] for hook in slack.hooks)


async def test_another_workspace_or_app_is_acknowledged_and_ignored(house, slack):
    """A valid signature over somebody else's event: 200, counted, and no customer (T7)."""
    here = await house()
    ada = slack.person("Ada")
    for change in ({"team": "T0OTHER"}, {"app": "A0OTHER"}):
        before = {name: getattr(slack, name) for name in change}
        for name, value in change.items():
            setattr(slack, name, value)
        await ada.write("hello")
        for name, value in before.items():
            setattr(slack, name, value)
    await here.rest()
    assert [hook.statuses for hook in slack.hooks] == [[200], [200]]
    counts = here.app.adapters["slack"].counts
    assert counts["ignored", "other_team"] == 1
    assert counts["ignored", "other_app"] == 1
    assert ada.screen == []


async def test_slack_gets_its_word_back(house, slack):
    """The request URL is verified, with the signature looked at first."""
    await house()
    assert (await slack.challenge()).startswith("challenge")
    slack.signing_secret = "wrong"
    assert await slack.challenge() == ""


async def test_words_do_not_become_mentions(house, slack):
    """What a customer writes comes back as text, whatever it looks like."""
    here = await house()
    ada = slack.person("Ada")
    for words in ("change my delivery address", "<!channel> *x* <https://evil.example|bank>"):
        await ada.write(words)
        await here.rest()
    assert not any(each.mentions or each.links or each.marked for each in ada.screen)


async def test_slack_is_answered_while_a_step_takes_its_time(house, slack):
    """A dialog's step that hangs delays no acknowledgement, its customer's or anybody's."""
    held = asyncio.Event()

    async def slowly(*_step):
        await held.wait()

    here = await house(caller=slowly)
    ada = slack.person("Ada")
    for words in ("I want to send something back", "A1001", "D02 AF30"):
        await ada.write(words)
        await asyncio.sleep(0.05)
    times = []
    people = [ada, *(slack.person(f"Customer {n}") for n in range(50))]
    for person in people:
        begin = time.perf_counter()
        await person.write("hello?")
        times.append(time.perf_counter() - begin)
    assert all(hook.statuses == [200] for hook in slack.hooks)
    assert sorted(times)[len(times) // 2] < 0.1
    assert max(times) < slack.patience
    held.set()
    await here.rest()


async def test_the_outbox_keeps_to_slacks_pace(house, slack):
    """Many replies into one conversation, and not one is told that it came too fast."""
    slack.rate = 4.0
    here = await house(chat_rate=4.0)
    ada = slack.person("Ada")
    for words in ("hello", "help", "hours?", "delivery?", "prices?", "help", "hello", "hours?"):
        await ada.write(words)
        await here.rest()
    async with asyncio.timeout(20):
        while len(ada.screen) < 9:
            await here.app.worker.sweep()
            await asyncio.sleep(0.1)  # the store's own time fills the buckets
    assert [call.status for call in slack.ledger if call.status != 200] == []


async def test_a_voice_without_an_invitation_says_nothing_in_public(house, slack, tmp_path):
    """Better silence than somebody's affairs in front of others; the DM works as ever."""
    voice = tmp_path / "voice"
    shutil.copytree(ROOT / "brand_voice", voice)
    for file in voice.glob("*/common.j2"):
        text = file.read_text()
        for name in ("come_private", "home"):
            reply = rf"{{% reply {name}\(\) %}}.*?{{% endreply %}}\n"
            text = re.sub(reply, "", text, flags=re.DOTALL)
        file.write_text(text)
    here = await house(voice=voice)
    ada = slack.person("Ada")
    await ada.mention_in("C0GENERAL")
    await ada.open_home()
    await here.rest()
    assert slack.ledger == []
    await ada.write("How long does delivery take?")
    await here.rest()
    assert ada.screen


async def test_what_came_while_we_were_down_is_answered(house, slack):
    """Slack gave up sending it again; the history brings it, once."""
    ada = slack.person("Ada")
    slack.call_at("http://127.0.0.1:9")
    slack.retries = ()
    await ada.write("How long does delivery take?")
    here = await house()
    hour_ago = int(time.time() - 3600) * 1000
    await here.app.store.tide("slack", hour_ago)
    assert await here.app.catch_up.look("slack") == 1
    await here.rest()
    assert ada.screen
    answered = len(ada.screen)
    await here.app.store.tide("slack", hour_ago)
    assert await here.app.catch_up.look("slack") == 0
    await here.rest()
    assert len(ada.screen) == answered


async def test_fifty_copies_at_two_processes_are_one_message(house, slack):
    """Delivered at once, to both, under event ids of their own: one turn, and 200 for all."""
    houses, urls = [], []
    for _ in range(2):
        houses.append(await house())
        urls.append(slack._urls["events"])
    ada = slack.person("Ada")
    event = {
        "type": "message",
        "channel": slack.dm(ada.user).id,
        "channel_type": "im",
        "user": ada.user,
        "text": "How long does delivery take?",
        "ts": slack.next_ts(),
    }

    def copy(number):
        payload = {
            "type": "event_callback",
            "team_id": slack.team,
            "api_app_id": slack.app,
            "event_id": f"Ev{number}",
            "event": event,
        }
        body = json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **slack.sign(body)}
        return slack.post(urls[number % 2], body, headers)

    assert set(await asyncio.gather(*map(copy, range(50)))) == {200}
    for here in houses:
        await here.rest()
    said = await lines(houses[0], ada)
    assert [who for who, _ in said].count(Who.CUSTOMER) == 1
    assert len(ada.screen) == 2


@pytest.mark.parametrize("path", ["events", "interactive", "commands"])
async def test_hostile_requests_are_refused(house, slack, path):
    """Over HTTP: whatever the headers and the body, never 200 and never 500."""
    await house()
    for time_, signature in (
        ("nan", "v0=x"),
        ("9" * 3000, "v0=x"),
        ("1.5", "é"),
        (str(int(time.time())), "v0=é"),
        (str(int(time.time())), "v0=" + "0" * 64),
        ("", ""),
    ):
        for body in (b"", b"\xff", b"[" * 5000, b"payload=%ff", b'{"type":"url_verification"}'):
            headers = {
                "Content-Type": "application/json",
                "X-Slack-Request-Timestamp": time_,
                "X-Slack-Signature": signature,
            }
            assert await slack.post(slack._urls[path], body, headers) == 401
    # Signed nonsense is refused too, as what it is.
    body = b"payload=%5B"
    headers = {"Content-Type": "application/x-www-form-urlencoded", **slack.sign(body)}
    assert await slack.post(slack._urls[path], body, headers) == 400
