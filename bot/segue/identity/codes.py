"""Codes that prove something by coming back: link codes and one-time codes.

The rules they live by:

- A link code is 8 signs of Crockford's base 32 (40 bits), or a token of 43 for a deep link: both
  name one and the same link. It works on one kind of channel only.
- A one-time code is 6 digits, sent to one destination for one customer.
- Each works once, for minutes, and only the newest of a customer works. Kept are digests.
- Wrong ones are counted per code, per place they come from, and of everybody together; over the
  limit none is looked at any more. Whatever was wrong, the answer is the same.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import blake2b

import regex
from msgspec import Struct, msgpack

from segue.memory import Store
from segue.memory.codes import CodeStep, Limit, Locked, Moved, Right, Stuck, Wrong
from segue.ports import Ids
from segue.types import Address, CustomerId

__all__ = ["Codes", "Issued", "Limit", "LinkOffer", "Locked", "Moved", "Stuck", "Wrong"]

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O, U, which look like others or make words."""
TRIES = 5
"""Wrong tries that one code survives."""
SENDS = Limit(3, timedelta(minutes=10))
"""Codes that go to one destination, or are shown to one customer."""
WRONG_ONCE = Limit(5, timedelta(days=1))
"""Wrong one-time codes for one destination: a million guesses in a day find one in 200,000."""
WRONG_LINK = Limit(5, timedelta(hours=1))
"""Wrong link codes from one address; they have 40 bits, and people mistype."""
WRONG_ALL = Limit(100, timedelta(minutes=10))
"""Wrong codes of one kind from everybody; then nobody's is looked at for a while."""

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SIGNS = regex.compile(r"[0-9A-Z]{8}")
_TOKEN = regex.compile(r"[A-Za-z0-9_-]{43}")


# -- pure: making and reading them -----------------------------------------------------------------


def short_code(secret: str) -> str:
    """Return 8 signs, 40 bits, out of a secret of 256."""
    number = int.from_bytes(_hash("short", secret)[:5], "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def shown(code: str) -> str:
    """Return a short code as it is shown: in two halves."""
    return f"{code[:4]}-{code[4:]}"


def six_digits(secret: str) -> str:
    """Return 6 digits out of a secret of 256 bits."""
    return f"{int.from_bytes(_hash('digits', secret)[:8], 'big') % 1_000_000:06d}"


def read_code(text: str) -> str | None:
    """Return the short code that a text is, however it was typed; None if it is none."""
    signs = regex.sub(r"[\s\-–—.]", "", text.upper()).translate(_LOOKALIKES)
    if _SIGNS.fullmatch(signs) is None or any(sign not in ALPHABET for sign in signs):
        return None
    return signs


def read_token(text: str) -> str | None:
    """Return the deep-link token that a text is; None if it is none."""
    return text if _TOKEN.fullmatch(text) else None


def read_digits(text: str) -> str | None:
    """Return the six digits that a text is, spaces and dashes apart; None if it is none."""
    digits = regex.sub(r"[\s\-.]", "", text)
    return digits if regex.fullmatch(r"[0-9]{6}", digits) else None


def _hash(*parts: str) -> bytes:
    material = b"".join(b"%d:%b" % (len(raw), raw) for raw in (_raw(part) for part in parts))
    return blake2b(material, digest_size=16).digest()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def name_of(*parts: str) -> str:
    """Return 22 signs that stand for these parts in a key, and show none of them."""
    return urlsafe_b64encode(_hash(*parts)).rstrip(b"=").decode()


# -- kept in the store -----------------------------------------------------------------------------


class LinkOffer(Struct, frozen=True, kw_only=True):
    """What a link code is for: whose it is, and where it was shown."""

    customer: CustomerId
    address: Address
    name: str = ""
    """What the customer is called there, for the other end to see."""
    to: str
    """The channel it may be used on."""
    token: bool = False


class Issued(Struct, frozen=True, kw_only=True):
    """A code that was just made; the only time it stands in clear."""

    code: str
    token: str = ""
    """For a deep link; the code for typing is another form of it."""
    link: str = ""
    """Names the link from then on; proves nothing."""


class Codes:
    """Makes codes and takes them back. `prefix` tells installations apart that share a server."""

    def __init__(self, store: Store, ids: Ids, *, link: timedelta, once: timedelta) -> None:
        self._store = store
        self._ids = ids
        self.link_life = link
        self.once_life = once

    # -- link codes --------------------------------------------------------------------------------

    async def offer_link(self, offer: LinkOffer, operation: str) -> Issued | None:
        """Make a link code for a customer, the only one that works; None: too many lately."""
        secret = self._ids.secret()
        code = short_code(secret)
        link = name_of("link", offer.to, code)
        kept = await self._store.issue_code(
            link,
            operation=operation,
            digest=_hash("link", offer.to, code),
            what=msgpack.encode(offer),
            owner=_link_of(offer.customer),
            destination=name_of("link", offer.customer),
            life=self.link_life,
            tries=TRIES,
            sends=SENDS,
        )
        return Issued(code=code, token=secret, link=link) if kept else None

    async def use_link(
        self, text: str, here: Address, operation: str
    ) -> tuple[str, LinkOffer] | Wrong | Locked:
        """Bring a link code or token; what it names comes back to the first who brings it."""
        token = read_token(text)
        code = short_code(token) if token else read_code(text)
        code = code or ""
        link = name_of("link", here.channel, code)
        found = await self._store.use_code(
            link,
            operation=operation,
            digest=_hash("link", here.channel, code),
            kind="link",
            place=name_of("link", here.channel, here.id),
            here=WRONG_LINK,
            everybody=WRONG_ALL,
        )
        if isinstance(found, Right):
            return link, msgpack.decode(found.what, type=LinkOffer)
        return found

    async def step(
        self, link: str, operation: str, at: CodeStep, to: CodeStep, by: bytes = b""
    ) -> Moved | Stuck:
        """Go one step on with a link whose code was used, within the life of a code."""
        return await self._store.step_code(
            link, operation=operation, at=at, to=to, by=by, life=self.link_life
        )

    async def revoke(self, customer: CustomerId) -> None:
        """Take back what a customer has open: link codes, also used ones nobody confirmed yet."""
        await self._store.drop_code(_link_of(customer))

    # -- one-time codes ----------------------------------------------------------------------------

    async def issue_once(
        self, customer: CustomerId, destination: Address, operation: str
    ) -> str | None:
        """Make six digits that prove a destination to a customer; None: too many lately."""
        code = six_digits(self._ids.secret())
        name = _once_of(customer, destination)
        kept = await self._store.issue_code(
            name,
            operation=operation,
            digest=_hash("once", customer, destination.channel, destination.id, code),
            what=b"",
            owner=name,
            destination=name_of("once", destination.channel, destination.id),
            life=self.once_life,
            tries=TRIES,
            sends=SENDS,
        )
        return code if kept else None

    async def use_once(
        self, customer: CustomerId, destination: Address, text: str, operation: str
    ) -> Right | Wrong | Locked:
        """Bring the digits that were sent to a destination."""
        digits = read_digits(text) or ""
        return await self._store.use_code(
            _once_of(customer, destination),
            operation=operation,
            digest=_hash("once", customer, destination.channel, destination.id, digits),
            kind="once",
            place=name_of("once", destination.channel, destination.id),
            here=WRONG_ONCE,
            everybody=WRONG_ALL,
        )


def _link_of(customer: CustomerId) -> str:
    return name_of("link of", customer)


def _once_of(customer: CustomerId, destination: Address) -> str:
    return name_of("once of", customer, destination.channel, destination.id)
