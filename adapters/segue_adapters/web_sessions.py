"""Sessions of the web channel: who is writing, proved by a token only they have.

A token is `CUSTOMER.SECRET.STAMP`.

- SECRET is 256 random bits. Its hash is an address of the customer (`web`, 192 bits of sha256), and
  the store asks with every message whether it still is: a revoked session is dead at once,
  everywhere, and no list of sessions is kept.
- STAMP says when the session began and was last renewed, and what the host site vouched for; it is
  signed by us, so that nobody stretches an old session. A stamp over a day old is renewed; the
  older ones of the session go on working until they are too old, so a lost answer loses nobody.

A token travels in a cookie scripts cannot read, or in the `Authorization` header; never in a URL.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import msgspec
from msgspec import Struct

from segue.ports import Ids
from segue.types import Address, CustomerId
from segue_adapters.moments import Moments

_CUSTOMER = 22
_SECRET = 43
_HEAD = struct.Struct(">BII")
_MAC = 16
_LONGEST = 2048
_REMEMBERED = 8192


class Vouched(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What the host site signed for, beside who it is."""

    name: str | None = None
    locale: str | None = None
    email: str | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A session as its token says. Whether it is still the customer's, the store knows."""

    customer: CustomerId
    address: Address
    token: str
    identified: bool
    vouched: Vouched
    began: int
    """Minutes since the epoch, like the two below."""
    renew_at: int
    ends_at: int


class Sessions:
    """Makes and reads tokens."""

    def __init__(
        self,
        key: bytes,
        *,
        idle: timedelta,
        longest: timedelta,
        moments: Moments,
        ids: Ids,
    ) -> None:
        self._key = key
        self._idle = int(idle.total_seconds() // 60)
        self._longest = int(longest.total_seconds() // 60)
        self.moments = moments
        self._ids = ids
        self._read: dict[str, Session] = {}

    def secret(self) -> tuple[str, Address]:
        """Return a new secret and the address that it proves."""
        secret = self._ids.secret()
        return secret, _address(secret)

    def issue(
        self, customer: CustomerId, secret: str, *, vouched: Vouched | None = None
    ) -> Session:
        """Return the session of a customer who owns the address of `secret`."""
        now = self.moments.minutes()
        return self._make(customer, secret, vouched, now, now)

    def renew(self, session: Session) -> Session:
        """Return the same session, marked as used today."""
        secret = session.token.split(".", 2)[1]
        vouched = session.vouched if session.identified else None
        return self._make(session.customer, secret, vouched, session.began, self.moments.minutes())

    def read(self, token: str) -> Session | None:
        """Return the session of a token, or None where it is not one of ours or too old."""
        session = self._read.get(token)
        if session is None:
            session = self._parse(token)
            if session is None:
                return None
            if len(self._read) >= _REMEMBERED:
                del self._read[next(iter(self._read))]
            self._read[token] = session
        if self.moments.minutes() >= session.ends_at:
            return None
        return session

    def forget(self, customer: CustomerId) -> None:
        """Remember no token of a customer."""
        for token in [token for token, one in self._read.items() if one.customer == customer]:
            del self._read[token]

    def _make(
        self, customer: CustomerId, secret: str, vouched: Vouched | None, began: int, used: int
    ) -> Session:
        head = _HEAD.pack(0 if vouched is None else 1, began, used)
        body = head if vouched is None else head + msgspec.msgpack.encode(vouched)
        mac = self._sign(customer, secret, body)
        stamp = urlsafe_b64encode(mac + body).rstrip(b"=").decode()
        return self._session(customer, secret, stamp, vouched, began, used)

    def _session(
        self,
        customer: CustomerId,
        secret: str,
        stamp: str,
        vouched: Vouched | None,
        began: int,
        used: int,
    ) -> Session:
        return Session(
            customer=customer,
            address=_address(secret),
            token=f"{customer}.{secret}.{stamp}",
            identified=vouched is not None,
            vouched=vouched or Vouched(),
            began=began,
            renew_at=used + 24 * 60,
            ends_at=min(used + self._idle, began + self._longest),
        )

    def _parse(self, token: str) -> Session | None:
        if len(token) > _LONGEST or not token.isascii():
            return None
        parts = token.split(".")
        if len(parts) != 3:
            return None
        customer, secret, stamp = parts
        if len(customer) != _CUSTOMER or len(secret) != _SECRET:
            return None
        try:
            signed = urlsafe_b64decode(stamp + "=" * (-len(stamp) % 4))
            mac, body = signed[:_MAC], signed[_MAC:]
            if not hmac.compare_digest(mac, self._sign(customer, secret, body)):
                return None
            kind, began, used = _HEAD.unpack_from(body)
            vouched = msgspec.msgpack.decode(body[_HEAD.size :], type=Vouched) if kind else None
        except (ValueError, struct.error, msgspec.MsgspecError):
            return None
        return self._session(customer, secret, stamp, vouched, began, used)

    def _sign(self, customer: str, secret: str, body: bytes) -> bytes:
        text = f"{customer}.{secret}.".encode() + body
        return hashlib.blake2b(text, key=self._key, digest_size=_MAC, person=b"session").digest()


def _address(secret: str) -> Address:
    digest = hashlib.sha256(secret.encode()).digest()
    # Short, for it stands twice in what is kept of every customer; the secret has 256 random bits.
    return Address("web", urlsafe_b64encode(digest[:24]).decode())
