"""What SMS and WhatsApp by Twilio have in common: one sender, its webhooks, its sends."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from msgspec.structs import replace
from yarl import URL

from segue.channel import (
    Capabilities,
    Checked,
    Fetched,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Sent,
    Site,
    Take,
    Unknown,
)
from segue.ports import to_millis
from segue.types import Address, Inbound, Invitation, Media, Row
from segue_adapters import twilio_doctor, twilio_reading
from segue_adapters.fetching import Fetcher, NotFetched
from segue_adapters.twilio_api import Api, Fields, NoAnswer
from segue_adapters.twilio_settings import TwilioSettings
from segue_adapters.twilio_signing import NoForm, form_of, is_json, refusal

_SILENCE = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""The answer to a message: nothing is said in it, replies are sent."""
_HOSTS = ("api.twilio.com", ".twilio.com", ".twiliocdn.com")
_WINDOW = timedelta(minutes=3)
"""How long after a send of unknown outcome the list of messages is searched for it."""
_SETTLED = 5.0
"""Seconds after which a message that is not in the list was not taken."""
_KNOWN = 1000
_LONGEST = 36_000


class TwilioChannel:
    """The parts that do not differ. `webhook_path` and `status_path` are settings."""

    name: str
    capabilities: Capabilities
    prefix: ClassVar[str] = ""
    """Before every number, as Twilio writes it."""

    def __init__(
        self, settings: TwilioSettings, site: Site, *, path: str, status_path: str
    ) -> None:
        self.site = site
        self.counts: Counter[tuple[str, str]] = Counter()
        self._twilio = settings
        self._path, self._status_path = path, status_path
        self._base = settings.webhook_base_url or site.public_url
        self._api = Api(settings)
        self._fetcher = Fetcher(hosts=_HOSTS, bases=(settings.api_base,))
        self._ours = twilio_reading.Ours(
            channel=self.name,
            account=settings.account_sid,
            numbers=frozenset((settings.from_number, *settings.numbers)) - {""},
            service=settings.messaging_service_sid,
            prefix=self.prefix,
            media=self._is_media,
        )
        sender = settings.messaging_service_sid or settings.from_number
        self._number = f"twilio:sender:{_digest(f'{self.prefix}{sender}')}"
        self._account = f"twilio:account:{_digest(settings.account_sid)}"
        self._sent: OrderedDict[str, None] = OrderedDict()
        """Ids that sends of this process were answered with: none of them is one in doubt."""
        self._doubts: OrderedDict[tuple[str, str], float] = OrderedDict()

    # -- pure --------------------------------------------------------------------------------------

    def invite(self, token: str, code: str) -> Invitation:
        """Return the number to write to, and a link that opens the phone's own app with the code.

        A Messaging Service picks its sender: then the first of `numbers` is told, if there is one.
        """
        number = self._twilio.from_number or next(iter(self._twilio.numbers), "")
        if not number:
            return Invitation()
        return Invitation(link=self._opens(number, f"JOIN {code}"), number=number)

    def _opens(self, number: str, words: str) -> str:
        return f"sms:{number}?body={quote(words)}"

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return where messages and where receipts come in."""
        return (
            Route(method="POST", path=self._path),
            Route(method="POST", path=self._status_path),
        )

    def verify(self, request: RawRequest) -> Refused | None:
        """Check Twilio's signature over the public address and the form."""
        return refusal(request, self._twilio.webhook_base_url, self._twilio.tokens)

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Read a message or a receipt, by the path it came to."""
        if is_json(request):
            self.counts["ignored", "json"] += 1
            return Parsed(status=204)
        try:
            form = form_of(request.body)
        except NoForm:
            return Refused(status=400, why="form")
        if request.path == self._status_path:
            report = twilio_reading.receipt(form, request.query, self._ours, self.counts)
            if isinstance(report, Refused):
                return report
            return Parsed(receipts=(report,) if report else (), status=204)
        now = to_millis(self.site.clock.now())
        inbound = twilio_reading.message(form, self._ours, now, self.counts)
        if isinstance(inbound, Refused):
            return inbound
        return Parsed(inbound=(inbound,) if inbound else (), body=_SILENCE, content_type="text/xml")

    def takes(self, address: Address, payload: Payload) -> Sequence[Take]:
        """Return what a send costs of the account's rate."""
        rate = self._twilio.account_rate
        return (Take(bucket=self._account, rate=rate, burst=max(rate, 1.0)),)

    def gauges(self) -> Mapping[str, float]:
        """Nothing is measured beside the counts."""
        return {}

    # -- sending -----------------------------------------------------------------------------------

    def _sender(self) -> tuple[str, str]:
        if self._twilio.messaging_service_sid:
            return "MessagingServiceSid", self._twilio.messaging_service_sid
        return "From", f"{self.prefix}{self._twilio.from_number}"

    def fields(self, address: Address, payload: Payload, row: Row) -> Fields:
        """Return what is posted to send a message. Pure but for the clock."""
        found = [("To", f"{self.prefix}{address.id}"), self._sender()]
        if payload["text"]:
            found.append(("Body", payload["text"]))
        found += [("MediaUrl", url) for url in payload.get("media", ())]
        if self._base:
            told = urlencode({"c": row.customer, "r": row.id})
            found.append(("StatusCallback", f"{self._base}{self._status_path}?{told}"))
        return found

    def _left(self, row: Row) -> int:
        """Return the seconds that are left of a row's life, as Twilio takes them."""
        left = (row.expires_at - to_millis(self.site.clock.now())) // 1000
        return min(max(left, 1), _LONGEST)

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Send one message with one request."""
        fields = self.fields(address, payload, row)
        outcome = await self._api.send(fields, account=self._account, number=self._number)
        if isinstance(outcome, Sent):
            _keep(self._sent, outcome.id, None)
        elif isinstance(outcome, Unknown):
            _keep(self._doubts, (row.customer, row.id), self.site.clock.monotonic())
        return outcome

    async def find(self, address: Address, row: Row) -> Outcome:
        """Look for a message in the account's list: same recipient, same words, just now."""
        text = self.build(row.message)["text"]
        since = self.site.clock.now() - _WINDOW
        # Not by date: what is still in the queue has none.
        asked = (("To", f"{self.prefix}{address.id}"), ("PageSize", "50"))
        try:
            async for each in self._api.messages(asked):
                if (made := _moment(each.get("date_created"))) is not None and made < since:
                    break
                sid = each.get("sid")
                fits = each.get("body") == text and each.get("direction") != "inbound"
                if fits and isinstance(sid, str) and sid not in self._sent:
                    _keep(self._sent, sid, None)
                    return Sent(id=sid)
        except NoAnswer as error:
            return Unknown(why=error.why)
        at = self._doubts.get((row.customer, row.id))
        if at is not None and self.site.clock.monotonic() - at < _SETTLED:
            return Unknown(why="not listed yet")
        return NotSent(why="not listed", permanent=False)

    def build(self, message: Any) -> Payload:
        """Return what is sent of a message."""
        raise NotImplementedError

    # -- what was missed ---------------------------------------------------------------------------

    async def missed(self, since: datetime) -> AsyncIterator[Inbound]:
        """Yield what customers wrote after `since`, oldest first, from the account's list.

        Raises `NoAnswer` where it cannot be asked: then it is asked again later.
        """
        # The list is by day, and in UTC; what is older than asked for is left out here.
        asked = [("DateSent>", f"{since.astimezone(UTC) - timedelta(days=1):%Y-%m-%d}")]
        if self._twilio.from_number and not self._twilio.numbers:
            asked.append(("To", f"{self.prefix}{self._twilio.from_number}"))
        found: list[tuple[datetime, dict[str, Any]]] = []
        async for each in self._api.messages((*asked, ("PageSize", "200"))):
            at = _moment(each.get("date_sent") or each.get("date_created"))
            if each.get("direction") == "inbound" and at is not None and at >= since:
                found.append((at, each))
        for at, each in sorted(found, key=lambda pair: pair[0]):
            inbound = await self._again(each, to_millis(at))
            if inbound is not None:
                yield inbound

    async def _again(self, told: Mapping[str, Any], at: int) -> Inbound | None:
        """Return a listed message as its webhook would have told it."""
        form = [
            ("MessageSid", f"{told.get('sid')}"),
            ("AccountSid", f"{told.get('account_sid')}"),
            ("From", f"{told.get('from')}"),
            ("To", f"{told.get('to')}"),
            ("Body", f"{told.get('body') or ''}"),
            ("MessagingServiceSid", f"{told.get('messaging_service_sid') or ''}"),
        ]
        if f"{told.get('num_media', '0')}" != "0":
            form += await self._attached(f"{told.get('sid')}")
        inbound = twilio_reading.message(form, self._ours, at, self.counts)
        return replace(inbound, received_at=at) if isinstance(inbound, Inbound) else None

    async def _attached(self, sid: str) -> list[tuple[str, str]]:
        try:
            page = await self._api.ask(f"{self._api.account}/Messages/{sid}/Media.json")
        except NoAnswer as error:
            if error.status != 404:
                raise
            return []  # Taken away meanwhile.
        listed = [each for each in page.get("media_list", ()) if isinstance(each, dict)]
        form = [("NumMedia", f"{len(listed)}")]
        for place, each in enumerate(listed):
            uri = f"{each.get('uri')}".removesuffix(".json")
            form.append((f"MediaUrl{place}", f"{self._twilio.api_base}{uri}"))
            form.append((f"MediaContentType{place}", f"{each.get('content_type')}"))
        return form

    # -- attachments -------------------------------------------------------------------------------

    def _is_media(self, url: str) -> bool:
        try:
            parsed = URL(url)
        except ValueError:
            return False
        if parsed.origin() == URL(self._twilio.api_base).origin() if parsed.host else False:
            return True
        host = parsed.host or ""
        return parsed.scheme == "https" and (host == "twilio.com" or host.endswith(".twilio.com"))

    async def fetch(self, media: Media) -> Fetched | None:
        """Fetch an attachment from Twilio, which sends us on to where it keeps them."""
        try:
            return await self._fetcher.fetch(media.ref, headers=self._api.headers)
        except NotFetched as error:
            self.counts["media", error.why] += 1
            return None

    # -- life --------------------------------------------------------------------------------------

    async def doctor(self, *, fix: bool) -> Sequence[Checked]:
        """Look at the account, and at the address that Twilio calls."""
        where = f"{self._base}{self._path}" if self._base else ""
        return await twilio_doctor.checked(
            self._api, self._twilio, where, fix=fix, sets=not self.prefix
        )

    async def start(self, gateway: Gateway) -> None:
        """Nothing runs beside requests."""

    async def stop(self) -> None:
        """End the connections."""
        await self._api.close()


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _keep(found: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    found[key] = value
    if len(found) > _KNOWN:
        found.popitem(last=False)


def _moment(written: object) -> datetime | None:
    """Return a time as Twilio writes it (`Mon, 02 Mar 2026 10:00:00 +0000`)."""
    try:
        found = parsedate_to_datetime(written) if isinstance(written, str) else None
    except ValueError:
        return None
    if found is not None and found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found
