"""Reading a mail: pure functions from bytes to what a customer said."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses

from bs4 import BeautifulSoup
from mailparser_reply import EmailReplyParser

from segue.channel import RawRequest, Refused
from segue.types import Address, Inbound, Media, MediaKind, Proof

LONGEST = 3_000
"""Signs of a mail that are read: what a customer wants stands at its top, and the time that finding
quotes takes grows with the square of it."""
_EMPTY_LINES = re.compile(r"\n\s*\n")
_SKEW = 300
_OLDEST = 20
"""Mails of a thread that an answer refers to."""
_LANGUAGES = ["en", "de", "fr", "it", "es", "nl"]


def sign(key: bytes, time: str, body: bytes) -> str:
    """Return the signature of a webhook: HMAC-SHA256 over the time, a dot and the mail."""
    return hmac.new(key, time.encode() + b"." + body, hashlib.sha256).hexdigest()


def verified(request: RawRequest, key: bytes, now: datetime) -> Refused | None:
    """Return why a webhook is not our mail server's, or None."""
    written = request.headers.get("x-mail-time", "")
    if not key or not (written.isascii() and written.isdigit() and len(written) <= 12):
        return Refused(status=401, why="time")
    if abs(int(written) - now.timestamp()) > _SKEW:
        return Refused(status=401, why="old")
    # Compared as bytes: text with other signs than ASCII would raise.
    given = request.headers.get("x-mail-signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, sign(key, written, request.body).encode()):
        return Refused(status=401, why="signature")
    return None


def read_mail(body: bytes, *, ours: str) -> tuple[Inbound, ...] | Refused:
    """Return the message of a mail; none if no person wrote it to us."""
    try:
        mail = message_from_bytes(body, policy=default)
        assert isinstance(mail, EmailMessage)
        return _read(mail, body, ours)
    except (MessageError, HeaderParseError, ValueError, LookupError, TypeError, AttributeError):
        # The standard library's parser raises any of these on broken mails.
        return Refused(status=400, why="mail")


def _read(mail: EmailMessage, body: bytes, ours: str) -> tuple[Inbound, ...] | Refused:
    senders = getaddresses([_one_line(each) for each in mail.get_all("From", [])])
    if len(senders) != 1 or "@" not in senders[0][1]:
        return Refused(status=400, why="sender")
    name, address = senders[0][0], senders[0][1].lower()
    if _by_a_machine(mail, address, ours.lower()):
        return ()
    ident = _one_line(mail.get("Message-ID", "")) or hashlib.sha256(body).hexdigest()
    subject = _one_line(mail.get("Subject", ""))
    thread = [*_one_line(mail.get("References", "")).split(), ident]
    text = said(mail)
    media = tuple(
        Media(kind=MediaKind.FILE, ref=f"{ident}#{place}", content_type=part.get_content_type())
        for place, part in enumerate(mail.iter_attachments())
    )
    if not text and not media:
        text = subject  # "Where is my order?" in the subject, nothing below.
    return (
        Inbound(
            address=Address("email", address),
            message_id=ident,
            text=text,
            media=media,
            name=name or None,
            proof=Proof.CLAIMED,
            context={
                "subject": subject
                if subject.lower().startswith(("re:", "aw:"))
                else f"Re: {subject}",
                "references": " ".join(thread[-_OLDEST:]),
            },
        ),
    )


def _by_a_machine(mail: EmailMessage, address: str, ours: str) -> bool:
    automatic = _one_line(mail.get("Auto-Submitted", "no")).lower()
    return (
        address == ours
        or address.startswith(("mailer-daemon@", "postmaster@", "noreply@", "no-reply@"))
        or not automatic.startswith("no")
        or _one_line(mail.get("Precedence", "")).lower() in ("bulk", "list", "junk")
        or any(each in mail for each in ("List-Id", "X-Autoreply", "X-Auto-Response-Suppress"))
        or _one_line(mail.get("Return-Path", "x")) == "<>"
    )


def said(mail: EmailMessage) -> str:
    """Return what this mail adds: without the mails it quotes, and without a signature."""
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    text = part.get_content()[: LONGEST * 4]
    if part.get_content_subtype() == "html":
        soup = BeautifulSoup(text, "html.parser")
        for quoted in soup(["blockquote", "style", "script"]):
            quoted.decompose()
        text = soup.get_text("\n")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    kept = _EMPTY_LINES.sub("\n\n", "\n".join(lines))[:LONGEST]
    reply = EmailReplyParser(languages=_LANGUAGES).read(kept).replies
    return (reply[0].body if reply else kept).strip()


def _one_line(value: object) -> str:
    return " ".join(str(value).split())
