"""Nothing that is written gets lost, and nothing arrives twice, whatever the connection does."""

from __future__ import annotations

import json

from playwright.async_api import Page, WebSocketRoute, expect

from .conftest import Visit
from .standin import StandIn
from .test_widget import arrive, say

CHAT = "document.querySelector('segue-chat')"


async def is_away(page: Page) -> None:
    """Wait until the widget has noticed that its server is away."""
    await expect(page.locator("segue-chat")).to_have_attribute("state", "waiting")


async def test_what_is_written_offline_is_sent_once(server: StandIn, visit: Visit) -> None:
    """Three messages written offline survive a reload of the page and arrive once, in order."""
    visitor, page = await arrive(server, visit)
    await server.stop()
    await is_away(page)
    for text in ("first", "second", "third"):
        await say(page, text)
    await expect(page.locator(".row.pending")).to_have_count(3)
    await expect(page.locator(".row.pending .state").last).to_have_text("Waiting to be sent")
    # The page itself comes from elsewhere; only the conversation's server is away.
    kept = await visitor.context.storage_state()
    await page.close()

    await server.start()
    again = await visit(storage_state=kept)
    page = await again.page(f"{server.url}/host")
    await expect(page.locator(".row.customer .bubble")).to_contain_text(
        ["first", "second", "third"]
    )
    await expect(page.get_by_role("log")).to_contain_text("Why are you sending back")
    assert [message["text"] for message in server.received] == ["first", "second", "third"]
    assert not any(":out:" in key for key in await page.evaluate("Object.keys(localStorage)"))


async def test_a_lost_acknowledgement_does_not_double_a_message(
    server: StandIn, visit: Visit
) -> None:
    """The connection breaks after the server took a message: it is sent again and taken once."""
    visitor = await visit()
    lose = {"on": False}

    async def between(socket: WebSocketRoute) -> None:
        far = socket.connect_to_server()

        def from_page(frame: str | bytes) -> None:
            far.send(frame)

        def from_server(frame: str | bytes) -> None:
            kind = json.loads(frame)["type"]
            if lose["on"] and kind in ("accepted", "lines"):
                return
            socket.send(frame)

        socket.on_message(from_page)
        far.on_message(from_server)

    await visitor.context.route_web_socket("**/channels/web/socket", between)
    page = await visitor.page(f"{server.url}/host")
    await expect(page.get_by_role("log")).to_contain_text("automated assistant")
    lose["on"] = True
    await say(page, "only once")
    await expect(page.locator(".row.pending")).to_have_count(1)
    await page.wait_for_timeout(100)
    lose["on"] = False
    await page.evaluate(f"{CHAT}.wire.now()")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await expect(page.locator(".row.customer")).to_have_count(1)
    (customer,) = server.customers.values()
    assert [line["text"] for line in customer.lines if line["who"] == "customer"] == ["only once"]


async def test_a_connection_that_comes_back_is_resumed(server: StandIn, visit: Visit) -> None:
    """What was said while the connection was away is there afterwards, without gap or double."""
    _, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await server.stop()
    trouble = page.locator(".trouble")
    await expect(trouble).to_contain_text("We cannot be reached right now")
    (customer,) = server.customers.values()
    server.add(customer, "agent", text="Meanwhile")
    await server.start()
    await trouble.get_by_role("button", name="Try now").click()
    await expect(page.get_by_role("log")).to_contain_text("Meanwhile")
    await expect(trouble).to_be_hidden()
    await expect(page.locator(".row")).to_have_count(4)


async def test_a_server_that_starts_again_is_found_by_itself(server: StandIn, visit: Visit) -> None:
    """Nobody has to press anything: the widget tries again, and goes on at the open question."""
    _, page = await arrive(server, visit)
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await server.stop()
    await is_away(page)
    await say(page, "A1001")
    await server.start()
    await expect(page.get_by_role("log")).to_contain_text("postcode")
    assert [message["text"] for message in server.received] == ["hello", "A1001"]


async def test_where_sockets_are_blocked_plain_requests_do(server: StandIn, visit: Visit) -> None:
    """Behind a proxy without sockets the conversation works the same, and survives a reload."""
    server.sockets_blocked = True
    visitor = await visit()
    page = await visitor.page(f"{server.url}/host")
    await expect(page.locator("segue-chat")).to_have_attribute("state", "polling")
    await say(page, "hello")
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await say(page, "A1001")
    await expect(page.get_by_role("log")).to_contain_text("postcode")
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("postcode")
    await expect(page.locator(".row")).to_have_count(4)


async def test_a_refused_message_stays_and_can_be_sent_again(server: StandIn, visit: Visit) -> None:
    """A message the server will not have is marked as not sent; it can be tried or removed."""
    _, page = await arrive(server, visit)
    server.refuse = [{"retry": False}, {"retry": False}]
    await say(page, "hello")
    failed = page.locator(".row.failed")
    await expect(failed).to_contain_text("Not sent.")
    await expect(page.get_by_role("alert")).to_contain_text("Not sent. hello")
    await failed.get_by_role("button", name="Try again").click()
    await expect(failed).to_contain_text("Not sent.")
    await failed.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("log")).to_contain_text("Which order")
    await expect(failed).to_have_count(0)

    server.refuse = [{"retry": False}]
    await say(page, "a slip")
    await failed.get_by_role("button", name="Remove").click()
    await expect(page.locator(".row.customer")).to_have_count(1)
    await expect(page.get_by_role("textbox")).to_be_focused()


async def test_too_many_at_once_arrive_later_and_in_order(server: StandIn, visit: Visit) -> None:
    """When the server asks for patience, the widget waits, and later ones do not overtake."""
    _, page = await arrive(server, visit)
    server.refuse = [{"retry": True, "after_seconds": 0.1}]
    await say(page, "one")
    await say(page, "two")
    await expect(page.get_by_role("log")).to_contain_text("postcode")
    assert [message["text"] for message in server.received] == ["one", "two"]


async def test_a_draft_survives_a_reload(server: StandIn, visit: Visit) -> None:
    """Half a sentence is still there after a reload."""
    _, page = await arrive(server, visit)
    await page.get_by_role("textbox").fill("half a sent")
    await page.reload()
    await expect(page.get_by_role("textbox")).to_have_value("half a sent")
    await say(page, "whole")
    await page.reload()
    await expect(page.get_by_role("textbox")).to_have_value("")
