"""The page that docs/web.md shows: its two lines, its policy and its settings, in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from segue.app import App
from segue.memory.embedded import embedded
from segue.server import Server, make_app
from segue.settings import load

from .conftest import Visit
from .test_widget import eventually, say

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/web.md").read_text()
KEY = "k" * 64
CHAT = "https://chat.shop.example"
NOBODY = ""

Open = Callable[[str, str], Awaitable[str]]


def block(language: str, which: int = 0) -> str:
    """Return a code block of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[which]


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[Open]:
    """Open the page on a host, with somebody signed in there; Segue is on 127.0.0.1."""
    stack = AsyncExitStack()

    async def open_page(host: str, user: str) -> str:
        server_url = ""

        async def page(_: web.Request) -> web.Response:
            policy = block("text").strip().replace("wss:", "ws:").replace("https:", "http:")
            policy = policy.replace("//chat.shop.example", server_url.removeprefix("http:"))
            return web.Response(
                text="<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:>"
                + block("html").replace(CHAT, server_url),
                content_type="text/html",
                headers={
                    "Content-Security-Policy": f"default-src 'none'; {policy} data:;"
                    " require-trusted-types-for 'script'"
                },
            )

        async def token(_: web.Request) -> web.Response:
            if user == NOBODY:
                return web.Response(status=204)
            now = int(time.time())
            claims = {"sub": user, "aud": "chat.shop.example", "iat": now, "exp": now + 300}
            return web.json_response({"token": jwt.encode(claims, KEY, headers={"kid": "first"})})

        site = web.Application()
        site.add_routes([web.get("/", page), web.get("/chat-token", token)])
        runner = web.AppRunner(site)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://{host}:{runner.addresses[0][1]}"

        store = await stack.enter_async_context(embedded(tmp_path / "store"))
        app = App(
            load(
                environ={},
                store={"url": store.url, "partitions": 4, "data_dir": str(tmp_path)},
                dialogs={"path": str(ROOT / "dialogs")},
                voice={"path": str(ROOT / "brand_voice")},
                channels={
                    "web": {
                        "allowed_origins": [url],
                        "audience": "chat.shop.example",
                        "jwt_keys": {"first": KEY},
                    }
                },
            )
        )
        await app.start()
        await app.watch()
        server = Server(make_app(app.adapters, app.core), port=0)
        server_url = await server.start()
        stack.push_async_callback(server.stop)
        stack.push_async_callback(app.stop, 2)
        return url

    yield open_page
    await stack.aclose()


@pytest.mark.parametrize(
    ("host", "kept"),
    [("127.0.0.1", "cookie"), ("localhost", "storage")],
    ids=["one site", "two sites"],
)
async def test_the_page_works_under_its_policy(
    shop: Open, visit: Visit, host: str, kept: str
) -> None:
    """Two lines, that policy and nothing else: a conversation, also after a reload.

    On one site the session is in the cookie, on two in the browser's storage.
    """
    url = await shop(host, NOBODY)
    visitor = await visit()
    page = await visitor.page(url)
    await page.get_by_role("button", name="Chat with us").click()
    await say(page, "I want to send something back")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("A1001")
    stored = "Object.keys(localStorage).some((key) => key.endsWith(':session'))"
    await eventually(page, f"!{stored}" if kept == "cookie" else stored)
    await page.reload()
    await page.get_by_role("button", name="Chat with us").click()
    await expect(log).to_contain_text("A1001")
    await expect(page.get_by_role("link", name="Privacy")).to_have_attribute(
        "href", f"{url}/privacy"
    )
    assert visitor.complaints == []


async def test_who_is_signed_in_goes_on_elsewhere(shop: Open, visit: Visit) -> None:
    """The same `sub` in another browser is the same conversation."""
    url = await shop("127.0.0.1", "17")
    for begins in (True, False):
        visitor = await visit()
        page = await visitor.page(url)
        await page.get_by_role("button", name="Chat with us").click()
        if begins:
            await say(page, "I want to send something back")
        await expect(page.get_by_role("log")).to_contain_text("A1001")
        assert visitor.complaints == []
