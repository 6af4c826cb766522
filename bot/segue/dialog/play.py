"""Playing a dialog: replaying its coroutine against its journal until something is new.

    play(dialog, journal, facts=…, reader=…, values=…) -> Outcome

Its laws:

1. A plain function without I/O. Nothing it is given is changed; the same again gives the same.
2. The coroutine is driven by hand with no event loop in sight: whoever awaits something else than
   a verb finds out at once, with the line and the cure.
3. What is recorded answers silently. The `reader` is asked only at questions without a usable
   answer; its answer is recorded and the play goes on.
4. What comes up for the first time is buffered. Consuming a *recorded* ask, run or call empties the
   buffer: the customer has passed that point, and nothing is said late. (Stale ones do not: after a
   correction, what was not yet said with these values is news to the customer.)
5. A play that waits may be kept and gone on with (`kept.py`): a shortcut to the same outcome.
6. A play returns an `Outcome`, whatever the dialog does; misuse is `Broken` with a `DialogError`.
"""

from __future__ import annotations

from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Coroutine, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs

from segue.dialog import misuse
from segue.dialog.chat import Cancelled, Chat
from segue.dialog.effects import Ask, Verb, Wait
from segue.dialog.journal import MOST_BYTES, MOST_ENTRIES, Entry, Journal, step_name
from segue.dialog.kept import Kept, may_wait
from segue.dialog.outcome import (
    Broken,
    CalledOff,
    Ended,
    Fresh,
    Hold,
    Outcome,
    Reader,
    Reading,
    Restarting,
    Running,
    Waiting,
)
from segue.dialog.plain import NotPlain
from segue.dialog.replay import ANSWERS, PLAIN, End, Facts, Misused, Replay, verb_name
from segue.errors import DialogError, JournalTooLong, StepFailed

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog

__all__ = ["Facts", "hold", "play"]


def play(
    dialog: Dialog[Any],
    journal: Journal,
    *,
    facts: Facts,
    reader: Reader,
    values: Mapping[str, Any] | None = None,
    kept: Kept | None = None,
    key: Hashable = None,
) -> Outcome:
    """Replay `dialog` until it waits, needs something done, or ends.

    `values` are the parameters it was begun with (from `chat.call`, `chat.restart`, or the named
    groups of its pattern), as plain data. `kept` holds plays that may be gone on with, this one
    under `key`; the outcome is the same without it.
    """
    values = values or {}
    loop = _get_running_loop()
    _set_running_loop(None)
    try:
        waiting = kept.take(key) if kept is not None else None
        if waiting is not None:
            if waiting.fits(dialog, journal, values, facts.utterance):
                assert kept is not None
                kept.used += 1
                return waiting.go_on(journal, facts, reader, kept, key)
            waiting.close()
        return Driver(dialog, Replay(dialog, journal, facts, reader), values).go(kept, key)
    finally:
        _set_running_loop(loop)


def hold(_question: Ask | Wait, _entry: str) -> Reading:
    """Answer nothing: a reader for a play that only looks."""
    return Hold()


