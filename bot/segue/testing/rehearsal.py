"""A customer on stage: plays a script against the real engine, the real voice and a real store.

    rehearsal = await Rehearsal.begin(project, server)
    await rehearsal.play("sms", "customer: hello\\nbot: …")
    await rehearsal.end()

Every play of a dialog is done twice and must come out the same, so what may differ and does not go
through `chat.run` is found here and not in production.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from segue.app import App
from segue.channel import Accepted, Adapter, NotAccepted
from segue.dialog import Registry
from segue.engine.setup import Note
from segue.engine.state import State, decode
from segue.settings import Settings, load
from segue.testing.channels import CAPABILITIES, StageChannel
from segue.testing.clock import CountedIds, FakeClock, FixedChance
from segue.testing.script import Again, Crash, Hears, Later, On, Says, parse, same
from segue.types import Address, CustomerId, Inbound, Media, Message, Proof, Who
from segue.voice import Voice, plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One message of the bot, as the customer saw it."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    """(id, label)."""
    reply: str = ""

    def __str__(self) -> str:
        """Return it as a script writes it."""
        return " ".join([self.text, *(f"[{label}]" for _id, label in self.buttons)])


class Mismatch(AssertionError):
    """The bot said something else than the script expects; shows the conversation so far."""


@dataclass(kw_only=True)
class Rehearsal:
    """One customer's conversation with a project's bot."""

    app: App
    clock: FakeClock
    channels: Mapping[str, StageChannel]
    remake: Callable[[], App]
    customer: CustomerId = ""
    channel: str = "web"
    heard: list[Heard] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _cursor: int = -1
    _sent: dict[str, int] = field(default_factory=dict)
    _count: int = 0
    _last: Inbound | None = None

    # -- life --------------------------------------------------------------------------------------

    @classmethod
    async def begin(
        cls,
        settings: Settings | Path | None = None,
        *,
        url: str,
        prefix: str = "rehearsal:",
        start: datetime | None = None,
        dialogs: Registry | None = None,
        voice: Voice | None = None,
    ) -> Rehearsal:
        """Start a bot on the store at `url`.

        `settings` is a project's `segue.toml`, or settings already made; the default is the
        `segue.toml` of the current directory. `dialogs` and `voice` replace the project's.
        """
        clock = FakeClock(start)
        channels = {name: StageChannel(name) for name in CAPABILITIES}
        base = settings if isinstance(settings, Settings) else load(settings)
        notes: list[Note] = []
        ids = CountedIds("rehearsal")

        def remake() -> App:
            app = App(
                base.model_copy(
                    update={"store": base.store.model_copy(update={"url": url, "prefix": prefix})}
                ),
                clock=clock,
                ids=ids,
                chance=FixedChance(),
                adapters=dict[str, Adapter](channels),
                observers=[lambda _customer, new: notes.extend(new)],
                play_twice=True,
            )
            if dialogs is not None or voice is not None:
                read = app.read() if dialogs is None or voice is None else (dialogs, voice)
                app.setup = app.make_setup(dialogs or read[0], voice or read[1])
            return app

        app = remake()
        await app.start()
        return cls(
            app=app,
            clock=clock,
            channels=channels,
            remake=remake,
            notes=notes,
        )

    async def end(self) -> None:
        """Stop the bot."""
        await self.app.stop(grace=5)

    async def crash(self) -> None:
        """Let the process die, without a word to the store, and start another one."""
        await self.settle()
        await self.app.store.aclose()
        self.app = self.remake()
        await self.app.start()

    # -- playing a script --------------------------------------------------------------------------

    async def play(self, channel: str, script: str) -> None:
        """Play a script that begins on `channel`. Raises `Mismatch`."""
        beats = parse(script)
        self.channel = channel
        position = len(self.heard)
        for beat in beats:
            match beat:
                case Hears():
                    position = self._expect(beat, position)
                case Says():
                    self._expect_silence(position, beat.line)
                    await self.say(beat.text if beat.label is None else "", press=beat.label)
                    position = max(position, len(self.heard) - self._new)
                case On(channel=name):
                    self.channel = name
                case Later(by=by):
                    self._expect_silence(position, beat.line)
                    await self.later(by)
                case Crash():
                    await self.crash()
                case Again():
                    await self.again()
        self._expect_silence(position, len(script.splitlines()))

    def _expect(self, beat: Hears, position: int) -> int:
        if position >= len(self.heard):
            raise Mismatch(self._story(beat.line, beat.text, "nothing"))
        said = self.heard[position]
        if not same(beat.text, str(said)) and not same(beat.text, said.text):
            raise Mismatch(self._story(beat.line, beat.text, str(said)))
        return position + 1

    def _expect_silence(self, position: int, line: int) -> None:
        if position < len(self.heard):
            raise Mismatch(self._story(line, "nothing more", str(self.heard[position])))

    def _story(self, line: int, expected: str, said: str) -> str:
        story = "\n".join(f"    {entry}" for entry in self.transcript)
        return (
            f"line {line} of the script\n  expected: {expected}\n  bot said: {said}\n"
            f"  the conversation so far:\n{story}"
        )

    # -- single steps ------------------------------------------------------------------------------

    async def say(
        self,
        text: str,
        *,
        press: str | None = None,
        media: tuple[Media, ...] = (),
        message_id: str | None = None,
        kind: str = "message",
    ) -> list[Heard]:
        """Send words, or press the button with a label (or id); return what the bot answers."""
        choice = None if press is None else self._button(press)
        self._count += 1
        inbound = Inbound(
            address=Address(self.channel, f"{self.channel}-of-the-customer"),
            message_id=message_id or f"m{self._count}",
            text=text,
            choice=choice,
            media=media,
            kind=kind,
        )
        self._last = inbound
        self.transcript.append(f"customer ({self.channel}): {text or f'[{press}]'}")
        return await self.deliver(inbound)

    async def deliver(self, inbound: Inbound) -> list[Heard]:
        """Deliver an inbound message, wait for its turn, return what the bot said."""
        await self._own(inbound.address)
        accepted = await self.app.core.receive(inbound, customer=self.customer)
        if isinstance(accepted, NotAccepted):
            raise AssertionError(f"the message was not accepted: {accepted.why}")
        assert isinstance(accepted, Accepted)
        return await self.settle()

    async def again(self) -> list[Heard]:
        """Deliver the last message once more, as platforms do."""
        assert self._last is not None, "nothing was said yet"
        return await self.deliver(self._last)

    async def later(self, by: timedelta) -> list[Heard]:
        """Let time pass; timers that are due by then ring."""
        self.clock.move(by)
        if self.customer:
            await self.app.worker.look_after(
                self.customer, ahead=timedelta(seconds=self.clock.monotonic())
            )
        return await self.settle()

    async def settle(self) -> list[Heard]:
        """Wait until nothing is left to do, and collect what was said."""
        if self.customer:
            await self.app.core.settled(self.customer, within=30)
            await self.app.delivery.settled()
        new = await self._collect()
        self.heard.extend(new)
        self._new = len(new)
        self.transcript.extend(f"bot ({self.channel}): {said}" for said in new)
        return new

    _new: int = 0

    def _button(self, label: str) -> str:
        for said in reversed(self.heard):
            for identity, shown in said.buttons:
                if label in (identity, shown):
                    return identity
        raise Mismatch(f"no button {label!r} was shown" + "\n" + "\n".join(self.transcript))

    async def _own(self, address: Address) -> None:
        if not self.customer:
            self.customer = await self.app.core.create(address, Proof.CHANNEL)
        elif not await self.app.store.has_address(self.customer, address):
            await self.app.store.add_address(self.customer, address, Proof.CHANNEL)

    async def _collect(self) -> list[Heard]:
        """Return what reached the customer since last time: sent, or readable on the page."""
        if not self.customer:
            return []
        page = await self.app.core.page(self.customer, after=self._cursor)
        self._cursor = page.cursor
        said: list[Heard] = []
        pushed = {
            name: channel.delivered[self._sent.get(name, 0) :]
            for name, channel in self.channels.items()
        }
        for name, channel in self.channels.items():
            self._sent[name] = len(channel.delivered)
        for _number, line in page.lines:
            if line.who == Who.CUSTOMER or line.message is None:
                continue
            if not CAPABILITIES[line.channel].push:
                said.append(_heard(line.message, line.reply))
                continue
            said.extend(
                _heard(delivered.message, line.reply)
                for delivered in pushed[line.channel]
                if delivered.row.partition(".")[0] == line.id
            )
        return said

    # -- looking inside ----------------------------------------------------------------------------

    async def state(self) -> State:
        """Return what Segue keeps about the customer."""
        snapshot = await self.app.store.snapshot(self.customer)
        return decode(snapshot.state if snapshot else b"")

    async def profile(self) -> dict[str, Any]:
        """Return the facts that are known."""
        return {name: fact.value for name, fact in (await self.state()).profile.items()}


def _heard(message: Message, reply: str) -> Heard:
    return Heard(
        text=plain(message),
        buttons=tuple((button.id, button.label) for button in message.buttons),
        reply=reply,
    )
