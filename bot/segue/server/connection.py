"""One client's connection, where what is not even HTTP ends."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from segue.server.guard import sentence

log = logging.getLogger("segue.server")


class Connection(web.RequestHandler):
    """Answers broken requests in one sentence.

    The library would repeat in its answer, and log, what was sent.
    """

    __slots__ = ("count",)

    count: Callable[[int], None]
    """Called with the status of each such answer."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what no handler has answered."""
        if exc is not None and not isinstance(exc, HttpProcessingError):
            log.error("request_failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        self.count(status)
        response = sentence(status)
        response.force_close()
        return response
