"""A mail server on this machine: SMTP by aiosmtpd, and as much IMAP as a mailbox reader needs."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


@dataclass
class Outbox:
    """What was handed over by SMTP, and what the server says to the next mails."""

    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def authenticate(self, server, session, envelope, mechanism, auth_data) -> AuthResult:
        return AuthResult(success=auth_data.password == b"right")

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.answers and self.answers[0].startswith("RCPT "):
            return self.answers.pop(0).removeprefix("RCPT ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope: Envelope):  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250") or answer == "cut":
            mail = message_from_bytes(envelope.original_content or b"", policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if answer == "cut":
            server.transport.abort()
        return answer


@asynccontextmanager
async def smtp(outbox: Outbox):
    """Take mail; yields the port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            outbox,
            loop=asyncio.get_running_loop(),
            authenticator=outbox.authenticate,
            auth_require_tls=False,
        ),
        sock=_listener(),
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@dataclass
class Mailbox:
    """An INBOX: mails by number, and which of them were seen."""

    mails: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    password: str = "right"
    served: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection (RFC 3501, the commands that are needed; others are refused)."""
        task = asyncio.current_task()
        assert task is not None
        self.served.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            self.served.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, _, rest = line.partition(" ")
            for answer in self._answers(rest):
                writer.write(answer)
            done = b"NO" if self._refused(rest) else b"OK"
            writer.write(tag.encode() + b" " + done + b" done\r\n")
            await writer.drain()
            if rest.upper() == "LOGOUT":
                break

    def _refused(self, command: str) -> bool:
        if command.upper().startswith("LOGIN"):
            return self.password not in command
        known = (
            "CAPABILITY",
            "SELECT",
            "EXPUNGE",
            "UID SEARCH",
            "UID FETCH",
            "UID STORE",
            "LOGOUT",
        )
        return not command.upper().startswith(known)

    def _answers(self, command: str):
        upper = command.upper()
        if upper.startswith("CAPABILITY"):
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif upper.startswith("SELECT"):
            yield b"* %d EXISTS\r\n" % len(self.mails)
        elif upper.startswith("UID SEARCH"):
            found = [n for n in range(1, len(self.mails) + 1) if n not in self.seen]
            yield b"* SEARCH" + b"".join(b" %d" % n for n in found) + b"\r\n"
        elif upper.startswith("UID FETCH"):
            assert "BODY.PEEK[]" in upper, "fetching without PEEK marks a mail as seen"
            for number in map(int, re.findall(r"\d+", command.split(" ")[2])):
                mail = self.mails[number - 1]
                yield b"* %d FETCH (UID %d FLAGS () BODY[] {%d}\r\n" % (number, number, len(mail))
                yield mail + b")\r\n"
        elif upper == "LOGOUT":
            yield b"* BYE\r\n"
        elif upper.startswith("UID STORE"):
            assert "\\SEEN" in upper
            self.seen |= set(map(int, re.findall(r"\d+", command.split(" ")[2])))


@asynccontextmanager
async def imap(mailbox: Mailbox):
    """Give out mail; yields the port."""
    server = await asyncio.start_server(mailbox.serve, sock=_listener())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in mailbox.served:
            task.cancel()
        await asyncio.gather(*mailbox.served, return_exceptions=True)
        await server.wait_closed()


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener
