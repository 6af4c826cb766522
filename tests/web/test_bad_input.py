"""What must never be let in: each gets a 4xx in one sentence, and is counted, not logged."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import resource

import pytest

DEEP = b'{"text":' + b"[" * 10_000 + b"]" * 10_000 + b"}"

BAD = {
    "nothing": (b"", 400),
    "not JSON": (b"text=hello", 400),
    "half of JSON": (b'{"text":"hel', 400),
    "not an object": (b'["hello"]', 400),
    "10,000 levels deep": (DEEP, 400),
    "65 levels deep in a known field": (b'{"media":' + b"[" * 65 + b"]" * 65 + b"}", 400),
    "deep in a string's place after brackets in a string": (
        b'{"text":"' + b"[" * 100 + b'","media":{}}',
        400,
    ),
    "an unknown field": (b'{"text":"hi","admin":true}', 400),
    "a session of one's own choosing": (b'{"text":"hi","session":"abc"}', 400),
    "a number for text": (b'{"text":1}', 400),
    "a 4,301-digit number": (b'{"text":' + b"1" * 4301 + b"}", 400),
    "NaN": (b'{"text":NaN}', 400),
    "NUL": (b'{"text":"a\\u0000b"}', 400),
    "a lone surrogate": (b'{"text":"\\ud800"}', 400),
    "a lone surrogate in the middle": (b'{"text":"a\\ud800b"}', 400),
    "a lone low surrogate": (b'{"text":"\\udc00 and more"}', 400),
    "bytes that are not UTF-8": (b'{"text":"\xff"}', 400),
    "a surrogate in UTF-8": (b'{"text":"\xed\xa0\x80"}', 400),
    "UTF-16": ('{"text":"hi"}'.encode("utf-16"), 400),
    "no text and no choice": (b'{"client_message_id":"1"}', 400),
    "blanks": (b'{"text":" \\t\\n "}', 400),
    "an id of another alphabet": (b'{"text":"hi","client_message_id":"~opened"}', 400),
    "an id that is too long": (
        b'{"text":"hi","client_message_id":"' + b"x" * 65 + b'"}',
        400,
    ),
    "a choice that is too long": (b'{"choice":"' + b"x" * 65 + b'"}', 400),
    "media nobody sent": (b'{"text":"hi","media":["../../etc/passwd"]}', 400),
    "a text that is too long": (json.dumps({"text": "x" * 4001}).encode(), 413),
    "10 MB": (b'{"text":"' + b"x" * 10_000_000 + b'"}', 413),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_bodies_are_refused_in_one_sentence(shop, caplog, name):
    """The sentence says what is expected and repeats nothing that was sent."""
    body, expected = BAD[name]
    with caplog.at_level(logging.DEBUG):
        async with shop.client.post(
            f"{shop.url}/messages",
            data=io.BytesIO(body),
            headers={"Content-Type": "application/json"},
        ) as answer:
            said = await answer.json()
    assert answer.status == expected
    assert set(said) == {"error"}
    assert said["error"].endswith(".") or said["error"].endswith("-")
    assert len(said["error"]) < 120
    assert "\n" not in said["error"]
    assert "admin" not in said["error"]
    assert not [record for record in caplog.records if record.name.startswith(("segue", "aiohttp"))]
    assert sum(count for (what, _), count in shop.counts.items() if what == "refused") == 1
    assert shop.gateway.received == []


async def test_a_body_without_a_length_is_measured_as_it_comes(shop):
    """A chunked body is cut off at the limit."""

    async def endless():
        for _ in range(200):
            yield b"x" * 65536

    answer = None
    try:
        async with shop.client.post(
            f"{shop.url}/messages", data=endless(), headers={"Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 413
    except ConnectionError:
        # The server hung up while the rest was still being sent.
        pass
    assert shop.counts["refused", "too_large"] == 1


async def test_memory_stays_flat_under_large_bodies(shop):
    """Forty refused bodies of 10 MB, four at a time, leave nothing behind."""
    body = b'{"text":"' + b"x" * 10_000_000 + b'"}'

    async def one() -> int:
        try:
            async with shop.client.post(
                f"{shop.url}/messages",
                data=io.BytesIO(body),
                headers={"Content-Type": "application/json"},
            ) as answer:
                return answer.status
        except ConnectionError:
            return 413

    for _ in range(5):
        assert await one() == 413
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10):
        assert await asyncio.gather(*(one() for _ in range(4))) == [413] * 4
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 40_000, f"{grown} kB more"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json", "Authorization": "Bearer nonsense"}, 401),
        ({"Content-Type": "application/json", "Authorization": "Basic eDp5"}, 401),
        ({"Content-Type": "application/json", "Authorization": "Bearer " + "x" * 5000}, 401),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
    ],
)
async def test_bad_headers_are_refused(shop, headers, expected):
    """Another content type, a packed body, a session that is none, a foreign site."""
    async with shop.client.post(
        f"{shop.url}/messages", data=b'{"text":"hi"}', headers=headers
    ) as answer:
        assert answer.status == expected
        assert set(await answer.json()) == {"error"}
    assert shop.gateway.received == []


@pytest.mark.parametrize("wait", ["x", "-1", "nan", "", "1e999x"])
async def test_a_wait_that_is_no_number_is_refused(shop, wait):
    """`?wait=` takes seconds."""
    status, _ = await shop.post(f"messages?wait={wait}", json={"text": "hi"})
    assert status == 400


async def test_characters_nobody_sees_are_dropped(shop):
    """Control characters are taken out; line breaks and tabs stay."""
    status, _ = await shop.post(json={"text": "one\x07\ntwo\tthree\x1b[2J"})
    assert status == 202
    assert shop.gateway.received[0][1].text == "one\ntwo\tthree[2J"


@pytest.mark.parametrize("path", ["/nothing", "/channels/web/nothing", "/../../etc/passwd", "/%00"])
async def test_an_unknown_address_is_one_sentence(shop, path):
    """404, without repeating the address."""
    async with shop.client.get(shop.server.address + path) as answer:
        assert answer.status == 404
        assert await answer.json() == {"error": "There is nothing at this address."}


async def test_a_wrong_method_is_one_sentence(shop):
    """405."""
    async with shop.client.put(f"{shop.url}/messages") as answer:
        assert answer.status == 405


async def test_what_is_not_http_is_answered_without_repeating_it(shop, caplog):
    """A broken request line gets a 400 that holds nothing of it, and no log line."""
    host, port = shop.server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with caplog.at_level(logging.DEBUG):
        writer.write(b"GET /canary\x01words HTTP/9.9\r\n<script>canary</script>\r\n\r\n")
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    await writer.wait_closed()
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"canary" not in answer
    assert "canary" not in caplog.text
