"""Who is really asking, behind proxies.

`X-Forwarded-For` is a list to which every proxy adds the address it was asked from. Only what a
proxy of ours has added is worth anything: the list is read from its end, past our own proxies, and
the first address that is not ours is the one. From anybody else the header is not even read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

IPAddress = IPv4Address | IPv6Address


class Proxies:
    """The networks that are ours."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(network, strict=False) for network in networks
        )
        self.trusts = lru_cache(maxsize=4096)(self._trusts)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _trusts(self, written: str) -> bool:
        address = _address(written)
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )

    def peer(self, request: web.Request) -> str:
        """Return the IP address of whoever is asking."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        return self.behind(request.remote or "", forwarded)

    def behind(self, peer: str, forwarded: str) -> str:
        """Return the same for the address of a connection and what `X-Forwarded-For` says."""
        if peer and not self.trusts(peer):
            return peer
        if not peer and not self._networks:
            return peer
        for written in reversed(forwarded.split(",")):
            address = _address(written.strip())
            if address is None:
                return peer  # a proxy of ours writes addresses; this is something else
            peer = str(address)
            if not self.trusts(peer):
                return peer
        return peer


def _address(written: str) -> IPAddress | None:
    try:
        address = ip_address(written)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
