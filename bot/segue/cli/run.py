"""`segue run`: the server."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import click

from segue.cli.common import Command, read_settings, with_settings


@click.command(cls=Command)
@click.option("--dev", is_flag=True, help="Read dialogs and voice again on every save.")
@click.option("--host", help="Address to listen on, instead of server.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port, instead of server.port.")
@with_settings
def run(dev: bool, host: str | None, port: int | None, config: Path | None) -> None:
    """Serve customers until SIGTERM.

    On SIGTERM nothing new is taken, running turns finish or are handed back within
    server.grace_seconds, and the exit code is 0.
    """
    # Nothing that is loaded now is garbage: not looking for any makes the start a tenth quicker.
    # The server turns the collector on again when it listens.
    gc.disable()
    given = {"host": host, "port": port}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = read_settings(config, **({"server": chosen} if chosen else {}))

    from segue.app import App
    from segue.cli.serving import serve_app
    from segue.server import configure_logging

    configure_logging(level=settings.log.level, format=settings.log.format)
    app = App(settings)
    app.load()

    def started(address: str) -> None:
        click.echo(f"Segue is at {address}" + (", and reads every save." if dev else ""))

    board = None
    if dev:
        from segue.cli.devpage import DevPage

        board = DevPage()
    routes = board.routes if board else None
    serving = serve_app(app, started=started, routes=routes, reload=dev, board=board, next_free=dev)
    raise SystemExit(asyncio.run(serving))
