"""Who the host site says a visitor is: a short-lived signed token (JWT), and nothing else.

- The key decides the algorithm; the header only chooses among our keys, by a plain look-up.
- Every part is measured before it is decoded, and a header that brings its own key is refused.
- `exp`, `iat`, `aud` and `sub` are required, and `exp` is at most an hour after `iat`.
- Name, e-mail and locale are taken from the signed part only. An e-mail is something known about
  the customer, never a way to find one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeGuard
from urllib.parse import quote

import msgspec

from segue.ports import Clock
from segue.types import Address
from segue_adapters.web_keys import SiteKey
from segue_adapters.web_payload import locale_of
from segue_adapters.web_sessions import Vouched

_SEGMENT = 4096
_LIFE = timedelta(hours=1).total_seconds()
_SKEW = 60
_KNOWN_HEADERS = {"alg", "typ", "kid"}


class NotProved(Exception):
    """The token proves nothing; `why` is one of a few words for a counter."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Identity:
    """Reads the host site's tokens."""

    def __init__(
        self,
        keys: Mapping[str, SiteKey],
        *,
        algorithms: tuple[str, ...],
        audience: str,
        issuer: str,
        clock: Clock,
    ) -> None:
        self._keys = {name: key for name, key in keys.items() if key.algorithm in algorithms}
        self._audience = audience
        self._issuer = issuer
        self._clock = clock

    def read(self, token: str) -> tuple[Address, Vouched]:
        """Return the address that stands for the visitor, and what is vouched for.

        Raises `NotProved`.
        """
        claims = self._claims(token)
        self._check_times(claims)
        self._check_audience(claims)
        issuer = claims.get("iss", "")
        if self._issuer and issuer != self._issuer:
            raise NotProved("issuer")
        if not isinstance(issuer, str) or len(issuer) > 255:
            raise NotProved("issuer")
        subject = claims.get("sub")
        if not _is_word(subject, 255):
            raise NotProved("subject")
        address = Address("web-user", f"{quote(issuer, safe='')}/{subject}")
        return address, Vouched(
            name=_attribute(claims, "name", 400),
            locale=locale_of(_attribute(claims, "locale", 40)),
            email=_attribute(claims, "email", 320),
        )

    def _claims(self, token: str) -> dict[str, Any]:
        parts = token.split(".")
        if len(parts) != 3 or not token.isascii() or not all(parts):
            raise NotProved("shape")
        if any(len(part) > _SEGMENT for part in parts):
            raise NotProved("size")
        header = _header(parts[0])
        algorithm = header["alg"]
        named = header.get("kid")
        if named is None:
            keys = [key for key in self._keys.values() if key.algorithm == algorithm]
        else:
            keys = [key for key in (self._keys.get(named),) if key and key.algorithm == algorithm]
        if not keys:
            raise NotProved("key")
        import jwt  # With its cryptography a tenth of the time to start, for sites that sign in.

        for key in keys:
            try:
                claims = jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    # The times and the audience are checked below, by our clock and our rules.
                    options={
                        "verify_signature": True,
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                        "verify_aud": False,
                        "verify_iss": False,
                        "verify_sub": False,
                        "verify_jti": False,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, RecursionError):
                raise NotProved("shape") from None
            if not isinstance(claims, dict):
                raise NotProved("shape")
            return claims
        raise NotProved("signature")

    def _check_times(self, claims: dict[str, Any]) -> None:
        expires, issued = claims.get("exp"), claims.get("iat")
        if type(expires) is not int or type(issued) is not int:
            raise NotProved("times")
        now = self._clock.now().timestamp()
        not_before = claims.get("nbf", issued)
        if type(not_before) is not int or not_before > now + _SKEW or issued > now + _SKEW:
            raise NotProved("not_yet")
        if expires <= now:
            raise NotProved("expired")
        if expires - issued > _LIFE or expires > now + _LIFE + _SKEW:
            raise NotProved("too_long")

    def _check_audience(self, claims: dict[str, Any]) -> None:
        audience = claims.get("aud")
        if not self._audience:
            raise NotProved("audience")
        if isinstance(audience, list):
            if self._audience not in audience:
                raise NotProved("audience")
        elif audience != self._audience:
            raise NotProved("audience")


def _header(segment: str) -> dict[str, str]:
    try:
        header = msgspec.json.decode(
            urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), type=dict[str, str]
        )
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise NotProved("header") from None
    if "alg" not in header or not header.keys() <= _KNOWN_HEADERS:
        # `jwk`, `jku`, `x5c` would bring a key of the sender's own; `crit` asks for what we lack.
        raise NotProved("header")
    return header


def _is_word(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _attribute(claims: dict[str, Any], name: str, most: int) -> str | None:
    """Return what is vouched for, if it fits: it travels in the session's token."""
    value = claims.get(name)
    return value if _is_word(value, most) and len(value.encode()) <= most else None
