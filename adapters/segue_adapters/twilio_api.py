"""Calls of Twilio's API, made with its own asynchronous client: one call, one request, no retries.

The client writes addresses and numbers into its log, so it gets a logger that keeps silent.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from segue.channel import NotSent, Outcome, Unknown
from segue_adapters.twilio_outcomes import outcome
from segue_adapters.twilio_settings import TwilioSettings

Fields = Sequence[tuple[str, str]]

_SILENT = logging.getLogger("segue.twilio.silent")
_SILENT.disabled = True
_PAGES = 50


class NoAnswer(Exception):
    """A question was not answered; `why` is a word for a counter."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class Api:
    """The API of one account."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._http: Any = None
        # Said by ourselves: the client's own way of saying it is on its way out of aiohttp.
        login = base64.b64encode(":".join(settings.login).encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}
        self.account = f"{settings.api_base}/2010-04-01/Accounts/{settings.account_sid}"

    def _client(self) -> Any:
        # Made on the loop it belongs to, and imported when something is sent: it takes its time.
        if self._http is None:
            from twilio.http.async_http_client import (  # type: ignore[import-untyped]
                AsyncTwilioHttpClient,
            )

            self._http = AsyncTwilioHttpClient(logger=_SILENT)
        return self._http

    async def send(self, fields: Fields, *, account: str, number: str) -> Outcome:
        """Send one message: exactly one POST, whatever happens. Never raises."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                answer = await self._client().request(
                    "POST",
                    f"{self.account}/Messages.json",
                    data=list(fields),
                    headers=self.headers,
                )
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            # The request was never written.
            return NotSent(why=type(error).__name__, permanent=False)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            return Unknown(why=type(error).__name__)
        return outcome(
            answer.status_code,
            answer.text,
            dict(answer.headers or {}),
            account=account,
            number=number,
        )

    async def ask(self, url: str, fields: Fields = (), *, method: str = "GET") -> dict[str, Any]:
        """Return what the API answers. Raises `NoAnswer`."""
        params = dict(fields) if method == "GET" else None
        data = list(fields) if method != "GET" else None
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                answer = await self._client().request(
                    method,
                    url,
                    params=params or None,
                    data=data,
                    headers=self.headers,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            raise NoAnswer(type(error).__name__) from None
        if answer.status_code not in (200, 201):
            raise NoAnswer(f"http_{answer.status_code}", answer.status_code)
        try:
            found = json.loads(answer.text)
        except (ValueError, RecursionError):
            raise NoAnswer("no_json") from None
        return found if isinstance(found, dict) else {}

    async def messages(self, fields: Fields) -> AsyncIterator[dict[str, Any]]:
        """Yield messages of the account, newest first, page by page. Raises `NoAnswer`."""
        url, asked = f"{self.account}/Messages.json", fields
        for _ in range(_PAGES):
            page = await self.ask(url, asked)
            for each in page.get("messages", ()):
                if isinstance(each, dict):
                    yield each
            following = page.get("next_page_uri")
            if not isinstance(following, str) or not following.startswith("/"):
                return
            url, asked = f"{self._settings.api_base}{following}", ()

    async def close(self) -> None:
        """End the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None
