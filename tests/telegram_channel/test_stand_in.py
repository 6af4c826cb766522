"""The stand-in is as strict as Telegram: what it refuses, and how it says so."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram_house import until

from segue.testing.platforms.telegram_markup import BadRequest, keyboard, parse_html, shown_text


@pytest.fixture
async def call(telegram):
    async with aiohttp.ClientSession() as client:

        async def calling(method, token=telegram.token, **params):
            async with client.post(f"{telegram.url}/bot{token}/{method}", json=params) as answer:
                return answer.status, await answer.json()

        yield calling


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<b>a</b> <i>b</i>", "a b", ["bold", "italic"]),
        ("&lt;b&gt; &amp;amp; &quot; &#60; &nope; & x", '<b> &amp; " < &nope; & x', []),
        ('<a href="https://x.example/?a=1&amp;b=2">y</a>', "y", ["text_link"]),
        ('<a href="mailto:a@b.example">y</a>', "y", []),
        ('<a href="tg://user?id=5">y</a>', "y", ["text_mention"]),
        ("<code><b>x</b></code>", "x", ["bold", "code"]),
        ("a > b", "a > b", []),
    ],
)
def test_html_is_read_as_telegram_reads_it(html, text, kinds):
    """Entities, links of the web only, mentions by id."""
    shown, entities = parse_html(html)
    assert shown == text
    assert [entity.kind for entity in entities] == kinds


@pytest.mark.parametrize(
    ("html", "description"),
    [
        ("<x>", 'Unsupported start tag "x" at byte offset 0'),
        ("ä< 3", 'Unsupported start tag "" at byte offset 2'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
    ],
)
def test_what_is_not_html_is_a_400(html, description):
    """With the description that says where."""
    with pytest.raises(BadRequest) as caught:
        parse_html(html)
    assert str(caught.value) == f"Bad Request: can't parse entities: {description}"


@given(html=st.text("<>/abi =\"'&;!-é", max_size=30))
def test_any_text_is_read_or_refused(html):
    """Never anything else."""
    try:
        parse_html(html)
    except BadRequest:
        return


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        ("{", "JSON object"),
        ([], "object expected"),
        ({"inline_keyboard": [{}]}, "Row must be an Array"),
        ({"inline_keyboard": [[{"callback_data": "x"}]]}, "non-empty"),
        ({"inline_keyboard": [[{"text": "x"}]]}, "unallowed"),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "x", "url": "javascript:1"}]]}, "BUTTON_URL_INVALID"),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "y"}]] * 101}, "too long"),
    ],
)
def test_keyboards_are_checked(markup, description):
    """Shape, sizes, bytes."""
    if markup == []:
        markup = [1]
    with pytest.raises(BadRequest, match=description):
        keyboard(markup)


def test_texts_have_a_length():
    """4096 after the markup is read, and at least one."""
    assert shown_text("<b>" + "x" * 4096 + "</b>", "HTML")[0] == "x" * 4096
    with pytest.raises(BadRequest, match="too long"):
        shown_text("x" * 4097, None)
    with pytest.raises(BadRequest, match="empty"):
        shown_text(" \n ", None)
    with pytest.raises(BadRequest, match="parse_mode"):
        shown_text("x", "Telepathy")


async def test_tokens_and_methods_are_known_or_not(call):
    """401, 404, and no case in names."""
    assert (await call("getMe", token="1:" + "x" * 35))[0] == 401
    assert (await call("getMe", token="nonsense"))[0] == 404
    assert (await call("getPizza"))[0] == 404
    assert (await call("GETME"))[1]["result"]["username"] == "segue_bot"


async def test_asking_for_updates_goes_by_offsets(call, telegram):
    """What an offset passed is gone; what was not comes again; a webhook excludes it."""
    ada = telegram.customer("Ada")
    for text in ("one", "two", "three"):
        ada.write(text)
    first = (await call("getUpdates", limit=2))[1]["result"]
    assert [update["message"]["text"] for update in first] == ["one", "two"]
    assert len((await call("getUpdates"))[1]["result"]) == 3
    offset = first[-1]["update_id"]
    rest = (await call("getUpdates", offset=offset))[1]["result"]
    assert [update["message"]["text"] for update in rest] == ["two", "three"]
    assert len((await call("getUpdates", offset=-1))[1]["result"]) == 1
    await call("setWebhook", url="https://x.example")
    status, answer = await call("getUpdates")
    assert status == 409
    assert "webhook is active" in answer["description"]


async def test_of_two_who_ask_one_is_sent_away(call, telegram):
    """The one that came first."""
    first = asyncio.create_task(call("getUpdates", timeout=5))
    await until(lambda: telegram.ledger)
    second = asyncio.create_task(call("getUpdates", timeout=5))
    status, answer = await first
    assert (status, "terminated by other" in answer["description"]) == (409, True)
    telegram.customer("Ada").write("hi")
    assert len((await second)[1]["result"]) == 1


async def test_who_sends_too_fast_is_told_how_long_to_wait(call, telegram):
    """A few at once to one chat; a group gets twenty a minute."""
    ada = telegram.customer("Ada")
    ada.start()
    answers = [await call("sendMessage", chat_id=ada.id, text="x") for _ in range(5)]
    assert [status for status, _ in answers] == [200, 200, 200, 429, 429]
    assert answers[3][1]["parameters"] == {"retry_after": 1}
    group = telegram.group()
    statuses = [(await call("sendMessage", chat_id=group.chat.id, text="x"))[0] for _ in range(22)]
    assert statuses == [200] * 20 + [429] * 2


@pytest.mark.parametrize(
    ("params", "status", "description"),
    [
        ({}, 400, "chat_id is empty"),
        ({"chat_id": 42, "text": "x"}, 400, "chat not found"),
        ({"chat_id": "x", "text": "x"}, 400, "chat not found"),
    ],
)
async def test_parameters_are_checked(call, params, status, description):
    """With Telegram's words."""
    got, answer = await call("sendMessage", **params)
    assert (got, answer["ok"]) == (status, False)
    assert description in answer["description"]


async def test_messages_can_be_edited(call, telegram):
    """Ours, and to something else."""
    ada = telegram.customer("Ada")
    ada.start()
    _, sent = await call("sendMessage", chat_id=ada.id, text="one")
    ident = sent["result"]["message_id"]
    assert (await call("editMessageText", chat_id=ada.id, message_id=ident, text="two"))[0] == 200
    assert ada.screen[-1].text == "two"
    status, answer = await call("editMessageText", chat_id=ada.id, message_id=ident, text="two")
    assert (status, "not modified" in answer["description"]) == (400, True)
    assert (await call("editMessageText", chat_id=ada.id, message_id=1, text="x"))[0] == 400


async def test_secrets_and_addresses_of_webhooks_are_checked(call):
    """HTTPS, and letters that fit into a header."""
    assert (await call("setWebhook", url="http://x.example"))[0] == 400
    assert (await call("setWebhook", url="https://x.example", secret_token="ü"))[0] == 400
    assert (await call("setWebhook", url="http://127.0.0.1:1/x"))[0] == 200
