"""Small requests and their answers, as a handler sees them whichever way they came.

Part of the contract between Segue and an adapter; adapters take it from `segue.channel`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct


class Asking(Protocol):
    """What a handler sees of a request, whichever way it came: `aiohttp`'s own, or a small one."""

    @property
    def method(self) -> str:
        """In capitals."""
        ...

    @property
    def raw_path(self) -> str:
        """Path and query, byte for byte."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Ask for names in lower case."""
        ...

    @property
    def remote(self) -> str | None:
        """The IP address of whoever asks; the server has looked behind trusted proxies."""
        ...

    @property
    def content_length(self) -> int | None:
        """As the request says."""
        ...

    async def read(self) -> bytes:
        """Return the whole body."""
        ...


class Early(Asking, Protocol):
    """A request that can be answered before its handler is done, which then goes on by itself.

    One that came the short way is one; ask with `getattr(request, "answer", None)`.
    """

    def answer(self, answer: Answered) -> None:
        """Answer now; what the handler returns later goes nowhere."""
        ...


class Answered(Struct, frozen=True, kw_only=True):
    """An answer that is one small body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    """Those that many answers share; they are written out once."""
    more: tuple[tuple[str, str], ...] = ()
    """Those of this answer alone."""
    close: bool = False
    """The connection does not go on after it."""


Short: TypeAlias = "Callable[[Asking], Awaitable[Answered]]"
