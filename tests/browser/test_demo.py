"""The demo as a newcomer meets it: the real server, the real engine, the sample company."""

from __future__ import annotations

import time

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from .conftest import Visit
from .running import RunningDemo
from .test_access import RULES, SHIFTS
from .test_widget import eventually, say


async def come(demo: RunningDemo, page: Page) -> None:
    """Open the page and wait for the greeting."""
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")


async def test_a_whole_return_by_keyboard(demo: RunningDemo, visit: Visit) -> None:
    """A newcomer returns a jacket in their own words and never touches the mouse."""
    visitor = await visit(viewport={"width": 1280, "height": 900})
    page = await visitor.page(demo.url)
    await come(demo, page)
    log, keys = page.get_by_role("log"), page.keyboard
    field = page.get_by_role("textbox")
    while not await field.evaluate("(e) => e.getRootNode().activeElement === e"):
        await keys.press("Tab")
    await keys.type("i'd like to return my jacket")
    await keys.press("Enter")
    await expect(log).to_contain_text("A1001")
    await keys.type("A1001")
    await keys.press("Enter")
    await expect(log).to_contain_text("postcode")
    await keys.type("D02 AF30")
    await keys.press("Enter")
    for choice in ("Wrong size", "By post"):
        button = log.get_by_role("button", name=choice)
        await expect(button).to_be_visible()
        while not await button.evaluate("(e) => e.getRootNode().activeElement === e"):
            await keys.press("Shift+Tab")
        await keys.press("Enter")
    await expect(log).to_contain_text("e-mail")
    await keys.type("ada@example.com")
    await keys.press("Enter")
    await expect(log).to_contain_text("Shall I")
    await keys.type("yes")
    await keys.press("Enter")
    await expect(log).to_contain_text("Done: your label")
    assert visitor.complaints == []
    await eventually(page, "!Object.keys(localStorage).some((key) => key.endsWith(':session'))")
    margin = page.get_by_role("complementary")
    await expect(margin).to_contain_text("Remembered")
    await expect(margin).to_contain_text("ada@example.com")


async def test_stopped_in_the_middle_of_a_question(demo: RunningDemo, visit: Visit) -> None:
    """Killed while it waits for an answer, started again: the answer given meanwhile counts."""
    visitor = await visit(viewport={"width": 1280, "height": 900})
    page = await visitor.page(demo.url)
    await come(demo, page)
    log = page.get_by_role("log")
    await say(page, "i want to send something back")
    await expect(log).to_contain_text("A1001")
    await demo.kill()
    await expect(page.locator("#running")).to_have_text("Stopped")
    await expect(page.locator("segue-chat .trouble")).to_contain_text("Segue is not running.")
    await expect(page.locator("#notes")).to_contain_text("Segue is not running.")
    await say(page, "A1001")
    await demo.start()
    await expect(log).to_contain_text("postcode")
    await expect(page.locator("#running")).to_have_text("Stopped, started, went on")
    await expect(page.locator(".row.customer")).to_have_count(2)


async def test_a_changed_sentence_answers_at_once(demo: RunningDemo, visit: Visit) -> None:
    """A mistake in a reply is shown with file and line while the old one answers; then it mends."""
    visitor = await visit(viewport={"width": 1280, "height": 900})
    page = await visitor.page(demo.url)
    await come(demo, page)
    file = demo.folder / "brand_voice" / "en" / "return_item.j2"
    written = file.read_text("utf-8")
    problems = page.locator("#problems .trouble")
    try:
        file.write_text(written.replace("{% reply ask_order() %}", "{% reply ask_order( %}"))
        await expect(problems).to_contain_text("return_item.j2")
        await expect(problems).to_contain_text("the last good version keeps answering")
        await say(page, "i want to send something back")
        await expect(page.get_by_role("log")).to_contain_text("A1001")

        block = written.partition("{% reply ask_order() %}")[2].partition("{% endreply %}")[0]
        file.write_text(written.replace(block, "\nWhich order shall we take back, dear walker?\n"))
        await expect(problems).to_have_count(0)
        await expect(page.locator("#reworded")).to_be_visible()
        await say(page, "never mind")
        await say(page, "i want to send something back")
        await expect(page.get_by_role("log")).to_contain_text("dear walker")
    finally:
        file.write_text(written)


