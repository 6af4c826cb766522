"""Logs: events with values, never a person's words, address or secret (threats T26 and T33)."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import StoreError
from segue.server import configure_logging, page, page_headers
from segue.server.logs import JsonLines, PlainLines, log_loop_errors
from segue.server.scrub import GONE, scrub, scrub_values

CANARIES = {
    "+43 660 1234567": "a phone number",
    "+1 (555) 010-9999": "a phone number with brackets",
    "0043-660-1234567": "a phone number with 00",
    "0660 123 45 67": "a phone number as written at home",
    "555-010-9999": "a phone number as written in America",
    "ada@shop.example": "an e-mail",
    "Ada.Lovelace+x@mail.shop.example": "an e-mail with more",
    "xoxb-1234567890-abcdefghij": "a Slack token",
    "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0": "a Telegram token",
    "SK" + "0123456789abcdef" * 2: "a Twilio key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl": "a JWT",
    "A" * 22 + "." + "b" * 43 + "." + "c" * 27: "a session",
    "Bearer abcdefghijklmnop": "a bearer token",
}


@pytest.mark.parametrize("canary", CANARIES, ids=CANARIES.values())
@pytest.mark.parametrize("around", ["{}", "call {} now", "({})", '"{}"', "a={},b", "\n{}\n"])
def test_what_names_a_person_or_opens_a_door_is_taken_out(canary, around):
    """Wherever it stands in a text."""
    said = scrub(around.format(canary))
    assert GONE in said
    assert canary not in said


def test_a_password_and_a_query_of_an_address_are_taken_out():
    """What is left says where, not who."""
    assert scrub("redis://user:hunter2@cache:6379/0") == f"redis://{GONE}cache:6379/0"
    assert "secret" not in scrub("GET https://x.example/path?token=secret&a=1 failed")


@pytest.mark.parametrize(
    "text",
    [
        "turn_fenced",
        "2026-03-01T09:30:00.123Z",
        "took 1234567 us",
        "127.0.0.1:8080",
        "bot/segue/engine/worker.py:148",
        "version 3.11.7",
        "return_item/ask_order",
        "1772357400000",
    ],
)
def test_what_names_nobody_stays(text):
    """Times, counts, paths and versions are what logs are for."""
    assert scrub(text) == text


@given(st.text())
def test_scrubbing_never_raises(text):
    """Whatever the text."""
    assert isinstance(scrub(text), str)
    scrub(text).encode()


def test_values_with_a_secret_name_are_taken_out():
    """However deep they are."""
    told = scrub_values(
        {"text": "x", "reply_text": "x", "session": "x", "api_key": "x", "a": {"Cookie": "x"}}
    )
    assert told == {
        "text": GONE,
        "reply_text": GONE,
        "session": GONE,
        "api_key": GONE,
        "a": {"Cookie": GONE},
    }
    assert scrub_values({"step": "find_order", "count": 3, "context": "web"}) == {
        "step": "find_order",
        "count": 3,
        "context": "web",
    }


@pytest.fixture
def lines():
    """A logger of ours that writes JSON lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(level="debug", format="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


def test_an_event_is_one_json_line(lines):
    """Time, level, event, logger, and the values."""
    logging.getLogger("segue.engine").info("turn_done", extra={"segue": {"channel": "web", "n": 2}})
    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "event": "turn_done",
        "logger": "segue.engine",
        "channel": "web",
        "n": 2,
    }


def test_nobody_writes_a_line_of_their_own(lines):
    """Line breaks, control characters and JSON in a value stay inside the value."""
    evil = 'x\n{"level":"critical","event":"pwned"}\x1b[2J'
    logging.getLogger("segue.x").warning("odd", extra={"segue": {"value": evil, "event": evil}})
    logging.getLogger("other").warning("said %s", evil)
    assert [line["level"] for line in lines()] == ["warning", "warning"]


def test_an_exception_is_its_type_and_place(lines):
    """Its message may quote a customer, so it is left out, unless the error is ours."""
    log = logging.getLogger("segue.x")
    for error in (ValueError("canary words"), StoreError("the server is full")):
        try:
            raise error
        except Exception:
            log.exception("turn_failed")
    theirs, ours = lines()
    assert theirs["error"] == "ValueError"
    assert "test_logs.py" in theirs["where"][0]
    assert "canary" not in json.dumps(theirs)
    assert ours["error_message"] == "the server is full"


def test_the_lines_for_people_are_one_line_each():
    """No control character reaches the terminal."""
    record = logging.LogRecord("segue.x", logging.INFO, "f", 1, "odd", (), None)
    record.segue = {"value": "a\nb\x1b[2J"}
    line = PlainLines().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(JsonLines().format(record))["value"] == "a\nb\x1b[2J"


async def test_a_task_nobody_waits_for_is_logged(lines):
    """By the type of its error."""
    loop = asyncio.get_running_loop()
    log_loop_errors(loop)
    loop.call_exception_handler({"message": "canary", "exception": ValueError("canary")})
    (line,) = lines()
    assert (line["event"], line["error"]) == ("task_failed", "ValueError")
    assert "canary" not in json.dumps(line)


async def test_no_canary_leaves_by_way_of_a_log(shop, lines):
    """Words, sessions, names and tokens of every flow, failures included: the log knows none."""
    canary = "canary-words-4711"
    token = shop.token("canary-subject", name="Canary Name", email="canary@shop.example")
    _, said = await shop.post("identify", json={"token": token})
    session = said["session"]
    socket = await shop.connect(session)
    await socket.send_json({"type": "message", "text": canary, "client_message_id": "1"})
    await shop.read(socket)
    shop.gateway.broken = True
    await shop.post(json={"text": canary}, session=session)
    shop.gateway.broken = False

    async def broken(*_, **__):
        raise ValueError(canary)

    shop.gateway.receive = broken
    async with shop.client.post(
        f"{shop.url}/messages?q={canary}",
        json={"text": canary},
        headers={"Authorization": f"Bearer {session}"},
    ) as answer:
        assert answer.status == 500
        assert canary not in await answer.text()
    await shop.client.get(f"{shop.server.address}/{canary}?{canary}")
    written = json.dumps(lines())
    assert "request_failed" in written
    metrics = await (await shop.client.get(f"{shop.server.address}/metrics")).text()
    for secret in (canary, session, session.split(".")[1], token, "Canary", "canary@"):
        assert secret not in written
        assert secret not in metrics


def test_a_page_has_the_headers_of_a_strict_page():
    """Only its own scripts and those with the nonce; framed by nobody unless it is said."""
    headers = page("<p>hi</p>", "n0nce").headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'self'",
        "script-src 'self' 'nonce-n0nce'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    framed = page_headers("n", frame_ancestors=["https://shop.example"])
    assert "frame-ancestors https://shop.example" in framed["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed
