"""The web channel: visitors of a website, over plain HTTP and over a socket.

    POST  …/messages        say something; `?wait=SECONDS` returns the replies in the answer
    GET   …/messages?after= read the transcript from a cursor
    GET   …/socket          the same as a WebSocket, with wake-ups and typing
    POST  …/session         put the session into the cookie, or ask whether it is there
    POST  …/identify        the host site says who this is (a signed token)
    POST  …/logout          end the session
    POST  …/media           send a photo or file; GET …/media/… serves it by a signed link
    GET   …/widget.js       the widget

The transcript and its cursor are the delivery: nothing is pushed that could not be read again. The
session proves who is reading, and the store checks it with every message.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property

from msgspec import to_builtins

from segue.channel import (
    Capabilities,
    Fetched,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Site,
)
from segue.types import Address, CustomerId, Media, Message, Row
from segue_adapters.limits import Buckets
from segue_adapters.moments import Moments
from segue_adapters.web_door import Door, is_here
from segue_adapters.web_identity import Identity
from segue_adapters.web_keys import own_key, read_keys
from segue_adapters.web_media import MediaStore
from segue_adapters.web_origins import Origins
from segue_adapters.web_pages import WebPages
from segue_adapters.web_payload import Refusal, web_reply
from segue_adapters.web_sessions import Sessions
from segue_adapters.web_settings import WebSettings
from segue_adapters.web_visitors import Visitors

_DAY = 24 * 3600.0


class WebChannel:
    """The adapter."""

    name = "web"
    capabilities = Capabilities(
        buttons=12,
        button_label=80,
        text_limit=20_000,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        images=True,
        typing=True,
        push=False,
    )
    Settings = WebSettings

    def __init__(self, settings: WebSettings | None = None, site: Site | None = None) -> None:
        self.settings = settings or WebSettings()
        self.site = site or Site()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._origins = Origins(self.settings.allowed_origins, self.site.public_url)
        self._sockets: Counter[str] = Counter()
        self._visitors: Visitors | None = None
        self._tidying: asyncio.Task[None] | None = None
        clock = self.site.clock
        self.uploads = Buckets(
            rate=self.settings.media_per_hour / 3600,
            burst=self.settings.media_per_hour,
            monotonic=clock.monotonic,
        )

    # -- parts -----------------------------------------------------------------------------------

    @cached_property
    def key(self) -> bytes:
        """What we sign with; made on first use, so that looking at the adapter writes nothing."""
        secret = self.settings.secret
        return own_key(
            None if secret is None else secret.get_secret_value(),
            self.site.data_dir / "web" / "key",
        )

    @cached_property
    def sessions(self) -> Sessions:
        """The tokens."""
        return Sessions(
            self.key,
            idle=timedelta(days=self.settings.session_idle_days),
            longest=timedelta(days=self.settings.session_days),
            moments=Moments(self.site.clock),
            ids=self.site.ids,
        )

    @cached_property
    def media(self) -> MediaStore:
        """Photos and files."""
        return MediaStore(
            self.site.data_dir / "web" / "media",
            key=lambda: self.key,
            path=f"{self.settings.path}/media",
            limit=self.settings.media_bytes,
            link_minutes=self.settings.media_link_minutes,
            clock=self.site.clock,
            new_id=self.site.ids.new,
        )

    @cached_property
    def door(self) -> Door:
        """Who may come in."""
        settings, monotonic = self.settings, self.site.clock.monotonic
        return Door(
            settings,
            origins=self._origins,
            sessions=self.sessions,
            messages=(
                Buckets(
                    rate=settings.customer_rate,
                    burst=settings.customer_burst,
                    monotonic=monotonic,
                ),
                Buckets(rate=settings.peer_rate, burst=settings.peer_burst, monotonic=monotonic),
            ),
            beginnings=Buckets(
                rate=settings.new_per_minute / 60,
                burst=max(1.0, settings.new_per_minute),
                monotonic=monotonic,
            ),
            body_limit=self.site.body_limit,
            counts=self.counts,
        )

    @cached_property
    def _identity(self) -> Identity:
        settings = self.settings
        return Identity(
            read_keys({name: key.get_secret_value() for name, key in settings.jwt_keys.items()}),
            algorithms=settings.algorithms,
            audience=settings.audience,
            issuer=settings.issuer,
            clock=self.site.clock,
        )

    # -- the contract ----------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return the paths; all have handlers of their own, none is a webhook."""
        self._visitors = visitors = Visitors(
            gateway,
            settings=self.settings,
            site=self.site,
            sessions=self.sessions,
            identity=self._identity,
            door=self.door,
            media=self.media,
            counts=self.counts,
        )
        pages = WebPages(self, visitors)
        path = self.settings.path
        talking = [
            Route(method="POST", path=f"{path}/messages", short=pages.post_message),
            Route(method="GET", path=f"{path}/messages", handler=pages.get_messages),
            Route(method="POST", path=f"{path}/session", handler=pages.post_session),
            Route(method="POST", path=f"{path}/identify", handler=pages.post_identify),
            Route(method="POST", path=f"{path}/logout", handler=pages.post_logout),
            Route(method="POST", path=f"{path}/media", handler=pages.post_media),
        ]
        asked = sorted({route.path for route in talking})
        return [
            *talking,
            *(Route(method="OPTIONS", path=each, handler=pages.preflight) for each in asked),
            Route(method="GET", path=f"{path}/socket", handler=pages.get_socket),
            Route(method="GET", path=f"{path}/media/{{folder}}/{{name}}", handler=pages.get_media),
            Route(method="GET", path=f"{path}/widget.js", handler=pages.get_widget),
        ]

    def verify(self, request: RawRequest) -> Refused | None:
        """Refuse: no platform sends webhooks here, visitors come by the routes."""
        return Refused(status=403, why="no_webhook")

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Refuse, for the same reason."""
        return Refused(status=403, why="no_webhook")

    def build(self, message: Message) -> Payload:
        """Return the JSON that a browser gets; it shows text as text, so nothing is escaped."""
        payload: Payload = to_builtins(web_reply(message, self.media))
        return payload

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Refuse: visitors read the transcript."""
        return NotSent(why="the web channel is read, not sent to", permanent=True)

    async def fetch(self, media: Media) -> Fetched | None:
        """Return what a visitor sent, from our own folder."""
        return await asyncio.to_thread(self.media.read, media.ref)

    async def forget(self, customer: CustomerId, media: Sequence[Media]) -> None:
        """Remove what a visitor sent."""
        refs = [each.ref for each in media]
        await asyncio.to_thread(self.media.forget, customer, refs)
        self.sessions.forget(customer)

    async def start(self, gateway: Gateway) -> None:
        """Begin to remove old files, once a day."""
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        """Ask the open sockets to connect elsewhere."""
        if self._visitors is not None:
            await self._visitors.close_all()
        if self._tidying is not None:
            self._tidying.cancel()
            with suppress(asyncio.CancelledError):
                await self._tidying

    def gauges(self) -> Mapping[str, float]:
        """Return how many sockets are open."""
        return {"open_sockets": self._sockets.total()}

    async def _tidy(self) -> None:
        while True:
            oldest = self.site.clock.now() - timedelta(days=self.settings.media_days)
            gone = await asyncio.to_thread(self.media.tidy, oldest.timestamp())
            self.counts["media", "removed"] += gone
            await self.site.clock.sleep(_DAY)

    # -- sockets ---------------------------------------------------------------------------------

    def enter(self, peer: str) -> None:
        """Count an opening socket. Raises `Refusal` where there are too many."""
        too_many = self._sockets.total() >= self.settings.max_sockets or (
            not is_here(peer) and self._sockets[peer] >= self.settings.peer_sockets
        )
        if too_many:
            raise Refusal(
                503, "sockets", "Too many connections are open; try again later.", retry_after=10
            )
        self._sockets[peer] += 1

    def leave(self, peer: str) -> None:
        """Count a closed socket."""
        self._sockets[peer] -= 1
        if self._sockets[peer] <= 0:
            del self._sockets[peer]
