"""Answering one utterance: what `reading.py` makes of it is done here, in that order."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from segue.dialog.effects import Ask
from segue.dialog.outcome import Waiting
from segue.engine.correcting import Answers, Correction, without_opening
from segue.engine.joining import raised
from segue.engine.reading import (
    Ambiguous,
    Missed,
    Utterance,
    offered,
    pick,
    repair,
)
from segue.engine.repairing import Repairing
from segue.engine.setup import Note
from segue.engine.state import Frame, Option
from segue.errors import VoiceError
from segue.router import Sure, Unsure
from segue.types import Button
from segue.voice import plain
from segue.words import normalise

if TYPE_CHECKING:
    from segue.engine.turn import Turn

_GOODBYE = "goodbye"
"""The answer to the words that leave a question for later, said where there is none."""


class Answering:
    """Answers the utterances of one turn."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.repairing = Repairing(turn)
        self.gave_up = False
        """A way out was named, whose buttons stand beside the question that is still open."""

    async def answer(self, utterance: Utterance) -> None:
        """Read the utterance in the order that `reading.py` opens with, and act on it."""
        state, words = self.turn.state, self.turn.setup.voice.words(self.turn.state.locale)
        frame = state.frames[-1] if state.frames else None
        if utterance.choice is not None and await self._pressed(utterance.choice, utterance, frame):
            return
        order = repair(utterance, words)
        if order == "bye" and not (frame and frame.open and self.turn.speech.has("bye")):
            # Nothing waits for them: a goodbye is small talk.
            order = None
            if self.turn.speech.has(_GOODBYE, "answers"):
                self.turn.notes.append(Note(kind="understood", values={"order": "bye"}))
                self._say_answer(_GOODBYE)
                return
        if order is not None:
            await self.repairing.do(order)
            return
        paused = self.turn.player.brake.on_top()
        if paused is not None:
            if not await self._beside(utterance):
                self.turn.player.brake.say(paused)
            return
        if await self._taken_back(utterance) or await self._going_elsewhere(utterance):
            return
        listener = self.turn.listener(utterance, frame=frame)
        waiting: Waiting | None = None
        if frame is not None:
            nudge, before = frame.open is None, len(self.turn.speech.messages)
            waiting = await self.turn.player.advance(listener)
            if nudge or (waiting is None and len(self.turn.speech.messages) > before):
                # A step had failed and writing again was the sign to retry; or the dialog is gone
                # or broken, and that has been said.
                return
            if listener.heard is not None and not isinstance(listener.heard, Missed | Ambiguous):
                self.turn.state.unsure = 0
                self.turn.state.offered = ()
                return
        if isinstance(listener.heard, Ambiguous):
            self._which_one(listener.heard)
            return
        if state.offered:
            buttons = offered(state.offered)
            picked = pick(utterance, buttons, listener.context(buttons))
            if picked is not None and await self._take_offer(picked):
                return
        if waiting is None or not isinstance(waiting.question, Ask):
            if not await self._route(utterance):
                await self._lost(utterance)
            return
        text, answers = utterance.text, self._answers(waiting)
        if answers.context.choice is None and normalise(text) in words.no:
            # They refuse to answer.
            await self.repairing.skip()
            return
        if await self._correct(answers.taken_back(text) or answers.replaced(text)):
            return
        if await self._route(utterance, answers):
            return
        if await self._correct(answers.rewritten(text) or answers.mentioned(text)):
            return
        missed = listener.heard if isinstance(listener.heard, Missed) else Missed()
        self._ask_again(waiting, missed)

    async def _pressed(self, choice: str, utterance: Utterance, frame: Frame | None) -> bool:
        """Deal with a button that does not belong to the open question."""
        if frame is not None and frame.open and any(b.id == choice for b in frame.open.buttons):
            return False
        waiting = await self.turn.player.look() if frame and frame.open else None
        if waiting and await self._correct(self._answers(waiting).pressed(choice)):
            return True
        if await self._take_offer(choice):
            return True
        if frame is None or frame.open is None:
            await self._lost(utterance)
        else:
            # A button of an older question, which is settled: ask what is open.
            self.turn.player.prompt_again = True
        return True

    async def _take_offer(self, choice: str) -> bool:
        if choice == "person":
            self.turn.state.offered = ()
            self.repairing.person()
            return True
        intent = choice if ":" in choice else f"dialog:{choice}"
        kind, _, name = intent.partition(":")
        if kind == "answer" and self.turn.setup.voice.has(name, dialog="answers"):
            self._say_answer(name)
            return True
        if kind == "dialog" and name in self.turn.setup.dialogs:
            self.turn.state.offered = ()
            self.turn.notes.append(Note(kind="routed", values={"intent": intent, "how": "button"}))
            utterance, self.turn.state.offer = self.turn.state.offer, ""
            await self.turn.player.start(name, utterance=utterance)
            return True
        return False

    def _which_one(self, heard: Ambiguous) -> None:
        frame = self.turn.state.frames[-1]
        assert frame.open is not None
        buttons = tuple(Button(str(i), label) for i, label in enumerate(heard.labels))
        frame.open.readings, frame.open.buttons = heard.values, buttons
        self.turn.speech.say("which_one", values={"options": _options(buttons)}, buttons=buttons)

    # -- corrections -------------------------------------------------------------------------------

    async def _taken_back(self, utterance: Utterance) -> bool:
        """Correct what they say they got wrong, where the open question would take any words."""
        words = self.turn.setup.voice.words(self.turn.state.locale)
        if not self.turn.state.frames or not without_opening(utterance.text, words)[0]:
            return False
        waiting = await self.turn.player.look()
        if waiting is None or not isinstance(waiting.question, Ask):
            return False
        answers, slot = self._answers(waiting), waiting.question.slot
        if answers.confirming:
            return await self._correct(answers.taken_back(utterance.text, surely=True))
        if slot.find is None and not slot.options:
            rest = without_opening(utterance.text, words)[1]
            return await self._correct(answers.replaced(rest))
        return False

    async def _going_elsewhere(self, utterance: Utterance) -> bool:
        """Begin the dialog about other channels where the open question would take any words.

        Only if they say exactly what it is known by: nobody answers "continue on Telegram".
        """
        if not self.turn.state.frames or utterance.choice is not None:
            return False
        name = self.turn.setup.anywhere.get(normalise(utterance.text))
        if name is None:
            return False
        waiting = await self.turn.player.look()
        if waiting is None or not isinstance(waiting.question, Ask):
            return False
        slot = waiting.question.slot
        if slot.find is not None or slot.options:
            return False
        values = {"intent": f"dialog:{name}", "how": "exact"}
        self.turn.notes.append(Note(kind="routed", values=values))
        await self.turn.player.start(name, utterance=utterance.text, aside=True)
        return True

    def _answers(self, waiting: Waiting) -> Answers:
        frame = self.turn.state.frames[-1]

        def shown(question: Ask) -> tuple[Button, ...]:
            try:
                rendered = self.turn.speech.render(question.reply, frame.dialog, question.values)
            except VoiceError:
                return ()
            return rendered.message.buttons

        return Answers(
            asked=waiting.asked,
            recorded=frame.journal.entries,
            context=self.turn.listener().context(),
            shown=shown,
            confirming=isinstance(waiting.question, Ask) and waiting.question.kind == "confirm",
        )

    async def change(self, text: str, entries: Collection[str]) -> bool:
        """Take other words for those that answered these questions of the dialog on top.

        False if they are no answer to any of them.
        """
        waiting = await self.turn.player.look()
        found = self._answers(waiting).anew(text, entries) if waiting is not None else []
        if not found:
            return False
        changed = [each for each in found if not each.same]
        for each in changed[:-1]:
            if self.turn.player.correct(each.entry, each.value, each.raw):
                break
        await self._correct(changed[-1] if changed else None)
        return True

    async def _correct(self, found: Correction | None) -> bool:
        if found is None:
            return False
        self.turn.state.unsure, self.turn.state.offered = 0, ()
        self.turn.player.prompt_again = True
        if found.same:
            # Said twice, or confirmed once more: nothing is changed, so nothing is called changed.
            return True
        if self.turn.player.correct(found.entry, found.value, found.raw):
            self.turn.speech.say("correction_too_late", values=self.turn.setup.company.contact())
            return True
        self.turn.speech.say("corrected")
        self.turn.notes.append(
            Note(kind="understood", values={"question": found.question.reply, "how": "correction"})
        )
        await self.turn.player.advance()
        return True

    # -- what else they may want -------------------------------------------------------------------

    async def _route(self, utterance: Utterance, answers: Answers | None = None) -> bool:
        """Start what they want. In the middle of a question (`answers`): only if sure."""
        if utterance.choice is not None:
            return False
        asking = answers is not None
        words = self.turn.setup.voice.words(self.turn.state.locale)
        if asking and normalise(utterance.text) in words.yes:
            return False
        one_word = asking and len(utterance.text.split()) < 2
        command = None if one_word else self.turn.setup.dialogs.match(utterance.text)
        if command is not None:
            dialog, groups = command
            self.turn.notes.append(
                Note(kind="routed", values={"intent": dialog.name, "how": "pattern"})
            )
            self.turn.state.unsure, self.turn.state.offered = 0, ()
            await self.turn.player.start(
                dialog.name, utterance=utterance.text, values=dict(groups), aside=asking
            )
            return True
        route = self.turn.setup.router.route(utterance.text, self.turn.state.locale)
        if one_word and not (isinstance(route, Sure) and route.score >= 1.0):
            # A single word is one they were asked for, unless it is an example as it stands.
            return False
        if isinstance(route, Sure) and route.intent == "person":
            self.turn.state.unsure = 0
            self.repairing.person()
            return True
        if isinstance(route, Sure):
            kind, _, name = route.intent.partition(":")
            self.turn.notes.append(
                Note(
                    kind="routed",
                    values={"intent": route.intent, "score": route.score, "how": route.how},
                )
            )
            if kind == "answer":
                self._say_answer(name)
                self.turn.player.resume = asking
                return True
            if asking and any(frame.dialog == name for frame in self.turn.state.frames):
                assert answers is not None
                return await self._wanted_already(name, answers.mentioned(utterance.text))
            self.turn.state.unsure, self.turn.state.offered = 0, ()
            await self.turn.player.start(name, utterance=utterance.text, aside=asking)
            return True
        if isinstance(route, Unsure) and not asking:
            self._did_you_mean(route)
            self.turn.state.offer = utterance.text
            return True
        return False

    async def _beside(self, utterance: Utterance) -> bool:
        """Start what else they surely want while the journey on top is paused."""
        if utterance.choice is not None or len(utterance.text.split()) < 2:
            return False
        route = self.turn.setup.router.route(utterance.text, self.turn.state.locale)
        return isinstance(route, Sure) and await self._route(utterance)

    async def _wanted_already(self, name: str, found: Correction | None) -> bool:
        """They ask for a journey they are on: go on with it, with what they add."""
        state = self.turn.state
        frames = state.frames
        other = raised(frames, name)
        if other is not None:
            # It came with a merge, and lay below what they were at: now it is the other way round.
            state.frames = other
            self.turn.player.resume = True
            return True
        if frames[-1].dialog == name and await self._correct(found):
            return True
        while frames[-1].kind == "aside" and frames[-1].dialog != name:
            # What they asked in between is not what they want any more.
            self.turn.player.leave()
            self.turn.player.resume = True
        self.turn.player.prompt_again = True
        return True

    def _did_you_mean(self, route: Unsure) -> None:
        options = tuple(Option(c.intent, self._title(c.intent)) for c in route.candidates[:3])
        buttons = offered(options)
        self.turn.notes.append(
            Note(kind="routed", values={"how": "unsure", "between": [o.id for o in options]})
        )
        self.turn.speech.say("did_you_mean", values={"options": _options(buttons)}, buttons=buttons)

    def _title(self, intent: str) -> str:
        """Return what people call an intent, in their language."""
        voice, (kind, _, name) = self.turn.setup.voice, intent.partition(":")
        if kind == "answer":
            asked = dict(voice.answers(self.turn.state.locale)).get(name, ())
            return asked[0][:1].upper() + asked[0][1:] if asked else name
        if voice.has(f"{name}/title"):
            return plain(self.turn.speech.render(f"{name}/title", name, {}).message)
        dialog = self.turn.setup.dialogs.get(name)
        return (dialog.title if dialog else "") or name.replace("_", " ")

    def _say_answer(self, name: str) -> None:
        self.turn.state.unsure = 0
        self.turn.speech.say(name, dialog="answers")

    def _ask_again(self, waiting: Waiting, missed: Missed) -> None:
        """Say what was not understood, or, after enough tries, name the way out."""
        frame = self.turn.state.frames[-1]
        assert frame.open is not None
        question = waiting.question
        assert isinstance(question, Ask)
        early = self.turn.written < frame.open.asked
        if early or not frame.open.shown or self.turn.speech.said or self.turn.speech.messages:
            # They wrote before they could see this question: it was no answer to it. It is new
            # also where changed code asks something else than what they answered.
            return
        if self.turn.switched:
            # They could not read the question: it is asked in their language.
            self.turn.player.prompt_again = True
            return
        frame.open.tries += 1
        frame.open.readings = ()
        self.turn.notes.append(
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
        name = next((n for n in names if n and self.turn.speech.has(n, frame.dialog)), "retry")
        buttons = frame.open.buttons
        self.turn.speech.say(
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
        self.gave_up = True
        message = self.turn.speech.say("give_up", values=self.turn.setup.company.contact())
        self.turn.state.offered = tuple(Option(b.id, b.label) for b in message.buttons)

    async def _lost(self, utterance: Utterance) -> None:
        self.turn.state.unsure += 1
        self.turn.notes.append(
            Note(kind="routed", values={"how": "lost", "times": self.turn.state.unsure})
        )
        if self.turn.state.unsure >= 2:
            self.turn.speech.say("not_sure_person", values=self.turn.setup.company.contact())
            return
        fallback = self.turn.setup.dialogs.fallback
        if fallback is not None:
            await self.turn.player.start(fallback.name, utterance=utterance.text)
            return
        self.turn.speech.say("not_sure")


def _options(buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    return [{"id": button.id, "label": button.label} for button in buttons]
