"""A real Chromium, one page per test, and a server for the widget to talk to."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from .running import RunningDemo
from .standin import StandIn

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds. Long, because the machine may be busy; whatever is there in time ends the wait."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test of this folder in one event loop, the browser's."""
    for item in items:
        if "/tests/browser/" not in str(item.path):
            continue
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium from PATH, started once."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(
            f"These tests drive a browser, and none of {', '.join(NAMES)} is on PATH: "
            "install Chromium, or run `make browser`.",
            pytrace=False,
        )
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[StandIn]:
    """The stand-in of the web channel, with a host page at `/host`."""
    standin = StandIn()
    await standin.start()
    yield standin
    await standin.stop()


@dataclass
class Visitor:
    """A browser of one's own (cookies, storage) in which pages complain loudly."""

    context: BrowserContext
    complaints: list[str]

    async def page(self, url: str) -> Page:
        """Open a page; whatever it writes to the console as an error is kept as a complaint."""
        page = await self.context.new_page()
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        await page.goto(url)
        return page


Visit = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Make visitors; options are those of a browser context (viewport, color_scheme, locale…)."""
    made: list[BrowserContext] = []

    async def visitor(**options: Any) -> Visitor:
        context = await browser.new_context(
            viewport=options.pop("viewport", {"width": 480, "height": 760}), **options
        )
        context.set_default_timeout(PATIENCE)
        made.append(context)
        return Visitor(context, [])

    yield visitor
    for context in made:
        await context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDemo]:
    """`segue demo`, started once for all tests that talk with the sample company."""
    running = RunningDemo(tmp_path_factory.mktemp("demo"))
    await running.start()
    yield running
    await running.interrupt()
