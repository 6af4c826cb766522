"""The calls to Slack's Web API: saying something, finding it again, reading what was missed.

- `retry_handlers=[]`: the SDK would send a POST again by itself when a connection breaks. Whether
  to say something twice is the outbox's decision.
- Every message carries its row's id as metadata, so that one whose outcome is unknown can be found
  in the conversation's history.
- A customer's DM is opened once and remembered; a message that came from it brings it along.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from segue.channel import Fetched, NotSent, Outcome, Payload, Sent, Site, Unknown
from segue.types import Address, Inbound, Media, Row
from segue_adapters.fetching import Fetcher, NotFetched
from segue_adapters.slack_events import HOME, Json, marked, message, parts
from segue_adapters.slack_outcomes import PLAIN, code_of, outcome
from segue_adapters.slack_settings import SlackSettings

# The SDK writes whole requests at DEBUG, with what customers and we said.
log = logging.getLogger("segue.slack.calls")
log.setLevel(logging.WARNING)

FAILED = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a call of the SDK raises; a body that is no JSON is a ValueError."""
EVENT = "segue_reply"
_KNOWN = 10_000
_SURE = 5.0
"""Seconds after the first look from which on what is not in the history was not sent."""
_LOOK = 100
"""Messages of the history that are looked through for one of ours."""
_PAUSE = timedelta(seconds=30)
_FILE_GONE = frozenset({"file_not_found", "file_deleted", "not_visible", "missing_scope"})
"""What is counted by its name: labels are few and known."""


class Calls:
    """One workspace's Web API."""

    def __init__(self, settings: SlackSettings, site: Site, counts: Counter[tuple[str, str]]):
        self._settings = settings
        self._site = site
        self._counts = counts
        self._session: aiohttp.ClientSession | None = None
        self._dms: OrderedDict[str, str] = OrderedDict()
        self._looked: OrderedDict[tuple[str, str], float] = OrderedDict()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The one HTTP client of the channel."""
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=self._settings.timeout_seconds)
            self._session = aiohttp.ClientSession(timeout=limit)
        return self._session

    def client(self, token: str = "") -> AsyncWebClient:
        """Return the SDK's client; without a token, as the bot."""
        return AsyncWebClient(
            token=token or self._settings.bot_token.get_secret_value(),
            base_url=f"{self._settings.api_base}/",
            session=self.session,
            logger=log,
            retry_handlers=[],
        )

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    # -- saying ------------------------------------------------------------------------------------

    async def say(self, address: Address, payload: Payload, row: Row, pause: str) -> Outcome:
        """Say it where the address says: in the DM, where others read along, or in App Home."""
        _team, user, place = parts(address)
        if place == HOME:
            return await self._publish(user, payload)
        if place:
            answer_at = row.context.get("answer", "")
            if answer_at and await self._responded(answer_at, user, payload):
                return Sent(id=f"response:{row.id}")
            return await self._whisper(place, user, payload, pause)
        told = row.context.get("dm", "")
        if told:
            outcome = await self._post(told, user, payload, row, pause)
            if not (isinstance(outcome, NotSent) and outcome.why == "channel_not_found"):
                return outcome
        channel = await self._dm(user, pause, fresh=bool(told))
        if isinstance(channel, NotSent | Unknown | Sent):
            return channel
        return await self._post(channel, user, payload, row, pause)

    async def _dm(self, user: str, pause: str, *, fresh: bool) -> str | Outcome:
        known = self._dms.get(user)
        if known is not None and not fresh:
            return known
        try:
            answer = await self.client().conversations_open(users=user)
            channel = str(answer["channel"]["id"])
        except FAILED as error:
            return outcome(error, sending=False, pause=pause)
        except (KeyError, TypeError):
            return NotSent(why="no_id", permanent=False)
        self._dms[user] = channel
        if len(self._dms) > _KNOWN:
            self._dms.popitem(last=False)
        return channel

    async def _post(
        self, channel: str, user: str, payload: Payload, row: Row, pause: str
    ) -> Outcome:
        more = {
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT, "event_payload": {"ob": row.id}},
        }
        found = await self._said("chat.postMessage", more, user, payload, pause)
        return Sent(id=f"{channel}:{found.id}") if isinstance(found, Sent) else found

    async def _whisper(self, place: str, user: str, payload: Payload, pause: str) -> Outcome:
        more = {"channel": place, "user": user}
        return await self._said("chat.postEphemeral", more, user, payload, pause)

    async def _responded(self, url: str, user: str, payload: Payload) -> bool:
        """Answer a command where it was given; that works for half an hour, in any channel.

        False where it does not: what only they would have seen may be tried another way.
        """
        parts, base = urlsplit(url), urlsplit(self._settings.api_base)
        ours = parts.scheme == "https" and parts.hostname == "hooks.slack.com"
        if not ours and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            self._counts["ignored", "response_url"] += 1
            return False
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": payload["text"],
            "blocks": _for(user, payload["blocks"]),
        }
        client = AsyncWebhookClient(url, session=self.session, logger=log, retry_handlers=[])
        try:
            return (await client.send_dict(body)).status_code == 200
        except FAILED:
            return False

    async def _said(
        self, method: str, more: Json, user: str, payload: Payload, pause: str
    ) -> Outcome:
        """Call once; where the blocks are at fault, once more with the words alone."""
        body = {
            **more,
            "text": payload["text"],
            "blocks": _for(user, payload["blocks"]),
            "mrkdwn": False,
            "link_names": False,
            "parse": "none",
        }
        try:
            return _id_of(await self.client().api_call(method, json=body))
        except SlackApiError as error:
            if code_of(error) not in PLAIN:
                return outcome(error, sending=True, pause=pause)
            self._counts["fallback", code_of(error)] += 1
        except FAILED as error:
            return outcome(error, sending=True, pause=pause)
        body = {**body, "text": payload["alone"]}
        del body["blocks"]
        try:
            return _id_of(await self.client().api_call(method, json=body))
        except FAILED as error:
            return outcome(error, sending=True, pause=pause)

    async def _publish(self, user: str, payload: Payload) -> Outcome:
        view = {"type": "home", "blocks": payload["blocks"]}
        try:
            # Publishing again shows the same: what is unknown may be done again.
            await self.client().views_publish(user_id=user, view=view)
        except FAILED as error:
            return outcome(error, sending=False)
        return Sent(id=f"home:{user}")

    # -- finding again -----------------------------------------------------------------------------

    async def find(self, address: Address, row: Row) -> Outcome:
        """Look for a row in the history of its DM."""
        _team, user, place = parts(address)
        if place:
            return Unknown(why="ephemeral")
        channel = row.context.get("dm") or await self._dm(user, "", fresh=False)
        if not isinstance(channel, str):
            return Unknown(why="no_dm")
        try:
            answer = await self.client().conversations_history(
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
            answer = await self.client().files_info(file=media.ref)
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
        """Yield what customers wrote in their DMs after `since`, oldest first."""
        client = self.client()
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


def _for(user: str, blocks: list[Json]) -> list[Json]:
    """Return the blocks with their buttons marked for this user: nobody else may press them."""
    return [
        {**block, "block_id": marked(user)} if block["type"] == "actions" else block
        for block in blocks
    ]


def _id_of(answer: Any) -> Outcome:
    ts = answer.get("ts") or answer.get("message_ts")
    # It says it took it, and not under which id.
    return Sent(id=str(ts)) if ts else Unknown(why="no_id")


def _late(inbound: Inbound, ts: str) -> Inbound:
    return msgspec.structs.replace(inbound, received_at=int(float(ts) * 1000))
