"""Where a webhook may go: not into our own network, whatever its name says a moment later (T32).

- `https`, no user or password, no fragment. `http` and private hosts only if a setting says so.
- A name is looked up for each connection, all its addresses are looked at, and the connection goes
  to one that was found good: a name that answers differently a moment later changes nothing.
- A redirect is not followed; what comes back is not read.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
    )
)
"""Beside what is not public anyway: a cloud's inner service, and IPv4 in disguise."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class BadTarget(Exception):
    """A webhook must not go there; the sentence says why."""


def check_target(url: str, *, private: bool) -> None:
    """Raise `BadTarget` for an address that is refused before any look-up."""
    try:
        parts = URL(url)
        host, port = parts.host, parts.port
    except ValueError:
        raise BadTarget("This is no web address.") from None
    if parts.scheme not in ("https", "http") or not host or port is None:
        raise BadTarget("A webhook's address begins with https://.")
    if parts.scheme == "http" and not private:
        raise BadTarget("A webhook goes by https (see api.private_webhooks).")
    if parts.user or parts.password or parts.fragment:
        raise BadTarget("A webhook's address holds no user, no password and no fragment.")
    if not private and (literal := _literal(host)) is not None and not public(literal):
        raise BadTarget("This host is in a private network (see api.private_webhooks).")


def public(ip: IP) -> bool:
    """Whether an address is one of the public internet, also the one inside another."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return public(ip.ipv4_mapped)
        if ip in _TRANSLATED:
            return public(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    if any(ip.version == net.version and ip in net for net in _NEVER):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _literal(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # Also 0x7f.1, 017700000001, 2130706433: what the system would take for an address.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


class CarefulResolver(AbstractResolver):
    """Looks names up, and gives out public addresses only."""

    def __init__(self, *, private: bool, inner: AbstractResolver | None = None) -> None:
        self._private = private
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name; `OSError` if one of them is private."""
        found = await self._inner.resolve(host, port, family)
        if not self._private:
            for each in found:
                ip = _literal(each["host"])
                if ip is None or not public(ip):
                    raise OSError("the name leads into a private network")
        return found

    async def close(self) -> None:
        """Close the look-up."""
        await self._inner.close()
