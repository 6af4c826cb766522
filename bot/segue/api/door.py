"""What the routes of `/api` work with, and how a customer is named in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from msgspec import Struct

from segue.api.declaring import Problem
from segue.channel import Accepted, Adapter, NotAccepted
from segue.types import Address, CustomerId, Inbound, Proof

if TYPE_CHECKING:
    from segue.engine.setup import Setup
    from segue.memory import Store
    from segue.ports import Clock, Ids
    from segue.settings.api import ApiSettings

EXTERNAL = "web-user"
"""Channel of the address that stands for the company's own id; the web's tokens use it too."""
_SEGUE = re.compile(r"[A-Za-z0-9_-]{22}")


class Receiving(Protocol):
    """What is needed of the core."""

    async def receive(
        self, inbound: Inbound, *, customer: CustomerId | None = None
    ) -> Accepted | NotAccepted:
        """Store a message of a customer."""
        ...


class Limiter:
    """So many requests of one key in a second, some more at once."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Whether one more may come now."""
        now = self._clock.monotonic()
        left, at = self._left.get(key, (float(self._burst), now))
        left = min(left + (now - at) * self._rate, float(self._burst))
        self._left[key] = (left - 1 if left >= 1 else left, now)
        return left >= 1


class Door:
    """The rooms behind `/api`, as its routes need them."""

    def __init__(
        self,
        *,
        store: Store,
        core: Receiving,
        setup: Callable[[], Setup],
        adapters: Mapping[str, Adapter],
        settings: ApiSettings,
        issuer: str,
        mask: Callable[[str], str],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.store = store
        self.core = core
        self.setup = setup
        self.adapters = adapters
        self.settings = settings
        self.mask = mask
        self.clock = clock
        self.ids = ids
        self.limiter = Limiter(settings.rate, settings.burst, clock)
        self.counts: Counter[tuple[str, str]] = Counter()
        """(route, outcome) → how often."""
        self._issuer = issuer

    def count(self, route: str, outcome: str) -> None:
        """Count a request."""
        self.counts[route, outcome] += 1

    def external(self, ident: str) -> Address:
        """Return the address that stands for the company's own id of a customer."""
        return Address(EXTERNAL, f"{quote(self._issuer, safe='')}/{ident}")

    async def accept(self, inbound: Inbound, customer: CustomerId) -> CustomerId:
        """Put something into a customer's inbox; return whose it was. Raises `Problem`."""
        result = await self.core.receive(inbound, customer=customer)
        if isinstance(result, Accepted):
            return result.customer
        if result.why == "full":
            raise Problem(429, "full", "Too much waits for this customer already; try later.")
        if result.status == 503:
            raise Problem(503, "unavailable", "Not available just now; try again in a moment.")
        raise nobody()


class Who(Struct, frozen=True, kw_only=True):
    """How a request names a customer."""

    external: str = ""
    customer: CustomerId = ""
    address: Address | None = None


def read_who(text: str, channels: Mapping[str, object], *, path: bool = False) -> Who:
    """Return whom a request means. Raises `Problem`.

    `segue:ID` and `external:ID` say what they are, `CHANNEL:ID` is an address if there is such a
    channel; all else is the company's own id. In a path an address is refused: it would stand in
    the logs of every proxy on the way.
    """
    kind, _, rest = text.partition(":")
    if kind == "segue" and rest:
        if _SEGUE.fullmatch(rest) is None:
            raise nobody()
        return Who(customer=rest)
    if kind in channels and rest:
        if path:
            raise Problem(
                422, "address_in_path", "Name the customer by your id or segue:ID in a path."
            )
        return Who(address=read_address(text, channels))
    external = rest if kind == "external" and rest else text
    if not 0 < len(external) <= 255 or not external.isprintable():
        raise Problem(422, "customer", "A customer's id has 1 to 255 printable characters.")
    return Who(external=external)


def read_address(text: str, channels: Mapping[str, object]) -> Address:
    """Return an address that is written `CHANNEL:ID`. Raises `Problem`."""
    channel, _, ident = text.partition(":")
    if channel not in channels or not 0 < len(ident) <= 255 or not ident.isprintable():
        known = ", ".join(sorted(channels))
        raise Problem(422, "address", f"An address is CHANNEL:ID; the channels are {known}.")
    if channel in ("sms", "whatsapp") and re.fullmatch(r"\+[1-9]\d{6,14}", ident) is None:
        raise Problem(422, "address", "A phone number is written like +436601234567.")
    return Address(channel, ident)


async def find(door: Door, who: Who) -> CustomerId | None:
    """Return the customer whom a request means, or None."""
    if who.customer:
        # Two who were joined are one: the old id leads to who they are now.
        return await door.store.who(who.customer)
    return await door.store.owner(who.address or door.external(who.external))


async def find_or_make(door: Door, who: Who) -> CustomerId:
    """Return the customer, made if the company's own id is new. Raises `Problem`."""
    found = await find(door, who)
    if found is not None:
        return found
    if not who.external:
        raise nobody()
    return await door.store.create(door.ids.new(), door.external(who.external), Proof.VERIFIED)


async def some_address(door: Door, customer: CustomerId) -> Address:
    """Return an address by which the customer's record lets a message in. Raises `Problem`."""
    snapshot = await door.store.snapshot(customer)
    if snapshot is None or not snapshot.addresses:
        raise nobody()
    return snapshot.addresses[0][0]


def nobody() -> Problem:
    """Return the refusal of a customer who is not there."""
    return Problem(404, "no_customer", "There is no such customer.")
