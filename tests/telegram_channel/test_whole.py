"""A customer on Telegram: the real adapter, the real core, and a server as strict as Telegram's."""

from __future__ import annotations

import asyncio
import json
import logging

import aiohttp
import pytest
from telegram_house import TOKEN, settings, until

from segue.channel import Inviting, NotAccepted, Site
from segue.errors import StoreUnavailable
from segue.server.logs import configure_logging
from segue.testing.platforms import Fault
from segue.types import Address, Who
from segue_adapters.telegram import TelegramChannel
from segue_adapters.testing import MemoryGateway

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
both = pytest.mark.parametrize("mode", ["webhook", "polling"])


async def sent(house, person, words):
    """Write, or press; return what stands at the end of the screen then."""
    if words.startswith("["):
        person.press(words[1:-1])
    else:
        person.write(words)
    await house.rest()
    return person.screen[-1]


async def to_the_reason(house, person):
    """Play a return up to the question why."""
    for words in ("I want to send something back", "A1001", "D02 AF30"):
        shown = await sent(house, person, words)
    return shown


@both
async def test_a_return_by_buttons(house, telegram, mode):
    """From "Start" to the label, called by Telegram as asking for updates."""
    here = await house(mode=mode)
    ada = telegram.customer("Ada")
    ada.start()
    await here.rest()
    assert "automated assistant" in ada.screen[1].text
    shown = await to_the_reason(here, ada)
    pressed = 0
    while shown.buttons:
        pressed += 1
        shown = await sent(here, ada, f"[{shown.buttons[0]}]")
    assert pressed >= 2
    assert "mail" in shown.text
    shown = await sent(here, ada, "ada@example.com")
    assert "ada@example.com" in shown.text
    await sent(here, ada, "[Yes]")
    assert any("label" in each.text for each in ada.screen[-2:])
    # No button turns any more, and nothing was refused.
    await until(lambda: not ada.turning)
    refused = [call for call in telegram.ledger if call.status not in (0, 200)]
    assert refused == []
    assert telegram.pending == []
    assert Who.CUSTOMER in {line.who for line in await here.lines(ada)}


@both
async def test_an_update_that_comes_again_is_one_turn(house, telegram, mode):
    """T5: the same update many times over, also beside each other."""
    here = await house(mode=mode)
    ada = telegram.customer("Ada")
    number = ada.write("How long does delivery take?")
    (_, update) = telegram.pending[-1]
    for _ in range(20):
        telegram.pending.append((ada.id, dict(update)))
    await here.rest()
    said = [line for line in await here.lines(ada) if line.who is Who.CUSTOMER]
    assert [line.id for line in said] == [str(number)]


async def test_only_telegram_gets_in(house, telegram):
    """T4 at the door: 401 for whoever does not know the secret, and no customer is made."""
    here = await house()
    url = telegram.webhook["url"]
    update = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1,
            "text": "hello",
            "chat": {"id": 99, "type": "private", "first_name": "Eve"},
            "from": {"id": 99, "is_bot": False, "first_name": "Eve"},
        },
    }
    header = "X-Telegram-Bot-Api-Secret-Token"
    async with aiohttp.ClientSession() as eve:
        for headers in ({}, {header: ""}, {header: "guess"}, {header: "x" * 7000}):
            async with eve.post(url, json=update, headers=headers) as answer:
                assert answer.status == 401
        good = {header: telegram.webhook["secret_token"]}
        async with eve.post(url, data=b"{", headers=good) as answer:
            assert answer.status == 400
        async with eve.post(url, json={"update_id": 2, "telepathy": {}}, headers=good) as answer:
            assert answer.status == 200
    assert await here.app.core.owner(Address("telegram", "99")) is None
    assert here.channel.counts["ignored", "kind"] == 1


