"""Playing a customer's dialogs, one on top of the other, and doing what each play asks for.

The top frame is the one that is played. A `call` under it waits for its result; an `aside` under it
was opened in the middle of its question, which is asked again when the aside is over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from msgspec import structs

from segue.dialog.effects import Ask
from segue.dialog.journal import Journal, Why
from segue.dialog.outcome import (
    Broken,
    CalledOff,
    Calling,
    CallOff,
    Ended,
    Fresh,
    Outcome,
    Reader,
    Restarting,
    Running,
    Waiting,
)
from segue.dialog.play import Facts, play
from segue.dialog.registry import Dialog
from segue.engine import gate, inside, moving
from segue.engine.faults import where
from segue.engine.pausing import Brake
from segue.engine.reading import Utterance, silent
from segue.engine.setup import Note
from segue.engine.state import Fact, Frame, Open, Timer
from segue.engine.steps import Done, idempotency_key, perform
from segue.engine.timers import due_at, forget_timers, reminder, set_timer
from segue.errors import DialogError, StepFailed
from segue.failpoints import failpoint
from segue.memory.records import Flag

if TYPE_CHECKING:
    from segue.engine.turn import Turn

log = logging.getLogger("segue.engine")

_PLAYS = 2000
"""More plays than this in one turn are a loop without a question."""
_DEPTH = 8
"""More dialogs than this on top of each other are not a conversation any more."""


class Player:
    """Plays the frames of one turn's state."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.brake = Brake(turn)
        self.prompt_again = False
        """Ask the open question again at the end of the turn."""
        self.resume = False
        """The same, with a word that leads back to it."""
        self.milestones: list[str] = []
        self.faults = 0
        """Dialogs that could not go on."""
        self._begun = 0
        self._waiting: tuple[str, Waiting] | None = None
        self._unstored = False
        self._held = False
        """The top dialog waits for the customer to write, not for an answer."""

    # -- beginning ---------------------------------------------------------------------------------

    async def start(
        self,
        name: str,
        *,
        utterance: str,
        values: dict[str, Any] | None = None,
        aside: bool = False,
    ) -> None:
        """Begin a dialog, with whatever its first questions can find in the words that began it."""
        turn = self.turn
        paused = self.brake.on(name)
        if paused is not None:
            self.brake.say(paused)
            self.prompt_again = bool(turn.state.frames)
            return
        if len(turn.state.frames) >= _DEPTH:
            self._drop()
        self._push(
            name,
            kind="aside" if aside or turn.state.frames else "root",
            values=values or {},
            utterance=utterance,
        )
        await self.advance(turn.listener(Utterance(text=utterance)))

    def _push(self, name: str, *, kind: str, values: dict[str, Any], utterance: str = "") -> Frame:
        self._begun += 1
        frame = Frame(
            dialog=name,
            instance=f"{self.turn.state.turn}.{self._begun}",
            kind=kind,
            values=values,
            utterance=utterance,
            started=self.turn.at,
        )
        self.turn.state.frames.append(frame)
        return frame

    # -- playing -----------------------------------------------------------------------------------

    async def advance(self, reader: Reader = silent) -> Waiting | None:
        """Play until a question is open; None if nothing is waiting for the customer."""
        frames = self.turn.state.frames
        for _ in range(_PLAYS):
            if not frames:
                return None
            paused = self.brake.on_top()
            if paused is not None:
                self.brake.say(paused)
                return None
            frame = frames[-1]
            dialog = self.turn.setup.dialogs.get(frame.dialog)
            if dialog is not None and not gate.passes(self.turn, frame):
                if not self._guard(dialog):
                    return None
                reader = silent
                continue
            if dialog is None:
                self._recover("dialog_changed", frame, reason="unknown dialog")
                return None
            outcome = self._play(frame, reader)
            match outcome:
                case Waiting():
                    self._keep(frame, outcome.journal, outcome.fresh)
                    self._wait(frame, outcome)
                    return outcome
                case Running():
                    self._keep(frame, outcome.journal, outcome.fresh)
                    if not await self._step(frame, outcome):
                        return None
                case Calling(call=call):
                    self._keep(frame, outcome.journal, outcome.fresh)
                    below = self._push(call.dialog.name, kind="call", values=dict(call.values))
                    below.entry, below.digest = outcome.entry, outcome.digest
                case Ended(result=result):
                    self._keep(frame, outcome.journal, outcome.fresh)
                    self._pop(frame)
                    if frame.kind == gate.GATE:
                        if not gate.reached(self.turn, result):
                            self._drop()
                            self.resume = self.resume or bool(frames)
                            return None
                        reader = self._first_words(frames[-1])
                        continue
                    if frame.kind != "call":
                        moving.ended(self.turn, result)
                        self.resume = self.resume or bool(frames)
                        return None
                    self._returned(frame, result)
                case Restarting(values=values):
                    self._happen(frame, outcome.fresh)
                    forget_timers(self.turn.state, frame)
                    frame.journal, frame.open, frame.values = Journal(), None, values
                    name, at, origin = frame.instance.partition("@")
                    base, _, times = name.partition("r")
                    frame.instance = f"{base}r{int(times or 0) + 1}{at}{origin}"
                    reader = silent
                case CalledOff():
                    self._keep(frame, outcome.journal, outcome.fresh)
                    self._pop(frame)
                    if frame.kind != "call":
                        if not outcome.fresh.says:
                            self.turn.speech.say("cancelled")
                        if frame.kind == gate.GATE:
                            self._drop()
                        self.resume = bool(frames)
                        return None
                    frames[-1].journal.record_called_off(frame.entry, frame.digest)
                case Broken(error=error):
                    self._recover("something_went_wrong", frame, reason=error)
                    return None
        self._recover(
            "something_went_wrong",
            frames[-1],
            reason=DialogError(
                f"The dialog {frames[-1].dialog} went on {_PLAYS} times without a question",
                cure="Ask something in the loop, or end it.",
            ),
        )
        return None

    def _guard(self, dialog: Dialog[Any]) -> bool:
        """Put the dialog that proves who they are on top; False if there is none that can speak."""
        if gate.verifier(self.turn) is None:
            self.turn.speech.unproved()
            self._drop()
            self.resume = bool(self.turn.state.frames)
            return False
        self._push(gate.VERIFY, kind=gate.GATE, values={"level": int(dialog.require), "to": ""})
        return True

    def _first_words(self, frame: Frame) -> Reader:
        """Return a reader of the words that began a dialog, if it has not been played yet."""
        if frame.journal.entries or not frame.utterance:
            return silent
        return self.turn.listener(Utterance(text=frame.utterance))

    def _play(self, frame: Frame, reader: Reader) -> Outcome:
        turn = self.turn
        facts = Facts(
            profile={name: fact.value for name, fact in turn.state.profile.items()},
            channel=turn.speech.address.channel,
            locale=turn.state.locale,
            utterance=frame.utterance,
            now=turn.local_now,
            random=turn.setup.chance.random,
            words=turn.setup.voice.words(turn.state.locale),
            proof=turn.proof(),
            verify=gate.verifier(turn),
        )
        dialog = turn.setup.dialogs[frame.dialog]
        outcome = play(
            dialog,
            frame.journal,
            facts=facts,
            reader=reader,
            values=frame.values,
            kept=turn.setup.kept,
            key=(turn.customer, frame.instance),
        )
        if turn.setup.play_twice and isinstance(outcome, Waiting):
            again = play(
                dialog,
                outcome.journal,
                facts=structs.replace(facts, random=_never),
                reader=silent,
                values=frame.values,
            )
            if not isinstance(again, Waiting) or again.entry != outcome.entry or again.fresh.says:
                return Broken(
                    journal=outcome.journal,
                    fresh=Fresh(),
                    error=DialogError(
                        f"The dialog {frame.dialog} did not do the same again when it was replayed",
                        cure="What may differ next time goes through chat.run(...).",
                    ),
                )
        return outcome

    def _keep(self, frame: Frame, journal: Journal, fresh: Fresh) -> None:
        frame.journal = journal
        self._happen(frame, fresh)

    def _happen(self, frame: Frame, fresh: Fresh) -> None:
        """Make happen what came up for the first time."""
        turn = self.turn
        for say in fresh.says:
            values = say.values
            if say.reply == "person":
                values = {**turn.setup.company.contact(), **values}
            level = max(say.require, turn.setup.dialogs[frame.dialog].require)
            turn.speech.say(
                say.reply, dialog=frame.dialog, values=values, once=say.once, require=level
            )
        for milestone in fresh.milestones:
            self.milestones.append(milestone.name)
            turn.notes.append(Note(kind="did", values={"milestone": milestone.name}))
        for entry, effect in fresh.reminders:
            set_timer(turn.state, reminder(frame, entry, effect, turn.at))
        for fact, value in fresh.facts:
            turn.state.profile[fact] = Fact(
                value, turn.at, turn.speech.address.channel, frame.dialog
            )
            turn.notes.append(
                Note(
                    kind="remembered",
                    values={"fact": fact, "value": value, "channel": turn.speech.address.channel},
                )
            )
        for entry_log in fresh.logs:
            log.info(
                "dialog_log",
                extra={
                    "segue": {
                        "customer": turn.customer,
                        "log": entry_log.event,
                        **dict(entry_log.context),
                    }
                },
            )

    # -- steps and calls ---------------------------------------------------------------------------

    async def _step(self, frame: Frame, running: Running) -> bool:
        """Do a step and record its result; False if the customer called the journey off before."""
        turn = self.turn
        if self._unstored or turn.flags:
            # The result of the step before is kept before this one starts.
            await turn.flush()
            self._unstored = False
        if turn.flags & (Flag.CANCEL | Flag.PERSON):
            return False
        key = idempotency_key(turn.customer, frame.instance, running.entry, running.digest)
        progress: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            turn.setup.progress_after.total_seconds(),
            lambda: progress.append(loop.create_task(turn.flush())),
        )
        failpoint("step")
        try:
            result = await perform(
                inside.filled(turn, running.run),
                key,
                clock=turn.setup.clock,
                chance=turn.setup.chance,
                customer=turn.customer,
                caller=turn.setup.caller,
            )
        finally:
            timer.cancel()
            for task in progress:
                await task
        failpoint("stepped")
        journal = running.journal
        if isinstance(result, Done):
            journal.record_run(
                running.entry,
                running.digest,
                result.value,
                returns=running.run.returns,
                final=running.run.final,
            )
        else:
            journal.record_failure(running.entry, running.digest, result.kind, result.message)
            log.warning(
                "step_failed",
                extra={
                    "segue": {
                        "customer": turn.customer,
                        "dialog": frame.dialog,
                        "step": running.run.step,
                        "error": result.kind,
                        "where": result.where,
                    }
                },
            )
        frame.journal = journal
        self._unstored = True
        turn.notes.append(
            Note(kind="did", values={"step": running.run.step, "ok": isinstance(result, Done)})
        )
        return True

    def _returned(self, frame: Frame, result: Any) -> None:
        caller = self.turn.state.frames[-1]
        if frame.entry.startswith("verify:"):
            caller.journal.record_proved(frame.entry, gate.reached(self.turn, result))
            return
        dialog = self.turn.setup.dialogs.get(frame.dialog)
        caller.journal.record_call(
            frame.entry, frame.digest, result, returns=dialog.returns if dialog else Any
        )

    # -- waiting -----------------------------------------------------------------------------------

    def _wait(self, frame: Frame, waiting: Waiting) -> None:
        self._waiting = (frame.instance, waiting)
        question = waiting.question
        if frame.open is not None and frame.open.entry == waiting.entry:
            return
        forget_timers(self.turn.state, frame, kinds=("timeout", "wait"))
        if isinstance(question, Ask):
            frame.open = Open(entry=waiting.entry, reply=question.reply, shown=False)
            if question.timeout is not None:
                due = self.turn.at + int(question.timeout.total_seconds() * 1000)
                timer = Timer(due, "timeout", frame.instance, waiting.entry)
                set_timer(self.turn.state, timer)
            return
        frame.open = Open(entry=waiting.entry, reply="")
        due = due_at(question, self.turn.at)
        set_timer(self.turn.state, Timer(due, "wait", frame.instance, waiting.entry))

    async def look(self) -> Waiting | None:
        """Return the open question of the top frame, played up to it."""
        frames = self.turn.state.frames
        if not frames or self._held or self.brake.on_top() is not None:
            return None
        if self._waiting is not None and self._waiting[0] == frames[-1].instance:
            return self._waiting[1]
        return await self.advance()

    async def show_question(self) -> None:
        """Say the open question, if it is new or should be said again."""
        paused = self.brake.on_top()
        if paused is not None and (self.prompt_again or self.resume):
            self.brake.say(paused)
        waiting = await self.look()
        if waiting is None or not isinstance(waiting.question, Ask):
            return
        frame = self.turn.state.frames[-1]
        assert frame.open is not None
        if frame.open.shown and not self.prompt_again and not self.resume:
            return
        question, speech = waiting.question, self.turn.speech
        lead = "resume" if self.resume and speech.has("resume") and not frame.open.readings else ""
        level = max(question.require, self.turn.setup.dialogs[frame.dialog].require)
        message = speech.say(
            question.reply, dialog=frame.dialog, values=question.values, lead=lead, require=level
        )
        frame.open.shown = True
        frame.open.asked = self.turn.at
        frame.open.readings = ()
        frame.open.buttons = message.buttons
        self.turn.notes.append(
            Note(kind="asked", values={"question": question.reply, "dialog": frame.dialog})
        )

    # -- going back, calling off, recovering -------------------------------------------------------

    def correct(self, entry: str, value: Any, raw: str) -> Why:
        """Replace an earlier answer; what is true of the result is why it cannot be."""
        return self._rewound(self.turn.state.frames[-1].journal.correct(entry, value, raw))

    def back(self) -> Why:
        """Take the last answer back; what is true of the result is why it cannot be."""
        frames = self.turn.state.frames
        if not frames:
            return Why.NOT_ASKED
        top = len(frames) - 1
        why = frames[top].journal.back()
        while why is Why.NOT_ASKED and frames[top].kind == "call":
            # Before the first question of a called dialog comes the last one of its caller.
            top -= 1
            why = frames[top].journal.back()
        if not why:
            for called in frames[:top:-1]:
                self._pop(called)
        return self._rewound(why)

    def _rewound(self, why: Why) -> Why:
        if not why:
            self.turn.state.frames[-1].open = None
            self._waiting = None
        return why

    async def call_off(self) -> None:
        """Call the top journey off: its dialog may tidy up, then it is gone."""
        frame = self.turn.state.frames[-1]
        if frame.open is None or self.brake.on_top() is not None:
            self._drop()
            self.turn.speech.say("cancelled")
            self.resume = bool(self.turn.state.frames)
            return
        await self.advance(self.turn.listener(frame=frame, order=CallOff()))

    def leave(self) -> None:
        """Leave what was asked in between; nothing is said, for they want something else."""
        self._drop()

    def _pop(self, frame: Frame) -> None:
        self.turn.state.frames.remove(frame)
        forget_timers(self.turn.state, frame)
        self._waiting = None

    def _drop(self) -> None:
        """Give up the top journey: the frame on top and the callers that wait for it."""
        frames = self.turn.state.frames
        while frames:
            frame = frames[-1]
            self._pop(frame)
            if frame.kind not in ("call", gate.GATE):
                return

    def take_off(self, frame: Frame) -> None:
        """Take a frame off that is not needed any more; nothing is said."""
        self._pop(frame)

    def _recover(self, reply: str, frame: Frame, *, reason: BaseException | str) -> None:
        """Say what happened in words, for nobody is left without an answer, and go on."""
        self.faults += 1
        log.error(
            "dialog_broken",
            extra={
                "segue": {
                    "customer": self.turn.customer,
                    "dialog": frame.dialog,
                    "error": reason if isinstance(reason, str) else type(reason).__name__,
                    "where": where(reason),
                }
            },
        )
        self.turn.notes.append(
            Note(
                kind="problem",
                values={
                    "dialog": frame.dialog,
                    "error": reason if isinstance(reason, str) else f"{reason}",
                    "where": where(reason),
                },
            )
        )
        if isinstance(reason, StepFailed) and frame.faults == 0:
            # Nothing they have told us is lost: the step is tried again when they write again.
            frame.faults += 1
            frame.open = None
            frame.journal.forget_failures()
            reply = "step_failed"
            self._held = True
        else:
            self._drop()
            self.resume = bool(self.turn.state.frames)
        self.turn.speech.say(reply, values=self.turn.setup.company.contact())


def _never() -> float:
    raise DialogError("chat.random() was not recorded", cure="This is a fault of Segue: report it.")
