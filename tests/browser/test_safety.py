"""What people write is text, whatever it looks like; and the page keeps to a strict policy."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from playwright.async_api import expect

from segue_adapters.static import widget_script

from .conftest import Visit
from .standin import Customer, Reply, StandIn, reply
from .test_widget import arrive, say

CORPUS = [
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "**bold** <b>bold</b> &lt;b&gt;",
    "{{7*7}} ${7*7} {% raise %}",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\u202eexe.gpj\u202c right to left",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img onerror=alert(1)>'>",
    "a" * 3000,
    "🏳️‍🌈 👩‍👩‍👧‍👦 é\u0301 \u200e end",
]
UNSAFE = ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "//"]


async def test_whatever_is_written_stays_text(server: StandIn, visit: Visit) -> None:
    """Each string of the corpus appears as it was written: sent, said, in names, on buttons."""

    def echo(_: Customer, message: dict[str, Any]) -> list[Reply]:
        text = message["text"]
        media = [{"kind": "file", "url": "javascript:alert(1)", "alt": text}]
        return [reply(["p", [["b", [["t", text]]]]], buttons={"x": text[:60]}, media=media)]

    server.script = echo
    visitor, page = await arrive(server, visit)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    log = page.get_by_role("log")
    for text in CORPUS:
        await say(page, text)
        await expect(log.locator(".row.bot strong").last).to_have_text(text.strip())
        shown = await log.locator(".row.customer p").last.text_content()
        assert shown == text.strip()
        assert await log.locator(".row.bot .choice").last.text_content() == text[:60]
    assert await log.locator("img, script, iframe, style, svg:not(.icon), b").count() == 0
    assert all(url.startswith((server.url, "ws:")) for url in asked), asked
    assert visitor.complaints == []


async def test_only_web_addresses_are_links(server: StandIn, visit: Visit) -> None:
    """An address of another kind is shown as its words; it is not a link."""

    def links(_: Customer, __: Any) -> list[Reply]:
        return [reply(["p", [["a", url, [["t", f"link {at}"]]] for at, url in enumerate(UNSAFE)]])]

    server.script = links
    visitor, page = await arrive(server, visit)
    await say(page, "show me")
    await expect(page.get_by_role("log")).to_contain_text("link 3")
    assert await page.get_by_role("log").get_by_role("link").count() == 0
    assert visitor.complaints == []


async def test_nodes_it_does_not_know_are_harmless(server: StandIn, visit: Visit) -> None:
    """A newer server, or a broken one, cannot break the conversation."""

    def odd(_: Customer, __: Any) -> list[Reply]:
        body: list[Any] = [["x", 1], "text", None, 7, ["p", "text"], ["l", None], ["p", [["zz"]]]]
        return [{"body": body, "buttons": [], "media": [{"kind": "?"}]}, reply("still here")]

    server.script = odd
    visitor, page = await arrive(server, visit)
    await say(page, "show me")
    await expect(page.get_by_role("log")).to_contain_text("still here")
    assert visitor.complaints == []


@pytest.mark.parametrize("attribute", ["name", "subtitle", "words"])
async def test_attributes_are_text_too(server: StandIn, visit: Visit, attribute: str) -> None:
    """What the host page passes on (a user's name, say) cannot become markup either."""
    evil = "&lt;img src=x onerror=alert(1)&gt;"
    value = f'{{"placeholder": "{evil}", "emptyTitle": "{evil}"}}' if attribute == "words" else evil
    server.page_attributes = f"mode='inline' {attribute}='{value}' privacy-url='javascript:x()'"
    visitor, page = await arrive(server, visit)
    await expect(page.locator("segue-chat img")).to_have_count(0)
    await expect(page.get_by_role("link", name="Privacy")).to_have_count(0)
    assert visitor.complaints == []


async def test_the_strictest_policy_will_do(server: StandIn, visit: Visit) -> None:
    """No inline style, no inline script, no foreign address, trusted types on: and no complaint."""
    assert "unsafe" not in server.csp
    visitor, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await page.set_viewport_size({"width": 320, "height": 480})
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    assert visitor.complaints == []


def test_the_widget_is_small() -> None:
    """The whole widget, comments and all, is under 30 kB gzipped."""
    script = widget_script()
    assert len(script.gzipped) < 30_000
    assert gzip.decompress(script.gzipped) == script.body


def test_the_source_makes_no_markup_from_text() -> None:
    """There is no way from a string to markup or code anywhere in the source."""
    source = widget_script().body.decode()
    for way in (".innerHTML", ".outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in source
    assert "new Function" not in source
    assert ".cssText" not in source
