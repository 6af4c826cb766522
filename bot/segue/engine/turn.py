"""One turn: some letters in, one commit out.

    hear ─ read ─ act ─ advance ─ close

A turn changes nothing but its own copy of the state. What it decided lands with its commit, or
never happened. It goes to the store itself in one case only: `flush`, so that a step's result is
kept before the next step starts, and so that nobody is left waiting while a step takes its time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from segue.channel import Capabilities
from segue.consent import MARK
from segue.dialog.outcome import Reading, TimedOut
from segue.engine import (
    asking,
    consenting,
    editing,
    elsewhere,
    forgetting,
    gate,
    joined,
    linked,
    outreach,
    pausing,
    summary,
    told,
    unworded,
)
from segue.engine.answering import Answering
from segue.engine.care import Care
from segue.engine.lateness import LATE
from segue.engine.playing import Player
from segue.engine.reading import NOTHING, Listener, Utterance, offered
from segue.engine.setup import Note, Setup
from segue.engine.speech import Speech
from segue.engine.standing import Standing
from segue.engine.state import Fact, Frame, Option, State, Timer, decode, encode, forget_old
from segue.engine.transcript import which
from segue.masking import MASK
from segue.memory.records import Commit, Flag, Granted, Letter
from segue.ports import local_time, to_millis
from segue.router import guess_locale
from segue.types import Address, Inbound, Line, Millis, Proof, Purpose, Who

OURS = told.KINDS | joined.KINDS
"""Kinds of letters that the customer did not write."""

Flush = Callable[[Commit], Awaitable[None]]
"""Stores what was decided so far and keeps the lease; raises `LostLease` if it is gone."""


class Turn:
    """One customer's turn. Make it, `await run()`, store the commit it returns."""

    def __init__(self, setup: Setup, granted: Granted, flush: Flush) -> None:
        self.setup = setup
        self.customer = granted.lease.customer
        self.granted = granted
        self.now = setup.clock.now()
        self.at: Millis = to_millis(self.now)
        self.local_now = local_time(self.now, setup.company.timezone)
        self.state: State = decode(granted.state)
        self.state.turn += 1
        forget_old(self.state, setup.fact_life, self.at)
        if not self.state.locale:
            self.state.locale = setup.company.locale
        self.notes: list[Note] = []
        self.flags = Flag.NONE
        self._flush = flush
        self.switched = False
        """The customer has just changed the language."""
        self._reading = 0
        self.written: Millis = self.at
        """When the words that are read now were written, as far as we know."""
        theirs = [n.inbound for n in granted.letters if n.inbound.kind not in OURS]
        self.written_at: Address | None = theirs[-1].address if theirs else None
        """Where the customer writes in this turn; None if they do not."""
        self.first = self.state.address is None
        """They have never written, and we have not written to them."""
        self.told = told.Told()
        self.ask_company = False
        """Call `@on_verified` when the turn has been stored."""
        self.forget = False
        """Erase this customer when the turn has been stored."""
        self._profile = dict(self.state.profile)
        """As it was stored last."""
        self._addresses = [one for one, _ in granted.addresses]
        here = joined.owned(self.state.address, granted.addresses)
        address = self.written_at or here or Address("", "")
        self.speech = Speech(
            voice=setup.voice,
            state=self.state,
            customer=self.customer,
            address=address,
            capabilities=setup.capabilities.get(address.channel, _UNKNOWN),
            at=self.at,
            contact=setup.company.contact(),
            life=int(setup.reply_life.total_seconds() * 1000),
            first_life=int(setup.first_life.total_seconds() * 1000),
            purpose=outreach.purpose(
                theirs=bool(theirs) or granted.parked or granted.late or linked.asked(granted)
            ),
        )
        self.standing = Standing(granted.addresses, self.state, at=self.at, silent=setup.silent)
        self.hearing = address
        """Where the words that are read now came from."""
        self.speech.channels, self.speech.standing = setup.capabilities, self.standing.of
        self.player = Player(self)
        self.answering = Answering(self)
        self.care = Care(self)

    # -- the whole ---------------------------------------------------------------------------------

    async def run(self) -> Commit:
        """Answer the letters and the timers that are due; return what is to be stored."""
        letters = [n for n in self.granted.letters if n.number > self.state.heard]
        asking.look(self)
        for letter in self.granted.letters:
            if letter.number > self.state.noted:
                self._listen(letter.inbound)
        if len(letters) < len(self.granted.letters) and not self.granted.controller:
            # A process died in the middle of this turn: its letters are read, their steps go on.
            await self.player.advance()
        if self.granted.parked and not self.granted.controller:
            self.speech.say("poisoned", values=self.setup.company.contact())
            self.player.prompt_again = True
        if self.granted.late and not self.granted.controller and self.speech.has("delayed"):
            self.speech.say("delayed", late=True)
            self.player.prompt_again = True
        for group in self._together(self.care.readable(letters)):
            if not self.care.silent(group):
                await self._hear(group)
        self.hearing = self.speech.address
        # In the order of their times, also where a process was away for hours.
        due = sorted((t for t in self.state.timers if t.due <= self.at), key=lambda t: t.due)
        for timer in due:
            if timer in self.state.timers:  # The one before may have ended what it belongs to.
                await self._ring(timer)
        await outreach.ring_waiting(self)
        await self._close()
        return self._commit(ack=self._last_letter(), ended=True)

    def end(self) -> None:
        """Let go of the parts that point back at this turn.

        Without that circle all of it is freed at once, and the garbage collector, which would go
        through it several times, has nothing to find.
        """
        del self.player, self.answering, self.care, self._flush

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
                and not self.question_open()
                and _plain(inbound)
                and _plain(groups[-1][-1].inbound)
                and groups[-1][-1].inbound.address == inbound.address
            ):
                groups[-1].append(letter)
            else:
                groups.append([letter])
        return groups

    def question_open(self) -> bool:
        """Whether something waits for an answer."""
        return bool(self.state.frames and self.state.frames[-1].open) or bool(self.state.offered)

    # -- hear --------------------------------------------------------------------------------------

    async def _hear(self, letters: list[Letter]) -> None:
        inbound = letters[-1].inbound
        self._reading = letters[-1].number
        if inbound.kind in told.COMPANYS:
            # The address it came in by is nobody's who speaks.
            told.heard(self, inbound)
            return
        self.hearing = inbound.address
        gate.open_gate(self)
        if inbound.kind in joined.KINDS:
            if not linked.told(self, inbound):
                joined.heard(self, inbound)
            return
        if inbound.kind in linked.KINDS:
            await linked.heard(self, inbound)
            return
        self.written = inbound.received_at or self.at
        if consenting.answered(self, inbound) or self.granted.controller:
            return
        if inbound.kind == "opened":
            if not await linked.brought(self, inbound):
                await self._opened(pressed="start" in inbound.data)
            return
        if elsewhere.said(inbound.kind, self.speech):
            return
        if inbound.kind not in ("message", "edit"):
            return
        if inbound.kind == "edit" and await editing.edited(self, inbound):
            return
        was = editing.before(self.state.frames)
        await self._read(letters)
        editing.remember(self, editing.changed(inbound) or inbound.message_id, was)

    async def _read(self, letters: list[Letter]) -> None:
        inbound = letters[-1].inbound
        text = " ".join(letter.inbound.text for letter in letters if letter.inbound.text)
        utterance = Utterance(text=text, choice=inbound.choice, media=len(inbound.media))
        paused = self.setup.paused("channel", inbound.address.channel)
        if paused is not None:
            self.speech.say(paused)
            return
        if unworded.acknowledged(self, utterance, str(inbound.data.get("what", ""))):
            return
        self._follow_language(utterance)
        if MASK in text and self.speech.has("masked"):
            self.speech.say("masked")
            self.player.prompt_again = True
            rest = "".join(c for c in text if c != MASK and not c.isdigit())
            if len(rest.split()) < _REQUEST:
                return
        await self.answering.answer(utterance)

    def _listen(self, inbound: Inbound) -> None:
        state = self.state
        if inbound.kind in OURS:
            if inbound.kind == "touchpoint":
                for line in told.lines(inbound):
                    self.speech.heard(line)
            return
        state.address = inbound.address
        if inbound.context:
            state.contexts[inbound.address.channel] = inbound.context
        if inbound.name:
            state.name = inbound.name
        if inbound.locale and self.first:
            state.locale = self.known_locale(inbound.locale) or state.locale
        if inbound.kind in ("message", "edit", "opened"):
            self.standing.heard_from(inbound.address)
        if inbound.proof is Proof.VERIFIED:
            self._vouched(inbound)
        if inbound.kind in ("opened", "timer", *elsewhere.REPLIES):
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
                address=which(inbound.address, self._addresses),
                changes=editing.changed(inbound),
            )
        )

    def _vouched(self, inbound: Inbound) -> None:
        """Keep what the host site signed for: who is signed in is not asked for their e-mail."""
        email = inbound.data.get("email")
        known = self.state.profile.get("email")
        if isinstance(email, str) and (known is None or known.value != email):
            channel = inbound.address.channel
            self.state.profile["email"] = Fact(email, self.at, channel, "signed in")
            self.notes.append(
                Note(kind="remembered", values={"fact": "email", "value": email, "how": "signed"})
            )

    def _label(self, choice: str | None) -> str:
        """Return what a pressed button said, for the transcript."""
        if choice is None:
            return ""
        frame = self.state.frames[-1] if self.state.frames else None
        shown = (frame.open.buttons if frame and frame.open else ()) + offered(self.state.offered)
        return next((b.label for b in shown if b.id == choice), choice)

    def known_locale(self, wanted: str) -> str | None:
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
        if (
            state.frames
            and state.frames[-1].open
            and state.frames[-1].open.buttons
            and len(utterance.text.split()) <= _ANSWER
        ):
            # An answer to a choice is a word or two of ours: no sign of a language.
            return
        guess = guess_locale(utterance.text, self.setup.voice.locales, state.locale)
        if guess and guess.partition("-")[0] != state.locale.partition("-")[0]:
            state.locale = guess
            self.switched = True

    async def _opened(self, *, pressed: bool) -> None:
        """Greet whoever comes for the first time; somebody who knows us is not greeted again.

        Unless they have pressed "start": that wants an answer, each time.
        """
        opening = self.setup.dialogs.opening
        if self.state.frames:
            self.player.prompt_again = self.player.prompt_again or pressed
        elif opening is not None and (self.first or pressed):
            await self.player.start(opening.name, utterance="")

    def proof(self) -> Proof:
        """Return how sure it is who writes and who is answered: of two addresses, the less sure."""
        heard = self.standing.of(self.hearing)
        if self.hearing == self.speech.address:
            return heard
        return min(heard, self.standing.of(self.speech.address))

    def listener(
        self,
        utterance: Utterance = NOTHING,
        *,
        frame: Frame | None = None,
        order: Reading | None = None,
    ) -> Listener:
        """Return a reader for a play: of an utterance, or of an order about the open question."""
        return Listener(
            utterance=utterance,
            words=self.setup.voice.words(self.state.locale),
            locale=self.state.locale,
            now=self.local_now,
            open=frame.open if frame else None,
            order=order,
            notes=self.notes,
        )

    # -- timers ------------------------------------------------------------------------------------

    async def _ring(self, timer: Timer) -> None:
        """Do what was to be done at this time, once."""
        state = self.state
        state.timers.remove(timer)
        if timer.kind == forgetting.KIND:
            forgetting.ring(self, timer)
            return
        if timer.kind == asking.KIND:
            asking.ring(self, timer)
            return
        if timer.kind == outreach.KIND:
            await outreach.ring(self, timer)
            return
        frame = next((f for f in state.frames if f.instance == timer.instance), None)
        if frame is None or self.granted.controller:
            return
        if self.player.brake.on(frame.dialog) is not None:
            timer.due = self.at + pausing.LATER
            state.timers.append(timer)
            return
        if timer.kind == "reminder":
            later = self.setup.company.quiet_until(self.speech.address, self.now)
            if later is not None and self.speech.capabilities.push:
                timer.due = to_millis(later)
                state.timers.append(timer)
                return
            if self.speech.address.channel not in self.granted.opted_out:
                dialog = self.setup.dialogs.get(timer.dialog)
                level = max(timer.level, dialog.require if dialog else 0)
                why, self.speech.purpose = self.speech.purpose, Purpose.PROACTIVE
                self.speech.say(
                    timer.reply, dialog=timer.dialog, values=timer.values, require=Proof(level or 1)
                )
                self.speech.purpose = why
                self.player.prompt_again = frame is state.frames[-1]
            return
        if frame is state.frames[-1] and frame.open and frame.open.entry == timer.entry:
            await self.player.advance(self.listener(frame=frame, order=TimedOut()))

    # -- close -------------------------------------------------------------------------------------

    async def _close(self) -> None:
        if self.granted.controller:
            return
        await self.player.show_question()
        self.care.close()
        self._offer_buttons()
        self.notes.extend(
            Note(
                kind="problem", values={"dialog": "", "error": str(problem), "where": problem.file}
            )
            for problem in self.speech.problems
        )
        if self.speech.messages:
            self.state.last = tuple(self.speech.messages[-2:])
            self.state.last_level = max(self.speech.levels[-2:])

    def _offer_buttons(self) -> None:
        """What was shown last may be answered by number or name too, if no question is open."""
        if not self.speech.messages or self.answering.gave_up:
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
        self.player.milestones.clear()
        self.told = told.Told()
        self._profile = dict(self.state.profile)

    def _commit(self, *, ack: int, ended: bool) -> Commit:
        # Should this process die before the turn has ended, somebody must go on with it: where a
        # timer began it, no letter waits that would say so.
        due = min((timer.due for timer in self.state.timers), default=0) if ended else self.at
        speech, addresses = self.speech, self._addresses
        if len({one.channel for one in addresses}) < len(addresses):
            speech.lines[:] = joined.marked(speech.lines, speech.rows, speech.address, addresses)
        return Commit(
            state=encode(self.state),
            ack=ack,
            log=self.speech.log(),
            said=self.speech.said,
            rows=tuple(self.speech.rows),
            events=self._events(ended),
            due=due,
        )

    def _events(self, ended: bool) -> tuple[bytes, ...]:
        """Return what is told of this turn, each thing in the commit that makes it true."""
        facts = told.changes(self._profile, self.state.profile)
        news = self.player.milestones or self.told.started or self.told.dropped or facts
        return (self._summary(facts, ended),) if ended or news else ()

    def _summary(self, facts: list[str], ended: bool) -> bytes:
        frame = self.state.frames[-1] if self.state.frames else None
        return summary.encode(
            summary.Summary(
                turn=self.state.turn,
                channel=self.speech.address.channel,
                locale=self.state.locale,
                dialog=frame.dialog if frame else "",
                replies=self.speech.replies if ended else [],
                milestones=self.player.milestones,
                unsure=self.state.unsure,
                facts=facts,
                started=self.told.started,
                dropped=self.told.dropped,
                partial=not ended,
                late=sum(LATE in letter.inbound.data for letter in self.granted.letters),
            )
        )


def _plain(inbound: Inbound) -> bool:
    alone = inbound.choice is not None or MARK in inbound.data
    return inbound.kind == "message" and not alone and bool(inbound.text)


_REQUEST = 2
"""Words beside a masked number from which on they want something with it."""
_ANSWER = 3
"""Words up to which a message may be an option's name."""
_UNKNOWN = Capabilities()
"""Of a channel that is not configured here (any more): its replies are kept in the transcript."""
