"""What a visitor can rely on when they write to the widget."""

from __future__ import annotations

from playwright.async_api import Page, expect

from .conftest import Visit, Visitor
from .standin import PIXEL, Customer, Reply, StandIn, reply, token_for


async def arrive(server: StandIn, visit: Visit) -> tuple[Visitor, Page]:
    """Come to the host's page as somebody new, and be greeted."""
    visitor = await visit()
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    return visitor, page


async def say(page: Page, text: str) -> None:
    """Write a message and send it."""
    await page.get_by_role("textbox").fill(text)
    await page.keyboard.press("Enter")


async def eventually(page: Page, expression: str) -> None:
    """Wait until an expression of the page is true (its policy forbids playwright's own way)."""
    for _ in range(100):
        if await page.evaluate(expression):
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"never became true: {expression}")


async def test_a_message_is_answered(server: StandIn, visit: Visit) -> None:
    """A visitor is greeted, writes, sees their words at once, and then the answer."""
    visitor, page = await arrive(server, visit)
    log = page.get_by_role("log")
    await say(page, "I want to send something back")
    await expect(log).to_contain_text("Which order is it")
    await expect(log).to_contain_text("You said: I want to send something back")
    assert visitor.complaints == []


async def test_a_button_answers_and_then_goes(server: StandIn, visit: Visit) -> None:
    """A pressed button is sent as its id, shown as its label, and cannot be pressed again."""
    visitor = await visit()
    page = await visitor.page(f"{server.url}/host")
    for words, answer in (("hello", "Which order"), ("A1001", "postcode"), ("20095", "Why are")):
        await say(page, words)
        await expect(page.get_by_role("log")).to_contain_text(answer)
    choices = page.get_by_role("group", name="Choose an answer")
    await choices.get_by_role("button", name="Arrived damaged").click()
    await expect(page.get_by_role("log")).to_contain_text("Noted: Arrived damaged")
    await expect(choices).to_be_hidden()
    await expect(page.get_by_role("textbox")).to_be_focused()
    assert server.received[-1]["choice"] == "damaged"


async def test_a_reload_shows_the_same_conversation(server: StandIn, visit: Visit) -> None:
    """After a reload every message is there once, in the same order."""
    _, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    before = await page.locator(".bubble").all_inner_texts()
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    assert await page.locator(".bubble").all_inner_texts() == before
    assert len(before) == 3


async def test_a_second_tab_shows_the_same_conversation(server: StandIn, visit: Visit) -> None:
    """What is said in one tab stands in the other, in both directions and once."""
    visitor, first = await arrive(server, visit)
    await say(first, "hello")
    await expect(first.get_by_role("log")).to_contain_text("Which order")
    second = await visitor.page(f"{server.url}/host")
    await expect(second.get_by_role("log")).to_contain_text("Which order")
    await say(second, "A1001")
    await expect(first.get_by_role("log")).to_contain_text("postcode")
    bubbles = await second.locator(".bubble").all_inner_texts()
    assert await first.locator(".bubble").all_inner_texts() == bubbles
    assert len(bubbles) == 5


async def test_the_session_is_no_business_of_scripts(server: StandIn, visit: Visit) -> None:
    """Where the browser keeps the cookie, the session does not lie in its storage."""
    _, page = await arrive(server, visit)
    await eventually(page, "!Object.keys(localStorage).some((key) => key.endsWith(':session'))")
    kept = await page.evaluate("document.cookie + JSON.stringify(localStorage)")
    assert not any(token in kept for token in server.sessions)
    assert not any(token in page.url for token in server.sessions)


async def test_without_cookies_the_conversation_goes_on(server: StandIn, visit: Visit) -> None:
    """Where cookies are blocked, the session is kept in storage and a reload finds it."""
    server.cookies = False
    _, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    assert len(server.customers) == 1


async def test_signing_in_and_out_changes_the_conversation(server: StandIn, visit: Visit) -> None:
    """Each person has a conversation of their own, and after logging out nothing of it is left."""
    _, page = await arrive(server, visit)
    log = page.get_by_role("log")
    await say(page, "written as a stranger")
    await expect(log).to_contain_text("Which order")

    assert await page.evaluate("(token) => segue.identify(token)", token_for("ada"))
    await expect(log).to_contain_text("automated assistant")
    await expect(log).not_to_contain_text("written as a stranger")
    await say(page, "written as Ada")
    await expect(log).to_contain_text("Which order")

    assert await page.evaluate("() => segue.logout()")
    await expect(log).not_to_contain_text("written as Ada")
    await expect(log).to_contain_text("automated assistant")
    kept = await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "Ada" not in kept
    assert '"ada"' not in kept

    assert await page.evaluate("(token) => segue.identify(token)", token_for("ada"))
    await expect(log).to_contain_text("written as Ada")
    assert server.customers["user:ada"].lines[1]["text"] == "written as Ada"


async def test_a_photo_is_sent_and_shown(server: StandIn, visit: Visit) -> None:
    """A chosen photo is uploaded at once, sent with the message, and shown in the conversation."""
    _, page = await arrive(server, visit)
    photo = {"name": "zip.png", "mimeType": "image/png", "buffer": PIXEL}
    await page.locator("input[type=file]").set_input_files(photo)
    await expect(page.locator(".tray li.done")).to_contain_text("zip.png")
    await say(page, "the zip broke")
    shown = page.get_by_role("log").get_by_role("img")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 1
    assert len(server.received[-1]["media"]) == 1
    await expect(page.locator(".tray")).to_be_hidden()


