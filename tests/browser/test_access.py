"""Everybody can use it: by keyboard, by ear, enlarged, mirrored, in the dark, without motion."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from .conftest import Visit
from .standin import Customer, Reply, StandIn, reply
from .test_widget import arrive, say

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

# What a screen reader is told: every text that is added to a live region, as it is added.
LISTEN = """
window.__spoken = [];
const listen = () => {
  const root = document.querySelector('segue-chat').shadowRoot;
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) {
      const at = node.nodeType === 1 ? node : node.parentElement;
      const live = at && at.closest('[role=log], [role=status], [role=alert], [aria-live]');
      if (!live || live.getAttribute('aria-live') === 'off') continue;
      const copy = node.cloneNode(true);
      if (copy.querySelectorAll)
        copy.querySelectorAll('[aria-live=off], [aria-hidden=true]').forEach((off) => off.remove());
      const text = copy.textContent.trim();
      if (text) window.__spoken.push(text);
    }
  }).observe(root, { childList: true, subtree: true });
};
if (customElements.get('segue-chat')) listen();
else customElements.whenDefined('segue-chat').then(() => setTimeout(listen));
"""

SHIFTS = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


CHOICES = "Wrong sizeArrived damagedChanged my mind"


async def check(page: Page) -> None:
    """Ask axe; say what is wrong and where."""
    result = await Axe().run(page, options=RULES)
    assert result.violations_count == 0, result.generate_report()


async def whole_story(page: Page) -> None:
    """Write until the choices are shown."""
    log = page.get_by_role("log")
    for words, answer in (("hello", "Which order"), ("A1001", "postcode"), ("20095", "Why are")):
        await say(page, words)
        await expect(log).to_contain_text(answer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_axe_finds_nothing(server: StandIn, visit: Visit, scheme: str, width: int) -> None:
    """A conversation with choices is clean by WCAG 2.2 AA, in light and dark, small and large."""
    visitor = await visit(
        viewport={"width": width, "height": 640}, color_scheme=scheme, bypass_csp=True
    )
    page = await visitor.page(f"{server.url}/host")
    await whole_story(page)
    await check(page)


async def test_axe_finds_nothing_right_to_left(server: StandIn, visit: Visit) -> None:
    """In Arabic the widget is mirrored, and as clean."""
    server.page_attributes += ' locale="ar"'
    visitor = await visit(bypass_csp=True)
    page = await visitor.page(f"{server.url}/host")
    await whole_story(page)
    await check(page)
    own = await page.locator(".row.customer .bubble").first.bounding_box()
    bot = await page.locator(".row.bot .bubble").first.bounding_box()
    assert own is not None
    assert bot is not None
    assert own["x"] < bot["x"]


async def test_axe_finds_nothing_in_trouble(server: StandIn, visit: Visit) -> None:
    """Failed, waiting and offline states are as clean as the others."""
    visitor = await visit(bypass_csp=True)
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    server.refuse = [{"retry": False}]
    await say(page, "this one fails")
    await expect(page.locator(".row.failed")).to_be_visible()
    await server.stop()
    await say(page, "this one waits")
    await expect(page.locator(".trouble")).to_be_visible()
    await check(page)


async def test_a_whole_conversation_by_keyboard(server: StandIn, visit: Visit) -> None:
    """Open, write, choose and close without ever touching the mouse; focus is never lost."""
    server.page_attributes = 'name="Tarnwood" privacy-url="/privacy"'
    visitor = await visit(viewport={"width": 900, "height": 800})
    page = await visitor.page(f"{server.url}/host")
    launcher = page.get_by_role("button", name="Chat with us")
    keys = page.keyboard
    await keys.press("Tab")
    await expect(launcher).to_be_focused()
    await keys.press("Enter")
    field = page.get_by_role("textbox")
    await expect(field).to_be_focused()
    log = page.get_by_role("log")
    await expect(log).to_contain_text("automated assistant")
    for words, answer in (("hello", "Which order"), ("A1001", "postcode"), ("20095", "Why are")):
        await keys.type(words)
        await keys.press("Enter")
        await expect(log).to_contain_text(answer)
        await expect(field).to_be_focused()
    await keys.press("Shift+Tab")  # attach
    for name in ("Changed my mind", "Arrived damaged"):
        await keys.press("Shift+Tab")
        await expect(log.get_by_role("button", name=name)).to_be_focused()
    await keys.press("Space")
    await expect(log).to_contain_text("Noted: Arrived damaged")
    await expect(field).to_be_focused()
    await keys.type("one line")
    await keys.press("Shift+Enter")
    await keys.type("another")
    await keys.press("Enter")
    await expect(log).to_contain_text("Noted: one line")
    assert server.received[-1]["text"] == "one line\nanother"
    await keys.press("Escape")
    await expect(field).to_be_hidden()
    await expect(launcher).to_be_focused()


async def test_every_message_is_read_out_once(server: StandIn, visit: Visit) -> None:
    """The log announces each new message once: not when it is acknowledged, not when time goes."""
    visitor = await visit()
    await visitor.context.add_init_script(LISTEN)
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    await whole_story(page)
    await page.evaluate("document.querySelector('segue-chat').log.tick()")
    said = await page.evaluate("window.__spoken")
    assert [text.replace("\n", " ") for text in said] == [
        "Assistant said: You're writing with Tarnwood's automated assistant. How can I help?",
        "You said: hello",
        "Assistant said: Happy to help. Which order is it, like A1001?",
        "You said: A1001",
        "Assistant said: Thanks. And the postcode on that order?",
        "You said: 20095",
        "Assistant said: Why are you sending back the Fell jacket?" + CHOICES,
    ]


async def test_what_was_said_before_is_not_read_out(server: StandIn, visit: Visit) -> None:
    """After a reload the conversation is there to be read, and nothing of it is announced."""
    visitor, page = await arrive(server, visit)
    await visitor.context.add_init_script(LISTEN)
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    said: list[str] = await page.evaluate("window.__spoken")
    assert not any("automated assistant" in text for text in said)


async def test_trouble_is_read_out_once(server: StandIn, visit: Visit) -> None:
    """Losing the connection is announced once, however often the widget tries again."""
    visitor = await visit()
    await visitor.context.add_init_script(LISTEN)
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    await server.stop()
    await expect(page.locator(".trouble")).to_be_visible()
    for _ in range(3):
        await page.get_by_role("button", name="Try now").click()
        await expect(page.locator("segue-chat")).to_have_attribute("state", "waiting")
    said = await page.evaluate("window.__spoken")
    assert sum("cannot be reached" in text for text in said) == 1


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(320, 568, 1), (640, 400, 2), (320, 256, 1)]
)
async def test_nothing_is_cut_off(
    server: StandIn, visit: Visit, width: int, height: int, scale: int
) -> None:
    """At 320 px, and at 200 % zoom of a small laptop, nobody has to scroll sideways."""

    def long(_: Customer, __: Any) -> list[Reply]:
        word = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2
        return [reply(word, buttons={"a": word, "b": "Ja"})]

    server.script = long
    server.page_attributes = 'mode="inline" name="Rindfleischetikettierungsüberwachungsaufgabe"'
    visitor = await visit(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page = await visitor.page(f"{server.url}/host")
    await say(page, "x" * 300)
    await expect(page.get_by_role("log")).to_contain_text("Rindfleisch")
    await expect(page.get_by_role("textbox")).to_be_in_viewport()
    widths = await page.evaluate(
        "[document.documentElement, document.querySelector('segue-chat').shadowRoot"
        ".querySelector('.scroller')].map((e) => [e.scrollWidth, e.clientWidth])"
    )
    assert all(inside <= outside for inside, outside in widths), widths


async def test_on_a_phone_the_panel_is_the_screen(server: StandIn, visit: Visit) -> None:
    """A small screen is filled, and the Tab key stays inside until the chat is closed."""
    server.page_attributes = 'name="Tarnwood"'
    visitor = await visit(viewport={"width": 360, "height": 640}, has_touch=True)
    page = await visitor.page(f"{server.url}/host")
    await page.get_by_role("button", name="Chat with us").tap()
    panel = page.get_by_role("dialog", name="Tarnwood")
    assert await panel.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 640}
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.localName") in ("segue-chat", "body")
    await page.get_by_role("button", name="Close chat").tap()
    await expect(panel).to_be_hidden()


async def test_every_target_is_large_enough(server: StandIn, visit: Visit) -> None:
    """Buttons are at least 44 px; the links in small print at least 24."""
    _, page = await arrive(server, visit)
    await whole_story(page)
    sizes = await page.evaluate(
        "[...document.querySelector('segue-chat').shadowRoot.querySelectorAll('button, a')]"
        ".filter((e) => e.checkVisibility())"
        ".map((e) => [e.textContent, e.getBoundingClientRect().height, e.matches('.foot a')])"
    )
    assert sizes
    assert [row for row in sizes if row[1] < (24 if row[2] else 44)] == []


async def test_nothing_moves_for_who_wants_no_motion(server: StandIn, visit: Visit) -> None:
    """With reduced motion there is no animation and no smooth scrolling."""
    visitor = await visit(reduced_motion="reduce")
    server.typing_before_answer = True
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    await say(page, "hello")
    await expect(page.locator(".typing.on")).to_be_visible()
    assert await page.evaluate("document.getAnimations().length") == 0
    running = await page.evaluate(
        "document.querySelector('segue-chat').shadowRoot.getAnimations().length"
    )
    assert running == 0


async def test_nothing_jumps(server: StandIn, visit: Visit) -> None:
    """From the skeleton to the last choice, nothing that is on the screen is pushed elsewhere."""
    visitor = await visit()
    server.typing_before_answer = True
    await visitor.context.add_init_script(SHIFTS)
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    await whole_story(page)
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("Why are")
    assert await page.evaluate("window.__shift") == 0
