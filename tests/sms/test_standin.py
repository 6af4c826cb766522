"""The stand-in of Twilio is as strict as Twilio: codes, limits, its own answers, its webhooks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from segue.testing.clock import FakeClock
from segue.testing.platforms import Twilio
from segue_adapters.twilio_signing import signature

ADA = "+436601234567"


async def post(twilio: Twilio, *form: tuple[str, str], token: str = "") -> tuple[int, int]:
    """Return status and code of a send; what is not named is as it should be."""
    fields = dict(form)
    whole = [("To", ADA), ("From", twilio.number), ("Body", "hi")]
    sent = [*form, *((name, value) for name, value in whole if name not in fields)]
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    login = aiohttp.encode_basic_auth(twilio.account_sid, token or twilio.auth_token)
    async with (
        aiohttp.ClientSession() as client,
        client.post(
            url,
            data=urlencode([each for each in sent if each[1] != "-"]),
            headers={
                "Authorization": login,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        ) as answer,
    ):
        body = await answer.json()
        return answer.status, body.get("code") or 0


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ((), 201, 0),
        ((("To", "-"),), 400, 21604),
        ((("To", "0660 1234"),), 400, 21211),
        ((("From", "-"),), 400, 21603),
        ((("From", "+15005550001"),), 400, 21606),
        ((("Body", "-"),), 400, 21602),
        ((("Body", "x" * 1601),), 400, 21617),
        ((("ValidityPeriod", "0"),), 400, 20001),
        ((("ValidityPeriod", "36001"),), 400, 20001),
        ((("StatusCallback", "chat.example.com/x"),), 400, 21609),
        ((("MessagingServiceSid", "MG1"), ("From", "-")), 400, 21701),
        ((("To", f"whatsapp:{ADA}"),), 400, 63007),
        ((("ContentSid", "HX1"),), 404, 20404),
        ((("Colour", "red"),), 400, 20001),
    ],
)
async def test_parameters_are_checked(
    twilio: Twilio, form: tuple[tuple[str, str], ...], status: int, code: int
) -> None:
    """Each mistake has Twilio's own code."""
    assert await post(twilio, *form) == (status, code)
    assert twilio.ledger[-1].taken == (status == 201)


async def test_who_may_send(twilio: Twilio) -> None:
    """A wrong token, a suspended account, a landline, somebody who opted out."""
    assert await post(twilio, token="wrong") == (401, 20003)
    twilio.phone(ADA).landline = True
    assert await post(twilio) == (400, 21614)
    twilio.phone(ADA).landline = False
    await twilio.phone(ADA).write("Stop.")
    assert await post(twilio) == (400, 21610)
    await twilio.phone(ADA).write("START")
    assert (await post(twilio))[0] == 201
    twilio.suspended = True
    assert await post(twilio) == (401, 20005)


async def test_thirty_to_one_number_in_thirty_seconds(twilio: Twilio) -> None:
    """The pair guard against two bots that talk to each other."""
    twilio.clock = FakeClock(datetime(2026, 3, 2, 10, tzinfo=UTC))
    twilio.receipts = False
    answers = [await post(twilio) for _ in range(31)]
    assert answers == [(201, 0)] * 30 + [(429, 14107)]
    assert await post(twilio, ("To", "+436601234568")) == (201, 0)
    twilio.clock.move(timedelta(seconds=31))
    assert await post(twilio) == (201, 0)


async def test_a_number_sends_a_segment_a_second(twilio: Twilio) -> None:
    """What is more waits in its queue; ten hours of that are too much."""
    clock = FakeClock(datetime(2026, 3, 2, 10, tzinfo=UTC))
    twilio.clock, twilio.rate = clock, 1.0
    ada = twilio.phone(ADA)
    await post(twilio, ("Body", "a" * 300))
    await post(twilio, ("Body", "second"))
    await asyncio.sleep(0.01)
    assert len(ada.screen) == 1
    clock.move(timedelta(seconds=2))
    await twilio.delivered()
    assert ada.screen[1] == "second"
    twilio._free[twilio.number] = clock.monotonic() + 36_001
    assert await post(twilio) == (429, 21611)


@pytest.fixture
async def heard():
    """A server that keeps what it is told, and answers with a status."""
    calls: list[tuple[str, dict[str, str], list[tuple[str, str]]]] = []
    status = {"first": 200}

    async def hear(request: web.Request) -> web.Response:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        calls.append((request.path, dict(request.headers), form))
        return web.Response(status=status["first"] if request.path == "/first" else 200)

    app = web.Application()
    app.router.add_post("/{any}", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", calls, status
    await runner.cleanup()


async def test_webhooks_are_signed_and_not_repeated(twilio: Twilio, heard) -> None:
    """Once; if that is not taken the fallback, once; each signed for its own address."""
    base, calls, status = heard
    twilio.call_at(f"{base}/first", fallback=f"{base}/fallback")
    await twilio.phone(ADA).write("hello & good-bye, ä")
    status["first"] = 500
    await twilio.phone(ADA).write("once more")
    assert [path for path, _, _ in calls] == ["/first", "/first", "/fallback"]
    for path, headers, form in calls:
        made = signature(twilio.auth_token, f"{base}{path}", form)
        assert headers["X-Twilio-Signature"] == made


async def test_a_phone_that_is_off_is_told_of_later(twilio: Twilio, heard) -> None:
    """The send is taken; the receipt says that it did not arrive, and why."""
    base, calls, _ = heard
    twilio.phone(ADA).off = True
    assert (await post(twilio, ("StatusCallback", f"{base}/status?c=1")))[0] == 201
    await twilio.delivered()
    told = [dict(form) for _, _, form in calls]
    assert [each["MessageStatus"] for each in told] == ["queued", "sent", "undelivered"]
    assert told[-1]["ErrorCode"] == "30003"
    assert twilio.phone(ADA).screen == []


async def test_whatsapp_outside_its_window_fails_later(twilio: Twilio) -> None:
    """Taken and then refused (63016), as Twilio does, unless it is an approved template."""
    twilio.templates["HX1"] = "Hello {{1}}."
    people = (("To", f"whatsapp:{ADA}"), ("From", f"whatsapp:{twilio.number}"))
    await post(twilio, *people)
    await post(twilio, *people, ("ContentSid", "HX1"), ("ContentVariables", '{"1": "Ada"}'))
    assert await post(twilio, *people, ("ContentSid", "HX1"), ("ContentVariables", "{}")) == (
        400,
        21656,
    )
    twilio.phone(ADA)
    await twilio.delivered()
    assert [each.code for each in twilio.messages] == [63016, 0]
