"""What every request goes through, in one function around its handler.

- While the server stops, nothing new is let in: 503 with `Retry-After`, and the platform or widget
  comes again elsewhere. What only looks (health, metrics, files) goes on.
- An error is one sentence. Neither what was sent nor a traceback is ever in it.
- A handler is not cancelled when the client goes away: what was begun after a message was stored is
  finished (aiohttp's `handler_cancellation` stays off).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from aiohttp import web

from segue.channel import Answered, Handler
from segue.errors import StoreUnavailable
from segue.server.metrics import Metrics
from segue.server.proxies import Proxies

log = logging.getLogger("segue.server")

HEADERS = {
    "Content-Type": "application/json",
    "Server": "segue",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

SENTENCES = {
    400: "The request could not be understood.",
    401: "The request lacks a proof of who sends it.",
    403: "The request is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not take requests of this kind.",
    408: "The request took too long.",
    411: "The request must say how long it is.",
    413: "The request is too large.",
    414: "The address is too long.",
    415: "The request has a content type that is not taken here.",
    417: "The expectation cannot be met.",
    426: "This address speaks another protocol.",
    429: "That was too many at once; try again in a moment.",
    431: "The headers are too large.",
    500: "Something went wrong here; it has been noted.",
    503: "The server is not available just now; try again in a moment.",
}

_LOOKING = ("GET", "HEAD", "OPTIONS")


class Gate:
    """Open while the process takes work."""

    def __init__(self) -> None:
        self.closed = False
        """The server stops: nothing new is let in."""


def refusal(status: int, *, headers: Mapping[str, str] = HEADERS, close: bool = False) -> Answered:
    """Return an answer that says in one sentence what is wrong."""
    said = SENTENCES.get(status) or SENTENCES[400 if status < 500 else 500]
    return Answered(
        status=status,
        body=msgspec.json.encode({"error": said}),
        headers=headers,
        more=(("Retry-After", "2"),) if status in (429, 503) else (),
        close=close,
    )


def sentence(status: int, *, headers: Mapping[str, str] = HEADERS) -> web.Response:
    """Return the same as a response of aiohttp."""
    said = refusal(status, headers=headers)
    return web.Response(status=status, body=said.body, headers={**said.headers, **dict(said.more)})


def guarded(
    handler: Handler, *, channel: str, gate: Gate, proxies: Proxies, metrics: Metrics
) -> Handler:
    """Return the handler with the rules above around it."""
    behind = bool(proxies)

    async def guard(request: web.Request) -> web.StreamResponse:
        if gate.closed and (request.method not in _LOOKING or "Upgrade" in request.headers):
            metrics.unavailable.add("stopping")
            response = sentence(503)
            response.force_close()
            return response
        if behind:
            request = request.clone(remote=proxies.peer(request))
        try:
            return await handler(request)
        except web.HTTPException as answer:
            if answer.status < 400:
                raise
            response = sentence(answer.status)
        except StoreUnavailable:
            metrics.unavailable.add("store")
            response = sentence(503)
        except Exception as error:
            metrics.failures.add(channel, type(error).__name__)
            log.error(
                "request_failed",
                exc_info=error,
                extra={"segue": {"channel": channel, "method": request.method}},
            )
            response = sentence(500)
        if not request.content.at_eof():
            response.force_close()
        return response

    return guard
