"""One client's connection: where the short way begins, and where what is not even HTTP ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from segue.channel import Answered
from segue.server.guard import sentence
from segue.server.short import Small, SmallHandler, is_plain_get, read_small, written

log = logging.getLogger("segue.server")


class Connection(web.RequestHandler):
    """Answers small requests itself, and broken ones in one sentence.

    For broken requests the library would repeat in its answer, and log, what was sent.

    A small request is answered here only while the library is idle and has been given nothing but
    whole requests, so that neither ever sees half of what is the other's. Its keep-alive and its
    way of stopping go on to apply: they look at the fields that are set here too.
    """

    __slots__ = ("_answering", "_between", "_held", "count", "peer", "short")

    count: Callable[[int], None]
    """Called with the status of each answer to a broken request."""
    short: Mapping[str, SmallHandler]
    """Path → who answers a small POST to it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self._answering: asyncio.Task[None] | None = None
        self._between = True
        """The next bytes begin a request, as far as is known."""
        self._held = b""
        """What came while a small request was being answered."""
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if isinstance(name, tuple) else ""

    def data_received(self, data: bytes) -> None:
        """Take what arrived, which may be half a request, or several."""
        if self._answering is not None:
            self._held += data
            self._pause_transport_reading()
            return
        # `_waiter` is there while the library waits for a request.
        if self._between and data and self._waiter is not None and not self._waiter.done():
            request = read_small(data)
            if request is not None:
                handler = self.short.get(request.raw_path.partition("?")[0])
                if handler is not None and not self._close and not self._force_close:
                    request.remote = self.peer
                    self._answering = self._loop.create_task(self._answer(handler, request))
                    return
            # Nobody says how much of this the library's parser keeps for later.
            self._between = is_plain_get(data)
        elif data:
            self._between = False
        super().data_received(data)

    async def _answer(self, handler: SmallHandler, request: Small) -> None:
        self._request_in_progress = True
        if self._manager is not None:
            self._manager.requests_count += 1
        task = self._answering
        request.answer = partial(self._early, task)
        try:
            answer = await handler(request)
            if self._answering is not task:
                return  # Answered early: the connection is with another request by now.
            self._write(answer)
            if self._paused:  # They do not read: nor do we, until they have.
                with suppress(ConnectionError):
                    await self._drain_helper()
        except BaseException:
            if self._answering is task:
                self.force_close()
            raise
        finally:
            if self._answering is task:
                self._idle()
        self._go_on(answer)

    def _early(self, task: asyncio.Task[None] | None, answer: Answered) -> None:
        """Answer before the handler is done; it goes on, and the connection without it."""
        if self._answering is task:
            self._write(answer)
            self._idle()
            self._go_on(answer)

    def _write(self, answer: Answered) -> None:
        if self.transport is not None:
            self.transport.write(written(answer))

    def _idle(self) -> None:
        self._answering = None
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)

    def _go_on(self, answer: Answered) -> None:
        if answer.close or self._close or self._force_close:
            self.force_close()
            return
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._held:
            held, self._held = self._held, b""
            self._resume_transport_reading()
            self.data_received(held)

    def _process_keepalive(self) -> None:
        if self._answering is not None:
            # Not idle, although the library waits.
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()

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
