"""A stand-in of Twilio: the Messages API, its webhooks for SMS and WhatsApp, and people's phones.

    async with Twilio() as twilio:
        # channels.sms: account_sid = twilio.account_sid, auth_token = twilio.auth_token,
        #               from_number = twilio.number, api_base = twilio.url
        twilio.call_at("http://127.0.0.1:8080/channels/sms/webhook")
        ada = twilio.phone("+436601234567")
        await ada.write("I want to send something back")
        ada.screen[-1]

It is as strict as Twilio: basic authentication, parameters, error bodies with their codes, the
sender's queue by segments, its limits. Like Twilio it keeps who said STOP, answers them itself and
refuses to send to them (21610), unless `answers_stop` is off. Webhooks are signed and not repeated;
the fallback is tried once. Receipts come one after the other, or the other way round (`shuffled`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

from aiohttp import web

from segue.ports import Clock
from segue.testing.platforms.base import Call, Handler, Hook, Platform
from segue.testing.platforms.twilio_messages import (
    HELP,
    START,
    STOP,
    STOPPED,
    Failure,
    Sms,
    checked,
    error,
    keyword,
)
from segue.testing.platforms.twilio_phones import Phone

_API = "/2010-04-01/Accounts/{account}"


@dataclass
class Number:
    """A number of the account."""

    number: str
    sid: str
    sms_url: str = ""
    sms_fallback_url: str = ""


class Twilio(Platform):
    """One account with one number, which is a WhatsApp sender too."""

    name = "twilio"
    patience = 15.0

    def __init__(self, *, clock: Clock | None = None, number: str = "+15005550006") -> None:
        super().__init__(clock=clock)
        self.account_sid = "AC" + hashlib.md5(number.encode()).hexdigest()  # noqa: S324 - an id
        self.auth_token = hashlib.sha256(number.encode()).hexdigest()[:32]
        self.number = number
        self.service = ""
        """Sid of a Messaging Service that the number belongs to; empty: none."""
        self.numbers = {number: Number(number, "PN" + "0" * 31 + "1")}
        self.whatsapp_url = ""
        self.service_url = ""
        self.answers_stop = True
        """STOP, START and HELP are answered by Twilio, who keeps to them; else nobody does."""
        self.rate = 1.0
        """Segments a second that a number sends; what is more waits in its queue."""
        self.shuffled = False
        """Receipts come in the wrong order."""
        self.receipts = True
        self.templates: dict[str, str] = {}
        """Content sid → approved text with places {{1}}."""
        self.suspended = False
        self.opted_out: set[tuple[str, str]] = set()
        self.messages: list[Sms] = []
        """All, in both directions, oldest first."""
        self.phones: dict[str, Phone] = {}
        self.media: dict[str, tuple[str, bytes]] = {}
        self._count = count(1)
        self._free: dict[str, float] = {}
        """Sender → when its queue is empty, by the monotonic clock."""
        self._replies: dict[tuple[str, str], list[float]] = {}

    # -- how tests set it up -----------------------------------------------------------------------

    def call_at(self, url: str, *, whatsapp: str = "", fallback: str = "") -> None:
        """Deliver messages to these addresses."""
        self.numbers[self.number].sms_url = url
        self.numbers[self.number].sms_fallback_url = fallback
        self.whatsapp_url = whatsapp

    def phone(self, number: str = "+436601234567", *, name: str = "Ada") -> Phone:
        """Return somebody's phone, with SMS and WhatsApp on it."""
        if number not in self.phones:
            self.phones[number] = Phone(self, number, name)
        return self.phones[number]

    def signed(self, url: str, form: Sequence[tuple[str, str]]) -> str:
        """Return the signature of a form that is posted to an address."""
        joined = url + "".join(name + value for name, value in sorted(set(form)))
        digest = hmac.new(self.auth_token.encode(), joined.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    def sid(self, kind: str) -> str:
        """Return an id that was not used before."""
        return f"{kind}{next(self._count):032x}"

    # -- the API -----------------------------------------------------------------------------------

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the paths of the API and of attachments."""
        return [
            ("GET", _API + ".json", self._account),
            ("POST", _API + "/Messages.json", self._create),
            ("GET", _API + "/Messages.json", self._list),
            ("GET", _API + "/Messages/{message}/Media.json", self._media_list),
            ("GET", _API + "/Messages/{message}/Media/{media}", self._media),
            ("GET", _API + "/IncomingPhoneNumbers.json", self._numbers),
            ("POST", _API + "/IncomingPhoneNumbers/{number}.json", self._set_number),
            ("GET", "/v1/Services/{service}", self._service),
            ("POST", "/v1/Services/{service}", self._service),
            ("GET", "/kept/{media}", self._kept),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = parse_qsl((await request.read()).decode(), keep_blank_values=True)
        call = Call(method="Messages", params={}, at=self.clock.now())
        for name, value in form:
            call.params[name] = [*call.params.get(name, []), value]
        self.ledger.append(call)
        fault = self.next_fault("Messages")
        match fault.kind if fault else "":
            case "stall":
                return await self.stalled(request)
            case "reset":
                return await self.cut(request)
            case "broken":
                assert fault is not None
                return self._answer(call, fault.status, fault.body or {"status": fault.status})
            case "too_fast":
                assert fault is not None
                body = fault.body or error(20429, "Too Many Requests", 429)
                return self._answer(call, 429, body, {"Retry-After": f"{fault.retry_after:g}"})
        try:
            self._let_in(request)
            message = self._taken(form)
        except Failure as failure:
            return self._answer(call, failure.status, failure.body)
        call.taken = True
        if fault is not None:
            return await self.cut(request)
        return self._answer(call, 201, message.shown())

    def _answer(
        self, call: Call, status: int, body: Any, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        call.status, call.answer = status, body
        return web.json_response(body, status=status, headers=headers)

    def _let_in(self, request: web.Request) -> None:
        login = f"{self.account_sid}:{self.auth_token}".encode()
        wanted = f"Basic {base64.b64encode(login).decode()}"
        if request.headers.get("Authorization") != wanted:
            raise Failure(20003, "Authenticate", 401)
        account = request.match_info.get("account", self.account_sid)
        if account != self.account_sid:
            raise Failure(20404, f"The requested resource {request.path} was not found", 404)
        if self.suspended:
            raise Failure(20005, "Account not active", 401)
        wait = self.buckets.take("account", rate=100, burst=100)
        if wait:
            raise Failure(20429, "Too Many Requests", 429)

    def _taken(self, form: list[tuple[str, str]]) -> Sms:
        """Take a message into the sender's queue. Raises `Failure`."""
        message = checked(
            form,
            account=self.account_sid,
            sid=self.sid,
            numbers=set(self.numbers),
            service=self.service,
            templates=self.templates,
        )
        message.at = self.clock.now()
        sender, to = message.sender or self.number, message.to
        message.sender = sender
        phone = self.phones.get(to.removeprefix("whatsapp:"))
        if phone is not None and phone.landline:
            raise Failure(21614, f"'To' number is not a valid mobile number: {to}", 400)
        if self.answers_stop and (sender, to) in self.opted_out:
            raise Failure(21610, "Attempt to send to unsubscribed recipient", 400)
        now = self.clock.monotonic()
        pair = [at for at in self._replies.get((sender, to), []) if at > now - 30]
        if len(pair) >= 30:
            raise Failure(14107, "Message rate limit exceeded", 429)
        self._replies[sender, to] = [*pair, now]
        begin = max(self._free.get(sender, now), now)
        if begin - now > 36_000:
            raise Failure(21611, "This 'From' number has exceeded the maximum queue", 429)
        self._free[sender] = begin + message.segments / self.rate
        self.messages.append(message)
        self._spawn(self._go(message, begin - now, phone))
        return message

    async def _go(self, message: Sms, wait: float, phone: Phone | None) -> None:
        """Let a message go through, and tell what became of it."""
        if wait > 0:
            await self.clock.sleep(wait)
        told = ["queued", "sent", "delivered"]
        if message.validity and wait > message.validity:
            message.code, told = 30036, ["queued", "failed"]
        elif phone is not None and phone.off:
            message.code, told = 30003, ["queued", "sent", "undelivered"]
        elif message.whatsapp and not message.template and not (phone and phone.open):
            message.code, told = 63016, ["queued", "failed"]
        elif phone is not None:
            phone.got(message.text, message.media, whatsapp=message.whatsapp)
            if message.whatsapp and phone.reads:
                told.append("read")
        message.status = told[-1]
        if not message.callback or not self.receipts:
            return
        for status in reversed(told) if self.shuffled else told:
            form = [
                *(("SmsSid", message.sid), ("SmsStatus", status), ("MessageStatus", status)),
                *(("To", message.to), ("MessageSid", message.sid)),
                *(("AccountSid", self.account_sid), ("From", message.sender)),
                ("ApiVersion", "2010-04-01"),
            ]
            if message.code and status in ("failed", "undelivered"):
                form.append(("ErrorCode", f"{message.code}"))
            await self.call(message.callback, form)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- webhooks ----------------------------------------------------------------------------------

    async def call(self, url: str, form: list[tuple[str, str]], fallback: str = "") -> Hook:
        """Deliver a webhook, once; if it is not taken and there is a fallback, once to that."""
        hook = Hook(url=url, body=urlencode(form).encode(), headers={})
        self.hooks.append(hook)
        for address in filter(None, (url, fallback)):
            hook.url = address
            hook.headers = {
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                "X-Twilio-Signature": self.signed(address, form),
                "I-Twilio-Idempotency-Token": self.sid(""),
                "User-Agent": "TwilioProxy/1.1",
            }
            hook.statuses.append(await self.post(address, hook.body, hook.headers))
            if hook.delivered:
                break
        return hook

    async def incoming(
        self, phone: Phone, text: str, media: Sequence[str], *, whatsapp: bool
    ) -> Hook | None:
        """Let somebody's message arrive at our number."""
        prefix = "whatsapp:" if whatsapp else ""
        sid = self.sid("MM" if media else "SM")
        message = Sms(
            sid=sid,
            account=self.account_sid,
            sender=prefix + phone.number,
            to=prefix + self.number,
            text=text,
            direction="inbound",
            status="received",
            at=self.clock.now(),
            media=[f"{self.url}{self._media_path(sid, each)}" for each in media],
            service=self.service,
        )
        self.messages.append(message)
        if not whatsapp:
            self._keyword(phone, text)
        number = self.numbers[self.number]
        url = self.whatsapp_url if whatsapp else self.service_url or number.sms_url
        if not url:
            return None
        form = message.form(phone.name)
        return await self.call(url, form, "" if whatsapp else number.sms_fallback_url)

    def _keyword(self, phone: Phone, text: str) -> None:
        """Keep to STOP, START and HELP, as Twilio does before anybody else hears of them."""
        word, pair = keyword(text), (self.number, phone.number)
        if not self.answers_stop or word is None:
            return
        if word == STOP and pair not in self.opted_out:
            self.opted_out.add(pair)
            phone.got(STOPPED[STOP], [], whatsapp=False)
        elif word == START and pair in self.opted_out:
            self.opted_out.discard(pair)
            phone.got(STOPPED[START], [], whatsapp=False)
        elif word == HELP:
            phone.got(STOPPED[HELP], [], whatsapp=False)

    async def answered(self, url: str, status: int, body: bytes) -> None:
        """Say what an answer in TwiML says; ours says nothing."""
        if 200 <= status < 300 and body.strip():
            root = ET.fromstring(body)  # noqa: S314 - our own server's
            assert root.tag == "Response", "TwiML begins with <Response>"
            assert not list(root), "replies are sent, not answered"

    # -- what can be looked at ---------------------------------------------------------------------

    async def _account(self, request: web.Request) -> web.StreamResponse:
        return await self._ask(
            request,
            lambda: {"sid": self.account_sid, "status": "active", "type": "Full"},
        )

    async def _ask(self, request: web.Request, answer: Any) -> web.Response:
        try:
            self._let_in(request)
            return web.json_response(answer())
        except Failure as failure:
            return web.json_response(failure.body, status=failure.status)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query, size = request.query, min(int(request.query.get("PageSize", "50")), 1000)
        first = int(request.query.get("Page", "0")) * size

        def page() -> dict[str, Any]:
            day = query.get("DateSent>", "")
            found = [
                each.shown()
                for each in reversed(self.messages)
                if query.get("To", each.to) == each.to
                and query.get("From", each.sender) == each.sender
                and f"{each.at:%Y-%m-%d}" >= day
            ]
            more = len(found) > first + size
            asked = {**query, "Page": f"{first // size + 1}"}
            return {
                "messages": found[first : first + size],
                "next_page_uri": f"{request.path}?{urlencode(asked)}" if more else None,
            }

        return await self._ask(request, page)

    async def _numbers(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("PhoneNumber", "")
        return await self._ask(
            request,
            lambda: {
                "incoming_phone_numbers": [
                    {"sid": each.sid, "phone_number": each.number, "sms_url": each.sms_url}
                    for each in self.numbers.values()
                    if wanted in ("", each.number)
                ]
            },
        )

    async def _set_number(self, request: web.Request) -> web.StreamResponse:
        form = dict(parse_qsl((await request.read()).decode()))

        def change() -> dict[str, Any]:
            for each in self.numbers.values():
                if each.sid == request.match_info["number"]:
                    if not urlsplit(form.get("SmsUrl", "")).scheme.startswith("http"):
                        raise Failure(21502, "SmsUrl is not valid", 400)
                    each.sms_url = form["SmsUrl"]
                    return {"sid": each.sid, "sms_url": each.sms_url}
            raise Failure(20404, "The requested resource was not found", 404)

        return await self._ask(request, change)

    async def _service(self, request: web.Request) -> web.StreamResponse:
        form = dict(parse_qsl((await request.read()).decode()))

        def there() -> dict[str, Any]:
            if not self.service or request.match_info["service"] != self.service:
                raise Failure(20404, "The requested resource was not found", 404)
            self.service_url = form.get("InboundRequestUrl", self.service_url)
            return {
                "sid": self.service,
                "inbound_request_url": self.service_url or None,
                "use_inbound_webhook_on_number": False,
            }

        return await self._ask(request, there)

    # -- attachments -------------------------------------------------------------------------------

    def _media_path(self, message: str, media: str) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}/Messages/{message}/Media/{media}"

    async def _media_list(self, request: web.Request) -> web.StreamResponse:
        sid = request.match_info["message"]
        found = [url for each in self.messages if each.sid == sid for url in each.media]
        return await self._ask(
            request,
            lambda: {
                "media_list": [
                    {
                        "uri": f"{urlsplit(url).path}.json",
                        "content_type": self.media[url.rpartition("/")[2]][0],
                    }
                    for url in found
                ]
            },
        )

    async def _media(self, request: web.Request) -> web.StreamResponse:
        answer = await self._ask(request, dict)
        if answer.status != 200:
            return answer
        return web.Response(
            status=307, headers={"Location": f"{self.url}/kept/{request.match_info['media']}"}
        )

    async def _kept(self, request: web.Request) -> web.StreamResponse:
        kind, body = self.media.get(request.match_info["media"], ("", b""))
        return web.Response(body=body, content_type=kind) if body else web.Response(status=404)
