"""E-mail as a channel: the worked example of docs/channels.md, small enough to read at one sitting.

In by IMAP (no public address needed) or by a signed webhook from your mail server, out by SMTP.

- `From` proves nothing: anybody can write it. Who writes here is `claimed`, until they verify.
- A mail is marked as seen only after it is stored; what was stored before is recognised by its id.
- What machines send (bounces, lists, absence notes) is not answered, or two of them never stop.
- Answers join the customer's thread: `In-Reply-To` and `References` come back with each row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from hashlib import blake2b
from html import escape
from imaplib import IMAP4

import aiosmtplib
from imap_tools import AND, MailBox, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from email_reading import read_mail, verified
from segue.channel import (
    Accepted,
    Capabilities,
    Gateway,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Reason,
    Refused,
    Route,
    Sent,
    Site,
    Unknown,
)
from segue.errors import StoreUnavailable
from segue.types import (
    Address,
    Block,
    Code,
    Emphasis,
    Inline,
    Items,
    Link,
    Message,
    Proof,
    Purpose,
    Row,
    Strong,
    Text,
)

log = logging.getLogger("email_channel")


class EmailSettings(BaseModel):
    """`channels.email`. Without `imap_host` mail comes in by webhook, and the other way round."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str = Field(
        pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Ours: what customers write to."
    )
    name: str = Field(default="", description="The name beside it.")
    subject: str = Field(
        default="Your message to us", description="Of mails that answer no other mail."
    )
    imap_host: str = Field(default="", description="Where mail is fetched; empty: by webhook.")
    imap_port: int = Field(default=993, ge=1, le=65535, description="Its port.")
    imap_tls: bool = Field(default=True, description="False only on this machine.")
    smtp_host: str = Field(description="Where mail is handed over.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    smtp_tls: bool = Field(default=True, description="STARTTLS; false only on this machine.")
    user: str = Field(default="", description="For both servers.")
    password: SecretStr = Field(default=SecretStr(""), description="For both servers.")
    secret: SecretStr | None = Field(default=None, description="Signs webhooks, 32 characters up.")
    path: str = Field(default="/channels/email/webhook", description="Where webhooks come in.")
    poll_seconds: float = Field(default=20.0, gt=0, description="Between two looks at the mailbox.")
    timeout_seconds: float = Field(default=20.0, gt=0, description="Patience with the servers.")


class EmailChannel:
    """The adapter."""

    name = "email"
    capabilities = Capabilities(
        text_limit=20_000,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        proof=Proof.CLAIMED,
    )
    Settings = EmailSettings

    def __init__(self, settings: EmailSettings, site: Site | None = None) -> None:
        self.settings = settings
        self.site = site or Site()
        self._polling: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()

    # -- pure ------------------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Listen for webhooks, if they can be verified."""
        return [Route(method="POST", path=self.settings.path)] if self.settings.secret else []

    def verify(self, request: RawRequest) -> Refused | None:
        """Is it from our mail server, and from the last five minutes?"""
        secret = self.settings.secret
        key = secret.get_secret_value().encode() if secret else b""
        return verified(request, key, self.site.clock.now())

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Read one mail; what needs no answer is taken and says nothing."""
        inbound = read_mail(request.body, ours=self.settings.address)
        return inbound if isinstance(inbound, Refused) else Parsed(inbound=inbound)

    def build(self, message: Message) -> Payload:
        """Say it twice, for readers of text and of HTML; escaping happens here."""
        return {
            "text": "\n\n".join(map(_text_block, message.body)),
            "html": "".join(map(_html_block, message.body)),
        }

    def compose(self, address: Address, payload: Payload, row: Row) -> EmailMessage:
        """Return the mail: in the customer's thread, marked as sent by a machine."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = formataddr((_header(self.settings.name), self.settings.address))
        mail["To"] = address.id
        mail["Subject"] = _header(row.context.get("subject", "")) or self.settings.subject
        # Made from the row, so that a mail which is sent twice is shown once.
        mail["Message-ID"] = f"<{_digest(row.customer, row.id)}@{self._domain}>"
        if references := row.context.get("references", "").split():
            mail["In-Reply-To"], mail["References"] = references[-1], " ".join(references)
        if row.purpose is Purpose.ANSWER:
            mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(payload["text"])
        mail.add_alternative(payload["html"], subtype="html")
        return mail

    @property
    def _domain(self) -> str:
        return self.settings.address.partition("@")[2]

    # -- edge: out -------------------------------------------------------------------------------

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Hand it over once; what the server says is the outcome."""
        mail = self.compose(address, payload, row)
        settings = self.settings
        try:
            await aiosmtplib.send(
                mail,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                start_tls=settings.smtp_tls,
                username=settings.user or None,
                password=settings.password.get_secret_value() or None,
                timeout=settings.timeout_seconds,
            )
        except aiosmtplib.SMTPException as error:
            return outcome_of(error)
        except OSError as error:
            return NotSent(why=type(error).__name__, permanent=False)
        return Sent(id=str(mail["Message-ID"]))

    # -- edge: in --------------------------------------------------------------------------------

    async def start(self, gateway: Gateway) -> None:
        """Begin to look into the mailbox."""
        if self.settings.imap_host:
            self._polling = asyncio.create_task(self._poll(gateway))

    async def stop(self) -> None:
        """Stop looking; a look that has begun ends first, so that no connection is left open."""
        if self._polling is not None:
            async with self._looking:
                self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling
            self._polling = None

    async def _poll(self, gateway: Gateway) -> None:
        every = self.settings.poll_seconds
        while True:
            try:
                # One process of the installation looks; another takes over when it is gone.
                if await gateway.singleton(f"email:{self.settings.address}", every * 3):
                    async with self._looking:
                        await self.look(gateway)
            except (OSError, IMAP4.error, ImapToolsError, StoreUnavailable) as error:
                log.warning("mailbox_failed", extra={"segue": {"error": type(error).__name__}})
            await self.site.clock.sleep(every)

    async def look(self, gateway: Gateway) -> int:
        """Receive what is not seen yet; return how many mails were taken."""
        taken = 0
        for uid, body in await asyncio.to_thread(self._unseen):
            found = read_mail(body, ours=self.settings.address)
            for inbound in () if isinstance(found, Refused) else found:
                result = await gateway.receive(inbound)
                if not isinstance(result, Accepted):
                    return taken  # It stays unseen, and is tried at the next look.
                taken += 1
            await asyncio.to_thread(self._seen, uid)
        return taken

    def _mailbox(self) -> MailBox | MailBoxUnencrypted:
        settings = self.settings
        kind = MailBox if settings.imap_tls else MailBoxUnencrypted
        box = kind(settings.imap_host, settings.imap_port, timeout=settings.timeout_seconds)
        try:
            return box.login(settings.user, settings.password.get_secret_value())
        except Exception:
            box.client.shutdown()
            raise

    def _unseen(self) -> list[tuple[str, bytes]]:
        with self._mailbox() as box:
            found = box.fetch(AND(seen=False), mark_seen=False, limit=50)
            return [(mail.uid or "", mail.obj.as_bytes()) for mail in found]

    def _seen(self, uid: str) -> None:
        with self._mailbox() as box:
            box.flag(uid, MailMessageFlags.SEEN, True)


def outcome_of(error: aiosmtplib.SMTPException) -> Outcome:
    """Return what an error of the mail server means for the row."""
    why = type(error).__name__
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return NotSent(why=why, permanent=False, reason=Reason.CREDENTIAL)
        case aiosmtplib.SMTPConnectError():
            return NotSent(why=why, permanent=False)
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            gone = first.code >= 500
            return NotSent(why=f"smtp_{first.code}", permanent=gone, reason=Reason.NO_ADDRESS)
        case aiosmtplib.SMTPResponseException(code=code):
            return NotSent(why=f"smtp_{code}", permanent=code >= 500, reason=Reason.CONTENT)
        case _:
            return Unknown(why=why)  # Cut off or timed out: it may have been taken.


def _header(text: str) -> str:
    """Return text that is safe in a header: one line of printable signs."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]


def _digest(*parts: str) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


# -- from the neutral tree -------------------------------------------------------------------------


def _html_block(block: Block) -> str:
    if isinstance(block, Items):
        rows = "".join(f"<li>{_html(row)}</li>" for row in block.items)
        return f'<ol start="{block.start}">{rows}</ol>' if block.start else f"<ul>{rows}</ul>"
    return f"<p>{_html(block.children)}</p>"


def _html(children: tuple[Inline, ...]) -> str:
    return "".join(map(_html_node, children))


def _html_node(node: Inline) -> str:
    match node:
        case Text(text):
            return escape(text).replace("\n", "<br>")
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Strong(children):
            return f"<strong>{_html(children)}</strong>"
        case Emphasis(children):
            return f"<em>{_html(children)}</em>"
        case Link(url, children):
            return f'<a href="{escape(url)}">{_html(children)}</a>'


def _text_block(block: Block) -> str:
    if isinstance(block, Items):
        return "\n".join(
            f"{place}. {_text(row)}" if block.start else f"- {_text(row)}"
            for place, row in enumerate(block.items, block.start)
        )
    return _text(block.children)


def _text(children: tuple[Inline, ...]) -> str:
    return "".join(map(_text_node, children))


def _text_node(node: Inline) -> str:
    match node:
        case Text(text) | Code(text):
            return text
        case Link(url, children):
            return f"{_text(children)} <{url}>"
        case Strong(children) | Emphasis(children):
            return _text(children)
