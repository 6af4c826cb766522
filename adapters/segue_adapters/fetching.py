"""Fetch a file from a platform's own hosts, and from nowhere else (what a customer sent is behind
an address that somebody else wrote).

- Only hosts on the list, by name or as a suffix (`.twilio.com`), over HTTPS on its own port. What
  the operator configured as a base is let in as written: `http://` on this machine only.
- A name is resolved once, every address of it is looked at, and the connection goes to one of
  those: a name that answers differently a moment later changes nothing.
- A redirect (three at the most) is judged like the first address. Headers, which hold a token, are
  sent to the first origin only, and not again once a redirect has led away from it.
- At most so many bytes, in so much time, and never unpacked: a packed body is refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from segue.channel import Fetched
from segue_adapters.file_kinds import content_type_of

Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → its addresses."""

_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 64 * 1024
_EMBEDDING = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24",
        "168.63.129.16/32",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
    )
)
"""Beside what is not public anyway: a cloud's inner service, and IPv4 in disguise."""


class NotFetched(Exception):
    """The file was not fetched. `why` is a short word for a counter, and holds no address.

    `gone`        the platform says it is not there (404, 410)
    `unreachable` it could not be asked, or did not answer well: later perhaps
    `too_slow` `too_large` `encoded` `redirects` `host` `scheme` `address`   refused
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Forbidden(OSError):
    """A name leads to an address that is not to be connected to."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet, also in its disguises."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _EMBEDDING:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if any(ip in net for net in _NEVER if net.version == ip.version):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_loopback(host: str) -> bool:
    """Tell whether a host, as it is written, is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _may_be_a_base(address: str) -> bool:
    """Tell whether a base's name may lead here: a private network may, metadata services not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    aws = ipaddress.ip_network("fd00:ec2::/32")
    return not (
        ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.version == 6 and ip in aws)
    )


def check_base(base: str) -> str:
    """Return an API's base address without its last slash. Raises `ValueError` with the cure."""
    url = URL(base)
    if url.scheme not in ("http", "https") or not url.host or url.user or url.query_string:
        raise ValueError("must be a web address, like https://api.example.com")
    if url.scheme == "http" and not is_loopback(url.host):
        raise ValueError("must begin with https://; http:// is for this machine only (127.0.0.1)")
    return base.rstrip("/")


class Fetcher:
    """Fetches files of one platform."""

    def __init__(
        self,
        *,
        hosts: Sequence[str],
        bases: Sequence[str] = (),
        limit: int = 10 * 1024 * 1024,
        seconds: float = 10.0,
        redirects: int = 3,
        lookup: Lookup | None = None,
    ) -> None:
        """`hosts` are names, or suffixes with a dot before them; `bases` what was configured.

        `limit` is in bytes, `seconds` the time in all. Raises `ValueError` for an unfit base.
        """
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("."))
        self._suffixes = tuple(host.lower() for host in hosts if host.startswith("."))
        self._bases = frozenset(URL(check_base(base)).origin() for base in bases)
        self._limit = limit
        self._seconds = seconds
        self._redirects = redirects
        self._lookup = lookup or _addresses

    async def fetch(
        self, address: str, *, headers: Mapping[str, str] | None = None, name: str = ""
    ) -> Fetched:
        """Return the file at an address; `headers` go to its origin only. Raises `NotFetched`."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._fetch(address, headers or {}, name)
        except TimeoutError:
            raise NotFetched("too_slow") from None

    async def _fetch(self, address: str, headers: Mapping[str, str], name: str) -> Fetched:
        url = self._judged(address)
        first = url.origin()
        for _ in range(self._redirects + 1):
            if url.origin() != first:
                headers = {}
            answer = await self._get(url, headers)
            if isinstance(answer, bytes):
                return Fetched(body=answer, content_type=content_type_of(answer[:32]), name=name)
            url = self._judged(urljoin(str(url), answer))
        raise NotFetched("redirects")

    async def _get(self, url: URL, headers: Mapping[str, str]) -> bytes | str:
        """Ask once. Returns the body, or where a redirect leads."""
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self._lookup, self._is_base(url), is_loopback(url.host or "")),
            use_dns_cache=False,
            force_close=True,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # The time in all is watched around everything.
            timeout=aiohttp.ClientTimeout(total=None),
        )
        asked = {**headers, "Accept-Encoding": "identity"}
        try:
            async with session, session.get(url, headers=asked, allow_redirects=False) as answer:
                if answer.status in _REDIRECTS:
                    return answer.headers.get("Location", "")
                if answer.status in (404, 410):
                    raise NotFetched("gone")
                if answer.status != 200:
                    raise NotFetched("unreachable")
                if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise NotFetched("encoded")
                return await self._read(answer)
        except _Forbidden:
            raise NotFetched("address") from None
        except aiohttp.ClientConnectorError as error:
            forbidden = isinstance(error.os_error, _Forbidden)
            raise NotFetched("address" if forbidden else "unreachable") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise NotFetched("unreachable") from None

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        if answer.content_length is not None and answer.content_length > self._limit:
            raise NotFetched("too_large")
        parts, size = [], 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > self._limit:
                raise NotFetched("too_large")
            parts.append(chunk)
        return b"".join(parts)

    def _judged(self, address: str) -> URL:
        """Return the address if it may be asked. Raises `NotFetched`."""
        if not all("!" <= sign <= "~" for sign in address):
            raise NotFetched("scheme")
        try:
            url = URL(address, encoded=True)
            host, origin = (url.host or "").lower(), url.origin()
        except ValueError:
            raise NotFetched("scheme") from None
        if origin in self._bases:
            return url
        if url.scheme != "https":
            raise NotFetched("scheme")
        listed = host in self._hosts or (
            any(host.endswith(suffix) for suffix in self._suffixes) and _is_name(host)
        )
        if not listed or url.port != 443 or url.user is not None or url.password is not None:
            raise NotFetched("host")
        return url

    def _is_base(self, url: URL) -> bool:
        return url.origin() in self._bases


class _Resolver(AbstractResolver):
    """Resolves a name once, and refuses it if any of its addresses is not to be connected to."""

    def __init__(self, lookup: Lookup, base: bool, here: bool) -> None:
        self._lookup = lookup
        self._base = base
        self._here = here

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        if not all(self._may(address) for address in found):
            raise _Forbidden
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    def _may(self, address: str) -> bool:
        if self._here:
            return is_loopback(address)
        return _may_be_a_base(address) if self._base else is_public(address)

    async def close(self) -> None:
        """Nothing is held."""


def _is_name(host: str) -> bool:
    return all(part and not part.startswith("-") for part in host.split("."))


async def _addresses(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
