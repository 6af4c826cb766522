"""The calls to Slack's Web API by which something is said.

- `retry_handlers=[]`: the SDK would send a POST again by itself when a connection breaks. Whether
  to say something twice is the outbox's decision.
- Every message carries its row's id as metadata, so that one whose outcome is unknown can be found
  in the conversation's history.
- A customer's DM is opened once and remembered; a message that came from it brings it along.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from segue.channel import NotSent, Outcome, Payload, Sent, Unknown
from segue.types import Address, Row
from segue_adapters.slack_events import HOME, Json, parts
from segue_adapters.slack_outcomes import PLAIN, code_of, outcome
from segue_adapters.slack_reading import marked
from segue_adapters.slack_settings import SlackSettings

# The SDK writes whole requests at DEBUG, with what customers and we said.
log = logging.getLogger("segue.slack.calls")
log.setLevel(logging.WARNING)

FAILED = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a call of the SDK raises; a body that is no JSON is a ValueError."""
EVENT = "segue_reply"
_KNOWN = 10_000


class Calls:
    """One workspace's Web API."""

    def __init__(self, settings: SlackSettings, counts: Counter[tuple[str, str]]) -> None:
        self._settings = settings
        self._counts = counts
        self._session: aiohttp.ClientSession | None = None
        self._dms: OrderedDict[str, str] = OrderedDict()

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
        channel = await self.dm(user, pause, fresh=bool(told))
        if isinstance(channel, NotSent | Unknown | Sent):
            return channel
        return await self._post(channel, user, payload, row, pause)

    async def dm(self, user: str, pause: str = "", *, fresh: bool = False) -> str | Outcome:
        """Return the id of a user's DM; `fresh` asks Slack even where it is known."""
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
