"""The way of a platform's request: measure, verify, parse, receive, answer.

- The body is read up to a limit and handed on as it came; nothing is decoded before it is verified.
- An adapter that raises is a fault of ours, but the sender hears the same as for a forgery (verify)
  or nonsense (parse): no more than that can be learned from outside.
- The platform gets its 2xx only when every message in the request is stored. If one cannot be, it
  gets a 503 and sends again; those already stored are recognised.
"""

from __future__ import annotations

import logging

from aiohttp import web

from segue.channel import (
    Accepted,
    Adapter,
    Answered,
    Asking,
    Gateway,
    Parsed,
    RawRequest,
    Refused,
    Short,
)
from segue.errors import StoreUnavailable
from segue.server.guard import refusal
from segue.server.metrics import Metrics, label

log = logging.getLogger("segue.webhook")


def webhook(
    adapter: Adapter, gateway: Gateway, *, public_url: str, body_limit: int, metrics: Metrics
) -> Short:
    """Return the handler of an adapter's webhook."""
    name = adapter.name

    def count(outcome: str) -> None:
        metrics.webhooks.add(name, label(outcome))

    def refused(what: Refused) -> Answered:
        count(what.why)
        return refusal(what.status if what.status in (400, 401, 403, 413) else 403)

    async def handle(request: Asking) -> Answered:
        raw = await _raw(request, public_url, body_limit)
        if isinstance(raw, Refused):
            return refused(raw)
        problem = _verified(adapter, raw)
        if problem is not None:
            return refused(problem)
        parsed = _parsed(adapter, raw)
        if isinstance(parsed, Refused):
            return refused(parsed)
        for inbound in parsed.inbound:
            result = await gateway.receive(inbound)
            if not isinstance(result, Accepted):
                count(f"not_{result.why}")
                return refusal(result.status if result.status in (429, 503) else 503)
            count("duplicate" if result.duplicate else "accepted")
        for report in parsed.receipts:
            metrics.receipts.add(name, report.receipt.value)
            try:
                await gateway.report(name, report)
            except StoreUnavailable:
                count("not_unavailable")
                return refusal(503)
        return Answered(
            status=parsed.status,
            body=parsed.body,
            headers={"Content-Type": parsed.content_type, "X-Content-Type-Options": "nosniff"},
        )

    return handle


async def _raw(request: Asking, public_url: str, body_limit: int) -> RawRequest | Refused:
    size = request.content_length
    if size is not None and size > body_limit:
        return Refused(status=413, why="too_large")
    if "content-encoding" in request.headers:
        return Refused(status=400, why="encoding")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return Refused(status=413, why="too_large")
    # As it came: what was signed is the text of the address, not what it means.
    path, _, query = request.raw_path.partition("?")
    headers: dict[str, str] = {}
    for key, value in request.headers.items():
        lower = key.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return RawRequest(
        method=request.method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        peer=request.remote or "",
        url=f"{public_url}{request.raw_path}" if public_url else "",
    )


def _verified(adapter: Adapter, raw: RawRequest) -> Refused | None:
    try:
        return adapter.verify(raw)
    except Exception as error:
        log.error("verify_raised", exc_info=error, extra={"segue": {"channel": adapter.name}})
        return Refused(status=401, why="verify_raised")


def _parsed(adapter: Adapter, raw: RawRequest) -> Parsed | Refused:
    try:
        return adapter.parse(raw)
    except Exception as error:
        log.error("parse_raised", exc_info=error, extra={"segue": {"channel": adapter.name}})
        return Refused(status=400, why="parse_raised")
