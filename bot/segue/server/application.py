"""Every route of every adapter, in one aiohttp application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from segue.channel import Adapter, Gateway, Handler, Route
from segue.errors import SettingsError
from segue.server.guard import Gate, guarded, sentence
from segue.server.health import Ready, health_routes
from segue.server.metrics import Metrics
from segue.server.proxies import Proxies
from segue.server.short import SmallHandler, guarded_short, long_way
from segue.server.webhook import webhook

GATE = web.AppKey("segue_gate", Gate)
METRICS = web.AppKey("segue_metrics", Metrics)
SHORT = web.AppKey("segue_short", dict[str, SmallHandler])
"""Path → who answers a small POST to it, see `short.py`."""


def make_app(
    adapters: Mapping[str, Adapter],
    gateway: Gateway,
    *,
    ready: Mapping[str, Ready] | None = None,
    routes: Sequence[Route] = (),
    public_url: str = "",
    trusted_proxies: Sequence[str] = (),
    body_limit: int = 1_048_576,
    metrics: Metrics | None = None,
    gate: Gate | None = None,
) -> web.Application:
    """Return the application; nothing runs yet.

    `routes` are further paths (the demo's pages). `ready` are the questions of `/readyz` by name.
    No middleware is used: what every request goes through is one function around its handler.
    Raises `SettingsError` where two channels want the same path.
    """
    metrics = metrics or Metrics()
    gate = gate or Gate()
    proxies = Proxies(trusted_proxies)
    app = web.Application(client_max_size=body_limit)
    app[GATE] = gate
    app[METRICS] = metrics
    app[SHORT] = {}
    metrics.watch(adapters)
    taken: dict[tuple[str, str], str] = {}

    def add(owner: str, route: Route) -> None:
        key = (route.method.upper(), route.path)
        if key in taken:
            raise SettingsError(
                f"channels.{owner}",
                f"its path {route.path} is taken by {taken[key]}",
                "Give one of them another path",
            )
        taken[key] = owner
        handler, short = route.handler, route.short
        if handler is None and short is None:
            short = webhook(
                adapters[owner],
                gateway,
                public_url=public_url,
                body_limit=body_limit,
                metrics=metrics,
            )
        if short is not None:
            handler = handler or long_way(short)
            if key[0] == "POST":
                app[SHORT][route.path] = guarded_short(
                    short, channel=owner, gate=gate, proxies=proxies, metrics=metrics
                )
        assert handler is not None
        safe = guarded(handler, channel=owner, gate=gate, proxies=proxies, metrics=metrics)
        app.router.add_route(route.method, route.path, safe)

    for name, adapter in adapters.items():
        for route in adapter.routes(gateway):
            add(name, route)
    for route in health_routes(gate, metrics, ready or {}):
        add("health", route)
    for route in routes:
        add("pages", route)
    app.router.add_route("*", "/{tail:.*}", _nothing({path for _, path in taken}))
    return app


def _nothing(known: set[str]) -> Handler:
    async def nothing(request: web.Request) -> web.StreamResponse:
        response = sentence(405 if request.path in known else 404)
        if not request.content.at_eof():
            response.force_close()
        return response

    return nothing
