"""Messages of the Twilio stand-in: what is let in, what it is worth in segments, how it is shown.

Segments are counted here by the GSM standard's own tables, apart from how Segue counts them: the
two are held against each other in tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

STOP, START, HELP = "stop", "start", "help"
_WORDS = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), STOP
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), START),
    **dict.fromkeys(("HELP", "INFO"), HELP),
}
STOPPED = {
    STOP: "You have successfully been unsubscribed. You will not receive any more messages from "
    "this number. Reply START to resubscribe.",
    START: "You have successfully been re-subscribed to messages from this number. Reply HELP for "
    "help. Reply STOP to unsubscribe.",
    HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
"""What Twilio says by itself."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_KNOWN = {
    *("To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback"),
    *("ValidityPeriod", "ContentSid", "ContentVariables"),
}


def keyword(text: str) -> str | None:
    """Return which of Twilio's own words a message is."""
    return _WORDS.get(text.strip().strip(".!?").upper())


def error(code: int, message: str, status: int) -> dict[str, Any]:
    """Return an error body."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


class Failure(Exception):
    """A call that is refused."""

    def __init__(self, code: int, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.body = error(code, message, status)


@dataclass(kw_only=True)
class Sms:
    """One message, in either direction."""

    sid: str
    account: str
    sender: str
    to: str
    text: str
    direction: str = "outbound-api"
    status: str = "queued"
    at: datetime = _NEVER
    media: list[str] = field(default_factory=list)
    service: str = ""
    callback: str = ""
    validity: int = 0
    template: str = ""
    code: int = 0

    @property
    def whatsapp(self) -> bool:
        """Whether it goes by WhatsApp."""
        return self.to.startswith("whatsapp:")

    @property
    def segments(self) -> int:
        """How many segments it takes."""
        return 1 if self.whatsapp else segments(self.text)

    def shown(self) -> dict[str, Any]:
        """Return the resource as the API shows it."""
        at = format_datetime(self.at.astimezone(UTC))
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}.json"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": self.text,
            "date_created": at,
            "date_sent": None if self.status == "queued" else at,
            "date_updated": at,
            "direction": self.direction,
            "error_code": self.code or None,
            "error_message": None,
            "from": self.sender or None,
            "messaging_service_sid": self.service or None,
            "num_media": f"{len(self.media)}",
            "num_segments": f"{self.segments}",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "to": self.to,
            "uri": uri,
        }

    def form(self, name: str) -> list[tuple[str, str]]:
        """Return what the webhook of a message that came in says."""
        found = [
            *(("ToCountry", "US"), ("ToState", ""), ("SmsMessageSid", self.sid)),
            *(("NumMedia", f"{len(self.media)}"), ("ToCity", ""), ("FromZip", "")),
            *(("SmsSid", self.sid), ("FromState", ""), ("SmsStatus", "received")),
            *(("FromCity", ""), ("Body", self.text), ("FromCountry", "AT"), ("To", self.to)),
            *(("ToZip", ""), ("NumSegments", f"{self.segments}"), ("MessageSid", self.sid)),
            *(("AccountSid", self.account), ("From", self.sender), ("ApiVersion", "2010-04-01")),
        ]
        if self.service:
            found.append(("MessagingServiceSid", self.service))
        for place, url in enumerate(self.media):
            found += [(f"MediaUrl{place}", url), (f"MediaContentType{place}", "image/png")]
        if self.whatsapp:
            found = [each for each in found if not re.match(r"(?:To|From)(?:C|S|Z)", each[0])]
            wa_id = self.sender.removeprefix("whatsapp:+")
            meta = {"type": "whatsapp", "data": {"context": {"ProfileName": name, "WaId": wa_id}}}
            kind = "image" if self.media else "text"
            found += [("ProfileName", name), ("WaId", wa_id), ("MessageType", kind)]
            found.append(("ChannelMetadata", json.dumps(meta)))
        return found


def checked(
    form: list[tuple[str, str]],
    *,
    account: str,
    sid: Callable[[str], str],
    numbers: Collection[str],
    service: str,
    templates: Mapping[str, str],
) -> Sms:
    """Return the message that a call asks for. Raises `Failure` as Twilio does."""
    fields = dict(form)
    media = [value for name, value in form if name == "MediaUrl"]
    for name in fields:
        if name not in _KNOWN:
            raise Failure(20001, f"Unknown parameter {name}", 400)
    to, sender = fields.get("To", ""), fields.get("From", "")
    if not to:
        raise Failure(21604, "A 'To' phone number is required.", 400)
    if not re.fullmatch(r"(?:whatsapp:)?\+[1-9]\d{6,14}", to):
        raise Failure(21211, f"Invalid 'To' Phone Number: {to[:6]}XXXX", 400)
    chosen = fields.get("MessagingServiceSid", "")
    if not sender and not chosen:
        raise Failure(21603, "A 'From' phone number is required.", 400)
    if chosen and chosen != service:
        raise Failure(21701, "The Messaging Service does not exist", 400)
    if sender and sender.removeprefix("whatsapp:") not in numbers:
        raise Failure(21606, f"The 'From' phone number {sender} is not yours", 400)
    if sender and sender.startswith("whatsapp:") != to.startswith("whatsapp:"):
        raise Failure(63007, "Could not find a Channel with the specified From address", 400)
    text, template = fields.get("Body", ""), fields.get("ContentSid", "")
    if template:
        if template not in templates:
            raise Failure(20404, "The requested Content was not found", 404)
        text = _filled(templates[template], fields.get("ContentVariables", "{}"))
    if not text and not media:
        raise Failure(21602, "Message body is required.", 400)
    if len(text) > 1600:
        raise Failure(21617, "The concatenated message body exceeds the 1600 character limit", 400)
    if len(media) > 10:
        raise Failure(21623, "Number of media files exceeds allowed limit", 400)
    validity = fields.get("ValidityPeriod", "")
    if validity and not (validity.isdigit() and 1 <= int(validity) <= 36_000):
        raise Failure(20001, "ValidityPeriod must be between 1 and 36000", 400)
    callback = fields.get("StatusCallback", "")
    if callback and not re.match(r"https?://", callback):
        raise Failure(21609, f"The StatusCallback URL {callback} is not a valid URL.", 400)
    return Sms(
        sid=sid("MM" if media else "SM"),
        account=account,
        sender=sender,
        to=to,
        text=text,
        media=media,
        service=chosen,
        status="accepted" if chosen else "queued",
        callback=callback,
        validity=int(validity or 0),
        template=template,
    )


def _filled(text: str, variables: str) -> str:
    try:
        given = json.loads(variables)
    except ValueError:
        raise Failure(21656, "The ContentVariables parameter is invalid", 400) from None
    wanted = set(re.findall(r"{{(\w+)}}", text))
    if wanted != set(given) or not all(isinstance(each, str) and each for each in given.values()):
        raise Failure(21656, "The ContentVariables parameter is invalid", 400)
    return re.sub(r"{{(\w+)}}", lambda found: given[found[1]], text)


# -- segments ------------------------------------------------------------------------------------

# GSM 03.38, by code: sixteen signs a row, the escape at 0x1b left out.
_TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_MORE = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]"}
_MORE |= {0x40: "|", 0x65: "€"}
_CODES: dict[str, bytes] = {
    **{sign: bytes([code]) for code, sign in enumerate(_TABLE) if sign != "\x1b"},
    **{sign: bytes([0x1B, code]) for code, sign in _MORE.items()},
}


def segments(text: str) -> int:
    """Return how many segments a text takes."""
    units: list[bytes]
    if all(sign in _CODES for sign in text):
        units, alone, each = [_CODES[sign] for sign in text], 160, 153
    else:
        units, alone, each = [sign.encode("utf-16-be") for sign in text], 140, 134
    if len(b"".join(units)) <= alone:
        return 1
    parts: list[bytes] = [b""]
    for unit in units:
        if len(parts[-1]) + len(unit) > each:
            parts.append(b"")
        parts[-1] += unit
    return len(parts)