class Driver:
    """Sends results into the coroutine, and sees to it that it is left properly, or kept."""

    __slots__ = ("chat", "coroutine", "dialog", "ended_at", "expected", "replay", "values", "verbs")

    coroutine: Coroutine[Any, Any, Any]
    expected: dict[str, Entry]
    """The journal's entries as of where it is kept."""
    ended_at: str
    """The entry of the step it is kept at, whose result may have been added since; else empty."""

    def __init__(self, dialog: Dialog[Any], replay: Replay, values: Mapping[str, Any]) -> None:
        self.dialog = dialog
        self.replay = replay
        self.values = values
        self.chat = Chat()
        self.verbs = 0

    def go(self, kept: Kept | None, key: Hashable) -> Outcome:
        """Play from the beginning."""
        try:
            self.coroutine = self.dialog.begin(self.chat, self.values, self.replay.facts.utterance)
        except DialogError as error:
            return self.broken(error)
        return self.drive(None, kept, key)

    def drive(self, verb: Any, kept: Kept | None, key: Hashable) -> Outcome:
        """Send and answer; `verb` is one that waits for its answer already."""
        replay, open_verbs, coroutine = self.replay, self.chat._open, self.coroutine
        resume: Any = coroutine.send
        send = resume
        sent: Any = None
        try:
            while True:
                if verb is None:
                    try:
                        verb = resume(sent)
                    except StopIteration as stop:
                        return self.ended(stop.value)
                    self.verbs += 1
                    if len(open_verbs) != 1 or open_verbs[0][0] is not verb:
                        raise self.stray(coroutine, verb)
                    if self.verbs > MOST_ENTRIES:
                        raise self.too_long()
                kind = type(verb)
                if kind not in PLAIN:
                    replay.trail = None
                try:
                    sent = ANSWERS[kind](replay, verb)
                    resume = send
                except (Cancelled, StepFailed) as error:
                    sent, resume = error, coroutine.throw
                # Only now: while a verb is being answered, it is known where it stands.
                open_verbs.clear()
                verb = None
        except End as end:
            outcome = end.outcome
            if kept is not None and self.may_be_kept(outcome):
                kept.put(key, self)
                return outcome
            return self.leave(coroutine, outcome)
        except Cancelled:
            return self.called_off()
        except (KeyboardInterrupt, SystemExit):
            coroutine.close()
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a dialog raises is an outcome
            return self.leave(coroutine, self.broken(self.explained(error)))

    # -- being kept (`kept.py` has the rules) ------------------------------------------------------

    def may_be_kept(self, outcome: Outcome) -> bool:
        """Whether the next play may go on from here; if so, note what has to be the same then."""
        if self.replay.trail is None or not isinstance(outcome, Waiting | Running):
            return False
        journal = outcome.journal
        if journal.stale or journal.aside or not may_wait(self.coroutine):
            return False
        if self.fitting(outcome) is not outcome:
            return False
        self.expected = dict(journal.entries)
        self.ended_at = ""
        if isinstance(outcome, Running):
            self.ended_at = step_name(outcome.entry, outcome.digest)
        return True

    def fits(
        self, dialog: Dialog[Any], journal: Journal, values: Mapping[str, Any], utterance: str
    ) -> bool:
        """Whether a replay of this journal would come to where this play waits."""
        if journal.stale or journal.aside or dialog is not self.dialog or values != self.values:
            return False
        if utterance != self.replay.facts.utterance:
            return False
        entries = journal.entries
        if entries == self.expected:
            return True
        added = entries.get(self.ended_at)
        return added is not None and entries == {**self.expected, self.ended_at: added}

    def go_on(
        self, journal: Journal, facts: Facts, reader: Reader, kept: Kept, key: Hashable
    ) -> Outcome:
        """Answer the verb it waits at, and go on from there."""
        self.replay.facts, self.replay.reader = facts, reader
        self.replay.at_the_verb(journal)
        return self.drive(self.chat._open[0][0], kept, key)

    def close(self) -> None:
        """Let go of it; there is nothing in it that would notice."""
        self.chat._open.clear()
        self.coroutine.close()

    def leave(self, coroutine: Coroutine[Any, Any, Any], outcome: Outcome) -> Outcome:
        """Suspend for good: close the coroutine, and say so if it does not let itself be closed."""
        self.chat._open.clear()
        problem: BaseException | None = None
        for _ in range(_EXITS):
            try:
                coroutine.close()
                break
            except RuntimeError as error:
                problem = problem or self.on_exit(coroutine, error)
                self.chat._open.clear()
            except Exception as error:  # noqa: BLE001 - what its clean-up raises is an outcome
                problem = problem or error
                break
        if problem is None and self.chat._open:
            problem = self.forgotten()
        if problem is None or isinstance(outcome, Broken):
            return self.fitting(outcome)
        return self.broken(problem)

    # -- ending ------------------------------------------------------------------------------------

    def ended(self, result: Any) -> Outcome:
        if self.chat._open:
            return self.broken(self.forgotten())
        try:
            fresh = self.replay.fresh()
        except NotPlain as error:
            return self.broken(self.explained(error))
        return self.fitting(Ended(journal=self.replay.written(), fresh=fresh, result=result))

    def called_off(self) -> Outcome:
        try:
            fresh = self.replay.fresh()
        except NotPlain as error:
            return self.broken(self.explained(error))
        return self.fitting(CalledOff(journal=self.replay.written(), fresh=fresh))

    def fitting(self, outcome: Outcome) -> Outcome:
        """Return `outcome`, unless its journal has become too big."""
        if not self.replay.changed or isinstance(outcome, Broken | Restarting):
            return outcome
        journal = outcome.journal
        if journal.size() <= MOST_BYTES:
            return outcome
        lean = Journal(journal.entries)
        if lean.size() > MOST_BYTES:
            return self.broken(self.too_big(lean))
        return structs.replace(outcome, journal=lean)

    def broken(self, error: BaseException) -> Broken:
        # What was answered is kept, so that nobody repeats it once the dialog is mended; what would
        # have been said is not recorded, so that it is said then.
        fresh = Fresh(facts=tuple(self.replay.learned))
        return Broken(journal=self.replay.written(), fresh=fresh, error=error)

    # -- mistakes ----------------------------------------------------------------------------------

    def explained(self, error: BaseException) -> BaseException:
        """Return an error with its place and its cure, if it is one that Segue knows."""
        found: BaseException = error
        if isinstance(error, Misused):
            found = self.blame(error.problem, error.cure)
        elif isinstance(error, NotPlain):
            found = self.blame(
                f"was given a {error.found}", "Pass plain data, a dataclass or a model."
            )
        elif misuse.is_foreign(error):
            place = misuse.where_raised(error.__traceback__, self.dialog)
            found = misuse.foreign("Something outside", place)
        if found is not error:
            found.__cause__ = error
        return found

    def forgotten(self) -> DialogError:
        verb, code, instruction = self.chat._open[0]
        return misuse.forgotten(verb_name(verb), misuse.place_of(code, instruction))

    def stray(self, coroutine: Any, found: Any) -> DialogError:
        """Say what came out of the coroutine, which is not the one verb that was just made."""
        for verb, code, instruction in self.chat._open:
            if verb is not found:
                return misuse.forgotten(verb_name(verb), misuse.place_of(code, instruction))
        place = misuse.where_waiting(coroutine, self.dialog)
        if isinstance(found, Verb):
            return DialogError(
                f"chat.{verb_name(found)}(…) was awaited a second time, or in another dialog",
                cure="Make a verb where you await it.",
                file=place.file,
                line=place.line,
            )
        if hasattr(found, "cancel"):
            found.cancel()
        name = "asyncio.sleep(0)" if found is None else f"A {type(found).__name__}"
        return misuse.foreign(name, place)

    def on_exit(self, coroutine: Any, error: RuntimeError) -> BaseException:
        """Say what kept the coroutine from being closed."""
        if "ignored GeneratorExit" not in str(error):
            return error
        if self.chat._open:
            verb, code, instruction = self.chat._open[-1]
            return misuse.at_suspension(verb_name(verb), misuse.place_of(code, instruction))
        return misuse.foreign("Something", misuse.where_waiting(coroutine, self.dialog))

    def blame(self, problem: str, cure: str) -> DialogError:
        """Return an error about the verb that is being answered."""
        if not self.chat._open:
            place = misuse.Place(misuse.shown(self.dialog.file), self.dialog.line)
            return DialogError(
                f"A verb of {self.dialog.name} {problem}",
                cure=cure,
                file=place.file,
                line=place.line,
            )
        verb, code, instruction = self.chat._open[0]
        place = misuse.place_of(code, instruction)
        return DialogError(
            f"chat.{verb_name(verb)}(…) {problem}", cure=cure, file=place.file, line=place.line
        )

    def too_long(self) -> JournalTooLong:
        name, times = max(self.replay.counts.items(), key=lambda item: item[1])
        _, code, instruction = self.chat._open[0]
        place = misuse.place_of(code, instruction)
        return JournalTooLong(
            f"The dialog {self.dialog.name} goes round a loop: {name} came {times} times, "
            f"and a journal holds {MOST_ENTRIES} entries",
            cure="Begin anew instead of going round: `return await chat.restart(…)`.",
            file=place.file,
            line=place.line,
        )

    def too_big(self, journal: Journal) -> JournalTooLong:
        sizes = {name: Journal({name: entry}).size() for name, entry in journal.entries.items()}
        largest = max(sizes, key=lambda name: sizes[name])
        often, times = max(self.replay.counts.items(), key=lambda item: item[1])
        return JournalTooLong(
            f"The journal of {self.dialog.name} takes {journal.size()} bytes and may take "
            f"{MOST_BYTES}: the largest entry is {largest} ({sizes[largest]} bytes), the most "
            f"frequent {often} ({times} times)",
            cure="Return less from the step, or begin anew: `return await chat.restart(…)`.",
            file=misuse.shown(self.dialog.file),
            line=self.dialog.line,
        )


_EXITS = 20
"""How often a coroutine that awaits verbs on its way out is asked to leave."""
