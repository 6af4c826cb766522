"""What Twilio's webhooks say. Pure: a form in, messages and receipts out.

Its signature joins names and values without a mark between them, so one signature fits several
forms. What is let in must therefore have one shape only:

- every field that matters once, in its own format: MessageSid, AccountSid (ours), From, To (ours);
- other fields may be new to us, but none may be named, or hold, what looks like one that matters.

What is well signed and of no use here is acknowledged and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from segue.channel import Reason, Refused, Report
from segue.types import Address, Inbound, Media, MediaKind, Millis, Receipt
from segue_adapters.twilio_outcomes import reason_of
from segue_adapters.twilio_signing import Form

MESSAGE = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_E164 = re.compile(r"\+[1-9]\d{1,14}")
_SHORT = re.compile(r"\d{3,8}|[A-Za-z0-9 ]{1,11}")
"""Short codes and names: senders that cannot be answered."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_NEEDED = ("MessageSid", "AccountSid", "From", "To")
_SAME = ("SmsMessageSid", "SmsSid")
_OPAQUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SHIFTED = re.compile(r"(?:Message|Account)Sid(?:SM|MM|AC)[0-9a-f]{32}")
"""A field's name and value inside another field: text that was moved over a border."""
_SENDER = re.compile(r"(?:From|To)(?:whatsapp:)?\+[1-9]\d")
_RELATED = re.compile(r"(?:From|To)(?:City|State|Zip|Country)")
_STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Receipt.SENT),
    "delivered": Receipt.DELIVERED,
    "read": Receipt.READ,
    **dict.fromkeys(("undelivered", "failed", "canceled"), Receipt.FAILED),
}
_WORDS = {"STOP": "stop", "START": "start", "HELP": "help"}
"""What Twilio's own opt-out has recognised and answered → `segue.consent`."""
_MEDIA = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """What a form must name to be meant for us."""

    channel: str
    account: str
    numbers: frozenset[str]
    service: str
    prefix: str = ""
    """Before every number: `whatsapp:`."""
    media: Callable[[str], bool] = lambda _url: False
    """Whether an attachment's address is one of the platform's."""


def fields_of(form: Form, ours: Ours) -> dict[str, str] | Refused:
    """Return a form's fields if it has the one shape that is let in."""
    fields = dict(form)
    if len(fields) != len(form):
        return _refused("twice")
    for name, value in form:
        moved = _SHIFTED.search(value) or (name != "Body" and _SENDER.search(value))
        if moved or not _NAME.fullmatch(name) or _imitates(name):
            return _refused("shifted")
    if not MESSAGE.fullmatch(fields.get("MessageSid", "")):
        return _refused("message_sid")
    if fields.get("AccountSid") != ours.account:
        return _refused("account")
    if any(fields.get(name, fields["MessageSid"]) != fields["MessageSid"] for name in _SAME):
        return _refused("message_sid")
    return fields


def _imitates(name: str) -> bool:
    """Whether a field's name begins with one that matters, and is not known to."""
    if name in _NEEDED or _RELATED.fullmatch(name):
        return False
    return any(name.startswith(needed) for needed in _NEEDED) and not name.startswith("Total")


def _refused(why: str) -> Refused:
    return Refused(status=403, why=why)


# -- a message -----------------------------------------------------------------------------------


def message(
    form: Form, ours: Ours, now: Millis, counts: Counter[tuple[str, str]]
) -> Inbound | Refused | None:
    """Return what a customer wrote; None if it is nothing to be answered."""
    fields = fields_of(form, ours)
    if isinstance(fields, Refused):
        return fields
    if "Body" not in fields:
        return _refused("body")
    sender, to = fields.get("From", ""), fields.get("To", "")
    if not to.startswith(ours.prefix) or not sender.startswith(ours.prefix):
        return _refused("number")
    sender, to = sender[len(ours.prefix) :], to[len(ours.prefix) :]
    service = fields.get("MessagingServiceSid", "")
    if to not in ours.numbers and not (ours.service and service == ours.service):
        return _refused("to")
    if not _E164.fullmatch(sender):
        if not _SHORT.fullmatch(sender):
            return _refused("from")
        counts["ignored", "short_code"] += 1
        return None
    if sender in ours.numbers:
        counts["ignored", "ourselves"] += 1
        return None
    data: dict[str, Any] = {}
    if (word := _WORDS.get(fields.get("OptOutType", ""))) is not None:
        data["platform_consent"] = word
    return Inbound(
        address=Address(ours.channel, sender),
        message_id=fields["MessageSid"],
        text=_text(fields),
        media=_media(fields, ours, counts),
        name=fields.get("ProfileName") or None,
        data=data,
        # Comes back with each row: how long ago they wrote decides what WhatsApp lets through.
        context={"at": str(now)} if ours.prefix else {},
    )


def _text(fields: dict[str, str]) -> str:
    if fields["Body"] or "Latitude" not in fields:
        return fields["Body"]
    place = fields.get("Address") or fields.get("Label") or ""
    return place or f"{fields['Latitude']}, {fields.get('Longitude', '')}"


def _media(
    fields: dict[str, str], ours: Ours, counts: Counter[tuple[str, str]]
) -> tuple[Media, ...]:
    number = fields.get("NumMedia", "0")
    count = min(int(number), _MEDIA) if number.isascii() and number.isdigit() else 0
    found = []
    for place in range(count):
        url = fields.get(f"MediaUrl{place}", "")
        kind = fields.get(f"MediaContentType{place}", "")
        if not ours.media(url):
            counts["ignored", "media"] += 1
            continue
        image = kind in ("image/jpeg", "image/png", "image/gif", "image/webp")
        found.append(
            Media(
                kind=MediaKind.IMAGE if image else MediaKind.FILE,
                ref=url,
                content_type=kind if len(kind) < 100 else "",
            )
        )
    return tuple(found)


# -- a receipt -----------------------------------------------------------------------------------


def receipt(
    form: Form, query: str, ours: Ours, counts: Counter[tuple[str, str]]
) -> Report | Refused | None:
    """Return what became of a send; None if its status is none that means something here."""
    fields = fields_of(form, ours)
    if isinstance(fields, Refused):
        return fields
    status = _STATUSES.get(fields.get("MessageStatus", ""))
    if status is None:
        counts["ignored", "status"] += 1
        return None
    told = dict(parse_qsl(query, max_num_fields=20))
    customer, row = told.get("c", ""), told.get("r", "")
    known = _OPAQUE.fullmatch(customer) and _OPAQUE.fullmatch(row)
    code = fields.get("ErrorCode", "")
    failed = status is Receipt.FAILED
    return Report(
        id=fields["MessageSid"],
        receipt=status,
        customer=customer if known else "",
        row=row if known else "",
        reason=reason_of(code) if failed else Reason.OTHER,
    )