async def test_what_could_not_be_taken_comes_again_in_order(house, telegram):
    """While the process stops Telegram hears 503; nothing is lost, nothing overtakes."""
    telegram.retries = (0.05,) * 50
    here = await house()
    ada = telegram.customer("Ada")
    here.app.core.closed = True
    ada.write("first")
    ada.write("second")
    await until(lambda: telegram.hooks and telegram.hooks[0].statuses)
    assert len(telegram.pending) == 2
    here.app.core.closed = False
    await here.rest()
    said = [line.text for line in await here.lines(ada) if line.who is Who.CUSTOMER]
    assert said == ["first", "second"]
    assert telegram.hooks[0].statuses[0] == 503


async def test_polling_confirms_only_what_is_stored(house, telegram):
    """An update that could not be stored is asked for again; the chat's next one waits behind it,
    others do not."""
    here = await house(mode="polling")
    ada, ben = telegram.customer("Ada"), telegram.customer("Ben")
    receive, refused = here.app.core.receive, []

    async def reluctant(inbound, **more):
        if inbound.text == "first" and len(refused) < 2:
            refused.append(inbound)
            return NotAccepted(why="unavailable", status=503)
        return await receive(inbound, **more)

    here.app.core.receive = reluctant
    ada.write("first")
    ada.write("second")
    ben.write("hello")
    await here.rest()
    assert len(refused) == 2
    said = [line.text for line in await here.lines(ada) if line.who is Who.CUSTOMER]
    assert said == ["first", "second"]
    assert len([line for line in await here.lines(ben) if line.who is Who.CUSTOMER]) == 1


async def test_of_two_processes_one_asks(house, telegram):
    """The job is held by one; when it stops the other goes on at once."""
    first = await house(mode="polling")
    ada = telegram.customer("Ada")
    ada.write("How long does delivery take?")
    await first.rest()
    second = await house(mode="polling")
    ada.write("And abroad?")
    await first.rest()
    assert [call for call in telegram.ledger if call.status == 409] == []
    assert first.channel.counts["poll", "http_409"] == 0
    await first.app.stop(grace=1)
    ada.write("Thanks")
    await second.rest()
    assert len([line for line in await second.lines(ada) if line.who is Who.CUSTOMER]) == 3


async def test_a_foreign_webhook_is_not_taken_away_unasked(telegram, caplog):
    """Without a public address we would ask; but somebody's bot listens there."""
    telegram.webhook = {"url": "https://elsewhere.example/hook"}
    caplog.set_level(logging.ERROR)
    channel = TelegramChannel(settings(telegram, mode="auto"), Site())
    await channel.start(MemoryGateway())
    await until(lambda: channel.counts["poll", "http_409"])
    await channel.stop()
    assert telegram.webhook["url"] == "https://elsewhere.example/hook"
    assert "telegram_has_a_webhook" in caplog.text
    # Asked for by name, it goes.
    channel = TelegramChannel(settings(telegram, mode="polling"), Site())
    await channel.start(MemoryGateway())
    await until(lambda: not telegram.webhook)
    await channel.stop()


async def test_a_group_gets_an_invitation_and_nothing_else(house, telegram):
    """Law 6: whoever asks there is asked to write in private; their words are not kept."""
    here = await house()
    ada = telegram.customer("Ada")
    group = telegram.group()
    await until(lambda: here.channel.username)
    group.write(ada, "is anybody there?")
    group.write(ada, "@segue_bot where is my order A1001?")
    await here.rest()
    *asked, invited = group.screen
    assert len(asked) == 2
    assert "direct" in invited.text.lower()
    assert "A1001" not in invited.text
    assert [line.text for line in await here.lines(group.chat.id)] == [""]
    assert await here.app.core.owner(Address("telegram", str(ada.id))) is None
    # It becomes a supergroup: what we say next goes there.
    new = group.migrate()
    await here.rest()
    assert await here.app.core.owner(Address("telegram", str(new))) is not None


