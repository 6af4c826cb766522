"""One turn: some letters in, one commit out.

    hear ─ read ─ act ─ advance ─ close

A turn changes nothing but its own copy of the state. What it decided lands with its commit, or
never happened. It goes to the store itself in one case only: `flush`, so that a step's result is
kept before the next step starts, and so that nobody is left waiting while a step takes its time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from segue.channel import Capabilities
from segue.dialog.effects import Ask
from segue.dialog.journal import Why
from segue.dialog.outcome import Reading, Skip, TimedOut, Waiting
from segue.engine.playing import Player
from segue.engine.reading import (
    Ambiguous,
    Listener,
    Missed,
    Utterance,
    correction,
    offered,
    pick,
    repair,
)
from segue.engine.setup import Note, Setup
from segue.engine.speech import Speech
from segue.engine.state import Frame, Option, State, Timer, decode, encode
from segue.memory.records import Commit, Flag, Granted, Letter
from segue.ports import to_millis
from segue.router import Sure, Unsure, guess_locale
from segue.types import Address, Button, Inbound, Line, Millis, Who
from segue.voice import plain

_event = msgspec.msgpack.Encoder().encode

Flush = Callable[[Commit], Awaitable[None]]
"""Stores what was decided so far and keeps the lease; raises `LostLease` if it is gone."""


class Turn:
    """One customer's turn. Make it, `await run()`, store the commit it returns."""

    def __init__(self, setup: Setup, granted: Granted, flush: Flush) -> None:
        self.setup = setup
        self.customer = granted.lease.customer
        self.granted = granted
        self.now = setup.clock.now()
        self.local_now = self.now.astimezone(setup.company.timezone)
        self.at: Millis = to_millis(self.now)
        self.state: State = decode(granted.state)
        self.state.turn += 1
        if not self.state.locale:
            self.state.locale = setup.company.locale
        self.notes: list[Note] = []
        self.flags = Flag.NONE
        self._flush = flush
        self._reading = 0
        self._gave_up = False
        address = (
            granted.letters[-1].inbound.address
            if granted.letters
            else self.state.address or Address("", "")
        )
        self.speech = Speech(
            voice=setup.voice,
            state=self.state,
            customer=self.customer,
            address=address,
            capabilities=setup.capabilities.get(address.channel, _UNKNOWN),
            at=self.at,
            contact=setup.company.contact(),
            life=int(setup.reply_life.total_seconds() * 1000),
        )
        self.player = Player(self)

    # -- the whole ---------------------------------------------------------------------------------

    async def run(self) -> Commit:
        """Answer the letters and the timers that are due; return what is to be stored."""
        letters = [n for n in self.granted.letters if n.number > self.state.heard]
        for letter in self.granted.letters:
            if letter.number > self.state.noted:
                self._listen(letter.inbound)
        if len(letters) < len(self.granted.letters) and not self.granted.controller:
            # A process died in the middle of this turn: its letters are read, their steps go on.
            await self.player.advance()
        if self.granted.parked and not self.granted.controller:
            self.speech.say("poisoned", values=self.setup.company.contact())
            self.player.prompt_again = True
        for group in self._together(letters):
            await self._hear(group)
        # In the order of their times, also where a process was away for hours.
        due = sorted((t for t in self.state.timers if t.due <= self.at), key=lambda t: t.due)
        for timer in due:
            if timer in self.state.timers:  # The one before may have ended what it belongs to.
                await self._ring(timer)
        await self._close()
        return self._commit(ack=self._last_letter(), ended=True)

    def _last_letter(self) -> int:
        return self.granted.letters[-1].number if self.granted.letters else 0

    def _together(self, letters: list[Letter]) -> list[list[Letter]]:
        """Group lines that were written in one breath and are read as one.

        Without an open question three quick lines are one utterance. With one, each line is read by
        itself, since it may answer the question or the next; a free text question takes them all.
        """
        groups: list[list[Letter]] = []
        for letter in letters:
            inbound = letter.inbound
            if (
                groups
                and not self._question_open()
                and _plain(inbound)
                and _plain(groups[-1][-1].inbound)
                and groups[-1][-1].inbound.address == inbound.address
            ):
                groups[-1].append(letter)
            else:
                groups.append([letter])
        return groups

    def _question_open(self) -> bool:
        return bool(self.state.frames and self.state.frames[-1].open) or bool(self.state.offered)

    # -- hear --------------------------------------------------------------------------------------

    async def _hear(self, letters: list[Letter]) -> None:
        inbound = letters[-1].inbound
        self._reading = letters[-1].number
        if self.granted.controller:
            return
        if inbound.kind == "opened":
            await self._opened()
            return
        if inbound.kind not in ("message", "edit"):
            return
        text = " ".join(letter.inbound.text for letter in letters if letter.inbound.text)
        utterance = Utterance(text=text, choice=inbound.choice, media=len(inbound.media))
        paused = self.setup.paused("channel", inbound.address.channel)
        if paused is not None:
            self.speech.say(paused)
            return
        if utterance.empty:
            self._attachment_only(utterance)
            return
        self._follow_language(utterance)
        await self._answer(utterance)

    def _listen(self, inbound: Inbound) -> None:
        state = self.state
        state.address = inbound.address
        if inbound.name:
            state.name = inbound.name
        if inbound.locale and state.turn == 1:
            state.locale = self._known_locale(inbound.locale) or state.locale
        if inbound.kind in ("opened", "timer"):
            return
        self.speech.heard(
            Line(
                who=Who.CUSTOMER,
                at=inbound.received_at or self.at,
                channel=inbound.address.channel,
                text=inbound.text or self._label(inbound.choice),
                id=inbound.message_id,
                media=inbound.media,
                choice=inbound.choice,
            )
        )

    def _label(self, choice: str | None) -> str:
        """Return what a pressed button said, for the transcript."""
        if choice is None:
            return ""
        frame = self.state.frames[-1] if self.state.frames else None
        shown = (frame.open.buttons if frame and frame.open else ()) + offered(self.state.offered)
        return next((b.label for b in shown if b.id == choice), choice)

    def _attachment_only(self, utterance: Utterance) -> None:
        if utterance.media:
            self.speech.say("attachment_received")
            self.player.prompt_again = True

    def _known_locale(self, wanted: str) -> str | None:
        """Return the voice's locale that serves a wanted one best (`de-AT` → `de`)."""
        locales = self.setup.voice.locales
        for candidate in (wanted, wanted.partition("-")[0].lower()):
            if candidate in locales:
                return candidate
        return None

    def _follow_language(self, utterance: Utterance) -> None:
        """Answer German to German: a clear sign switches, anything less changes nothing."""
        if utterance.choice is not None or len(self.setup.voice.locales) < 2:
            return
        state = self.state
        if state.frames and state.frames[-1].open and state.frames[-1].open.buttons:
            # An answer to a choice is a word or two of ours: no sign of a language.
            return
        guess = guess_locale(utterance.text, self.setup.voice.locales, state.locale)
        if guess and guess.partition("-")[0] != state.locale.partition("-")[0]:
            state.locale = guess

    async def _opened(self) -> None:
        """Greet whoever comes for the first time; somebody who knows us is not greeted again."""
        opening = self.setup.dialogs.opening
        if opening is not None and not self.state.frames and self.state.turn == 1:
            await self.player.start(opening.name, utterance="")

    # -- read and act ------------------------------------------------------------------------------

    async def _answer(self, utterance: Utterance) -> None:
        state, words = self.state, self.setup.voice.words(self.state.locale)
        frame = state.frames[-1] if state.frames else None
        pressed = await self._pressed(utterance, frame)
        if pressed:
            return
        order = repair(utterance, words)
        if order is not None:
            await self._repair(order)
            return
        listener = Listener(
            utterance=utterance,
            words=words,
            locale=state.locale,
            now=self.local_now,
            open=frame.open if frame else None,
            notes=self.notes,
        )
        waiting: Waiting | None = None
        if frame is not None:
            nudge, before = frame.open is None, len(self.speech.messages)
            waiting = await self.player.advance(listener)
            if nudge or (waiting is None and len(self.speech.messages) > before):
                # A step had failed and writing again was the sign to retry; or the dialog is gone
                # or broken, and that has been said.
                return
            if listener.heard is not None and not isinstance(listener.heard, Missed | Ambiguous):
                self.state.unsure = 0
                self.state.offered = ()
                return
        if isinstance(listener.heard, Ambiguous):
            self._which_one(listener.heard)
            return
        if state.offered:
            buttons = offered(state.offered)
            picked = pick(utterance, buttons, listener.context(buttons))
            if picked is not None and await self._take_offer(picked):
                return
        if waiting is not None and await self._corrected(waiting, listener):
            return
        asking = waiting is not None and isinstance(waiting.question, Ask)
        if await self._route(utterance, asking=asking):
            return
        if asking:
            assert waiting is not None
            missed = listener.heard if isinstance(listener.heard, Missed) else Missed()
            self._ask_again(waiting, missed)
            return
        await self._lost(utterance)

    async def _pressed(self, utterance: Utterance, frame: Frame | None) -> bool:
        """Deal with a button that does not belong to the open question."""
        choice = utterance.choice
        if choice is None:
            return False
        if frame is not None and frame.open and any(b.id == choice for b in frame.open.buttons):
            return False
        if await self._take_offer(choice):
            return True
        if frame is None or frame.open is None:
            await self._lost(utterance)
        else:
            # A button of an older question, which is settled: ask what is open.
            self.player.prompt_again = True
        return True

    async def _take_offer(self, choice: str) -> bool:
        if choice == "person":
            self.state.offered = ()
            self._person()
            return True
        intent = choice if ":" in choice else f"dialog:{choice}"
        kind, _, name = intent.partition(":")
        if kind == "answer" and self.setup.voice.has(name, dialog="answers"):
            self._say_answer(name)
            return True
        if kind == "dialog" and name in self.setup.dialogs:
            self.state.offered = ()
            self.notes.append(Note(kind="routed", values={"intent": intent, "how": "button"}))
            utterance, self.state.offer = self.state.offer, ""
            await self.player.start(name, utterance=utterance)
            return True
        return False

    def _which_one(self, heard: Ambiguous) -> None:
        frame = self.state.frames[-1]
        assert frame.open is not None
        buttons = tuple(Button(str(i), label) for i, label in enumerate(heard.labels))
        frame.open.readings, frame.open.buttons = heard.values, buttons
        self.speech.say("which_one", values={"options": _options(buttons)}, buttons=buttons)

    async def _corrected(self, waiting: Waiting, listener: Listener) -> bool:
        found = correction(listener.utterance, waiting.asked, listener.context())
        if found is None:
            return False
        refused = self.player.correct(found.entry, found.value, found.raw)
        if refused:
            self.speech.say("correction_too_late", values=self.setup.company.contact())
            self.player.prompt_again = True
            return True
        self.speech.say("corrected")
        self.notes.append(
            Note(kind="understood", values={"question": found.question.reply, "how": "correction"})
        )
        self.player.prompt_again = True
        await self.player.advance()
        return True

    async def _route(self, utterance: Utterance, *, asking: bool) -> bool:
        """Start what they want. In the middle of a question: only if sure, and not one word."""
        if utterance.choice is not None or (asking and len(utterance.text.split()) < 2):
            return False
        command = self.setup.dialogs.match(utterance.text)
        if command is not None:
            dialog, groups = command
            self.notes.append(Note(kind="routed", values={"intent": dialog.name, "how": "pattern"}))
            self.state.unsure, self.state.offered = 0, ()
            await self.player.start(
                dialog.name, utterance=utterance.text, values=dict(groups), aside=asking
            )
            return True
        route = self.setup.router.route(utterance.text, self.state.locale)
        if isinstance(route, Sure) and route.intent == "person":
            self.state.unsure = 0
            self._person()
            return True
        if isinstance(route, Sure):
            kind, _, name = route.intent.partition(":")
            self.notes.append(
                Note(
                    kind="routed",
                    values={"intent": route.intent, "score": route.score, "how": route.how},
                )
            )
            if kind == "answer":
                self._say_answer(name)
                self.player.resume = asking
                return True
            if asking and any(frame.dialog == name for frame in self.state.frames):
                return False
            self.state.unsure, self.state.offered = 0, ()
            await self.player.start(name, utterance=utterance.text, aside=asking)
            return True
        if isinstance(route, Unsure) and not asking:
            self._did_you_mean(route)
            self.state.offer = utterance.text
            return True
        return False

    def _did_you_mean(self, route: Unsure) -> None:
        options = tuple(Option(c.intent, self._title(c.intent)) for c in route.candidates[:3])
        buttons = offered(options)
        self.notes.append(
            Note(kind="routed", values={"how": "unsure", "between": [o.id for o in options]})
        )
        self.speech.say("did_you_mean", values={"options": _options(buttons)}, buttons=buttons)

    def _title(self, intent: str) -> str:
        """Return what people call an intent, in their language."""
        voice, (kind, _, name) = self.setup.voice, intent.partition(":")
        if kind == "answer":
            asked = dict(voice.answers(self.state.locale)).get(name, ())
            return asked[0][:1].upper() + asked[0][1:] if asked else name
        if voice.has(f"{name}/title"):
            return plain(self.speech.render(f"{name}/title", name, {}).message)
        dialog = self.setup.dialogs.get(name)
        return (dialog.title if dialog else "") or name.replace("_", " ")

    def _say_answer(self, name: str) -> None:
        self.state.unsure = 0
        self.speech.say(name, dialog="answers")

    def _ask_again(self, waiting: Waiting, missed: Missed) -> None:
        """Say what was not understood, or, after enough tries, name the way out."""
        frame = self.state.frames[-1]
        assert frame.open is not None
        question = waiting.question
        assert isinstance(question, Ask)
        if self.speech.said or self.speech.messages:
            # They wrote on before they could see this question: it was no answer to it.
            return
        frame.open.tries += 1
        frame.open.readings = ()
        self.notes.append(
            Note(kind="missed", values={"question": question.reply, "tries": frame.open.tries})
        )
        if frame.open.tries >= question.tries:
            frame.open.tries = 0
            self._give_up()
            return
        names = (
            missed.reply,
            question.slot.retry,
            f"{question.reply}_retry",
            f"retry_{question.slot.name}",
        )
        name = next((n for n in names if n and self.speech.has(n, frame.dialog)), "retry")
        buttons = frame.open.buttons
        self.speech.say(
            name,
            dialog=frame.dialog,
            values={
                **question.values,
                "example": question.slot.example or None,
                "options": _options(buttons),
            },
            buttons=buttons,
        )

    def _give_up(self) -> None:
        self._gave_up = True
        message = self.speech.say("give_up", values=self.setup.company.contact())
        self.state.offered = tuple(Option(b.id, b.label) for b in message.buttons)

    async def _lost(self, utterance: Utterance) -> None:
        self.state.unsure += 1
        self.notes.append(Note(kind="routed", values={"how": "lost", "times": self.state.unsure}))
        if self.state.unsure >= 2:
            self.speech.say("not_sure_person", values=self.setup.company.contact())
            return
        fallback = self.setup.dialogs.fallback
        if fallback is not None:
            await self.player.start(fallback.name, utterance=utterance.text)
            return
        self.speech.say("not_sure")

    # -- repair ------------------------------------------------------------------------------------

    async def _repair(self, order: str) -> None:
        self.notes.append(Note(kind="understood", values={"order": order}))
        self.state.unsure = 0
        match order:
            case "person":
                self._person()
            case "help":
                self.speech.say("help")
                self.player.resume = True
            case "repeat":
                if self.state.last:
                    self.speech.say_again(self.state.last)
                else:
                    self.speech.say("nothing_to_repeat")
            case "cancel":
                await self._cancel()
            case "back":
                await self._back()
            case _:
                await self._skip()

    def _person(self) -> None:
        self.speech.say("person", values=self.setup.company.contact())

    async def _cancel(self) -> None:
        if not self.state.frames:
            self.speech.say("nothing_to_cancel")
            return
        await self.player.call_off()

    async def _back(self) -> None:
        if not self.state.frames:
            self.speech.say("nothing_open")
            return
        match self.player.back():
            case Why.DONE:
                self.player.prompt_again = True
                await self.player.advance()
            case Why.FINAL | Why.SUB_DIALOG:
                self.speech.say("correction_too_late", values=self.setup.company.contact())
                self.player.prompt_again = True
            case _:
                self.speech.say("back_at_start")
                self.player.prompt_again = True

    async def _skip(self) -> None:
        frame = self.state.frames[-1] if self.state.frames else None
        if frame is None or frame.open is None:
            self.speech.say("nothing_open")
            return
        waiting = await self.player.look()
        if waiting and isinstance(waiting.question, Ask) and waiting.question.skippable:
            await self.player.advance(self._ordered(frame, Skip()))
        else:
            self.speech.say("skip_not_possible")
            self.player.prompt_again = True

    def _ordered(self, frame: Frame, order: Reading) -> Listener:
        return Listener(
            utterance=Utterance(text=""),
            words=self.setup.voice.words(self.state.locale),
            locale=self.state.locale,
            now=self.local_now,
            open=frame.open,
            order=order,
            notes=self.notes,
        )

    # -- timers ------------------------------------------------------------------------------------

    async def _ring(self, timer: Timer) -> None:
        """Do what was to be done at this time, once."""
        state = self.state
        state.timers.remove(timer)
        frame = next((f for f in state.frames if f.instance == timer.instance), None)
        if frame is None or self.granted.controller:
            return
        if timer.kind == "reminder":
            if self.speech.address.channel not in self.granted.opted_out:
                self.speech.say(timer.reply, dialog=timer.dialog, values=timer.values)
                self.player.prompt_again = frame is state.frames[-1]
            return
        if frame is state.frames[-1] and frame.open and frame.open.entry == timer.entry:
            await self.player.advance(self._ordered(frame, TimedOut()))

    # -- close -------------------------------------------------------------------------------------

    async def _close(self) -> None:
        if self.granted.controller:
            return
        await self.player.show_question()
        self._offer_buttons()
        self.notes.extend(
            Note(
                kind="problem", values={"dialog": "", "error": str(problem), "where": problem.file}
            )
            for problem in self.speech.problems
        )
        if self.speech.messages:
            self.state.last = tuple(self.speech.messages[-2:])

    def _offer_buttons(self) -> None:
        """What was shown last may be answered by number or name too, if no question is open."""
        if not self.speech.messages or self._gave_up:
            return
        last = self.speech.messages[-1].buttons if not self.state.frames else ()
        self.state.offered = tuple([Option(button.id, button.label) for button in last])

    async def flush(self) -> None:
        """Store what was decided so far, in the middle of the turn."""
        self.state.heard = max(self.state.heard, self._reading)
        # The lines of all letters are stored with it, also of those that are not read yet.
        self.state.noted = max(self.state.noted, self._last_letter())
        await self._flush(self._commit(ack=0, ended=False))
        self.speech.stored()

    def _commit(self, *, ack: int, ended: bool) -> Commit:
        # Should this process die before the turn has ended, somebody must go on with it: where a
        # timer began it, no letter waits that would say so.
        due = min((timer.due for timer in self.state.timers), default=0) if ended else self.at
        return Commit(
            state=encode(self.state),
            ack=ack,
            log=self.speech.log(),
            said=self.speech.said,
            rows=tuple(self.speech.rows),
            events=(self._summary(),) if ended else (),
            due=due,
        )

    def _summary(self) -> bytes:
        """Return the turn's event: names and counts, none of the customer's words."""
        frame = self.state.frames[-1] if self.state.frames else None
        return _event(
            {
                "at": self.at,
                "customer": self.customer,
                "turn": self.state.turn,
                "channel": self.speech.address.channel,
                "locale": self.state.locale,
                "dialog": frame.dialog if frame else "",
                "replies": self.speech.replies,
                "milestones": self.player.milestones,
                "unsure": self.state.unsure,
            }
        )


def _plain(inbound: Inbound) -> bool:
    return inbound.kind == "message" and inbound.choice is None and bool(inbound.text)


def _options(buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    return [{"id": button.id, "label": button.label} for button in buttons]


_UNKNOWN = Capabilities()
"""Of a channel that is not configured here (any more): its replies are kept in the transcript."""
