"""The channel slack: one Slack app in one workspace.

    POST /channels/slack/events       messages in DMs, mentions, App Home
    POST /channels/slack/interactive  buttons
    POST /channels/slack/commands     a slash command
    or Socket Mode, where nothing listens and we connect (`slack_socket.py`)

Of slack-bolt we use what it is made of, the SDK: its request verification (`slack_signing.py`) and
its Web API client (`slack_calls.py`). Bolt's dispatcher would have to run with
`process_before_response`, since a message must be stored before Slack gets its 2xx and no queue in
memory may hold it meanwhile; then nothing of it is left but middleware that asks Slack who we are
in the middle of a request, and logs the body of a request that it refuses. Here a request is
verified, parsed by a plain function (`slack_reading.py`), stored and answered: one round trip to
the store, far from Slack's three seconds.

One workspace has one token. What others read along is never a place for a customer's affairs: a
mention in a channel, like a slash command, is answered by an invitation to the DM.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from segue.channel import (
    Capabilities,
    Checked,
    Fetched,
    Gateway,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Site,
    Take,
)
from segue.types import Address, Inbound, Media, Message, Row
from segue_adapters.slack_blocks import BUTTONS, LABEL, TEXT_LIMIT, built
from segue_adapters.slack_calls import Calls
from segue_adapters.slack_doctor import checked
from segue_adapters.slack_events import Ours
from segue_adapters.slack_history import History
from segue_adapters.slack_reading import read, retried
from segue_adapters.slack_settings import SlackSettings
from segue_adapters.slack_signing import Signing
from segue_adapters.slack_socket import SocketMode, reader

_CHAT_BURST = 4
"""Slack lets a short burst pass: a reply in two or three messages need not drip."""
_WORKSPACE_BURST = 20


class SlackChannel:
    """The adapter."""

    name = "slack"
    capabilities = Capabilities(
        buttons=BUTTONS,
        button_label=LABEL,
        text_limit=TEXT_LIMIT,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        images=True,
        edits=True,
    )
    Settings = SlackSettings

    def __init__(self, settings: SlackSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.site = site or Site()
        self.counts: Counter[tuple[str, str]] = Counter()
        secret = settings.signing_secret
        self._signing = Signing(secret.get_secret_value() if secret else None, self.site.clock)
        self._ours = Ours(app=settings.app_id, teams=frozenset(settings.team_ids))
        self._calls = Calls(settings, self.counts)
        self._history = History(self._calls, settings, self.site, self.counts)
        self._socket: SocketMode | None = None
        token = settings.bot_token.get_secret_value().encode()
        self._bucket = f"slack:workspace:{blake2b(token, digest_size=8).hexdigest()}"

    # -- pure --------------------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return the three request URLs; in Socket Mode nobody calls."""
        settings = self.settings
        if settings.socket_mode:
            return ()
        paths = {settings.events_path, settings.interactive_path, settings.commands_path}
        return [Route(method="POST", path=path) for path in sorted(paths)]

    def verify(self, request: RawRequest) -> Refused | None:
        """Check the signature over the bytes as they came, and their time."""
        return self._signing.refusal(request)

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Read events, presses and commands; what is not for us is counted and acknowledged."""
        found = read(request, self._ours, self._ignored)
        if "x-slack-retry-num" not in request.headers:
            return found
        self.counts["webhook", "retry"] += 1
        return retried(found, self.site.clock.now()) if isinstance(found, Parsed) else found

    def build(self, message: Message) -> Payload:
        """Return text and blocks."""
        return built(message)

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        """Return one message's worth of the conversation's and of the workspace's rate."""
        settings = self.settings
        return (
            Take(bucket=self._chat(address), rate=settings.chat_rate, burst=_CHAT_BURST),
            Take(bucket=self._bucket, rate=settings.workspace_rate, burst=_WORKSPACE_BURST),
        )

    def _chat(self, address: Address) -> str:
        return f"slack:chat:{blake2b(address.id.encode(), digest_size=8).hexdigest()}"

    def _ignored(self, why: str) -> None:
        self.counts["ignored", why] += 1

    # -- edge --------------------------------------------------------------------------------------

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Say it in the customer's DM, or where the address says."""
        return await self._calls.say(address, payload, row, self._chat(address))

    async def find(self, address: Address, row: Row) -> Outcome:
        """Look for a row in the history, by the id in its metadata."""
        return await self._history.find(address, row)

    def missed(self, since: datetime) -> AsyncIterator[Inbound]:
        """Yield what customers wrote in their DMs while nobody listened."""
        return self._history.missed(since)

    async def fetch(self, media: Media) -> Fetched | None:
        """Fetch what a customer attached."""
        return await self._history.fetch(media)

    async def doctor(self, *, fix: bool) -> Sequence[Checked]:
        """Check token, scopes and how Slack reaches us."""
        return await checked(self._calls, self.settings, self.site)

    async def start(self, gateway: Gateway) -> None:
        """Connect, in Socket Mode."""
        settings = self.settings
        if not settings.socket_mode or settings.app_token is None:
            return
        self._socket = SocketMode(
            self._calls,
            app_token=settings.app_token.get_secret_value(),
            api_base=settings.api_base,
            read=reader(self._ours, self._ignored),
            site=self.site,
            counts=self.counts,
        )
        self._socket.start(gateway)

    async def stop(self) -> None:
        """Close connections."""
        if self._socket is not None:
            await self._socket.stop()
            self._socket = None
        await self._calls.close()

    def gauges(self) -> Mapping[str, float]:
        """Return how many connections to Slack are open (Socket Mode)."""
        return {"open_sockets": float(self._socket.open if self._socket else 0)}
