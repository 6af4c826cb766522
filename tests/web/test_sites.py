"""Other sites' pages: who may talk to the channel, and how the widget is loaded."""

from __future__ import annotations

import gzip

import pytest


async def test_a_listed_site_may_talk(shop):
    """Preflight and answer name that site, exactly."""
    asked = {
        "Origin": shop.SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    async with shop.client.options(f"{shop.url}/messages", headers=asked) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == shop.SITE
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert "Origin" in answer.headers["Vary"]
    async with shop.client.post(
        f"{shop.url}/messages", json={"text": "hi"}, headers={"Origin": shop.SITE}
    ) as answer:
        assert answer.status == 202
        assert answer.headers["Access-Control-Allow-Origin"] == shop.SITE
    async with shop.client.post(
        f"{shop.url}/messages", data=b"{", headers={"Origin": shop.SITE}
    ) as answer:
        assert answer.status == 415
        assert answer.headers["Access-Control-Allow-Origin"] == shop.SITE


@pytest.mark.parametrize("path", ["messages", "identify", "logout", "media"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.", "https://shop.example:444"]
)
async def test_any_other_site_may_not(shop, path, origin):
    """Neither preflight nor request gets a header that would let its page read the answer."""
    for method in ("options", "post"):
        async with shop.client.request(
            method, f"{shop.url}/{path}", headers={"Origin": origin}
        ) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert origin not in await answer.text()


async def test_every_answer_says_what_it_is(shop):
    """No sniffing, no caching of what somebody said."""
    async with shop.client.post(f"{shop.url}/messages", json={"text": "hi"}) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "segue"


async def test_the_widget_is_served_once(shop):
    """With an ETag and packed; asked again, nothing is sent."""
    async with shop.client.get(f"{shop.url}/widget.js") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert "max-age" in answer.headers["Cache-Control"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        tag = answer.headers["ETag"]
        script = await answer.read()
    async with shop.client.get(
        f"{shop.url}/widget.js", headers={"If-None-Match": f'W/{tag}, "other"'}
    ) as answer:
        assert answer.status == 304
        assert await answer.read() == b""
    host, port = shop.server.address.removeprefix("http://").split(":")
    import asyncio

    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /channels/web/widget.js HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(body) == script
    assert len(body) < 30_000
