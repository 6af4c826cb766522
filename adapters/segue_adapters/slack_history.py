"""Reading in Slack: was it said, what was missed, what did they attach?

- What we said is found by its row's id, which every message of ours carries as metadata.
- What customers wrote while nobody listened stands in the histories of their DMs.
- A file is kept by its id; where it is now is asked when somebody wants to see it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from segue.channel import Fetched, NotSent, Outcome, Sent, Site, Unknown
from segue.types import Address, Inbound, Media, Row
from segue_adapters.fetching import Fetcher, NotFetched
from segue_adapters.slack_calls import EVENT, FAILED, Calls
from segue_adapters.slack_events import Json, message, parts
from segue_adapters.slack_outcomes import code_of, outcome
from segue_adapters.slack_settings import SlackSettings

_KNOWN = 10_000
_SURE = 5.0
"""Seconds after the first look from which on what is not in the history was not sent."""
_LOOK = 100
"""Messages of the history that are looked through."""
_PAUSE = timedelta(seconds=30)
_FILE_GONE = frozenset({"file_not_found", "file_deleted", "not_visible", "missing_scope"})
"""What is counted by its name: labels are few and known."""


class History:
    """Reads what one workspace holds."""

    def __init__(
        self, calls: Calls, settings: SlackSettings, site: Site, counts: Counter[tuple[str, str]]
    ) -> None:
        self._calls = calls
        self._settings = settings
        self._site = site
        self._counts = counts
        self._looked: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._asked: float | None = None
        """When the histories were asked for what was missed."""
        self._put_off: datetime | None = None

    # -- finding again -----------------------------------------------------------------------------

    async def find(self, address: Address, row: Row) -> Outcome:
        """Look for a row in the history of its DM."""
        _team, user, place = parts(address)
        if place:
            return Unknown(why="ephemeral")
        channel = row.context.get("dm") or await self._calls.dm(user)
        if not isinstance(channel, str):
            return Unknown(why="no_dm")
        try:
            answer = await self._calls.client().conversations_history(
                channel=channel, limit=_LOOK, include_all_metadata=True
            )
        except FAILED as error:
            return Unknown(why=outcome(error, sending=False).why)  # type: ignore[union-attr]
        for each in answer.get("messages") or ():
            metadata = each.get("metadata") or {}
            ours = metadata.get("event_type") == EVENT
            if ours and (metadata.get("event_payload") or {}).get("ob") == row.id:
                return Sent(id=f"{channel}:{each.get('ts')}")
        now = self._site.clock.monotonic()
        key = (address.id, row.id)
        first = self._looked.setdefault(key, now)
        if len(self._looked) > _KNOWN:
            self._looked.popitem(last=False)
        if now - first < _SURE:
            # It may be under way still: look again before saying that it is not there.
            return Unknown(why="not_there_yet")
        del self._looked[key]
        return NotSent(why="not_in_history", permanent=False)

    # -- files ------------------------------------------------------------------------------------

    async def fetch(self, media: Media) -> Fetched | None:
        """Fetch a customer's file by its id; None if it is gone, too large or not allowed."""
        settings = self._settings
        fetcher = Fetcher(hosts=("files.slack.com",), bases=(settings.file_base,))
        try:
            answer = await self._calls.client().files_info(file=media.ref)
            file = answer.get("file") or {}
            found = await fetcher.fetch(
                str(file.get("url_private_download") or file.get("url_private") or ""),
                headers={"Authorization": f"Bearer {settings.bot_token.get_secret_value()}"},
                name=str(file.get("name") or media.alt),
            )
        except NotFetched as refused:
            self._counts["file", refused.why] += 1
            return None
        except FAILED as error:
            code = code_of(error) if isinstance(error, SlackApiError) else ""
            self._counts["file", code if code in _FILE_GONE else "unreachable"] += 1
            return None
        if found.body[:64].lstrip().lower().startswith(b"<!doctype html"):
            # Without the right to read files Slack shows a page to sign in, with 200.
            self._counts["file", "sign_in"] += 1
            return None
        return found

    # -- what was missed ---------------------------------------------------------------------------

    async def missed(self, since: datetime) -> AsyncIterator[Inbound]:
        """Yield what customers wrote in their DMs after `since`, oldest first.

        Slack cannot say in which DMs something is new: each is a call. So it is asked at the start
        and then once in a while; what was put off is asked for with the next time.
        """
        every = timedelta(minutes=self._settings.catch_up_minutes)
        if not self._settings.catch_up_conversations:
            return
        now = self._site.clock.monotonic()
        if self._asked is not None and now - self._asked < every.total_seconds():
            self._put_off = min(self._put_off or since, since)
            return
        # A process before this one may have put something off.
        since = since - every if self._asked is None else min(self._put_off or since, since)
        async for inbound in self._written(since):
            yield inbound
        self._asked, self._put_off = now, None

    async def _written(self, since: datetime) -> AsyncIterator[Inbound]:
        client = self._calls.client()
        team = str((await self._patiently(client.auth_test)).get("team_id", ""))
        found: list[tuple[str, Inbound]] = []
        for channel in await self._conversations(client):
            answer = await self._patiently(
                client.conversations_history,
                channel=channel,
                oldest=f"{since.timestamp():.6f}",
                limit=_LOOK,
            )
            for each in answer.get("messages") or ():
                event = {**each, "channel": channel, "channel_type": "im"}
                inbound = message(event, team, lambda _why: None)
                if inbound is not None:
                    found.append((str(each["ts"]), inbound))
        for ts, inbound in sorted(found, key=lambda pair: float(pair[0])):
            yield _late(inbound, ts)

    async def _conversations(self, client: AsyncWebClient) -> list[str]:
        found: list[str] = []
        cursor = ""
        while len(found) < self._settings.catch_up_conversations:
            answer = await self._patiently(
                client.users_conversations, types="im", limit=200, cursor=cursor or None
            )
            found += [str(each["id"]) for each in answer.get("channels") or ()]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return found[: self._settings.catch_up_conversations]

    async def _patiently(self, call: Any, **arguments: Any) -> Json:
        """Call, and wait as long as Slack says where it is too much."""
        while True:
            try:
                answer = await call(**arguments)
                return dict(answer.data)
            except SlackApiError as error:
                found = outcome(error, sending=False)
                if not (isinstance(found, NotSent) and found.why == "too_fast"):
                    raise
                await self._site.clock.sleep((found.retry_after or _PAUSE).total_seconds())


def _late(inbound: Inbound, ts: str) -> Inbound:
    return msgspec.structs.replace(inbound, received_at=int(float(ts) * 1000))
