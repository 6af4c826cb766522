"""The door of the web channel: who may come in, how big, how often, and what they hear if not.

Everything here is done before a message is looked at, in the order of its cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from aiohttp import web

from segue.channel import Answered, Asking
from segue.types import CustomerId
from segue_adapters.limits import Buckets
from segue_adapters.web_origins import JSON_HEADERS, Origins, is_loopback
from segue_adapters.web_payload import Refusal, encode
from segue_adapters.web_sessions import Session, Sessions
from segue_adapters.web_settings import WebSettings

_PLAIN_TYPES = ("", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded")
"""Content types that any page may send anywhere without asking first."""


class Door:
    """Lets requests in, or says why not."""

    def __init__(
        self,
        settings: WebSettings,
        *,
        origins: Origins,
        sessions: Sessions,
        messages: tuple[Buckets, Buckets],
        beginnings: Buckets,
        body_limit: int,
        counts: Counter[tuple[str, str]],
    ) -> None:
        self._settings = settings
        self._origins = origins
        self._sessions = sessions
        self._by_customer, self._by_peer = messages
        self._beginnings = beginnings
        self._body_limit = body_limit
        self._counts = counts
        self._cookie_start = f"{settings.cookie_name}="
        self._cookie_tail = f"; Path={settings.path}; HttpOnly; SameSite={settings.same_site}"

    # -- who -----------------------------------------------------------------------------------

    def origin(self, request: Asking) -> Mapping[str, str]:
        """Return the headers of the answer. Raises `Refusal` for a page of a foreign site."""
        origin = request.headers.get("origin")
        if origin is None:
            return JSON_HEADERS
        headers = self._origins.headers(origin, request.headers.get("host", ""))
        if headers is None:
            raise Refusal(
                403,
                "origin",
                "Pages of this site may not talk to this server; its origin is missing in "
                "channels.web.allowed_origins.",
            )
        return headers

    def session(self, request: Asking) -> tuple[Session | None, bool]:
        """Return the session a request comes with, and whether it came as a cookie.

        A bearer token that is no session (any more) is refused. A cookie that is none is ignored:
        whoever put it there gains nothing, the visitor gets a session of their own.
        """
        bearer = request.headers.get("authorization")
        if bearer is not None:
            session = self._sessions.read(bearer[7:]) if bearer[:7] == "Bearer " else None
            if session is None:
                raise ended()
            return session, False
        session = self.cookie(request)
        if session is not None and request.method == "POST":
            self._same_site(request)
        return session, session is not None

    def cookie(self, request: Asking) -> Session | None:
        """Return the session of the cookie, if there is a good one."""
        written = request.headers.get("cookie")
        if written is None or not self._settings.cookie:
            return None
        for part in written.split(";"):
            pair = part.strip()
            if pair.startswith(self._cookie_start):
                return self._sessions.read(pair[len(self._cookie_start) :])
        return None

    def _same_site(self, request: Asking) -> None:
        """Refuse a POST that a foreign page made the browser send with our cookie."""
        if request.headers.get("origin") is not None:
            return  # checked by `origin`
        site = request.headers.get("sec-fetch-site")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if site not in (None, "same-origin") or kind in _PLAIN_TYPES:
            raise Refusal(403, "csrf", "A request with a cookie needs an Origin header.")

    # -- how much ------------------------------------------------------------------------------

    async def json(self, request: Asking) -> bytes:
        """Return the body of a JSON request. Raises `Refusal` before reading what is too much."""
        kind = request.headers.get("content-type", "")
        if kind != "application/json" and (
            kind.partition(";")[0].strip().lower() != "application/json"
        ):
            raise Refusal(415, "content_type", "The Content-Type must be application/json.")
        self.unpacked(request)
        size = request.content_length
        if size is not None and size > self._body_limit:
            raise self._too_large()
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None

    def unpacked(self, request: Asking) -> None:
        """Refuse a compressed body: its real size is not known before it is read."""
        if "content-encoding" in request.headers:
            raise Refusal(415, "encoding", "A body must be sent uncompressed.")

    def _too_large(self) -> Refusal:
        return Refusal(413, "too_large", f"The body may have at most {self._body_limit} bytes.")

    # -- how often -----------------------------------------------------------------------------

    def message(self, customer: CustomerId, peer: str) -> None:
        """Count a message. Raises `Refusal` where it is too soon for another."""
        wait = self._by_customer.take(customer)
        if not wait and not is_here(peer):
            wait = self._by_peer.take(peer)
        if wait:
            raise too_fast(wait)

    def beginning(self, peer: str) -> None:
        """Count a new session or a checked identity. Raises `Refusal`."""
        if not is_here(peer) and (wait := self._beginnings.take(peer)):
            raise too_fast(wait)

    # -- what they hear ------------------------------------------------------------------------

    def problem(
        self, request: Asking, refusal: Refusal, headers: Mapping[str, str] = JSON_HEADERS
    ) -> Answered:
        """Return the answer to a request that is not let in, and count it."""
        self._counts["refused", refusal.why] += 1
        more: list[tuple[str, str]] = []
        if refusal.retry_after is not None:
            more.append(("Retry-After", str(max(1, round(refusal.retry_after + 0.5)))))
        if refusal.why == "session" and self.cookie(request) is not None:
            more.append(("Set-Cookie", self.no_cookie()))
        return Answered(
            status=refusal.status,
            body=encode({"error": refusal.sentence}),
            headers=headers,
            more=tuple(more),
        )

    def set_cookie(self, session: Session, request: Asking) -> str:
        """Return the header that keeps the session in the browser."""
        host = request.headers.get("host", "")
        secure = "" if is_loopback(host) and self._settings.same_site != "None" else "; Secure"
        age = (session.ends_at - self._sessions.moments.minutes()) * 60
        return f"{self._cookie_start}{session.token}; Max-Age={age}{self._cookie_tail}{secure}"

    def no_cookie(self) -> str:
        """Return the header that removes the cookie."""
        return f"{self._cookie_start}; Max-Age=0{self._cookie_tail}"


def response_of(request: web.Request, answer: Answered) -> web.Response:
    """Return an answer as aiohttp takes it."""
    response = web.Response(
        status=answer.status, body=answer.body, headers={**answer.headers, **dict(answer.more)}
    )
    if not request.content.at_eof():
        # What is still coming is not read, so this connection cannot go on.
        response.force_close()
    return response


def peer_of(request: Asking) -> str:
    """Return the IP address a request comes from; the server knows about trusted proxies."""
    return request.remote or ""


def is_here(peer: str) -> bool:
    """Is this an address of this machine?"""
    return peer == "" or peer == "::1" or peer.startswith("127.")


def ended() -> Refusal:
    """Return the refusal of a session that is none, or none any more."""
    return Refusal(401, "session", "This session has ended; write without one to begin a new one.")


def no_session() -> Refusal:
    """Return the refusal of a request that needs a session and brings none."""
    return Refusal(401, "no_session", "This needs a session; say something to get one.")


def away() -> Refusal:
    """Return the refusal while the store cannot be reached."""
    return Refusal(
        503,
        "unavailable",
        "The server cannot remember anything just now; try again.",
        retry_after=2,
    )


def too_fast(wait: float) -> Refusal:
    """Return the refusal of whoever writes too often."""
    return Refusal(
        429, "too_fast", "That was too many at once; try again in a moment.", retry_after=wait
    )
