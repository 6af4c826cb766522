"""`segue chat`: the bot in this terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.common import Command, read_settings, with_settings

if TYPE_CHECKING:
    from segue.app import App


@click.command(cls=Command)
@click.option("--locale", help="Your language, like en or de-AT, instead of company.locale.")
@with_settings
def chat(locale: str | None, config: Path | None) -> None:
    """Talk to your bot in this terminal, until Ctrl-D.

    It is a channel like any other: what you say is remembered, and the same customer goes on the
    next time.
    """
    section: dict[str, Any] = {"locale": locale} if locale else {}
    settings = read_settings(config)
    written = settings.channels.get("terminal", {})
    settings = settings.model_copy(update={"channels": {"terminal": {**written, **section}}})

    from segue.app import App
    from segue.server import configure_logging

    configure_logging(level="error")
    app = App(settings)
    app.load()
    asyncio.run(_talk(app))


async def _talk(app: App) -> None:
    terminal: Any = app.adapters["terminal"]
    await app.start()
    try:
        await app.watch()
        await terminal.finished()
    finally:
        await app.stop()
