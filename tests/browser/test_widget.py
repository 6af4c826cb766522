"""What a visitor can rely on when they write to the widget."""

from __future__ import annotations

from playwright.async_api import expect

from .conftest import Visit
from .standin import StandIn


async def test_a_message_is_answered(server: StandIn, visit: Visit) -> None:
    """A visitor writes, sees their words at once, and then the answer."""
    visitor = await visit()
    page = await visitor.page(f"{server.url}/host")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("automated assistant")
    await page.get_by_role("textbox").fill("I want to send something back")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("Which order is it")
    await page.screenshot(path="/tmp/w1.png")
    assert visitor.complaints == []
