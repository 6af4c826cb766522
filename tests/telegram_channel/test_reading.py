"""What comes in: let in by the secret alone, read for what it is, whoever tries what."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram_house import NOW, SECRET, TOKEN, Clock, request, settings

from segue.channel import Parsed, Refused, Site
from segue.errors import SettingsError
from segue.settings import channel_settings, load
from segue.testing.platforms.telegram import Telegram
from segue.testing.platforms.telegram_people import marks
from segue.types import MediaKind
from segue_adapters.telegram import TelegramChannel, TelegramSettings
from segue_adapters.telegram_reading import Bot, read_update

US = Bot(id=123456, username="segue_bot")


@pytest.fixture
def channel():
    return TelegramChannel(settings(), Site(clock=Clock()))


@pytest.fixture
def server():
    """A server that nobody asks: what its people do is looked at as updates."""
    return Telegram(token=TOKEN, clock=Clock())


@pytest.fixture
def ada(server):
    return server.customer("Ada", language="de")


def read(server, bot=US, now=NOW):
    return read_update(server.pending[-1][1], bot, now)


# -- T4: forged webhooks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given_secret",
    [
        *(None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), f" {SECRET}", f"{SECRET} "),
        *("é" * 20, SECRET[:-1] + "é", "\x00", "\ud800", "x" * 10_000, f"{SECRET}, {SECRET}"),
    ],
)
def test_without_the_secret_nothing_is_read(channel, given_secret, caplog, monkeypatch):
    """Missing, empty, wrong, a part, other alphabets, 10 kB: 401, and nothing is logged."""
    monkeypatch.setattr(channel, "read", lambda _: pytest.fail("it was parsed"))
    caplog.set_level(logging.DEBUG)
    refusal = channel.verify(request(b"{}", given_secret))
    assert refusal == Refused(status=401, why="secret")
    assert not caplog.records


def test_the_secret_lets_in(channel):
    """Exactly it."""
    assert channel.verify(request(b"anything")) is None


def test_a_bot_without_a_secret_setting_still_has_one():
    """Made from the token: the same in every process, different for another bot, not the token."""
    mine, again = (settings(secret_token=None) for _ in range(2))
    other = settings(secret_token=None, token=TOKEN.replace("123456", "654321"))
    assert mine.secret == again.secret != other.secret
    assert len(mine.secret) == 64
    assert TOKEN.partition(":")[2] not in mine.secret
    channel = TelegramChannel(mine)
    for given_secret in (None, "", SECRET):
        assert channel.verify(request(b"{}", given_secret)) is not None
    assert channel.verify(request(b"{}", mine.secret)) is None


def test_who_asks_does_not_listen():
    """With long polling there is no webhook that somebody could call."""
    assert TelegramChannel(settings(mode="polling")).routes(None) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({}, "token"),
        ({"token": "123"}, "@BotFather"),
        ({"token": TOKEN, "secret_token": "short"}, "16 to 256"),
        ({"token": TOKEN, "secret_token": "with spaces in it and ü"}, "16 to 256"),
        ({"token": TOKEN, "api_base": "http://bots.internal"}, "https://"),
        ({"token": TOKEN, "path": "webhook"}, "slash"),
        ({"token": TOKEN, "mode": "telepathy"}, "mode"),
    ],
)
def test_wrong_settings_are_one_sentence(wrong, sentence):
    """It says what is expected, and never shows the token."""
    made = load(environ={}, channels={"telegram": wrong})
    with pytest.raises(SettingsError) as caught:
        channel_settings(made, "telegram", TelegramSettings)
    assert sentence in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "public_url", "api_base", "polls"),
    [
        ("auto", "", "https://api.telegram.org", True),
        ("auto", "https://chat.example", "https://api.telegram.org", False),
        ("auto", "http://127.0.0.1:8080", "https://api.telegram.org", True),
        ("auto", "http://127.0.0.1:8080", "http://127.0.0.1:9", False),
        ("polling", "https://chat.example", "https://api.telegram.org", True),
        ("webhook", "", "https://api.telegram.org", False),
    ],
)
def test_the_mode_follows_the_public_address(mode, public_url, api_base, polls):
    """Without one we ask."""
    made = TelegramSettings(token=TOKEN, mode=mode, api_base=api_base)
    assert made.polls(public_url) is polls


# -- T9: what was never meant to be read -----------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"null", b"[]", b'"x"', b"1", b"{", b"[" * 100_000, b'{"a":' * 10_000),
        *(b'{"update_id": NaN}', b'{"message": "\\ud800"}', b"1" * 4301, b'{"a":1}x'),
    ],
)
def test_nonsense_is_refused(channel, body):
    """400, never an exception."""
    parsed = channel.parse(request(body))
    assert isinstance(parsed, Refused)
    assert parsed.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "date", "text", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "message_id",
                "date",
                "chat",
                "from",
                "text",
                "photo",
                "contact",
                "entities",
                "sticker",
            ]
        ),
        json_values,
    ),
    kind=st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member", "x"]),
)
def test_any_shape_is_acknowledged(fields, kind):
    """What the library cannot read is counted, and Telegram need not send it for a day."""
    channel = TelegramChannel(settings())
    parsed = channel.parse(request(json.dumps({"update_id": 1, kind: fields}).encode()))
    assert isinstance(parsed, Parsed)
    assert parsed.status == 200
    assert len(parsed.inbound) + channel.counts.total() == 1


# -- what people do --------------------------------------------------------------------------------


def test_words_come_with_name_and_language(server, ada):
    """And with no time of Telegram's, unless they have waited."""
    number = ada.write("Grüß Gott")
    inbound = read(server).inbound
    assert (inbound.text, inbound.name, inbound.locale) == ("Grüß Gott", "Ada", "de")
    assert (inbound.address.id, inbound.message_id) == (str(ada.id), str(number))
    assert inbound.received_at == 0
    later = read(server, now=NOW + timedelta(hours=1)).inbound
    assert later.received_at == int(NOW.timestamp() * 1000)


