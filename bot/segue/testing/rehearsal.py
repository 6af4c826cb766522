"""A customer on stage: plays a script against the real engine, the real voice and a real store.

    rehearsal = await Rehearsal.begin(project, url=server)
    await rehearsal.play("sms", "customer: hello\\nbot: …")
    await rehearsal.end()

Every play of a dialog is done twice and must come out the same, so what may differ and does not go
through `chat.run` is found here and not in production. Waiting takes no time: the clock stands
still until `later`, and a step that waits before it is tried again moves it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from segue.app import App
from segue.channel import Accepted, Adapter, NotAccepted
from segue.dialog import Dialog, Registry
from segue.engine.setup import Note
from segue.engine.state import State, decode
from segue.ports import from_millis
from segue.settings import Settings, load
from segue.testing import inline
from segue.testing.channels import CAPABILITIES, StageChannel
from segue.testing.clock import CountedIds, FakeClock, FixedChance
from segue.testing.faults import Died, Faults, Step, outcome
from segue.testing.hearing import Heard, Hearing
from segue.testing.performing import Performance
from segue.testing.process import bury, look_after, pass_time, rest
from segue.testing.recording import Recorder, recording, rewritten
from segue.testing.story import Difference, Mismatch, located, read, tell
from segue.types import Address, CustomerId, Inbound, Media, Proof
from segue.voice import Voice

_RUN_OUT = timedelta(minutes=1)
"""Longer than leases and claims: after it, what a dead process held is free."""


@dataclass(kw_only=True)
class Rehearsal:
    """One customer's conversation with a project's bot."""

    settings: Settings
    clock: FakeClock
    dialogs: Registry
    voice: Voice
    channels: Mapping[str, StageChannel] = field(
        default_factory=lambda: {name: StageChannel(name) for name in CAPABILITIES}
    )
    channel: str = "web"
    """Where the customer writes now."""
    locale: str | None = None
    """What the platform says of the customer's language."""
    name: str | None = None
    """What the platform says the customer is called."""
    customer: CustomerId = ""
    heard: list[Heard] = field(default_factory=list)
    """All that the bot said, as the customer saw it."""
    transcript: list[str] = field(default_factory=list)
    """The conversation, a line for each message."""
    notes: list[Note] = field(default_factory=list)
    """What the engine made of it: routed, understood, missed, remembered, asked, did, problem."""
    faults: Faults = field(default_factory=Faults)
    recorder: Recorder | None = field(default_factory=recording)
    """Takes what is said instead of comparing it (`--segue-record`)."""
    app: App = field(init=False)
    _ids: CountedIds = field(default_factory=lambda: CountedIds("rehearsal"))
    _hearing: Hearing = field(init=False)
    _count: int = 0
    _twins: int = 0
    _passed: float = 0.0
    """Of the clock's seconds, how many have passed for the server."""
    _before: int = 0
    """How many notes there were before this turn."""
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
    ) -> Self:
        """Start a bot on the store at `url`.

        `settings` is a project's `segue.toml`, or settings already made; the default is the
        `segue.toml` of the current directory. `dialogs` and `voice` replace the project's.
        """
        base = settings if isinstance(settings, Settings) else load(settings)
        store = base.store.model_copy(update={"url": url, "prefix": prefix})
        # On stage everything is said within no time: that makes nobody a flood or a bot.
        calm = base.customers.model_copy(update={"rate": 0.0, "break_loops": False})
        base = base.model_copy(update={"store": store, "customers": calm})
        if dialogs is None or voice is None:
            read = inline.read(base)
            dialogs, voice = dialogs or read[0], voice or read[1]
        stage = cls(
            settings=base,
            clock=FakeClock(start, hurry=True),
            dialogs=dialogs,
            voice=voice,
        )
        await stage._enter()
        return stage

    @classmethod
    async def of(
        cls,
        dialogs: Iterable[Dialog[Any]],
        voice: str | Mapping[str, str] = "",
        *,
        url: str,
        prefix: str = "rehearsal:",
        start: datetime | None = None,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Self:
        """Start a bot of these dialogs and this wording, without a project.

        `voice` is what `en/common.j2` holds, or texts by file: `{"de/words.toml": "…"}`. What every
        bot must be able to say is there already, in English, and may be said otherwise.
        `sections` are settings: `{"company": {"phone": "0800 1"}}`.
        """
        return await cls.begin(
            inline.settings(sections or {}),
            url=url,
            prefix=prefix,
            start=start,
            dialogs=Registry(dialogs),
            voice=inline.voice(voice),
        )

    async def twin(self) -> Self:
        """Start the same bot again for another customer, who gets the same wordings."""
        self._twins += 1
        store = self.settings.store
        return await type(self).begin(
            self.settings,
            url=store.url,
            prefix=f"{store.prefix}{self._twins}:",
            start=self.clock.now(),
            dialogs=self.dialogs,
            voice=self.voice,
        )

    async def _enter(self) -> None:
        self.app = App(
            self.settings,
            clock=self.clock,
            ids=self._ids,
            chance=FixedChance(),
            adapters=dict[str, Adapter](self.channels),
            observers=[lambda _customer, new: self.notes.extend(new)],
            play_twice=True,
            caller=self.faults.call,
        )
        self.app.setup = self.app.make_setup(self.dialogs, self.voice)
        await self.app.start()
        if not hasattr(self, "_hearing"):
            self._hearing = Hearing(channels=self.channels)

    async def end(self) -> None:
        """Stop the bot."""
        self.faults.clear()
        await self.app.stop(grace=5)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def deploy(
        self, *dialogs: Dialog[Any], voice: str | Mapping[str, str] | None = None
    ) -> None:
        """Let other code, and other wording if given, serve the customer from now on."""
        await self.settle()
        self.dialogs = Registry(dialogs)
        self.voice = self.voice if voice is None else inline.voice(voice)
        self.app.setup = self.app.make_setup(self.dialogs, self.voice)

    # -- playing a script --------------------------------------------------------------------------

    async def play(self, channel: str, script: str | Path) -> None:
        """Play a script, or the one in a file, that begins on `channel`. Raises `Mismatch`."""
        __tracebackhide__ = True
        text, place = located(script, sys._getframe(1))

        def differ(difference: Difference, line: int) -> AssertionError:
            return self.mismatch(difference, place.at(line) if place else f"line {line}")

        self.channel = self.known(channel)
        performance = Performance(
            stage=self, beats=read(text, place), differ=None if self.recorder else differ
        )
        await performance.play()
        if self.recorder is not None:
            self.recorder.keep(place, text, rewritten(text, performance.takes))

    def mismatch(self, difference: Difference, where: str) -> Mismatch:
        """Return the error that tells what went differently, and why."""
        return Mismatch(
            tell(
                difference,
                where=where,
                transcript=self.transcript,
                notes=self.notes[self._before :],
                voice=self.app.setup.voice,
                locale=self.app.settings.company.locale,
            )
        )

    def known(self, channel: str) -> str:
        """Return the name of a channel. Raises `ValueError` if there is none of that name."""
        if channel not in self.channels:
            raise ValueError(
                f"there is no channel {channel!r}; there are {', '.join(CAPABILITIES)}"
            )
        return channel

    # -- the customer ------------------------------------------------------------------------------

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
        __tracebackhide__ = True
        return await self.deliver(self._inbound(text, press, media, message_id, kind))

    async def write(self, *messages: tuple[str, str | None], swapped: bool = False) -> list[Heard]:
        """Send several messages, (text, button), before the bot can answer the first.

        `swapped` delivers them the other way round.
        """
        __tracebackhide__ = True
        written = [self._inbound("" if press else text, press) for text, press in messages]
        return await self.deliver(*(reversed(written) if swapped else written))

    async def at_once(self, *texts: str, swapped: bool = False) -> list[Heard]:
        """Write several messages before the bot can answer; return what it says then."""
        __tracebackhide__ = True
        return await self.write(*((text, None) for text in texts), swapped=swapped)

    def _inbound(
        self,
        text: str,
        press: str | None = None,
        media: tuple[Media, ...] = (),
        message_id: str | None = None,
        kind: str = "message",
    ) -> Inbound:
        __tracebackhide__ = True
        choice = None
        if press is not None:
            choice, text = self._pressed(press)
        self._count += 1
        shown = f"[{press}]" if press is not None else text or f"({kind})"
        self.transcript.append(f"customer ({self.channel}): {shown}")
        self._last = Inbound(
            address=Address(self.channel, f"{self.channel}-of-the-customer"),
            message_id=message_id or f"m{self._count}",
            text=text,
            choice=choice,
            media=media,
            kind=kind,
            locale=self.locale,
            name=self.name,
        )
        return self._last

    def _pressed(self, label: str) -> tuple[str | None, str]:
        """Return (choice, text) of a button; where there are none, the number stands for it."""
        __tracebackhide__ = True
        for said in reversed(self.heard):
            for number, (identity, shown) in enumerate(said.offered, 1):
                if label in (identity, shown):
                    has_buttons = CAPABILITIES[self.channel].buttons > 0
                    return (identity, "") if has_buttons else (None, str(number))
        raise Mismatch(
            f"no button {label!r} was shown\n  the conversation so far:\n"
            + "\n".join(f"    {line}" for line in self.transcript)
        )

    async def deliver(self, *inbounds: Inbound) -> list[Heard]:
        """Deliver messages all at once, wait for their turns, return what the bot said."""
        self._before = len(self.notes)
        for inbound in inbounds:
            await self._own(inbound.address)
        waiting = list(inbounds)
        while waiting:
            answers = await asyncio.gather(*map(self._receive, waiting), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException) and not isinstance(answer, Died):
                    raise answer
            # Who got no answer delivers again, as platforms do.
            pairs = zip(waiting, answers, strict=True)
            waiting = [inbound for inbound, answer in pairs if isinstance(answer, Died)]
            if waiting:
                await self._succeed()
        return await self.settle()

    async def _receive(self, inbound: Inbound) -> Accepted:
        answer = await self.app.core.receive(inbound, customer=self.customer)
        if isinstance(answer, NotAccepted):
            raise AssertionError(f"the message was not accepted: {answer.why}")
        return answer

    async def _own(self, address: Address) -> None:
        if not self.customer:
            self.customer = await self.app.core.create(address, Proof.CHANNEL)
        elif not await self.app.store.has_address(self.customer, address):
            await self.app.store.add_address(self.customer, address, Proof.CHANNEL)

    async def again(self) -> list[Heard]:
        """Deliver the last message once more, as platforms do."""
        assert self._last is not None, "nothing was said yet"
        return await self.deliver(self._last)

    # -- time --------------------------------------------------------------------------------------

    async def later(self, by: timedelta) -> list[Heard]:
        """Let time pass; what becomes due on the way rings when it is due."""
        self._before = len(self.notes)
        end, heard = self.clock.now() + by, list[Heard]()
        while True:
            now = self.clock.now()
            due = [from_millis(timer.due) for timer in (await self.state()).timers]
            stop = min([end, *(moment for moment in due if moment > now)])
            self.clock.move(stop - now)
            if self.customer:
                # Also what steps waited for meanwhile, which moved the clock by itself.
                passed = timedelta(seconds=self.clock.monotonic() - self._passed)
                self._passed = self.clock.monotonic()
                await pass_time(self.app, self.customer, passed)
                await look_after(self.app, self.customer, self.faults)
            heard += await self.settle()
            if self.clock.now() >= end:
                return heard

    async def settle(self) -> list[Heard]:
        """Wait until nothing is left to do, and return what was said."""
        if self.customer:
            await rest(self.app, self.customer, self.faults)
            while self.faults.dead:
                await self._succeed()
                await rest(self.app, self.customer, self.faults)
        new = await self._hearing.collect(self.app.core, self.customer) if self.customer else []
        self.heard.extend(new)
        self.transcript.extend(f"bot ({self.channel}): {said}" for said in new)
        return new

    # -- faults ------------------------------------------------------------------------------------

    async def crash(self, at: str = "") -> list[Heard]:
        """Let the process die, without a word to the store, and another one take over.

        With `at`, it dies when it next passes that failpoint: see `segue.failpoints`.
        """
        if at:
            self.crash_at(at)
            return []
        before = await self.settle()
        await self._succeed()
        return before + await self.settle()

    def crash_at(self, failpoint: str, times: int = 1) -> None:
        """Let the process die when this failpoint is passed for the `times`-th time from now."""
        self.faults.crash_at(failpoint, times)

    async def _succeed(self) -> None:
        """Bury the process; another one takes over when what it held has run out."""
        await bury(self.app)
        self.faults.replaced()
        await self._enter()
        if self.customer:
            await pass_time(self.app, self.customer, _RUN_OUT, timers=False)
            await look_after(self.app, self.customer, self.faults)

    def fail(
        self,
        step: str,
        *,
        times: int = 1,
        tries: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """Let a step give up, this many times; with `tries`, let only so many attempts fail."""
        self.faults.fail(step, times, tries, error)

    def slow(self, step: str) -> None:
        """Let the next call of a step take until `done`; what was said so far is seen before."""
        self.faults.slow(step)

    async def done(self) -> list[Heard]:
        """Let slow steps be done; return what the bot says then."""
        self._before = len(self.notes)
        self.faults.finish()
        return await self.settle()

    def send(self, fate: str, *, channel: str = "") -> None:
        """Decide what becomes of the next send: `unknown`, `lost`, `refused` or `late`."""
        self.channels[channel or self.channel].outcomes.append(outcome(fate))

    # -- looking inside ----------------------------------------------------------------------------

    async def state(self) -> State:
        """Return what Segue keeps about the customer."""
        snapshot = await self.app.store.snapshot(self.customer) if self.customer else None
        return decode(snapshot.state if snapshot else b"")

    async def profile(self) -> dict[str, Any]:
        """Return the facts that are known."""
        return {name: fact.value for name, fact in (await self.state()).profile.items()}

    def milestones(self) -> list[str]:
        """Return the milestones that were reached, in order."""
        return [
            str(note.values["milestone"])
            for note in self.notes
            if note.kind == "did" and "milestone" in note.values
        ]

    def said(self) -> list[str]:
        """Return the names of all replies that were said, as `dialog/reply`, in order."""
        return [said.reply for said in self.heard]

    @property
    def steps(self) -> list[Step]:
        """The calls of steps' functions so far, with their keys; also those that failed."""
        return self.faults.steps
