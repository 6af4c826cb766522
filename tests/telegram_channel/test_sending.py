"""What is sent is what was meant, and each way it can fail is an outcome."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telegram_house import TOKEN, settings

from segue.channel import NotSent, Reason, Sent, Take, Unknown
from segue.testing.platforms import Fault
from segue.types import (
    Address,
    Button,
    Items,
    Link,
    Media,
    MediaKind,
    Message,
    Paragraph,
    Row,
    Strong,
    Text,
)


def said(text: str = "Is 2 < 3 & >1?", **more) -> Message:
    return Message(body=(Paragraph((Text(text),)),), **more)


async def send(channel, customer, message=None):
    address = Address("telegram", str(getattr(customer, "id", customer)))
    message = message or said()
    row = Row(id="c1/1", address=address, message=message)
    return await channel.send(address, channel.build(message), row)


@pytest.fixture
def ada(telegram):
    ada = telegram.customer("Ada")
    ada.start()
    return ada


async def test_a_message_is_shown_as_it_was_meant(channel, ada):
    """Words, emphasis, links and buttons; nothing of a value is markup."""
    message = Message(
        body=(
            Paragraph((Text("Hi "), Strong((Text("<b>&amp;"),)))),
            Items(((Text("one"),), (Link("https://shop.example/a?b=1&c=2", (Text("two"),)),)), 1),
        ),
        buttons=(Button("yes", "Yes, please"), Button("no", "No")),
    )
    outcome = await send(channel, ada, message)
    shown = ada.screen[-1]
    assert outcome == Sent(id=f"{ada.id}/{shown.id}")
    assert shown.text == "Hi <b>&amp;\n\n1. one\n2. two"
    assert [(each.kind, each.text) for each in shown.entities] == [
        ("bold", "<b>&amp;"),
        ("text_link", "two"),
    ]
    assert shown.links == {"https://shop.example/a?b=1&c=2"}
    assert shown.buttons == ("Yes, please", "No")
    assert shown.data == ("yes", "no")


async def test_a_picture_is_a_photo_with_a_caption(channel, ada, telegram):
    """One picture with few words is one call; more pictures, or more words, are links."""
    photo = Media(kind=MediaKind.IMAGE, ref="https://shop.example/a.png", alt="The shoe")
    await send(channel, ada, said("Look", media=(photo,)))
    assert (ada.screen[-1].photo, ada.screen[-1].text) == ("https://shop.example/a.png", "Look")
    await send(channel, ada, said("Look", media=(photo, photo)))
    shown = ada.screen[-1]
    assert (shown.photo, shown.text) == ("", "Look\n\nThe shoe\n\nThe shoe")
    assert shown.links == {"https://shop.example/a.png"}


async def test_a_picture_that_cannot_be_had_is_a_link(channel, ada, telegram):
    """Telegram fetches it; where it cannot, the words go out with the address."""
    telegram.fault(
        Fault(
            "broken",
            method="sendPhoto",
            status=400,
            body={
                "ok": False,
                "error_code": 400,
                "description": "Bad Request: wrong type of the web page content",
            },
        )
    )
    photo = Media(kind=MediaKind.IMAGE, ref="https://shop.example/a.png", alt="The shoe")
    assert isinstance(await send(channel, ada, said("Look", media=(photo,))), Sent)
    assert ada.screen[-1].text == "Look\n\nThe shoe (https://shop.example/a.png)"


def refusal(status: int, description: str, **parameters) -> Fault:
    body = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return Fault("broken", method="sendMessage", status=status, body=body)


async def test_markup_that_is_refused_goes_out_as_plain_text_once(channel, ada, telegram):
    """The words arrive; a second refusal is the end."""
    bad = refusal(400, "Bad Request: can't parse entities: Unsupported start tag")
    telegram.fault(bad)
    assert isinstance(await send(channel, ada), Sent)
    assert ada.screen[-1].text == "Is 2 < 3 & >1?"
    assert channel.counts["sent", "as_plain_text"] == 1
    telegram.fault(bad, bad)
    outcome = await send(channel, ada)
    assert outcome == NotSent(why="http_400", permanent=True, reason=Reason.CONTENT)
    assert len([call for call in telegram.ledger if call.method == "sendMessage"]) == 4


PERMANENT = {
    "Forbidden: bot was blocked by the user": (403, Reason.BLOCKED),
    "Forbidden: user is deactivated": (403, Reason.NO_ADDRESS),
    "Forbidden: bot can't initiate conversation with a user": (403, Reason.NO_ADDRESS),
    "Forbidden: bot was kicked from the supergroup chat": (403, Reason.BLOCKED),
    "Forbidden: bot can't send messages to bots": (403, Reason.NO_ADDRESS),
    "Bad Request: chat not found": (400, Reason.NO_ADDRESS),
    "Bad Request: PEER_ID_INVALID": (400, Reason.NO_ADDRESS),
    "Bad Request: not enough rights to send text messages to the chat": (400, Reason.BLOCKED),
    "Bad Request: have no rights to send a message": (400, Reason.BLOCKED),
    "Bad Request: message is too long": (400, Reason.CONTENT),
    "Bad Request: BUTTON_DATA_INVALID": (400, Reason.CONTENT),
    "Bad Request: something quite new": (400, Reason.OTHER),
}


@pytest.mark.parametrize("description", PERMANENT)
async def test_what_telegram_will_never_take_is_refused_for_good(
    channel, ada, telegram, description
):
    """By the recorded descriptions."""
    status, reason = PERMANENT[description]
    telegram.fault(*[refusal(status, description)] * 2)
    assert await send(channel, ada) == NotSent(why=f"http_{status}", permanent=True, reason=reason)


@pytest.mark.parametrize(("status", "said_so"), [(401, "Unauthorized"), (404, "Not Found")])
async def test_a_refused_token_is_no_fault_of_the_message(channel, ada, telegram, status, said_so):
    """It can go out once the token is mended."""
    telegram.fault(refusal(status, said_so))
    outcome = await send(channel, ada)
    assert outcome == NotSent(why=f"http_{status}", permanent=False, reason=Reason.CREDENTIAL)


async def test_who_blocked_us_is_told_apart_from_who_is_not_there(channel, telegram, ada):
    """By the strict server itself."""
    ada.block()
    assert (await send(channel, ada)).reason is Reason.BLOCKED
    assert (await send(channel, 77)).reason is Reason.NO_ADDRESS
    stranger = telegram.customer("Eve")
    assert (await send(channel, stranger)).reason is Reason.NO_ADDRESS
    assert (await send(channel, "no-number")).permanent is True


async def test_a_group_that_moved_says_where_to(channel, telegram):
    """The outbox sends it there."""
    group = telegram.group()
    new = group.migrate()
    assert await send(channel, group.chat.id) == NotSent(
        why="http_400",
        permanent=True,
        reason=Reason.MOVED,
        moved_to=Address("telegram", str(new)),
    )


async def test_too_fast_waits_as_long_as_it_is_told(channel, telegram, ada):
    """A first 429 is about the chat; when others get it too, it is about the bot."""
    bea = telegram.customer("Bea")
    bea.start()
    telegram.fault(Fault("too_fast", retry_after=7), Fault("too_fast", retry_after=3))
    first = await send(channel, ada)
    assert first == NotSent(
        why="too_fast",
        permanent=False,
        retry_after=timedelta(seconds=7),
        pause=channel.takes(Address("telegram", str(ada.id)), {})[1].bucket,
    )
    second = await send(channel, bea)
    assert second.pause == "telegram:bot"
    assert second.retry_after == timedelta(seconds=3)


async def test_the_server_enforces_what_the_adapter_declares(channel, telegram, ada):
    """Three at once are taken; the fourth would be a 429, as the buckets say."""
    outcomes = [await send(channel, ada) for _ in range(5)]
    assert [type(each) for each in outcomes] == [Sent, Sent, Sent, NotSent, NotSent]
    everybody, chat = channel.takes(Address("telegram", str(ada.id)), {})
    assert everybody == Take(bucket="telegram:bot", rate=30, burst=30)
    assert (chat.rate, chat.burst) == (1, 3)
    assert str(ada.id) not in chat.bucket
    group = channel.takes(Address("telegram", "-5001"), {})[1]
    assert (group.bucket[:15], group.rate) == ("telegram:group:", 20 / 60)


@pytest.mark.parametrize(
    ("fault", "taken", "unknown"),
    [
        (Fault("broken", status=500), 0, True),
        (Fault("broken", status=502, body=b"<html>Bad Gateway</html>"), 0, True),
        (Fault("broken", status=504, body=b""), 0, True),
        (Fault("reset"), 0, True),
        (Fault("taken_then_reset"), 1, True),
        (Fault("stall"), 0, True),
        (Fault("broken", status=429, body=b"slow down"), 0, False),
    ],
    ids=["500", "502", "504", "reset", "taken", "stall", "429 without a body"],
)
async def test_what_may_have_been_taken_is_unknown(channel, telegram, ada, fault, taken, unknown):
    """And it is asked once: whether to ask again is the outbox's to decide."""
    telegram.fault(fault)
    before = len(ada.screen)
    outcome = await send(channel, ada)
    assert isinstance(outcome, Unknown if unknown else NotSent)
    assert len(ada.screen) - before == taken
    assert len([call for call in telegram.ledger if call.method == "sendMessage"]) == 1
    telegram.release()


