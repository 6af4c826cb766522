"""The words that always work: cancel, help, back, repeat, person, skip, bye."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.dialog.effects import Ask
from segue.dialog.journal import Why
from segue.dialog.outcome import Skip
from segue.engine.setup import Note
from segue.types import Proof

if TYPE_CHECKING:
    from segue.engine.turn import Turn


class Repairing:
    """Does in one turn what such a word asks for."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    async def do(self, order: str) -> None:
        """Do what the word asks for; it always works, whatever is open."""
        self.turn.notes.append(Note(kind="understood", values={"order": order}))
        self.turn.state.unsure = 0
        match order:
            case "person":
                self.person()
            case "help":
                await self._help()
            case "repeat":
                if self.turn.state.last:
                    self.turn.speech.say_again(
                        self.turn.state.last, require=Proof(self.turn.state.last_level or 1)
                    )
                else:
                    self.turn.speech.say("nothing_to_repeat")
            case "cancel":
                await self._cancel()
            case "back":
                await self._back()
            case "bye":
                self.turn.speech.say("bye")
            case _:
                await self.skip()

    def person(self) -> None:
        """Say how to reach a person. What is open stays open."""
        self.turn.speech.say("person", values=self.turn.setup.company.contact())

    async def _help(self) -> None:
        """Explain the open question, if the writers did (`ask_order_help`); else what is possible.

        The question is asked once more, which is easier than looking it up.
        """
        if await self._explained():
            return
        self.turn.speech.say("help")
        self.turn.player.resume = True

    async def _explained(self) -> bool:
        waiting = await self.turn.player.look()
        if waiting is None or not isinstance(waiting.question, Ask):
            return False
        dialog, reply = self.turn.state.frames[-1].dialog, f"{waiting.question.reply}_help"
        if not self.turn.speech.has(reply, dialog):
            return False
        self.turn.speech.say(reply, dialog=dialog, values=waiting.question.values)
        self.turn.player.prompt_again = True
        return True

    async def _cancel(self) -> None:
        if not self.turn.state.frames:
            self.turn.speech.say("nothing_to_cancel")
            return
        await self.turn.player.call_off()

    async def _back(self) -> None:
        if not self.turn.state.frames:
            self.turn.speech.say("nothing_open")
            return
        if self._paused():
            return
        match self.turn.player.back():
            case Why.DONE:
                self.turn.player.prompt_again = True
                await self.turn.player.advance()
            case Why.FINAL | Why.SUB_DIALOG:
                self.turn.speech.say(
                    "correction_too_late", values=self.turn.setup.company.contact()
                )
                self.turn.player.prompt_again = True
            case _:
                self.turn.speech.say("back_at_start")
                self.turn.player.prompt_again = True

    async def skip(self) -> None:
        """Go on without an answer where the question allows it; else say why not."""
        frame = self.turn.state.frames[-1] if self.turn.state.frames else None
        if frame is None or frame.open is None:
            self.turn.speech.say("nothing_open")
            return
        if self._paused():
            return
        waiting = await self.turn.player.look()
        if waiting and isinstance(waiting.question, Ask) and waiting.question.skippable:
            await self.turn.player.advance(self.turn.listener(frame=frame, order=Skip()))
        elif not await self._explained():
            self.turn.speech.say("skip_not_possible")
            self.turn.player.prompt_again = True

    def _paused(self) -> bool:
        """Say so if the journey they are on is paused: nobody's place in it is moved."""
        paused = self.turn.player.brake.on_top()
        if paused is not None:
            self.turn.player.brake.say(paused)
        return paused is not None