async def test_ada_and_ben_and_a_stranger(demo: RunningDemo, visit: Visit) -> None:
    """The switch signs in by the real token: each has a conversation of their own."""
    visitor = await visit(viewport={"width": 1280, "height": 900})
    page = await visitor.page(demo.url)
    await come(demo, page)
    log, toast = page.get_by_role("log"), page.locator("#toast")
    await page.get_by_text("Ada", exact=True).click()
    await expect(toast).to_contain_text("You are Ada now")
    await come(demo, page)
    await say(page, "this is what ada wrote")
    await expect(log).to_contain_text("this is what ada wrote")
    await page.get_by_text("Ben", exact=True).click()
    await expect(toast).to_contain_text("You are Ben now")
    await come(demo, page)
    await expect(log).not_to_contain_text("ada wrote")
    await page.get_by_text("a stranger", exact=True).click()
    await expect(toast).to_contain_text("You are a stranger now")
    await come(demo, page)
    await expect(log).not_to_contain_text("ada wrote")
    await page.get_by_text("Ada", exact=True).click()
    await expect(log).to_contain_text("this is what ada wrote")
    await page.reload()
    await expect(page.get_by_role("radio", name="Ada")).to_be_checked()
    await expect(log).to_contain_text("this is what ada wrote")
    assert visitor.complaints == []


async def test_a_sentence_to_try_lands_in_the_field(demo: RunningDemo, visit: Visit) -> None:
    """Pressing a suggestion puts it into the message field, ready to be sent."""
    visitor = await visit(viewport={"width": 1280, "height": 900})
    page = await visitor.page(demo.url)
    await page.get_by_role("button", name="Put into the message field: A1001").click()
    await expect(page.get_by_role("textbox")).to_have_value("A1001")
    await expect(page.get_by_role("textbox")).to_be_focused()


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
async def test_axe_finds_nothing_on_the_page(
    demo: RunningDemo, visit: Visit, look: str, width: int
) -> None:
    """The whole page is clean by WCAG 2.2 AA, and nobody has to scroll sideways."""
    visitor = await visit(
        viewport={"width": width, "height": 900}, color_scheme=look, bypass_csp=True
    )
    page = await visitor.page(demo.url)
    await come(demo, page)
    await say(page, "i want to send something back")
    await expect(page.locator(".note")).not_to_have_count(0)
    result = await Axe().run(page, options=RULES)
    assert result.violations_count == 0, result.generate_report()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)


@pytest.mark.parametrize("path", ["/privacy", "/kit"])
@pytest.mark.parametrize("look", ["light", "dark"])
async def test_axe_finds_nothing_on_the_others(
    demo: RunningDemo, visit: Visit, path: str, look: str
) -> None:
    """So are the privacy notice and the page of parts."""
    visitor = await visit(color_scheme=look, bypass_csp=True)
    page = await visitor.page(demo.url + path)
    result = await Axe().run(page, options=RULES)
    assert result.violations_count == 0, result.generate_report()
    assert visitor.complaints == []


async def test_the_look_is_kept(demo: RunningDemo, visit: Visit) -> None:
    """The switch changes page and widget at once, and a reload keeps it without a flash."""
    visitor = await visit(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = await visitor.page(demo.url)
    await page.get_by_label("Look").select_option("dark")
    paint = "[document.documentElement, document.querySelector('segue-chat').panel]"
    paint += ".map((e) => getComputedStyle(e).backgroundColor)"
    dark = await page.evaluate(paint)
    await page.reload()
    assert await page.evaluate(paint) == dark
    assert all(colour.startswith(("rgb(19", "rgb(27")) for colour in dark), dark
    assert 'data-look="dark"' in await (await page.request.get(demo.url)).text()


async def test_german_from_top_to_bottom(demo: RunningDemo, visit: Visit) -> None:
    """The page, the widget, the bot and the margin all speak German."""
    visitor = await visit(viewport={"width": 1280, "height": 900}, locale="de-DE")
    page = await visitor.page(demo.url)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Schreib an Tarnwood")
    await expect(page.get_by_role("textbox")).to_have_attribute(
        "placeholder", "Nachricht schreiben"
    )
    await say(page, "Ich möchte etwas zurückschicken")
    await expect(page.get_by_role("log")).to_contain_text("Bestell")
    await expect(page.locator(".note")).to_contain_text(["Verstanden"])
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Write to Tarnwood")
    await page.goto(demo.url)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Write to Tarnwood")


async def test_the_page_does_not_jump(demo: RunningDemo, visit: Visit) -> None:
    """From the first paint to the first answer nothing moves."""
    visitor = await visit(viewport={"width": 1440, "height": 900})
    await visitor.context.add_init_script(SHIFTS)
    page = await visitor.page(demo.url)
    await come(demo, page)
    before = await page.locator(".row.bot").count()
    await say(page, "hello")
    await expect(page.locator(".row.bot")).not_to_have_count(before)
    await page.wait_for_timeout(300)
    assert await page.evaluate("window.__shift") < 0.001


async def test_ctrl_c_ends_it_soon_although_a_page_is_open(demo: RunningDemo, visit: Visit) -> None:
    """An open page, with its socket and its waiting margin, does not hold up the end."""
    visitor = await visit()
    page = await visitor.page(demo.url)
    await come(demo, page)
    await expect(page.locator("#running")).to_have_text("Running")
    began = time.monotonic()
    assert await demo.interrupt() == 0
    assert time.monotonic() - began < 5
    await demo.start()
