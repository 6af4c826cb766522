"""A client of `/api`, for the company's own Python code.

    async with Segue("https://chat.example.com", key) as segue:
        await segue.start("shop-17", "shipped", {"order": "A1001"}, once="parcel-881")

A request goes again, a few times, where nobody answered or the server was busy. So that this does
nothing twice, each has an idempotency key: `once`, or one made for the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec

from segue.errors import ApiError
from segue.ports import Clock, Ids, SystemClock, SystemIds

_WAITS = (0.5, 2.0, 5.0)


class Segue:
    """One server of Segue, and a key to it."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 10.0,
        clock: Clock | None = None,
        ids: Ids | None = None,
    ) -> None:
        """`url` is the server's address, `key` one of `segue api-key add`; `timeout` in seconds."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._clock = clock or SystemClock()
        self._ids = ids or SystemIds()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def start(
        self,
        customer: str,
        dialog: str,
        values: Mapping[str, Any] | None = None,
        *,
        channel: str = "",
        address: str = "",
        consent: str = "",
        once: str = "",
    ) -> str:
        """Start a dialog with a customer; return the id that webhooks name. Raises `ApiError`."""
        body = {
            "customer": customer,
            "dialog": dialog,
            "values": dict(values or {}),
            "channel": channel,
            "address": address,
            "consent": consent,
        }
        return str((await self._post("/api/dialogs", body, once))["id"])

    async def tell(
        self,
        customer: str,
        facts: Mapping[str, Any],
        *,
        name: str = "",
        locale: str = "",
        correct: Sequence[str] = (),
        at: datetime | None = None,
        once: str = "",
    ) -> str:
        """Tell what the company knows; return Segue's id of the customer. Raises `ApiError`."""
        body = {
            "facts": dict(facts),
            "name": name,
            "locale": locale,
            "correct": list(correct),
            "at": at,
        }
        path = f"/api/customers/{quote(customer, safe='')}"
        return str((await self._post(path, body, once))["customer"])

    async def touchpoint(
        self,
        customer: str,
        channel: str,
        at: datetime,
        *,
        summary: str = "",
        wanted: str = "",
        promised: str = "",
        by: str = "",
        facts: Mapping[str, Any] | None = None,
        once: str = "",
    ) -> str:
        """Add a phone call (`phone`) or a visit (`shop`); return its id. Raises `ApiError`."""
        body = {
            "channel": channel,
            "at": at,
            "summary": summary,
            "wanted": wanted,
            "promised": promised,
            "by": by,
            "facts": dict(facts or {}),
        }
        path = f"/api/customers/{quote(customer, safe='')}/touchpoints"
        return str((await self._post(path, body, once))["id"])

    async def customer(self, customer: str) -> dict[str, Any]:
        """Return what is known of a customer, as docs/api.md shows it. Raises `ApiError`."""
        return await self._call("GET", f"/api/customers/{quote(customer, safe='')}", None, {})

    async def _post(self, path: str, body: Mapping[str, Any], once: str) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": once or self._ids.new(),
        }
        return await self._call("POST", path, msgspec.json.encode(body), headers)

    async def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        for wait in (*_WAITS, None):
            try:
                return await self._try(method, path, body, headers)
            except ApiError as error:
                if wait is None or not error.retry:
                    raise
                await self._clock.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _try(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.request(
                method, f"{self._url}{path}", data=body, headers={**self._headers, **headers}
            ) as answer:
                status, raw = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "unreachable_server", f"Nobody answered: {error}.") from None
        try:
            said = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError:
            said = {}
        if 200 <= status < 300:
            return said
        sentence = str(said.get("error", "The server gave no reason."))
        raise ApiError(status, str(said.get("code", "")), sentence)
