"""A whole server: the app, its routes, and what watches over them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from segue.app import App
from segue.channel import Route
from segue.cli.reloading import Board, Reloading
from segue.server import Metrics, Server, make_app, serve
from segue.server.outbox import tell_of_sending, tell_of_spending
from segue.settings import Settings

Routes = Callable[[App], Sequence[Route]]


async def serve_app(
    app: App,
    *,
    started: Callable[[str], None],
    routes: Routes | None = None,
    reload: bool = False,
    board: Board | None = None,
    stopping: Callable[[], None] = lambda: None,
    next_free: bool = False,
    until: asyncio.Event | None = None,
) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code.

    `routes` adds paths of its own (the demo's page). `reload` reads dialogs and voice again on each
    save. `next_free` takes the next free port if this one is taken. `stopping` is called first of
    all when it ends, so that requests which wait for news let go.
    """
    await app.start()
    watching: asyncio.Task[None] | None = None

    async def stop() -> None:
        stopping()
        if watching is not None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        await app.stop()

    try:
        server = _server(app, routes, next_free)
        await app.watch()
        if reload:
            watching = asyncio.create_task(Reloading(app, board).run())
    except BaseException:
        await stop()
        raise
    return await serve(server, stop=stop, started=started, until=until)


def _metrics(app: App) -> Metrics:
    """Return the server's numbers with the engine's: read at a scrape, they cost a turn nothing."""
    metrics, counts, sends = Metrics(), app.worker.counts, app.delivery.outcomes

    def turns() -> dict[tuple[str, ...], int]:
        return {
            ("ended",): counts.turns,
            ("fenced",): counts.fenced,
            ("failed",): counts.failed,
        }

    metrics.tell("segue_turns", "Turns, by what became of them.", ["outcome"], turns)
    metrics.tell(
        "segue_dialog_faults",
        "Dialogs that could not go on; the customer got a recovery reply.",
        [],
        lambda: {(): counts.faults},
    )
    metrics.tell(
        "segue_too_much",
        "Messages above a customer's rate, and conversations in which a bot was met with silence.",
        ["what"],
        lambda: {("folded",): counts.folded, ("loop",): counts.loops},
    )
    metrics.tell(
        "segue_swept",
        "Customers taken up because a process died or a timer was due.",
        [],
        lambda: {(): counts.swept},
    )
    metrics.tell(
        "segue_api_requests",
        "Requests of the company's own systems, by what became of them.",
        ["route", "outcome"],
        lambda: {(*key,): count for key, count in app.door.counts.items()},
    )
    metrics.tell(
        "segue_webhook_events",
        "Events told to other systems, by what became of the try.",
        ["webhook", "outcome"],
        lambda: {(*key,): count for key, count in app.teller.counts.items()},
    )
    metrics.tell(
        "segue_sends",
        "Sends to platforms, by outcome.",
        ["channel", "outcome"],
        lambda: dict(sends.items()),
    )
    tell_of_sending(metrics, app.adapters, app.delivery, app.catch_up)
    tell_of_spending(metrics, app.spending)
    return metrics


def _server(app: App, routes: Routes | None, next_free: bool) -> Server:
    settings: Settings = app.settings
    http = make_app(
        app.adapters,
        app.core,
        ready={"store": app.ready},
        routes=(*app.routes(), *(routes(app) if routes else ())),
        public_url=settings.server.public_url,
        trusted_proxies=settings.server.trusted_proxies,
        body_limit=settings.server.body_limit,
        metrics=_metrics(app),
    )
    return Server(
        http,
        host=settings.server.host,
        port=settings.server.port,
        next_free=next_free,
        grace=settings.server.grace_seconds,
    )
