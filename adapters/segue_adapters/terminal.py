"""A conversation in this terminal: the smallest adapter, and the one to copy for a new channel.

It has every part a channel has. Only `verify`, `parse` and the routes are empty, because nobody
sends a webhook to a terminal; see `tests/contracts/` for an adapter that has them.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TextIO

from pydantic import BaseModel, ConfigDict, Field

from segue.channel import (
    Capabilities,
    Gateway,
    NotAccepted,
    NotSent,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Sent,
    Site,
)
from segue.ports import to_millis
from segue.types import Address, Inbound, Message, Row
from segue_adapters.plain import plain


class TerminalSettings(BaseModel):
    """Who sits at the terminal (`channels.terminal`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str = Field(
        default_factory=getpass.getuser,
        min_length=1,
        max_length=64,
        description="Whose conversation it is; another name begins another one.",
    )
    locale: str | None = Field(default=None, description="Language to begin with.")


class TerminalChannel:
    """One person, line by line."""

    name = "terminal"
    capabilities = Capabilities(buttons=20, button_label=80, text_limit=20_000)
    Settings = TerminalSettings

    def __init__(
        self,
        settings: TerminalSettings | None = None,
        site: Site | None = None,
        *,
        lines: TextIO | None = None,
        out: TextIO | None = None,
    ) -> None:
        """`lines` and `out` take the place of standard input and output."""
        self.settings = settings or TerminalSettings()
        self.site = site or Site()
        self._left = asyncio.Event()
        self._lines = lines or sys.stdin
        self._out = out or sys.stdout
        self._reading: asyncio.Task[None] | None = None

    # -- the pure centre -------------------------------------------------------------------------

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return no paths: nobody calls a terminal."""
        return ()

    def verify(self, request: RawRequest) -> Refused | None:
        """Refuse every webhook."""
        return Refused(status=403, why="no_webhook")

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Refuse every webhook."""
        return Refused(status=403, why="no_webhook")

    def build(self, message: Message) -> Payload:
        """Return the lines to print: the words, pictures by address, choices with numbers."""
        lines = [printable(plain(message))]
        lines += [printable(f"{item.alt} {item.ref}".strip()) for item in message.media]
        lines += [
            printable(f"  {number}. {button.label}")
            for number, button in enumerate(message.buttons, 1)
        ]
        return {"text": "\n".join(line for line in lines if line)}

    def inbound(self, line: str) -> Inbound:
        """Return what was typed, as a message."""
        return Inbound(
            address=Address("terminal", self.settings.user),
            message_id=self.site.ids.new(),
            text=line,
            locale=self.settings.locale,
            received_at=to_millis(self.site.clock.now()),
        )

    # -- the thin edge ---------------------------------------------------------------------------

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Print it."""
        try:
            self._say(payload["text"])
        except (OSError, ValueError) as error:  # a closed terminal
            return NotSent(why=type(error).__name__, permanent=True)
        return Sent(id=row.id)

    async def start(self, gateway: Gateway) -> None:
        """Begin to read what is typed."""
        self._reading = asyncio.create_task(self._read(gateway))

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def finished(self) -> None:
        """Wait until the person has left: end of input, or `/quit`."""
        await self._left.wait()

    async def _read(self, gateway: Gateway) -> None:
        try:
            async for line in self._typed():
                result = await gateway.receive(self.inbound(line))
                if isinstance(result, NotAccepted):
                    self._say(f"(This was not taken: {result.why}. Try again.)")
                else:
                    await gateway.settled(result.customer, within=60)
        finally:
            self._left.set()

    async def _typed(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        typed: asyncio.Queue[str] = asyncio.Queue()

        def wait_for_lines() -> None:
            with suppress(RuntimeError, ValueError):  # the loop or the input was closed meanwhile
                for line in self._lines:
                    loop.call_soon_threadsafe(typed.put_nowait, line.strip() or " ")
                loop.call_soon_threadsafe(typed.put_nowait, "")

        # A thread of its own, because waiting for a key cannot be called off: this one does not
        # keep the process alive.
        threading.Thread(target=wait_for_lines, name="terminal", daemon=True).start()
        while (line := await typed.get()) not in ("", "/quit", "/exit"):
            if line.strip():
                yield line

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\n\t\u200c\u200d"
"""Of the signs nobody sees, those that words and emoji are made with."""


def printable(text: str) -> str:
    """Return the text without the signs that steer a terminal or turn writing round."""
    if text.isprintable():
        return text
    return "".join(
        sign for sign in text if sign in _JOINERS or unicodedata.category(sign) not in _STEERING
    )
