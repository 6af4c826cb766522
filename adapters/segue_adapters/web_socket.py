"""One open socket of the web channel.

- The transcript and its cursor are the delivery. A wake-up is only a hint to read on from the
  cursor; where hints are lost, the socket looks by itself now and then. So nothing is missing and
  nothing comes twice, whatever was lost in between.
- Lines are read when the client has taken the ones before: however slow it is, what waits for it
  here is one page and a short row of small frames. Who is too slow is disconnected and resumes.
- One task reads, one writes; nobody else touches the connection.
- Before lines go out, the store is asked once more whether this address is still the customer's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from segue.errors import StoreUnavailable
from segue_adapters.limits import Buckets
from segue_adapters.web_payload import (
    END,
    FRAME,
    Hello,
    Lines,
    Opened,
    Refusal,
    Said,
    check_said,
    decode,
    encode,
    locale_of,
    web_lines,
)
from segue_adapters.web_sessions import Session

if TYPE_CHECKING:
    from segue_adapters.web_visitors import Visitors

_FRAME_BYTES = 64 * 1024
_PAGE = 50
_HISTORY = 200
_WAITING_FRAMES = 64
_HELLO_SECONDS = 15.0
_HEARTBEAT = 25.0
_OLDEST = 12 * 3600.0


class Close(IntEnum):
    """Why a socket was closed, for the client."""

    GOING_AWAY = 1001
    """The server stops, or wants a fresh connection: connect again."""
    POLICY = 1008
    """The client does not keep to the protocol: do not connect again as you are."""
    ENDED = 4401
    """The session has ended: forget it."""
    TOO_SLOW = 4408
    """What was sent is not being read: connect again and resume by cursor."""
    TOO_FAST = 4429
    """Too many frames: wait before connecting again."""


class Socket:
    """One visitor's connection."""

    def __init__(self, visitors: Visitors, peer: str) -> None:
        self._visitors = visitors
        self._gateway = visitors.gateway
        self._peer = peer
        self._ws = web.WebSocketResponse(
            heartbeat=_HEARTBEAT,
            timeout=5.0,
            compress=False,
            max_msg_size=_FRAME_BYTES,
            writer_limit=_FRAME_BYTES,
        )
        self._locale: str | None = None
        self._cursor = -1
        self._typing = False
        self._out: deque[dict[str, Any]] = deque()
        self._wake = asyncio.Event()
        self._news = True
        self._close: Close | None = None
        self.closed = asyncio.Event()
        self._frames = Buckets(rate=10, burst=60, monotonic=visitors.site.clock.monotonic, size=1)

    async def run(self, request: web.Request, cookie: Session | None) -> web.WebSocketResponse:
        """Serve the connection until it ends."""
        await self._ws.prepare(request)
        session = await self._hello(cookie)
        if session is None:
            await self._goodbye()
            return self._ws
        self._visitors.joined(session, self)
        unwatch = self._gateway.watch(session.customer, self._look)
        tasks = {
            asyncio.create_task(self._read(session)),
            asyncio.create_task(self._write(session)),
        }
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=_OLDEST, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                self._close = Close.GOING_AWAY
        finally:
            unwatch()
            self._visitors.left(session, self)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._goodbye()
            self.closed.set()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return self._ws

    def end(self, code: Close, *, why: str = "") -> None:
        """Close from outside: the session was revoked, or the server stops."""
        if why:
            self._out.append({"type": "ended", "why": why})
        self._close = self._close or code
        self._wake.set()

    # -- in ------------------------------------------------------------------------------------

    async def _hello(self, cookie: Session | None) -> Session | None:
        try:
            frame = await asyncio.wait_for(self._ws.receive(), _HELLO_SECONDS)
        except TimeoutError:
            self._close = Close.POLICY
            return None
        if frame.type is not WSMsgType.TEXT:
            self._close = Close.POLICY
            return None
        try:
            hello = decode(frame.data.encode(), FRAME)
            if not isinstance(hello, Hello):
                raise Refusal(400, "no_hello", "The first frame must be a hello.")
            session, fresh = await self._session_of(hello, cookie)
        except (Refusal, UnicodeError) as refusal:
            await self._refuse_hello(refusal)
            return None
        except StoreUnavailable:
            self._close = Close.GOING_AWAY
            return None
        if session is None:
            self._out.append({"type": "ended", "why": "unknown"})
            self._close = Close.ENDED
            return None
        self._locale = locale_of(hello.locale) or session.vouched.locale
        await self._resume(session, hello.after, fresh=fresh)
        return session

    async def _refuse_hello(self, refusal: Refusal | UnicodeError) -> None:
        why = refusal.why if isinstance(refusal, Refusal) else "not_json"
        self._visitors.counts["refused", why] += 1
        self._close = Close.TOO_FAST if why == "too_fast" else Close.POLICY

    async def _session_of(
        self, hello: Hello, cookie: Session | None
    ) -> tuple[Session | None, bool]:
        """Return the session and whether its token is news to the client."""
        visitors = self._visitors
        if hello.session is not None:
            session = visitors.sessions.read(hello.session)
            if session is None or not await self._visitors.still(session):
                return None, False
        elif cookie is not None and await self._visitors.still(cookie):
            session = cookie
        else:
            return await visitors.begin(self._peer), True
        if visitors.sessions.moments.minutes() >= session.renew_at:
            return visitors.sessions.renew(session), True
        return session, False

    async def _resume(self, session: Session, after: int, *, fresh: bool) -> None:
        end = (await self._gateway.page(session.customer, after=END, limit=1)).cursor
        # A cursor beyond the end is of another conversation: this one is shown as to a newcomer.
        newcomer = after < 0 or after > end
        self._cursor = max(-1, end - _HISTORY) if newcomer else after
        welcome: dict[str, Any] = {
            "type": "welcome",
            "cursor": self._cursor,
            "identified": session.identified,
            "text_limit": self._visitors.settings.text_limit,
            "media_bytes": self._visitors.settings.media_bytes,
            "privacy_url": self._visitors.site.privacy_url,
        }
        if fresh:
            welcome["session"] = session.token
        self._out.append(welcome)

    async def _read(self, session: Session) -> None:
        async for frame in self._ws:
            if self._close is not None:
                return
            if self._frames.take(""):
                self._visitors.counts["refused", "too_many_frames"] += 1
                self.end(Close.TOO_FAST)
                return
            if frame.type is not WSMsgType.TEXT:
                self.end(Close.POLICY)
                return
            try:
                said = decode(frame.data.encode(), FRAME)
            except (Refusal, UnicodeError) as problem:
                why = problem.why if isinstance(problem, Refusal) else "not_json"
                self._visitors.counts["refused", why] += 1
                self.end(Close.POLICY)
                return
            if isinstance(said, Said):
                await self._said(session, said)
            elif isinstance(said, Opened):
                await self._opened(session)
            elif isinstance(said, Hello):
                self.end(Close.POLICY)
                return
            # `typing` and `read` are understood; nobody is at the other end of them yet.

    async def _said(self, session: Session, said: Said) -> None:
        given = said.client_message_id
        try:
            check_said(said, self._visitors.settings.text_limit)
            result, _ = await self._visitors.receive(
                session, said, locale=locale_of(said.locale) or self._locale, peer=self._peer
            )
        except Refusal as refusal:
            self._refused(given, refusal)
            return
        self._put({"type": "accepted", "client_message_id": given, "duplicate": result.duplicate})
        self._look()

    async def _opened(self, session: Session) -> None:
        with suppress(Refusal):  # a greeting that cannot be given now is not worth a message
            await self._visitors.opened(session, locale=self._locale, peer=self._peer)
            self._look()

    def _refused(self, given: str | None, refusal: Refusal) -> None:
        self._visitors.counts["refused", refusal.why] += 1
        if refusal.status == 401:
            self.end(Close.ENDED, why="revoked")
            return
        frame: dict[str, Any] = {
            "type": "refused",
            "client_message_id": given,
            "why": refusal.sentence,
            "retry": refusal.status in (429, 503),
        }
        if refusal.retry_after is not None:
            frame["after_seconds"] = round(refusal.retry_after, 1)
        self._put(frame)

    # -- out -----------------------------------------------------------------------------------

    def _look(self) -> None:
        self._news = True
        self._wake.set()

    def _put(self, frame: dict[str, Any]) -> None:
        if len(self._out) >= _WAITING_FRAMES:
            self.end(Close.TOO_SLOW)
            return
        self._out.append(frame)
        self._wake.set()

    async def _write(self, session: Session) -> None:
        pause = 0.0
        while self._close is None:
            self._wake.clear()
            try:
                await self._send_waiting()
                if self._news:
                    self._news = False
                    await self._catch_up(session)
                pause = 0.0
            except StoreUnavailable:
                self._news = True
                pause = min(10.0, pause * 2 or 0.5)
                await self._visitors.site.clock.sleep(pause)
                continue
            except TimeoutError:
                self._close = Close.TOO_SLOW
                return
            except ConnectionError:
                return
            if not (self._out or self._news):
                await self._rest()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), self._visitors.settings.poll_seconds)
        except TimeoutError:
            self._news = True

    async def _send_waiting(self) -> None:
        while self._out:
            await self._send(encode(self._out.popleft()))

    async def _send(self, frame: bytes) -> None:
        async with asyncio.timeout(self._visitors.settings.slow_seconds):
            await self._ws.send_frame(frame, WSMsgType.TEXT)

    async def _catch_up(self, session: Session) -> None:
        media = self._visitors.media
        while self._close is None:
            page = await self._gateway.page(session.customer, after=self._cursor, limit=_PAGE)
            if not await self._visitors.still(session):
                self.end(Close.ENDED, why="revoked")
                return
            if page.lines:
                lines = web_lines(page.lines, media)
                await self._send(encode(Lines(type="lines", lines=lines, cursor=page.cursor)))
                self._cursor = page.cursor
                fresh = await self._visitors.rotated(session, [line for _, line in page.lines])
                if fresh is not None:
                    # This connection goes on with the old one until the client has taken it.
                    await self._send(encode({"type": "session", "session": fresh.token}))
                    self.end(Close.GOING_AWAY)
                    return
            if page.typing != self._typing:
                self._typing = page.typing
                await self._send(encode({"type": "typing", "on": page.typing}))
            if len(page.lines) < _PAGE:
                return
            await self._send_waiting()

    async def _goodbye(self) -> None:
        code = self._close or Close.GOING_AWAY
        with suppress(TimeoutError, ConnectionError, RuntimeError):  # it is gone already
            async with asyncio.timeout(5):
                if code is not Close.TOO_SLOW:
                    await self._send_waiting()
                await self._ws.close(code=code)
