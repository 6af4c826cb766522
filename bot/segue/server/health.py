"""Is the process alive, should it get traffic, what has it counted.

`/healthz` is for whoever restarts processes: it answers as long as the event loop turns, whatever
else is wrong. `/readyz` is for whoever sends traffic: it names each thing that stands in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from aiohttp import web

from segue.channel import Route
from segue.server.guard import HEADERS, Gate
from segue.server.metrics import CONTENT_TYPE, Metrics

Ready: TypeAlias = Callable[[], Awaitable[str | None]]
"""Returns in one sentence why this process should get no traffic, or None."""

_PATIENCE = 2.0


def health_routes(gate: Gate, metrics: Metrics, ready: Mapping[str, Ready]) -> Sequence[Route]:
    """Return `/healthz`, `/readyz` and `/metrics`."""

    async def healthz(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"alive":true}', headers=HEADERS)

    async def readyz(_: web.Request) -> web.StreamResponse:
        names = list(ready)
        found = await asyncio.gather(*(_asked(ready[name]) for name in names))
        why = {name: reason for name, reason in zip(names, found, strict=True) if reason}
        if gate.closed:
            why["server"] = "stopping"
        body = msgspec.json.encode({"ready": not why, "why": why})
        return web.Response(status=503 if why else 200, body=body, headers=HEADERS)

    async def numbers(_: web.Request) -> web.StreamResponse:
        return web.Response(
            body=metrics.page(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        )

    paths = {"/healthz": healthz, "/readyz": readyz, "/metrics": numbers}
    return [
        Route(method=method, path=path, handler=handler)
        for path, handler in paths.items()
        for method in ("GET", "HEAD")
    ]


async def _asked(question: Ready) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await question()
    except TimeoutError:
        return "did not answer in time"
    except Exception as error:  # noqa: BLE001 - what cannot answer is not ready
        return f"could not answer ({type(error).__name__})"
