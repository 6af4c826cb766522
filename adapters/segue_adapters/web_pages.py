"""The web channel's HTTP handlers: from a request to what a visitor does, and back to JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from aiohttp import web
from msgspec import UNSET

from segue.channel import Accepted, Answered, Asking, Page
from segue.errors import StoreUnavailable
from segue.types import Who
from segue_adapters.web_door import away, ended, no_session, peer_of, response_of
from segue_adapters.web_files import give_file, give_widget, take_upload
from segue_adapters.web_origins import JSON_HEADERS, PREFLIGHT
from segue_adapters.web_payload import (
    END,
    IDENTIFY,
    POSTED,
    Answer,
    Lines,
    Refusal,
    WebReply,
    check_said,
    decode,
    encode,
    locale_of,
    query_of,
    wait_of,
    web_lines,
    web_reply,
)
from segue_adapters.web_sessions import Session
from segue_adapters.web_socket import Socket
from segue_adapters.web_visitors import Visitors

if TYPE_CHECKING:
    from segue_adapters.web import WebChannel

Answering = Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]


class WebPages:
    """One method per route."""

    def __init__(self, channel: WebChannel, visitors: Visitors) -> None:
        self._channel = channel
        self._visitors = visitors
        self._door = visitors.door
        self._sessions = visitors.sessions
        self._gateway = visitors.gateway
        self._media = visitors.media
        self._settings = visitors.settings

    # -- messages --------------------------------------------------------------------------------

    async def post_message(self, request: Asking) -> Answered:
        """Take a message; with `?wait=SECONDS` also wait for what is said to it."""
        door = self._door
        headers: Mapping[str, str] = JSON_HEADERS
        try:
            headers = door.origin(request)
            session, by_cookie = door.session(request)
            posted = decode(await door.json(request), POSTED)
            check_said(posted, self._settings.text_limit)
            wait = self._wait(request)
            peer = peer_of(request)
            news: Session | None = None
            if session is None:
                session = news = await self._visitors.begin(peer)
            elif self._sessions.moments.minutes() >= session.renew_at:
                news = self._sessions.renew(session)
            spoken = posted.locale or session.vouched.locale
            locale = locale_of(spoken or request.headers.get("accept-language"))
            # Who can be answered early may lend their task to the turn.
            early: Callable[[Answered], None] | None = getattr(request, "answer", None)
            accepted, message_id = await self._visitors.receive(
                session, posted, locale=locale, peer=peer, waits=wait > 0 and early is not None
            )

            def answered(page: Page | None) -> Answered:
                return self._answered(request, accepted, page, news, headers, by_cookie=by_cookie)

            in_time = True

            def late() -> None:
                nonlocal in_time
                if early is not None:
                    in_time = False
                    early(answered(None))

            if wait <= 0:
                return answered(None)
            if accepted.duplicate:
                page: Page | None = await self._said_before(session, message_id)
            else:
                page = await self._gateway.answered(
                    session.customer,
                    message_id,
                    within=wait,
                    late=None if early is None else late,
                )
            if page is not None and in_time:  # Else nobody would hear of another session.
                lines = [line for _, line in page.lines]
                news = await self._visitors.rotated(session, lines) or news
            return answered(page)
        except Refusal as refusal:
            return door.problem(request, refusal, headers)
        except StoreUnavailable:
            return door.problem(request, away(), headers)

    def _answered(
        self,
        request: Asking,
        accepted: Accepted,
        page: Page | None,
        news: Session | None,
        headers: Mapping[str, str],
        *,
        by_cookie: bool,
    ) -> Answered:
        cookie = (
            news is not None and self._settings.cookie and "authorization" not in request.headers
        )
        return Answered(
            status=202 if page is None else 200,
            body=encode(
                Answer(
                    accepted=True,
                    duplicate=accepted.duplicate,
                    cursor=accepted.cursor if page is None else page.cursor,
                    session=UNSET if news is None or by_cookie else news.token,
                    replies=UNSET if page is None else self._replies(page),
                )
            ),
            headers=headers,
            more=(("Set-Cookie", self._door.set_cookie(news, request)),)
            if cookie and news is not None
            else (),
        )

    def _wait(self, request: Asking) -> float:
        wait = wait_of(request.raw_path.partition("?")[2])
        if not wait >= 0:
            raise Refusal(400, "wait", "wait is a number of seconds.")
        return min(wait, self._settings.wait_limit)

    def _replies(self, page: Page) -> tuple[WebReply, ...]:
        media = self._media
        return tuple(
            [
                web_reply(line.message, media)
                for _, line in page.lines
                if line.message is not None and line.who is not Who.CUSTOMER
            ]
        )

    async def _said_before(self, session: Session, message_id: str) -> Page:
        """Return what followed a message stored before, for a client that asks again."""
        end = (await self._gateway.page(session.customer, after=END, limit=1)).cursor
        page = await self._gateway.page(session.customer, after=max(-1, end - 200))
        for place, (_, line) in enumerate(page.lines):
            if line.who is Who.CUSTOMER and line.id == message_id:
                return Page(lines=page.lines[place + 1 :], cursor=page.cursor)
        return Page(lines=(), cursor=page.cursor)

    async def get_messages(self, request: web.Request) -> web.StreamResponse:
        """Return the transcript from a cursor."""

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.Response:
            session, _ = self._door.session(request)
            if session is None:
                raise no_session()
            written = query_of(request.rel_url.raw_query_string).get("after", "-1")
            if not (written == "-1" or (written.isascii() and written.isdigit())):
                raise Refusal(400, "after", "after is the cursor of an earlier answer, or -1.")
            page = await self._gateway.page(session.customer, after=int(written[:18]))
            if not await self._visitors.still(session):
                raise ended()
            lines = web_lines(page.lines, self._media)
            body = encode(Lines(lines=lines, cursor=page.cursor, typing=page.typing))
            return web.Response(body=body, headers=headers)

        return await self._guarded(request, answer)

    # -- sessions --------------------------------------------------------------------------------

    async def post_identify(self, request: web.Request) -> web.StreamResponse:
        """Rotate the session to the customer whom the host site vouches for."""

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.Response:
            old, by_cookie = self._door.session(request)
            token = decode(await self._door.json(request), IDENTIFY).token
            if old is not None and not await self._visitors.still(old):
                if not by_cookie:
                    raise ended()
                old = None  # a cookie left over; the new one takes its place
            session = await self._visitors.identify(token, old, peer_of(request))
            response = web.Response(body=encode({"session": session.token}), headers=headers)
            if self._settings.cookie:
                response.headers["Set-Cookie"] = self._door.set_cookie(session, request)
            return response

        return await self._guarded(request, answer)

    async def post_session(self, request: web.Request) -> web.StreamResponse:
        """Put the session of a bearer token into the cookie; without one, say if a cookie came.

        A socket cannot set a cookie, so the widget asks for it, and then asks whether the browser
        keeps it: only if not, the session lies where scripts can read it.
        """

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.Response:
            session, by_cookie = self._door.session(request)
            if session is not None and not await self._visitors.still(session):
                raise ended()
            response = web.Response(body=encode({"cookie": by_cookie}), headers=headers)
            if session is not None and not by_cookie and self._settings.cookie:
                response.headers["Set-Cookie"] = self._door.set_cookie(session, request)
            return response

        return await self._guarded(request, answer)

    async def post_logout(self, request: web.Request) -> web.StreamResponse:
        """End the session; the next message begins a new one, of a new customer."""

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.Response:
            session, _ = self._door.session(request)
            if session is not None:
                await self._visitors.end(session, "logout")
            response = web.Response(body=encode({"ended": session is not None}), headers=headers)
            response.headers["Set-Cookie"] = self._door.no_cookie()
            # Whoever sits down next finds nothing of this conversation in the browser's cache.
            response.headers["Clear-Site-Data"] = '"cache"'
            return response

        return await self._guarded(request, answer)

    # -- socket ----------------------------------------------------------------------------------

    async def get_socket(self, request: web.Request) -> web.StreamResponse:
        """Open a socket for a page of an allowed site."""

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
            if "Origin" not in request.headers:
                raise Refusal(403, "no_origin", "A socket must be opened by a page.")
            if request.headers.get("Upgrade", "").lower() != "websocket":
                raise Refusal(426, "no_upgrade", "This path speaks WebSocket only.")
            peer = peer_of(request)
            self._channel.enter(peer)
            try:
                return await Socket(self._visitors, peer).run(request, self._door.cookie(request))
            finally:
                self._channel.leave(peer)

        return await self._guarded(request, answer)

    # -- files -----------------------------------------------------------------------------------

    async def post_media(self, request: web.Request) -> web.StreamResponse:
        """Store a photo or file."""

        async def answer(request: web.Request, headers: Mapping[str, str]) -> web.Response:
            return await take_upload(
                request, self._visitors, self._channel.uploads, self._settings.media_bytes, headers
            )

        return await self._guarded(request, answer)

    async def get_media(self, request: web.Request) -> web.StreamResponse:
        """Serve a photo or file by its signed link: the signature is what lets it out."""
        try:
            return give_file(request, self._media)
        except Refusal as refusal:
            return response_of(request, self._door.problem(request, refusal))

    async def get_widget(self, request: web.Request) -> web.StreamResponse:
        """Serve the widget."""
        return give_widget(request)

    # -- around ----------------------------------------------------------------------------------

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """Answer the question a browser asks before it sends for a page of another site."""

        async def answer(_: web.Request, headers: Mapping[str, str]) -> web.Response:
            return web.Response(status=204, headers={**headers, **PREFLIGHT})

        return await self._guarded(request, answer)

    async def _guarded(self, request: web.Request, answer: Answering) -> web.StreamResponse:
        headers: Mapping[str, str] = JSON_HEADERS
        try:
            headers = self._door.origin(request)
            return await answer(request, headers)
        except Refusal as refusal:
            return response_of(request, self._door.problem(request, refusal, headers))
        except StoreUnavailable:
            return response_of(request, self._door.problem(request, away(), headers))
