"""Which sites may talk to the web channel: an exact list, nothing that looks like it.

A server without a `public_url` is somebody's own machine: its own pages, by a loopback name, are
allowed too. A name that merely points to this machine is not (that is how a foreign site would
reach it through the visitor's browser).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

JSON_HEADERS = {
    "Content-Type": "application/json",
    "Server": "segue",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Origin",
}


def is_loopback(host: str) -> bool:
    """Is this value of a `Host` header a name of this machine?"""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in _LOOPBACK


class Origins:
    """The allow-list, with the headers that each allowed site gets."""

    def __init__(self, allowed: tuple[str, ...], public_url: str) -> None:
        own = urlsplit(public_url)
        listed = {*allowed, *([f"{own.scheme}://{own.netloc}"] if public_url else [])}
        self._own_machine = not public_url
        self._headers = {origin: _cors(origin) for origin in listed}

    def headers(self, origin: str, host: str) -> Mapping[str, str] | None:
        """Return the headers of a JSON answer to a page of this origin; None: not allowed."""
        known = self._headers.get(origin)
        if known is None and self._own_machine and is_loopback(host):
            scheme, _, name = origin.partition("://")
            if name == host and scheme in ("http", "https"):
                return _cors(origin)
        return known


def _cors(origin: str) -> dict[str, str]:
    return {
        **JSON_HEADERS,
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
    }


PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Access-Control-Max-Age": "600",
}
