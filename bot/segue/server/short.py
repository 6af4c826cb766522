"""The short way of a small request: read whole, answered whole.

Most requests are one message of some hundred bytes that arrives in one piece and is answered with
another. For these the library's stream of the body, its request and its response are most of what
HTTP costs. Its rules:

- Only what is beyond doubt goes this way: one complete request in one piece, HTTP/1.1, a path that
  is in the table, plain ASCII headers, each once, and a length in digits. Nothing is repaired.
- Everything else goes to aiohttp as it came, also whatever looks odd; so what a request means is
  never a matter of two opinions.
- A handler does not know which way its request came (`Asking`, `Answered` in `segue.channel`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from msgspec import Struct

from segue.channel import Answered, Handler, Short
from segue.errors import StoreUnavailable
from segue.server.guard import Gate, refusal
from segue.server.metrics import Metrics
from segue.server.proxies import Proxies

log = logging.getLogger("segue.server")

_LONGEST = 8192
_HEAD = re.compile(
    rb"POST (/[!-~]*) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[!-~][\t -~]*\r\n)+)\r\n"
)
_ELSEWHERE = frozenset({"transfer-encoding", "expect", "upgrade", "te", "trailer"})
"""Headers that change how a request is read."""
_DIGITS = re.compile(r"[0-9]{1,9}")


def _nobody(_answer: Answered) -> None:
    """Nobody waits."""


class Small(Struct, kw_only=True):
    """A whole small request (an `Asking`, and `Early`)."""

    method: str = "POST"
    raw_path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    content_length: int | None
    remote: str | None = None
    answer: Callable[[Answered], None] = _nobody
    """Answers before the handler is done (`Early`)."""

    async def read(self) -> bytes:
        """Return the body."""
        return self.body


SmallHandler: TypeAlias = Callable[[Small], Awaitable[Answered]]


def read_small(data: bytes) -> Small | None:
    """Return the request that `data` is, from its first byte to its last; None: not surely one."""
    head = _HEAD.match(data)
    if head is None or head.end() > _LONGEST:
        return None
    headers: dict[str, str] = {}
    lines = head[2].decode("ascii").split("\r\n")
    lines.pop()
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    if len(headers) < len(lines) or not _ELSEWHERE.isdisjoint(headers) or "host" not in headers:
        return None
    length = headers.get("content-length", "")
    body = data[head.end() :]
    if _DIGITS.fullmatch(length) is None or int(length) != len(body):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return Small(
        raw_path=head[1].decode("ascii"), headers=headers, body=body, content_length=len(body)
    )


def is_plain_get(data: bytes) -> bool:
    """Whether `data` is one request without a body, so that the next piece begins another."""
    return data.startswith(b"GET /") and data.find(b"\r\n\r\n") == len(data) - 4


def written(answer: Answered) -> bytes:
    """Return an answer as it goes out."""
    head = _head(answer.status, tuple(answer.headers.items()))
    more = "".join([f"{name}: {_checked(value)}\r\n" for name, value in answer.more])
    if answer.close:
        more += "Connection: close\r\n"
    tail = f"{more}Content-Length: {len(answer.body)}\r\nDate: {rfc822_formatted_time()}\r\n\r\n"
    return head + tail.encode() + answer.body


@lru_cache(maxsize=64)
def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    fields = "".join([f"{name}: {_checked(value)}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{fields}".encode()


def _checked(value: str) -> str:
    if "\r" in value or "\n" in value or "\0" in value:
        raise ValueError("a header of an answer would begin another one")
    return value


def guarded_short(
    handler: Short, *, channel: str, gate: Gate, proxies: Proxies, metrics: Metrics
) -> SmallHandler:
    """Return the handler with the rules of `guard.py` around it."""
    behind = bool(proxies)

    async def guard(request: Small) -> Answered:
        if gate.closed:
            metrics.unavailable.add("stopping")
            return refusal(503, close=True)
        if behind:
            request.remote = proxies.behind(
                request.remote or "", request.headers.get("x-forwarded-for", "")
            )
        try:
            return await handler(request)
        except StoreUnavailable:
            metrics.unavailable.add("store")
            return refusal(503)
        except Exception as error:
            metrics.failures.add(channel, type(error).__name__)
            log.error(
                "request_failed",
                exc_info=error,
                extra={"segue": {"channel": channel, "method": request.method}},
            )
            return refusal(500)

    return guard


def long_way(handler: Short) -> Handler:
    """Return the same handler for a request that came through aiohttp."""

    async def handle(request: web.Request) -> web.Response:
        answer = await handler(request)
        response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        for name, value in answer.more:
            response.headers[name] = value
        if answer.close or not request.content.at_eof():
            # What is still coming is not read, so this connection cannot go on.
            response.force_close()
        return response

    return handle
