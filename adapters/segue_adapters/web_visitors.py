"""What a visitor can do, whichever way they came: begin, say, be identified, leave.

HTTP handlers and sockets both call this; the rules of the channel are here once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from segue.channel import Accepted, Gateway, NotAccepted, Site
from segue.errors import StoreUnavailable
from segue.types import Address, CustomerId, Inbound, Line, Media, Proof
from segue_adapters.web_door import Door, away, ended
from segue_adapters.web_identity import Identity, NotProved
from segue_adapters.web_media import MediaStore
from segue_adapters.web_payload import Posted, Refusal, Said
from segue_adapters.web_sessions import Session, Sessions
from segue_adapters.web_settings import WebSettings
from segue_adapters.web_socket import Close, Socket

_OPENED = "~opened"
"""Message id of the first opening; a client's own ids never hold a tilde."""

_GOODBYE = 6.0
JOINED = "continue_on/joined"
"""The reply that says that two customers have become one: a token from before it is old."""
_RETIRED = 30.0

_SENTENCES = {
    "full": "Many messages are waiting for an answer already; try again in a moment.",
    "paused": "This channel is paused; try again later.",
    "unavailable": "The server cannot remember anything just now; try again.",
    "closed": "The server is restarting; try again in a moment.",
}


class Visitors:
    """The visitors of one process."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        settings: WebSettings,
        site: Site,
        sessions: Sessions,
        identity: Identity,
        door: Door,
        media: MediaStore,
        counts: Counter[tuple[str, str]],
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.site = site
        self.sessions = sessions
        self.door = door
        self.media = media
        self.counts = counts
        self._identity = identity
        self._moments = sessions.moments
        self._retiring: set[asyncio.Task[None]] = set()
        self._sockets: dict[str, set[Socket]] = {}
        """By the id of the session's address."""

    # -- sessions --------------------------------------------------------------------------------

    async def begin(self, peer: str) -> Session:
        """Make a new customer with a session. Raises `Refusal` where one peer makes too many."""
        self.door.beginning(peer)
        secret, address = self.sessions.secret()
        # The token names the customer: nobody ever looks up whose this address is.
        customer = await self.gateway.create(address, Proof.CHANNEL, indexed=False)
        self.counts["sessions", "begun"] += 1
        return self.sessions.issue(customer, secret)

    async def still(self, session: Session) -> bool:
        """Ask the customer's record whether this session is still theirs."""
        return await self.gateway.has_address(session.customer, session.address)

    async def identify(self, token: str, old: Session | None, peer: str) -> Session:
        """Begin a session of the customer whom the host site vouches for; the old one ends.

        What was said in the old session stays with the customer who said it, unless they are asked
        and want it along: only here, where both sessions are known, and only from an anonymous one.
        Raises `Refusal`; then the old session goes on.
        """
        self.door.beginning(peer)
        try:
            user, vouched = self._identity.read(token)
        except NotProved as problem:
            raise Refusal(
                401,
                f"identity_{problem.why}",
                "The identity token was not accepted; the session goes on as it was.",
            ) from None
        customer, secret = await self._sign_in(user)
        fresh = self.sessions.issue(customer, secret, vouched=vouched)
        if old is not None:
            mine = not old.identified and await self.still(old)
            await self.end(old, "identified")
            if mine:
                await self._offer_earlier(fresh, old)
        self.counts["sessions", "identified"] += 1
        return fresh

    async def _offer_earlier(self, session: Session, old: Session) -> None:
        """Let them be asked whether what they said in this session before comes along."""
        letter = Inbound(
            address=session.address,
            message_id=f"~earlier:{old.address.id}",
            kind="earlier",
            received_at=self._moments.millis(),
            data={"earlier": old.customer},
        )
        with suppress(StoreUnavailable):  # Then it stays sealed, which is no harm.
            await self.gateway.receive(letter, customer=session.customer)

    async def _sign_in(self, user: Address) -> tuple[CustomerId, str]:
        secret, address = self.sessions.secret()
        for _ in range(3):
            customer = await self.gateway.owner(user)
            if customer is None:
                customer = await self.gateway.create(user, Proof.VERIFIED)
            # The index may be behind: only the customer's own record says whose the address is.
            if await self.gateway.has_address(customer, user) and await self.gateway.add_address(
                customer, address, Proof.VERIFIED, indexed=False
            ):
                return customer, secret
        raise Refusal(
            503, "identity_unsettled", "Signing in did not work just now; try again.", retry_after=1
        )

    async def rotated(self, session: Session, lines: Iterable[Line]) -> Session | None:
        """Return a fresh session, if these lines say that the customer was just joined to another.

        Whoever had the old token keeps it for half a minute: long enough to be given the new one.
        """
        if not any(line.reply == JOINED and session.began * 60_000 < line.at for line in lines):
            return None
        secret, address = self.sessions.secret()
        proof = Proof.VERIFIED if session.identified else Proof.CHANNEL
        if not await self.gateway.add_address(session.customer, address, proof, indexed=False):
            return None
        vouched = session.vouched if session.identified else None
        self.counts["sessions", "rotated"] += 1
        task = asyncio.create_task(self._retire(session))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return self.sessions.issue(session.customer, secret, vouched=vouched)

    async def _retire(self, session: Session) -> None:
        await self.site.clock.sleep(_RETIRED)
        with suppress(StoreUnavailable):  # Then it lives until it is too old, like any other.
            await self.gateway.drop_address(session.customer, session.address)

    async def end(self, session: Session, why: str) -> None:
        """End a session, everywhere and at once."""
        await self.gateway.drop_address(session.customer, session.address)
        for socket in tuple(self._sockets.get(session.address.id, ())):
            socket.end(Close.ENDED, why=why)
        self.counts["sessions", why] += 1

    # -- messages --------------------------------------------------------------------------------

    async def receive(
        self,
        session: Session,
        said: Posted | Said,
        *,
        locale: str | None,
        peer: str,
        waits: bool = False,
    ) -> tuple[Accepted, str]:
        """Store a checked message. Returns what became of it, and its id. Raises `Refusal`."""
        self.door.message(session.customer, peer)
        message_id = said.client_message_id or self.site.ids.new()
        vouched = session.vouched
        accepted = await self._store(
            Inbound(
                address=session.address,
                message_id=message_id,
                text=said.text,
                choice=said.choice,
                media=self._media(session, said.media) if said.media else (),
                locale=locale,
                name=vouched.name,
                proof=Proof.VERIFIED if session.identified else Proof.CHANNEL,
                received_at=self._moments.millis(),
                data={"email": vouched.email} if vouched.email else {},
            ),
            session,
            waits=waits,
        )
        return accepted, message_id

    async def opened(self, session: Session, *, locale: str | None, peer: str) -> None:
        """Tell that a visitor came and said nothing yet. Happens once per customer."""
        self.door.message(session.customer, peer)
        await self._store(
            Inbound(
                address=session.address,
                message_id=_OPENED,
                kind="opened",
                locale=locale,
                name=session.vouched.name,
                proof=Proof.VERIFIED if session.identified else Proof.CHANNEL,
                received_at=self._moments.millis(),
            ),
            session,
        )

    async def _store(self, inbound: Inbound, session: Session, *, waits: bool = False) -> Accepted:
        try:
            result = await self.gateway.receive(inbound, customer=session.customer, waits=waits)
        except StoreUnavailable:
            raise away() from None
        if isinstance(result, NotAccepted):
            if result.why == "not-mine":
                raise ended()
            raise Refusal(
                result.status,
                result.why,
                _SENTENCES.get(result.why, "This message cannot be taken now; try again later."),
                retry_after=2,
            )
        self.counts["messages", "duplicate" if result.duplicate else "accepted"] += 1
        return result

    def _media(self, session: Session, refs: tuple[str, ...]) -> tuple[Media, ...]:
        found = tuple(self.media.owned(session.customer, ref) for ref in refs)
        kept = tuple(item for item in found if item is not None)
        if len(kept) < len(found):
            raise Refusal(400, "media", "A photo or file must be sent to …/media first.")
        return kept

    # -- sockets ---------------------------------------------------------------------------------

    def joined(self, session: Session, socket: Socket) -> None:
        """Remember an open socket, so that it ends with its session."""
        self._sockets.setdefault(session.address.id, set()).add(socket)

    def left(self, session: Session, socket: Socket) -> None:
        """Forget a socket."""
        group = self._sockets.get(session.address.id)
        if group is not None:
            group.discard(socket)
            if not group:
                del self._sockets[session.address.id]

    async def close_all(self) -> None:
        """Ask every client to connect elsewhere, and wait until they have heard it."""
        for task in tuple(self._retiring):
            task.cancel()
        open_now = [socket for group in self._sockets.values() for socket in group]
        for socket in open_now:
            socket.end(Close.GOING_AWAY)
        if open_now:
            waits = [asyncio.ensure_future(socket.closed.wait()) for socket in open_now]
            _, late = await asyncio.wait(waits, timeout=_GOODBYE)
            for wait in late:
                wait.cancel()
