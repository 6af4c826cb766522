"""The contract between Segue and a channel adapter.

An adapter has a pure centre (`verify`, `parse`, `build`) and a thin edge (`send`, and routes of
its own where a platform needs more than one webhook). It imports this module, `segue.types`,
`segue.ports` (the clock and ids are given to it) and `segue.errors`, nothing else of Segue.

    class Adapter:
        name, capabilities
        verify(request)  -> None | Refused      is this really the platform?        pure
        parse(request)   -> Parsed              what does it say?                   pure
        build(message)   -> Payload             how does this platform say it?      pure
        send(address, payload, row) -> Outcome  say it                              edge
        routes(gateway)  -> [Route]             which paths does it listen on?      edge

`tests/contracts/` holds the suite that every adapter runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from segue.ports import Clock, Ids, SystemClock, SystemIds
from segue.types import Address, CustomerId, Inbound, Line, Message, Proof, Row

if TYPE_CHECKING:
    from aiohttp import web

Payload: TypeAlias = dict[str, Any]
"""What a platform's API takes, ready to be sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a channel can show. The core degrades a message to this before `build` sees it."""

    buttons: int = 0
    """How many buttons one message may carry; 0 means they become a numbered list."""
    button_label: int = 40
    """Longest label, in characters."""
    text_limit: int = 4000
    """Longest text of one message, in characters; longer is split at sentence ends."""
    markup: frozenset[str] = frozenset()
    """Which of `strong`, `emphasis`, `code`, `link`, `list` it can show; others become plain."""
    images: bool = False
    """May a message carry pictures? Else they become links."""
    typing: bool = False
    """Can it show that an answer is being written?"""
    receipts: bool = False
    """Does it report delivery?"""
    edits: bool = False
    """Can a sent message be changed?"""
    push: bool = True
    """Are replies sent (`send`), or read from the transcript by the client (web, terminal)?"""
    proof: Proof = Proof.CHANNEL
    """What the platform's word for the sender is worth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRequest:
    """A webhook as it arrived: nothing decoded, nothing trusted."""

    method: str
    path: str
    query: str
    """Byte for byte, without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    peer: str = ""
    url: str = ""
    """The public address the platform was given, from settings, never from a header."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A request that is not let in. `status` is 400, 401, 403 or 413; `why` goes to a counter."""

    status: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a request says: messages to receive, receipts, and what to answer the platform."""

    inbound: tuple[Inbound, ...] = ()
    receipts: tuple[tuple[str, str], ...] = ()
    """(the platform's message id, receipt)."""
    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200


# -- outcomes of a send --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """The platform took it, under this id."""

    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSent:
    """The platform refused it, or was never reached."""

    why: str
    permanent: bool
    """True: this address or text will never do. False: later."""
    retry_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """It may have been taken: the connection broke after the request was written."""

    why: str


Outcome: TypeAlias = Sent | NotSent | Unknown


# -- what the core offers to an adapter ----------------------------------------------------------


class Accepted(Struct, frozen=True, kw_only=True):
    """The message is stored. `duplicate`: it had been stored before, and nothing was done."""

    customer: CustomerId
    duplicate: bool = False
    cursor: int = -1
    """Where the transcript ended just before this message; -1 where that is not known."""


class NotAccepted(Struct, frozen=True, kw_only=True):
    """Not stored. `why`: `not-mine` (no such session), `full`, `paused`, `closed`."""

    why: str
    status: int


class Page(Struct, frozen=True, kw_only=True):
    """Lines of a transcript, oldest first, and where to go on reading."""

    lines: tuple[tuple[int, Line], ...]
    """(sequence number, line); sequence numbers grow by one and never repeat."""
    cursor: int
    """Pass it to read what comes after."""
    typing: bool = False


class Gateway(Protocol):
    """What the core does for an adapter."""

    async def receive(
        self, inbound: Inbound, *, customer: CustomerId | None = None
    ) -> Accepted | NotAccepted:
        """Store a message; answering it goes on in the background.

        When this returns `Accepted`, the message survives the death of any process. `customer`
        is given where the adapter knows it (a web session names it); `inbound.address` must be
        one of that customer's, otherwise `not-mine`.
        """
        ...

    async def page(self, customer: CustomerId, *, after: int, limit: int = 200) -> Page:
        """Read the transcript after a cursor. `after=-1` starts at the oldest kept line.

        After the end there are no lines, and the cursor is that of the last one.
        """
        ...

    async def answered(
        self, customer: CustomerId, message_id: str, *, within: float
    ) -> Page | None:
        """Wait for the turn that reads this just accepted message, and return what it wrote.

        The page holds the lines of that turn (the customer's own among them) and the cursor after
        them; None if time was up. Where the turn ran in this process it costs no round trip.
        """
        ...

    async def settled(self, customer: CustomerId, *, within: float) -> bool:
        """Wait until nothing this process knows of is left to answer; False if time was up."""
        ...

    def watch(self, customer: CustomerId, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever the transcript may have grown; the result stops that."""
        ...

    async def create(self, address: Address, proof: Proof, *, indexed: bool = True) -> CustomerId:
        """Make a customer who owns `address`.

        `indexed=False` where every message names its customer, as a web session does: the owner of
        the address is then not looked up, so no index of it is kept.
        """
        ...

    async def owner(self, address: Address) -> CustomerId | None:
        """Return whose address this is, by the index; the customer's record is the truth."""
        ...

    async def add_address(
        self, customer: CustomerId, address: Address, proof: Proof, *, indexed: bool = True
    ) -> bool:
        """Give the customer a further address; False if the customer is gone."""
        ...

    async def drop_address(self, customer: CustomerId, address: Address) -> None:
        """Take an address away. From then on it is `not-mine` at once, in every process."""
        ...

    async def has_address(self, customer: CustomerId, address: Address) -> bool:
        """Ask the customer's record, the truth."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where an adapter runs: what is the same for all channels, so no section repeats it."""

    data_dir: Path = Path(".segue")
    """Where an adapter may keep files, in a folder with its own name."""
    public_url: str = ""
    """Where customers and platforms reach this server; empty on a developer's machine."""
    privacy_url: str = ""
    """The privacy notice."""
    body_limit: int = 1_048_576
    """Largest request body in bytes, media apart."""
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)


Handler: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One path an adapter listens on. Without `handler` it is a webhook: verify, parse, receive."""

    method: str
    path: str
    handler: Handler | None = None


@runtime_checkable
class Counting(Protocol):
    """An adapter that counts: read at every scrape of `/metrics`, never written per request.

    Labels come from short fixed lists; nothing a customer sent is ever one of them.
    """

    counts: Mapping[tuple[str, str], int]
    """(what, why) → how often; both in `snake_case`: `("refused", "too_large")`."""

    def gauges(self) -> Mapping[str, float]:
        """Return what is true right now, by name: `{"open_sockets": 3}`."""
        ...


@runtime_checkable
class Adapter(Protocol):
    """One channel. Constructed as `Class(settings, site)`.

    `settings` is `channels.NAME` as the class's own model `Class.Settings` reads it.
    """

    name: str
    capabilities: Capabilities

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return the paths to listen on."""
        ...

    def verify(self, request: RawRequest) -> Refused | None:
        """Return why this request is not the platform's, or None. Never raises."""
        ...

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Return what a verified request says. Never raises."""
        ...

    def build(self, message: Message) -> Payload:
        """Return the platform's form of a message that fits `capabilities`; escapes here."""
        ...

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Deliver; every exception of the client library becomes an `Outcome`."""
        ...

    async def start(self, gateway: Gateway) -> None:
        """Begin what runs beside requests (long polling); return soon."""
        ...

    async def stop(self) -> None:
        """Stop it, and close connections."""
        ...