def test_updates_are_not_judged_by_their_numbers(server, ada):
    """T5: a lower number than the last is a message like any other; the message is its id."""
    ada.write("one")
    high = server.pending[-1][1]
    low = {**high, "update_id": 3}
    assert read_update(high, US, NOW) == read_update(low, US, NOW)


def test_start_is_an_arrival_and_carries_what_the_link_held(server, ada):
    """Not a message with a slash."""
    ada.start("join-ABC_1")
    inbound = read(server).inbound
    assert (inbound.kind, inbound.text, inbound.data) == ("opened", "", {"start": "join-ABC_1"})
    ada.start()
    assert read(server).inbound.data == {"start": ""}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("/cancel", "cancel"),
        ("/return_item A1001", "return item A1001"),
        ("/help@segue_bot", "help"),
        ("/ not a command", "/ not a command"),
        ("1/2", "1/2"),
    ],
)
def test_a_command_is_its_words(server, ada, written, said):
    """So that whatever can be asked for can be a command."""
    ada.write(written)
    assert read(server).inbound.text == said


def test_an_edit_names_what_it_changes(server, ada):
    """Each change has an id of its own."""
    number = ada.write("A1001")
    ada.edit("A1002")
    inbound = read(server).inbound
    assert (inbound.kind, inbound.text, inbound.data["of"]) == ("edit", "A1002", str(number))
    assert inbound.message_id != str(number)


@pytest.mark.parametrize(
    ("phone", "more", "accepted"),
    [
        ("+436601234567", {}, "+436601234567"),
        ("436601234567", {}, "+436601234567"),
        ("+43 660 123-45 67", {}, "+436601234567"),
        ("+436601234567", {"of": 999}, ""),
        ("+436601234567", {"unknown": True}, ""),
        ("+436601234567", {"forwarded": True}, ""),
        ("not a number", {}, ""),
        ("0660 1234567", {}, ""),
    ],
)
def test_only_ones_own_number_counts(server, ada, phone, more, accepted):
    """T17: another's contact, a forwarded one, one without a user, no number: refused."""
    ada.send_contact(phone, **more)
    inbound = read(server).inbound
    assert inbound.data.get("phone", "") == accepted
    assert inbound.text == accepted
    assert inbound.data["what"] == "contact"


def test_a_number_in_a_vcard_counts_nothing(server, ada):
    """T17: what the sender wrote into the card is not looked at."""
    ada.write(
        "x", contact={"phone_number": "+431", "first_name": "x", "vcard": "TEL:+436601111111"}
    )
    assert "phone" not in read(server).inbound.data


def test_a_contact_in_a_group_counts_nothing(server, ada):
    """T17: there, it is not even read."""
    group = server.group()
    server.said(
        ada,
        group.chat,
        {"contact": {"phone_number": "+436601234567", "first_name": "Ada", "user_id": ada.id}},
        "",
    )
    assert read(server).inbound is None