async def test_a_failed_upload_says_so_and_can_be_tried_again(
    server: StandIn, visit: Visit
) -> None:
    """A file that was not uploaded is named, and one press uploads it again."""
    server.upload_status = 500
    _, page = await arrive(server, visit)
    photo = {"name": "zip.png", "mimeType": "image/png", "buffer": PIXEL}
    await page.locator("input[type=file]").set_input_files(photo)
    await expect(page.locator(".tray")).to_contain_text("zip.png was not uploaded")
    await expect(page.get_by_role("alert")).to_contain_text("zip.png was not uploaded")
    server.upload_status = 200
    await page.get_by_role("button", name="Upload zip.png again").click()
    await expect(page.locator(".tray li.done")).to_contain_text("zip.png")


async def test_a_file_that_is_too_large_is_not_even_tried(server: StandIn, visit: Visit) -> None:
    """The limit is said before anything is uploaded."""
    server.page_attributes += ' max-upload-mb="1"'
    _, page = await arrive(server, visit)
    large = {"name": "film.png", "mimeType": "image/png", "buffer": b"0" * (1024 * 1024 + 1)}
    await page.locator("input[type=file]").set_input_files(large)
    await expect(page.locator(".tray")).to_contain_text("film.png is too large. At most 1 MB.")


async def test_every_form_of_a_reply_is_shown(server: StandIn, visit: Visit) -> None:
    """Bold, emphasis, code, links and both kinds of list come out as what they are."""

    def rich(_: Customer, __: object) -> list[Reply]:
        line = ["p", [["b", [["t", "bold"]]], ["i", [["t", "soft"]]], ["c", "A1001"]]]
        link = ["p", [["a", "https://shop.example/r", [["t", "returns"]]]]]
        numbered = ["l", [[["t", "one"]], [["t", "two"]]], 3]
        return [reply(line, link, numbered, ["l", [[["t", "x"]]], 0])]

    server.script = rich
    visitor = await visit()
    page = await visitor.page(f"{server.url}/host")
    await say(page, "show me")
    log = page.get_by_role("log")
    await expect(log.locator("strong")).to_have_text("bold")
    await expect(log.locator("em")).to_have_text("soft")
    await expect(log.locator("code")).to_have_text("A1001")
    await expect(log.locator("ol")).to_have_attribute("start", "3")
    await expect(log.locator("ul li")).to_have_text("x")
    link = log.get_by_role("link", name="returns")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(link).to_have_attribute("href", "https://shop.example/r")


async def test_a_long_conversation_opens_quickly(server: StandIn, visit: Visit) -> None:
    """Two thousand messages: the newest are there at once, the older ones on request."""
    token, customer = server.begin()
    for number in range(2_000):
        server.add(customer, "bot" if number % 2 else "customer", text=f"message {number}")
    visitor = await visit()
    await visitor.context.add_cookies(
        [{"name": "segue_session", "value": token, "url": server.url, "httpOnly": True}]
    )
    page = await visitor.page(f"{server.url}/host")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("message 1999")
    await expect(page.locator(".row").last).to_be_in_viewport()
    assert await page.locator(".row").count() <= 60
    await page.get_by_role("button", name="Show earlier messages").click()
    assert await page.locator(".row").count() == 120
    await expect(page.locator(".row").last).not_to_be_in_viewport()
    spent = await page.evaluate("performance.now()")
    assert spent < 8_000


async def test_what_is_new_since_the_last_visit_is_marked(server: StandIn, visit: Visit) -> None:
    """Messages that came while nobody looked stand under a line that says so."""
    _, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await page.goto("about:blank")
    (customer,) = server.customers.values()
    server.add(customer, "agent", **reply("This is Mara. I found your parcel."))
    await page.goto(f"{server.url}/host")
    await expect(page.locator(".row.agent .fresh")).to_have_text("New messages")
    await expect(page.locator(".fresh")).to_have_count(1)


async def test_who_reads_back_is_not_pulled_away(server: StandIn, visit: Visit) -> None:
    """Somebody who scrolled up stays there; a button tells of the news and leads to it."""
    token, customer = server.begin()
    for number in range(60):
        server.add(customer, "bot", text=f"message {number}")
    visitor = await visit()
    await visitor.context.add_cookies(
        [{"name": "segue_session", "value": token, "url": server.url}]
    )
    page = await visitor.page(f"{server.url}/host")
    await expect(page.locator(".row").last).to_be_in_viewport()
    scroller = page.locator(".scroller")
    await scroller.hover()
    await page.mouse.wheel(0, -600)
    await expect(page.locator(".row").last).not_to_be_in_viewport()
    before = await scroller.evaluate("(s) => s.scrollTop")
    server.add(customer, "bot", **reply("And one more."))
    await server.push(customer)
    pill = page.get_by_role("button", name="New messages below")
    await expect(pill).to_be_visible()
    assert await scroller.evaluate("(s) => s.scrollTop") == before
    await pill.click()
    await expect(page.get_by_text("And one more.")).to_be_in_viewport()
    await expect(pill).to_be_hidden()
