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

What only some platforms can do are small protocols of their own, found by `isinstance`: `Limited`
(rate buckets), `Typing`, `Attachments`, `Reconciling` (what became of a send?), `CatchingUp` (what
came in while we were away?), `Configurable` (`segue doctor`), `Counting` (metrics), `Inviting` (the
way here, for link codes).

`tests/contracts/` holds the suite that every adapter runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from segue.exchange import Answered as Answered  # noqa: PLC0414 - adapters take it from here
from segue.exchange import Asking as Asking  # noqa: PLC0414 - adapters take it from here
from segue.exchange import Early as Early  # noqa: PLC0414 - adapters take it from here
from segue.exchange import Short as Short  # noqa: PLC0414 - adapters take it from here
from segue.ports import Clock, Ids, SystemClock, SystemIds
from segue.types import (
    Address,
    CustomerId,
    Inbound,
    Invitation,
    Line,
    Media,
    Message,
    Proof,
    Receipt,
    Row,
)

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
    reserved_words: bool = False
    """Do the carriers' words (STOP, START, HELP…) work here, before everything else?"""
    answers_stop: bool = False
    """Does the platform itself confirm STOP and START, and answer HELP?"""


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


class Reason(StrEnum):
    """Why a platform will not take a message: what follows from it differs."""

    OTHER = "other"
    """No more is known."""
    BLOCKED = "blocked"
    """The customer does not want us here (blocked the bot, left): prefer another channel."""
    OPTED_OUT = "opted_out"
    """The platform has them as opted out (Twilio 21610): the consent record follows."""
    NO_ADDRESS = "no_address"
    """The address does not exist or cannot be reached by this kind of message."""
    MOVED = "moved"
    """The address has another id now: `NotSent.moved_to`."""
    CONTENT = "content"
    """The platform does not take this text (markup, length, filter)."""
    WINDOW = "window"
    """Only an approved template may be sent now (WhatsApp, 24 hours after their last message)."""
    CREDENTIAL = "credential"
    """Our token or account is refused: nothing of this channel goes out until that is mended."""
    SPENT = "spent"
    """A spending cap or breaker of ours holds it back."""


class Report(Struct, frozen=True, kw_only=True):
    """What a platform says later about something we sent."""

    id: str
    """The platform's id of the message."""
    receipt: Receipt
    customer: CustomerId = ""
    row: str = ""
    """Id of the outbox row, where the platform gives back what we told it (with `customer`)."""
    reason: Reason = Reason.OTHER
    """With `FAILED`: why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a request says: messages to receive, receipts, and what to answer the platform."""

    inbound: tuple[Inbound, ...] = ()
    receipts: tuple[Report, ...] = ()
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
    reason: Reason = Reason.OTHER
    moved_to: Address | None = None
    """With `Reason.MOVED`: where the same customer is from now on; it is sent again to there."""
    pause: str = ""
    """Bucket (`Take.bucket`) that `retry_after` is about; empty: only this lane waits."""


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
        self, inbound: Inbound, *, customer: CustomerId | None = None, waits: bool = False
    ) -> Accepted | NotAccepted:
        """Store a message; answering it goes on in the background.

        `waits`: the caller asks for the answer at once, by `answered` with `late`.

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
        self,
        customer: CustomerId,
        message_id: str,
        *,
        within: float,
        late: Callable[[], object] | None = None,
    ) -> Page | None:
        """Wait for the turn that reads this just accepted message, and return what it wrote.

        With `late`, the turn may run in the caller's own task. Where the time is up before it has
        ended, `late` is called and must answer whoever waits; the call returns when the turn ends.

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

    async def report(self, channel: str, report: Report) -> None:
        """Note what a platform says about something sent before; receipts only move forward."""
        ...

    async def singleton(self, job: str, seconds: float) -> bool:
        """Hold a job that one process of the installation does (one long poller per token).

        Call it again before the time is over, for as long as the job is done; 0 gives it back.
        """
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
    """One path an adapter listens on. Without a handler it is a webhook: verify, parse, receive.

    `short` is for what is asked often, with small bodies and small answers (a message): it is
    served in a fraction of the time, see `segue.server.short`.
    """

    method: str
    path: str
    handler: Handler | None = None
    short: Short | None = None


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    """What one send costs: tokens out of a bucket that all processes share."""

    bucket: str
    """Name without secrets or phone numbers; `telegram:bot`, `telegram:chat:` + digest…"""
    rate: float
    """Tokens that flow in, a second."""
    burst: float
    """Tokens it holds at the most."""
    cost: float = 1.0


@runtime_checkable
class Limited(Protocol):
    """An adapter whose platform takes only so much in a time."""

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        """Return what sending this costs. A send waits until every bucket has enough. Pure."""
        ...


@runtime_checkable
class Typing(Protocol):
    """An adapter that can show that an answer is being written."""

    async def typing(self, address: Address) -> None:
        """Show it, for a few seconds. What goes wrong is counted, never raised."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """An attachment as the platform gave it out: checked for host, size and kind."""

    body: bytes
    content_type: str
    """By its first bytes, not by what the platform says."""
    name: str = ""


@runtime_checkable
class Attachments(Protocol):
    """An adapter whose customers send files, which stay at the platform until somebody looks."""

    async def fetch(self, media: Media) -> Fetched | None:
        """Fetch one from the platform's own hosts; None if it is gone or not allowed.

        Never raises. What it takes is limited by the adapter; `segue.media` keeps a copy.
        """
        ...


@runtime_checkable
class Reconciling(Protocol):
    """An adapter that can find out what became of a send whose outcome is unknown."""

    async def find(self, address: Address, row: Row) -> Outcome:
        """Look for it: `Sent` if it is there, `NotSent` if surely not, else still `Unknown`."""
        ...


@runtime_checkable
class CatchingUp(Protocol):
    """An adapter whose platform can say what came in while nobody listened."""

    def missed(self, since: datetime) -> AsyncIterator[Inbound]:
        """Yield, oldest first, what customers sent after `since`; copies are recognised later."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One thing `segue doctor` looked at on a channel."""

    level: Literal["ok", "warning", "error"]
    found: str
    """Holds no secret and no phone number."""
    cure: str = ""


@runtime_checkable
class Inviting(Protocol):
    """An adapter that knows how customers get to it."""

    def invite(self, token: str, code: str) -> Invitation:
        """Return the way here; `token` comes back as `data["start"]`, `code` as "JOIN code"."""
        ...


@runtime_checkable
class Configurable(Protocol):
    """An adapter that can look at, and set, how the platform is told about us."""

    async def doctor(self, *, fix: bool) -> Sequence[Checked]:
        """Check credentials and webhooks; with `fix` set the webhooks, and say what was done."""
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