def test_photos_and_files_are_attachments(server, ada):
    """The largest size of a photo, a document by its type, a voice note as what it is."""
    ada.send_photo(b"x" * 500, "broken")
    photo = read(server).inbound
    assert photo.text == "broken"
    assert [(each.kind, each.bytes) for each in photo.media] == [(MediaKind.IMAGE, 500)]
    ada.send_file(b"%PDF-1", "bill.pdf", "application/pdf")
    (file,) = read(server).inbound.media
    assert (file.kind, file.alt, file.content_type) == (
        MediaKind.FILE,
        "bill.pdf",
        "application/pdf",
    )
    ada.send_file(b"<svg>", "x.svg", "image/svg+xml")
    assert read(server).inbound.media[0].kind is MediaKind.FILE
    ada.send_voice()
    assert read(server).inbound.data == {"what": "voice"}
    ada.send_sticker("👍")
    assert (read(server).inbound.text, read(server).inbound.data) == ("👍", {"what": "sticker"})
    ada.send_location(48.2082, 16.3738)
    place = read(server).inbound
    assert place.data["location"] == {"latitude": 48.2082, "longitude": 16.3738}


def test_a_press_stops_turning_with_the_answer_to_the_webhook(channel):
    """No further call is made for it."""
    update = {
        "update_id": 1,
        "callback_query": {
            "id": "77",
            "from": {"id": 5, "is_bot": False, "first_name": "Ada"},
            "chat_instance": "1",
            "data": "yes",
            "message": {
                "message_id": 3,
                "date": 1,
                "chat": {"id": 5, "type": "private", "first_name": "Ada"},
            },
        },
    }
    parsed = channel.parse(request(json.dumps(update).encode()))
    assert json.loads(parsed.body) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "77",
    }
    assert parsed.content_type == "application/json"
    assert parsed.inbound[0].choice == "yes"
    # Somebody else's press, whatever it says it is.
    update["callback_query"]["from"]["id"] = 6
    assert channel.parse(request(json.dumps(update).encode())).inbound == ()


def test_bots_are_not_answered(server):
    """T39: neither a bot, nor what a person sent through one."""
    robot = server.customer("Robot", is_bot=True)
    robot.write("beep")
    assert read(server).ignored == "bot"
    ada = server.customer("Ada")
    ada.write("look", via_bot={"id": 9, "is_bot": True, "first_name": "Gif"})
    assert read(server).ignored == "bot"


def test_blocking_is_heard(server, ada):
    """And so is coming back."""
    ada.block()
    assert read(server).inbound.kind == "blocked"
    ada.unblock()
    assert read(server).inbound.kind == "unblocked"


# -- groups ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "addressed"),
    [
        ("where is my parcel?", False),
        ("@segue_bot where is A1001?", True),
        ("@Segue_Bot hi", True),
        ("@segue_bottom hi", False),
        ("/start@segue_bot", True),
        ("/start", False),
        ("/start@other_bot", False),
        ("mail me at ada@segue_bot", False),
    ],
)
def test_in_a_group_only_who_addresses_us_is_invited(server, ada, text, addressed):
    """Law 6: and not a word of it is passed on."""
    group = server.group()
    group.write(ada, text)
    got = read(server)
    assert (got.inbound is not None) is addressed
    if addressed:
        assert (got.inbound.kind, got.inbound.text, got.inbound.name) == ("public", "", None)
        assert got.inbound.address.id == str(group.chat.id)


def test_an_answer_to_us_in_a_group_addresses_us(server, ada):
    """An answer to somebody else does not."""
    from segue.testing.platforms.telegram_people import Shown

    group = server.group()
    group.write(ada, "ok", answering=Shown(id=5, who="bot", text="Write to me"))
    assert read(server).inbound.kind == "public"
    assert read(server, bot=replace(US, id=7)).inbound is None


def test_until_we_know_our_name_nobody_calls_us_by_it(server, ada):
    """Better silent than taken for another bot."""
    server.group().write(ada, "@segue_bot hi")
    assert read(server, bot=Bot(id=123456)).inbound is None


def test_marks_are_counted_as_telegram_counts():
    """In UTF-16 units."""
    assert marks("👩 @segue_bot") == [{"type": "mention", "offset": 3, "length": 10}]