async def test_an_answer_that_cannot_be_read_is_unknown(channel, telegram, ada):
    """It said 200: the message may well be there."""
    telegram.fault(Fault("broken", status=200, body=b"ok, I think"))
    assert isinstance(await send(channel, ada), Unknown)
    telegram.fault(Fault("broken", status=200, body={"ok": True, "result": {"date": 1}}))
    assert isinstance(await send(channel, ada), Unknown)


async def test_a_server_that_was_never_reached_has_nothing(channel, telegram, ada):
    """Refused connections are not sent, and may be tried again."""
    await telegram.stop()
    outcome = await send(channel, ada)
    assert outcome == NotSent(why="ConnectError", permanent=False)


async def test_typing_is_shown_and_its_failure_is_nothing(channel, telegram, ada):
    """Counted, never raised."""
    address = Address("telegram", str(ada.id))
    await channel.typing(address)
    assert ada.sees_typing == 1
    telegram.fault(Fault("broken"))
    await channel.typing(address)
    await channel.typing(Address("telegram", "x"))
    assert channel.counts["typing", "failed"] == 2


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200


async def test_a_customers_photo_is_fetched_from_telegram(channel, telegram, ada):
    """By its id, through the file's own path; what is gone is None."""
    ada.send_photo(PNG)
    (_, update) = telegram.pending[-1]
    ref = update["message"]["photo"][-1]["file_id"]
    fetched = await channel.fetch(Media(kind=MediaKind.IMAGE, ref=ref))
    assert (fetched.body, fetched.content_type) == (PNG, "image/png")
    assert await channel.fetch(Media(kind=MediaKind.IMAGE, ref="forged")) is None
    telegram.files[ref] = ("../../etc/passwd", PNG)
    assert await channel.fetch(Media(kind=MediaKind.IMAGE, ref=ref)) is None
    assert channel.counts["media", "gone"] == 2


async def test_files_come_from_their_own_base(telegram, ada):
    """A token sent to another host would be given away: only what was configured is asked."""
    from segue_adapters.telegram import TelegramChannel

    channel = TelegramChannel(settings(telegram, file_base=f"{telegram.url}/file"))
    ada.send_photo(PNG)
    ref = telegram.pending[-1][1]["message"]["photo"][-1]["file_id"]
    assert (await channel.fetch(Media(kind=MediaKind.IMAGE, ref=ref))).body == PNG
    assert TOKEN not in repr(channel.settings)
    await channel.stop()