async def test_a_link_brings_its_token_along(house, telegram):
    """`t.me/BOT?start=TOKEN`, once Telegram has told our name; and back comes the token."""
    here = await house()
    await until(lambda: here.channel.username)
    invited = here.channel.invite("tok-EN_1", "ABCD-1234")
    assert invited.link == "https://t.me/segue_bot?start=tok-EN_1"
    assert invited.number == "@segue_bot"
    assert isinstance(here.channel, Inviting)
    nameless = TelegramChannel(settings(telegram), Site())
    assert nameless.invite("t", "c").link == ""


async def test_start_is_answered_each_time(house, telegram):
    """A greeting first; later too, since a button was pressed."""
    here = await house()
    ada = telegram.customer("Ada")
    for _ in range(2):
        before = len(ada.screen)
        ada.start()
        await here.rest()
        assert len(ada.screen) > before + 1


async def test_the_same_update_at_once_to_two_processes_is_one_turn(house, telegram):
    """T5: fifty deliveries beside each other; each is acknowledged, one is answered."""
    one = await house()
    first = dict(telegram.webhook)
    await house()
    ada = telegram.customer("Ada")
    hooks, telegram.webhook = (first, telegram.webhook), {}
    ada.write("How long does delivery take?")
    (_, update) = telegram.pending.pop()
    header = "X-Telegram-Bot-Api-Secret-Token"
    async with aiohttp.ClientSession() as client:

        async def post(place):
            hook = hooks[place % 2]
            headers = {header: hook["secret_token"]}
            async with client.post(hook["url"], json=update, headers=headers) as answer:
                return answer.status

        assert set(await asyncio.gather(*map(post, range(50)))) == {200}
    await one.rest()
    await until(lambda: len(ada.screen) == 3)
    lines = await one.lines(ada)
    assert [line.who for line in lines].count(Who.CUSTOMER) == 1
    await asyncio.sleep(0.1)
    assert len(ada.screen) == 3


async def test_many_replies_at_once_meet_no_429(house, telegram, monkeypatch):
    """At Telegram's own pace, with the limits the adapter declares: nobody is refused."""
    here = await house()
    monkeypatch.undo()
    telegram.pace = 1.0
    people = [telegram.customer(f"P{place}") for place in range(12)]
    for person in people:
        person.write("How long does delivery take?")
        person.write("And what does it cost?")
    await here.rest()
    sent = [call for call in telegram.ledger if call.method == "sendMessage"]
    assert len(sent) >= 24
    assert {call.status for call in sent} == {200}


async def test_who_blocks_us_counts_as_unreachable_until_they_return(house, telegram):
    """The record says so; a word from them takes it back."""
    here = await house()
    ada = telegram.customer("Ada")
    ada.write("How long does delivery take?")
    await here.rest()
    address = Address("telegram", str(ada.id))
    owner = await here.app.core.owner(address)
    store = here.app.store
    ada.block()
    await here.rest()
    assert (await store.snapshot(owner)).unreachable == {address}
    ada.unblock()
    await here.rest()
    assert (await store.snapshot(owner)).unreachable == frozenset()
    ada.block()
    await here.rest()
    ada.write("hello again")
    await here.rest()
    assert (await store.snapshot(owner)).unreachable == frozenset()


async def test_an_edit_is_a_correction(house, telegram):
    """The order they mistyped, mended in the message itself."""
    here = await house()
    ada = telegram.customer("Ada")
    await sent(here, ada, "I want to send something back")
    await sent(here, ada, "A1001")
    before = len(ada.screen)
    ada.edit("A1002")
    await here.rest()
    assert len(ada.screen) > before
    lines = await here.lines(ada)
    assert [(line.text, bool(line.changes)) for line in lines if line.who is Who.CUSTOMER][-1] == (
        "A1002",
        True,
    )


async def test_stickers_and_voice_notes_are_acknowledged_kindly(house, telegram):
    """In words of the voice for just that, and the question that is open stays open."""
    here = await house()
    ada = telegram.customer("Ada")
    ada.send_sticker("🎉")
    await here.rest()
    assert "words" in ada.screen[-1].text
    await sent(here, ada, "I want to send something back")
    ada.send_voice()
    await here.rest()
    assert any("voice message" in each.text for each in ada.screen[-2:])
    assert "A1001" in ada.screen[-1].text


async def test_a_photo_can_be_looked_at_behind_a_link_that_ends(house, telegram):
    """Fetched from Telegram when somebody looks, by a link that says nothing."""
    here = await house()
    ada = telegram.customer("Ada")
    ada.send_photo(PNG, "it arrived like this")
    await here.rest()
    (line,) = [line for line in await here.lines(ada) if line.media]
    url = here.app.media.links.url(line.channel, line.media[0])
    assert not any(call.method == "getFile" for call in telegram.ledger)
    async with aiohttp.ClientSession() as agent, agent.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, PNG)
        assert answer.headers["Content-Type"] == "image/png"
    assert line.media[0].ref not in url


async def test_a_stale_button_does_no_harm(house, telegram):
    """A button of a question that is settled answers nothing else."""
    here = await house()
    ada = telegram.customer("Ada")
    shown = await to_the_reason(here, ada)
    label = shown.buttons[0]
    await sent(here, ada, f"[{label}]")
    open_question = ada.screen[-1].text
    await sent(here, ada, f"[{label}]")
    assert ada.turning == set()
    assert ada.screen[-1].text == open_question


async def test_the_token_is_in_no_log(house, telegram, capsys):
    """T33: at the most talkative level, through sends, refusals, breaks and files."""
    handler = configure_logging(level="debug", format="json")
    try:
        here = await house()
        ada = telegram.customer("Ada")
        canary = "the-canary-sings-at-dawn"
        telegram.fault(
            Fault("broken", method="sendMessage", status=200, body=f"<{canary}>"),
            Fault("reset", method="sendChatAction"),
        )
        ada.write(f"hello {canary}")
        await here.rest()
        await here.channel.typing(Address("telegram", str(ada.id)))
        ada.send_photo(PNG, canary)
        await here.rest()
        (line,) = [line for line in await here.lines(ada) if line.media]
        await here.channel.fetch(line.media[0])
        await telegram.stop()
        await here.channel.typing(Address("telegram", str(ada.id)))
        logging.getLogger("telegram.ext").warning("https://api.telegram.org/bot%s/getMe", TOKEN)
    finally:
        root = logging.getLogger()
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
        logging.captureWarnings(False)
    written = capsys.readouterr().err
    assert written
    assert TOKEN not in written
    assert TOKEN.partition(":")[2] not in written
    assert here.channel.settings.secret not in written
    assert canary not in written
    for line in written.splitlines():
        json.loads(line)


async def test_asking_goes_on_after_the_store_was_away(house, telegram):
    """A poller that meets an error asks again; what came meanwhile is there."""
    here = await house(mode="polling")
    singleton, failures = here.app.core.singleton, []

    async def broken(job, seconds):
        if len(failures) < 2:
            failures.append(job)
            raise StoreUnavailable("gone for a moment")
        return await singleton(job, seconds)

    here.app.core.singleton = broken
    ada = telegram.customer("Ada")
    ada.write("How long does delivery take?")
    await here.rest()
    assert len(failures) == 2
    assert len([line for line in await here.lines(ada) if line.who is Who.CUSTOMER]) == 1


async def test_an_update_that_breaks_us_does_not_stop_the_others(house, telegram):
    """It is tried three times and given up; the chat goes on."""
    here = await house(mode="polling")
    receive, broken = here.app.core.receive, []

    async def fragile(inbound, **more):
        if inbound.text == "poison":
            broken.append(inbound)
            raise RuntimeError("a fault of ours")
        return await receive(inbound, **more)

    here.app.core.receive = fragile
    ada = telegram.customer("Ada")
    ada.write("poison")
    ada.write("How long does delivery take?")
    await here.rest()
    assert len(broken) == 3
    said = [line.text for line in await here.lines(ada) if line.who is Who.CUSTOMER]
    assert said == ["How long does delivery take?"]
    assert here.channel.counts["poll", "update_failed"] == 3
