"""Playing a dialog: replaying its coroutine against its journal until something is new.

    play(dialog, journal, facts=…, reader=…, values=…) -> Outcome

Its laws:

1. A plain function without I/O. Nothing it is given is changed; the same again gives the same.
2. The coroutine is driven by hand with no event loop in sight: whoever awaits something else than
   a verb finds out at once, with the line and the cure.
3. What is recorded answers silently. The `reader` is asked only at questions without a usable
   answer; its answer is recorded and the play goes on.
4. What comes up for the first time is buffered. Consuming a *recorded* ask, run or call empties the
   buffer: the customer has passed that point, and nothing is said late.
5. A play returns an `Outcome`, whatever the dialog does; misuse is `Broken` with a `DialogError`.
"""

from __future__ import annotations

from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from segue.dialog import misuse
from segue.dialog.chat import Cancelled, Chat
from segue.dialog.effects import (
    Ask,
    Call,
    Know,
    Later,
    Log,
    Milestone,
    Remind,
    Restart,
    Run,
    Say,
    Verb,
    Wait,
)
from segue.dialog.journal import (
    FAULT,
    MOST_BYTES,
    MOST_ENTRIES,
    Answered,
    Called,
    Entry,
    Failed,
    Journal,
    Known,
    Off,
    Once,
    Passed,
    Ran,
    raw_of,
)
from segue.dialog.outcome import (
    Answer,
    Broken,
    CalledOff,
    Calling,
    CallOff,
    Ended,
    Fresh,
    Hold,
    Outcome,
    Reader,
    Reading,
    Restarting,
    Running,
    Skip,
    Waiting,
)
from segue.dialog.plain import NotPlain, digest_of, from_plain, to_plain
from segue.errors import DialogError, JournalTooLong, StepFailed
from segue.slots.base import Slot, SlotContext, Value
from segue.slots.yes_no import YesNo
from segue.words import Words

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog

_NO_WORDS = Words(locale="")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a play may read beside its journal; all of it is journaled when it is read."""

    channel: str
    locale: str
    now: datetime
    """In the customer's time zone, or the company's."""
    random: Callable[[], float]
    profile: Mapping[str, Any] = field(default_factory=dict)
    utterance: str = ""
    """The words that began the dialog: passed on if its function has a parameter `utterance`."""
    words: Words = _NO_WORDS
    """For answers that are read again because their slot has changed."""


class _End(Exception):  # noqa: N818 - not an error: carries the outcome out of the loop
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def play(
    dialog: Dialog[Any],
    journal: Journal,
    *,
    facts: Facts,
    reader: Reader,
    values: Mapping[str, Any] | None = None,
) -> Outcome:
    """Replay `dialog` until it waits, needs something done, or ends.

    `values` are the parameters it was begun with (from `chat.call`, `chat.restart`, or the named
    groups of its pattern), as plain data.
    """
    loop = _get_running_loop()
    _set_running_loop(None)
    try:
        return _Play(dialog, journal, facts, reader).go(values or {})
    finally:
        _set_running_loop(loop)


def hold(_question: Ask | Wait, _entry: str) -> Reading:
    """Answer nothing: a reader for a play that only looks."""
    return Hold()


class _Play:
    """One play. Exists for as long as the call to `play`."""

    __slots__ = (
        "asked",
        "buffer",
        "changed",
        "chat",
        "counts",
        "dialog",
        "entries",
        "fact_list",
        "facts",
        "hits",
        "journal",
        "old",
        "reader",
        "stale",
        "verbs",
    )

    def __init__(self, dialog: Dialog[Any], journal: Journal, facts: Facts, reader: Reader) -> None:
        self.dialog = dialog
        self.journal = journal
        self.facts = facts
        self.reader = reader
        self.old = journal.entries
        self.stale = journal.stale
        self.entries: dict[str, Entry] = {}
        """The way the dialog takes this time."""
        self.hits = 0
        """How many entries of `old` it has come by."""
        self.changed = False
        self.counts: dict[str, int] = {}
        self.verbs = 0
        self.buffer: list[tuple[str, Say | Milestone | Remind | Log]] = []
        self.asked: list[tuple[str, Ask]] = []
        self.fact_list: list[tuple[str, Any]] = []
        self.chat = Chat()

    # -- driving -----------------------------------------------------------------------------------

    def go(self, values: Mapping[str, Any]) -> Outcome:
        chat, open_verbs = self.chat, self.chat._open
        try:
            coroutine = self.dialog.begin(chat, values, self.facts.utterance)
        except DialogError as error:
            return self.broken(error)
        resume, sent = coroutine.send, None
        try:
            while True:
                try:
                    verb = resume(sent)
                except StopIteration as stop:
                    if open_verbs:
                        return self.broken(self.forgotten())
                    return self.ended(stop.value)
                self.verbs += 1
                if len(open_verbs) != 1 or open_verbs[0][0] is not verb:
                    return self.leave(coroutine, self.broken(self.stray(coroutine, verb)))
                # Not popped yet: while a verb is being answered, it is known where it stands.
                if self.verbs > MOST_ENTRIES:
                    return self.leave(coroutine, self.broken(self.too_long()))
                try:
                    resume, sent = coroutine.send, _ANSWER[type(verb)](self, verb)
                except (Cancelled, StepFailed) as error:
                    resume, sent = coroutine.throw, error
                open_verbs.clear()
        except _End as end:
            open_verbs.clear()
            return self.leave(coroutine, end.outcome)
        except Cancelled:
            return self.settled(CalledOff)
        except NotPlain as error:
            problem = self.blame(f"was given a {error.found}", "Pass plain data or a dataclass.")
            return self.leave(coroutine, self.broken(problem))
        except DialogError as error:
            return self.leave(coroutine, self.broken(error))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a dialog raises is an outcome
            if misuse.is_foreign(error):
                place = misuse.where_raised(error.__traceback__, self.dialog)
                cause: BaseException = misuse.foreign("Something outside", place)
                cause.__cause__ = error
                return self.broken(cause)
            return self.broken(error)

    def leave(self, coroutine: Any, outcome: Outcome) -> Outcome:
        """Suspend for good: close the coroutine, and say so if it does not let itself be closed."""
        open_verbs = self.chat._open
        open_verbs.clear()
        problem: BaseException | None = None
        for _ in range(20):
            try:
                coroutine.close()
                break
            except RuntimeError as error:
                # "coroutine ignored GeneratorExit": it awaited something on its way out.
                problem = problem or self.awaited_on_exit(coroutine, error)
                open_verbs.clear()
            except Exception as error:  # noqa: BLE001 - what its clean-up raises is its own
                problem = problem or error
                break
        if problem is None and open_verbs:
            problem = self.forgotten()
        if problem is None or isinstance(outcome, Broken):
            return outcome
        return self.broken(problem)

    # -- mistakes ----------------------------------------------------------------------------------

    def broken(self, error: BaseException) -> Broken:
        # What was answered is kept, so that nobody repeats it once the dialog is mended; what would
        # have been said is not recorded, so that it is said then.
        return Broken(journal=self.written(), fresh=Fresh(facts=tuple(self.fact_list)), error=error)

    def forgotten(self) -> DialogError:
        verb, code, instruction = self.chat._open[0]
        return misuse.forgotten(verb_name(verb), misuse.place_of(code, instruction))

    def stray(self, coroutine: Any, found: Any) -> DialogError:
        """Something came out of the coroutine that is not the one verb just made."""
        for verb, code, instruction in self.chat._open:
            if verb is not found:
                return misuse.forgotten(verb_name(verb), misuse.place_of(code, instruction))
        place = misuse.where_waiting(coroutine, self.dialog)
        if isinstance(found, Verb):
            return DialogError(
                f"chat.{verb_name(found)}(…) was awaited twice, or belongs to another play",
                cure="Make a verb where you await it.",
                file=place.file,
                line=place.line,
            )
        what = "asyncio.sleep(0)" if found is None else f"A {type(found).__name__}"
        if hasattr(found, "cancel"):
            found.cancel()
        return misuse.foreign(what, place)

    def awaited_on_exit(self, coroutine: Any, error: RuntimeError) -> BaseException:
        if "ignored GeneratorExit" not in str(error):
            return error
        if self.chat._open:
            verb, code, instruction = self.chat._open[-1]
            return misuse.at_suspension(verb_name(verb), misuse.place_of(code, instruction))
        return misuse.foreign("Something", misuse.where_waiting(coroutine, self.dialog))

    def blame(self, problem: str, cure: str) -> DialogError:
        """Return an error about the verb that is being answered."""
        verb, code, instruction = self.chat._open[0]
        place = misuse.place_of(code, instruction)
        return DialogError(
            f"chat.{verb_name(verb)}(…) {problem}", cure=cure, file=place.file, line=place.line
        )

    def too_long(self) -> JournalTooLong:
        name, times = max(self.counts.items(), key=lambda item: item[1])
        place = self.place()
        return JournalTooLong(
            f"The dialog {self.dialog.name} goes round a loop: {name} came {times} times, "
            f"and a journal holds {MOST_ENTRIES} entries",
            cure="Begin anew instead of looping: `return await chat.restart(…)`.",
            file=place.file,
            line=place.line,
        )

    def too_big(self, journal: Journal) -> JournalTooLong:
        sizes = {name: Journal({name: entry}).size() for name, entry in journal.entries.items()}
        name = max(sizes, key=lambda item: sizes[item])
        count = max(self.counts.items(), key=lambda item: item[1], default=("", 0))
        return JournalTooLong(
            f"The journal of {self.dialog.name} takes {journal.size()} bytes and may take "
            f"{MOST_BYTES}; the largest entry is {name} with {sizes[name]}, "
            f"the most frequent {count[0]} ({count[1]} times)",
            cure="Return less from the step, or begin anew: `return await chat.restart(…)`.",
            file=misuse.shown(self.dialog.file),
            line=self.dialog.line,
        )

    def place(self) -> misuse.Place:
        if self.chat._open:
            _, code, instruction = self.chat._open[0]
            return misuse.place_of(code, instruction)
        return misuse.Place(misuse.shown(self.dialog.file), self.dialog.line)

    # -- ending ------------------------------------------------------------------------------------

    def ended(self, result: Any) -> Outcome:
        try:
            fresh = self.fresh()
        except NotPlain as error:
            return self.broken(self.not_plain(error))
        return self.checked(Ended(journal=self.written(), fresh=fresh, result=result))

    def settled(self, kind: type[CalledOff]) -> Outcome:
        try:
            fresh = self.fresh()
        except NotPlain as error:
            return self.broken(self.not_plain(error))
        return self.checked(kind(journal=self.written(), fresh=fresh))

    def not_plain(self, error: NotPlain) -> DialogError:
        place = misuse.Place(misuse.shown(self.dialog.file), self.dialog.line)
        return DialogError(
            f"A reply was given a {error.found}",
            cure="Pass plain data or a dataclass.",
            file=place.file,
            line=place.line,
        )

    def checked(self, outcome: Any) -> Outcome:
        """Return `outcome`, unless its journal has become too big."""
        if self.changed and outcome.journal.size() > MOST_BYTES:
            return self.broken(self.too_big(outcome.journal))
        result: Outcome = outcome
        return result

    def end(self, outcome: Any) -> _End:
        return _End(self.checked(outcome))

    def fresh(self) -> Fresh:
        """Record what is new of the buffer, and return it."""
        if not self.buffer and not self.fact_list:
            return _NOTHING_NEW
        says: list[Say] = []
        milestones: list[Milestone] = []
        reminders: list[tuple[str, Remind]] = []
        logs: list[Log] = []
        for name, effect in self.buffer:
            digest = digest_of(inputs(effect))
            recorded = self.old.get(name)
            if recorded is not None:
                self.hits += 1
            else:
                recorded = self.stale.get(name)
            if type(recorded) is Once and recorded.digest == digest:
                self.entries[name] = recorded
                continue
            self.entries[name] = Once(digest)
            self.changed = True
            match effect:
                case Say():
                    says.append(effect)
                case Milestone():
                    milestones.append(effect)
                case Remind():
                    reminders.append((name, effect))
                case Log():
                    logs.append(effect)
        self.buffer = []
        return Fresh(
            says=tuple(says),
            milestones=tuple(milestones),
            reminders=tuple(reminders),
            logs=tuple(logs),
            facts=tuple(self.fact_list),
        )

    def written(self) -> Journal:
        """Return the journal as of now: the way taken, then what was not reached, then stale."""
        entries, stale = self.entries, self.stale
        if self.hits < len(self.old):
            rest = {name: e for name, e in self.old.items() if name not in entries}
            room = MOST_ENTRIES - len(entries)
            if len(rest) > room:
                rest = dict(list(rest.items())[len(rest) - room :]) if room > 0 else {}
            entries = entries | rest
        if stale:
            stale = {name: e for name, e in stale.items() if name not in entries}
            room = max(0, MOST_ENTRIES - len(entries))
            if len(stale) > room:
                stale = dict(list(stale.items())[len(stale) - room :])
        return Journal(entries, stale)

    # -- the journal -------------------------------------------------------------------------------

    def name(self, base: str) -> str:
        count = self.counts.get(base, 0) + 1
        self.counts[base] = count
        return f"{base}#{count}"

    def recorded(self, kind: str, name: str, entry: str) -> Entry | None:
        """Return the entry, also under a name that it had before it was renamed."""
        found = self.old.get(entry)
        if found is not None:
            self.hits += 1
        elif self.dialog.before:
            before = self.dialog.before.get(name)
            if before is not None:
                return self.old.get(f"{kind}:{before}{entry[len(kind) + 1 + len(name) :]}")
        return found

    def consume(self, entry: str, recorded: Entry) -> None:
        """Go past a recorded ask, run or call: what was buffered has been said long ago."""
        if self.buffer:
            for name, _ in self.buffer:
                said = self.old.get(name)
                if said is not None:
                    self.hits += 1
                    self.entries[name] = said
            self.buffer = []
        self.entries[entry] = recorded

    def record(self, entry: str, new: Entry) -> None:
        self.entries[entry] = new
        self.changed = True

    # -- one verb each -----------------------------------------------------------------------------

    def say(self, say: Say) -> None:
        self.buffer.append((self.name(f"say:{say.reply}"), say))

    def milestone(self, milestone: Milestone) -> None:
        self.buffer.append((self.name(f"milestone:{milestone.name}"), milestone))

    def remind(self, remind: Remind) -> None:
        self.buffer.append((self.name(f"remind:{remind.key or remind.reply}"), remind))

    def log(self, log: Log) -> None:
        self.buffer.append((self.name(f"log:{log.event}"), log))

    def ask(self, ask: Ask) -> Any:
        name = ask.key or ask.reply
        entry = self.name(f"ask:{name}")
        recorded = self.recorded("ask", name, entry)
        if recorded is None and self.stale:
            recorded = self.still_good(entry, ask)
        if recorded is not None:
            usable = self.reuse(ask, recorded)
            if usable is not None:
                recorded, value = usable
                self.consume(entry, recorded)
                self.asked.append((entry, ask))
                return value
        if ask.remember is not None:
            known = self.facts.profile.get(ask.remember)
            if known is not None:
                return self.ask_profile(ask, entry, known)
        return self.ask_reader(ask, entry)

    def still_good(self, entry: str, ask: Ask) -> Entry | None:
        """Return a stale answer if the question has the same inputs as then."""
        stale = self.stale.get(entry)
        if stale is None or getattr(stale, "digest", b"") != digest_of(inputs(ask)):
            return None
        return stale

    def reuse(self, ask: Ask, recorded: Entry) -> tuple[Entry, Any] | None:
        """Return the answer that an entry gives to a question, if it still gives one."""
        match recorded:
            case Answered(value=value, slot=slot):
                if slot == ask.slot.name and (not ask.slot.options or value in ask.slot.options):
                    try:
                        result = from_plain(value, ask.slot.type)
                    except (ValueError, TypeError):
                        return self.read_again(ask, recorded)
                    if recorded.source == "corrected":
                        if ask.remember is not None:
                            self.fact_list.append((ask.remember, value))
                        recorded = Answered(value, slot, recorded.raw, recorded.digest)
                        self.changed = True
                    return recorded, result
                return self.read_again(ask, recorded)
            case Passed(how=how):
                if ask.skippable if how == "skip" else ask.timeout is not None:
                    return recorded, None
                return None
            case Off():
                self.consume_off(recorded)
        return None

    def read_again(self, ask: Ask, recorded: Answered) -> tuple[Entry, Any] | None:
        """The slot has changed under the customer: read their words with the new one."""
        raw = recorded.raw if recorded.raw is not None else recorded.value
        if not isinstance(raw, str):
            return None
        facts = self.facts
        context = SlotContext(locale=facts.locale, words=facts.words, now=facts.now)
        reading = ask.slot.parse(raw, context)
        if not isinstance(reading, Value):
            return None
        value = to_plain(reading.value)
        self.changed = True
        fresh = Answered(value, ask.slot.name, raw_of(raw, value), recorded.digest)
        return fresh, from_plain(value, ask.slot.type)

    def ask_profile(self, ask: Ask, entry: str, known: Any) -> Any:
        """Use what is known of the customer, after a "does it still hold?" where that is wanted."""
        try:
            value = from_plain(known, ask.slot.type)
        except (ValueError, TypeError):
            return self.ask_reader(ask, entry)
        check = f"check:{entry[4:]}"
        verdict = self.old.get(check)
        if verdict is not None:
            self.hits += 1
        if ask.check is not None and type(verdict) not in _VERDICTS:
            question = Ask(
                reply=ask.check,
                slot=YesNo,
                values={**ask.values, "value": known},
                remember=None,
                timeout=ask.timeout,
                tries=ask.tries,
                kind="confirm",
            )
            yes = self.ask_reader(question, check)
            verdict = self.entries[check]
            if yes is None:
                self.record(entry, Passed("timeout", digest_of(inputs(ask))))
                return None
        elif verdict is not None:
            if type(verdict) is Off:
                self.consume_off(verdict)
            self.consume(check, verdict)
        if isinstance(verdict, Answered) and verdict.value is False:
            return self.ask_reader(ask, entry)
        self.asked.append((entry, ask))
        self.record(
            entry, Answered(to_plain(value), ask.slot.name, "", digest_of(inputs(ask)), "profile")
        )
        return value

    def ask_reader(self, ask: Ask, entry: str) -> Any:
        """Ask the customer, by way of the reader."""
        match self.reader(ask, entry):
            case Answer(value=given, raw=raw):
                value = to_plain(given)
                result = from_plain(value, ask.slot.type)
                # A number means nothing without the list it was chosen from.
                kept = None if ask.slot.options and isinstance(value, str) else raw_of(raw, value)
                digest = digest_of(inputs(ask))
                self.record(entry, Answered(value, ask.slot.name, kept, digest))
                if ask.remember is not None:
                    self.fact_list.append((ask.remember, value))
                if entry.startswith("ask:"):
                    self.asked.append((entry, ask))
                return result
            case Skip():
                self.record(entry, Passed("skip", digest_of(inputs(ask))))
                return None
            case CallOff():
                self.record(entry, Off(digest_of(inputs(ask))))
                raise Cancelled
            case Hold():
                raise self.waiting(ask, entry)
            case _:
                self.record(entry, Passed("timeout", digest_of(inputs(ask))))
                return None

    def consume_off(self, recorded: Entry) -> None:
        raise Cancelled

    def waiting(self, question: Ask | Wait, entry: str) -> _End:
        fresh = self.fresh()
        return self.end(
            Waiting(
                journal=self.written(),
                fresh=fresh,
                question=question,
                entry=entry,
                asked=tuple(self.asked),
            )
        )

    def wait(self, wait: Wait) -> None:
        name = wait.key or "wait"
        entry = self.name(f"wait:{name}")
        recorded = self.recorded("wait", name, entry)
        if recorded is None and self.stale:
            recorded = self.still_good(entry, wait)
        if recorded is not None:
            self.consume(entry, recorded)
            if type(recorded) is Off:
                raise Cancelled
            return
        match self.reader(wait, entry):
            case CallOff():
                self.record(entry, Off(digest_of(inputs(wait))))
                raise Cancelled
            case Hold():
                raise self.waiting(wait, entry)
            case _:
                self.record(entry, Passed("timeout", digest_of(inputs(wait))))

    def run(self, run: Run) -> Any:
        name = run.key or run.step
        entry = self.name(f"run:{name}")
        digest = digest_of((run.args, run.kwargs) if run.args or run.kwargs else None).hex()
        step = f"{entry}@{digest}"
        recorded = self.recorded("run", name, step)
        if recorded is None:
            recorded = self.stale.get(step)
        match recorded:
            case Ran(value=value):
                result = self.returned(value, run.returns, f"The result of {name}")
                self.consume(step, recorded)
                return result
            case Failed(kind=kind, message=message):
                if kind == FAULT:
                    raise self.blame(f"called {name}, which {message}", _RETURNS)
                self.consume(step, recorded)
                raise StepFailed(name, kind, message)
        fresh = self.fresh()
        raise self.end(
            Running(journal=self.written(), fresh=fresh, run=run, entry=entry, digest=digest)
        )

    def call(self, call: Call) -> Any:
        name = call.key or call.dialog.name
        entry = self.name(f"call:{name}")
        recorded = self.recorded("call", name, entry)
        match recorded:
            case Called(value=value):
                result = self.returned(value, call.dialog.returns, f"The result of {name}")
                self.consume(entry, recorded)
                return result
            case Off():
                self.consume(entry, recorded)
                raise Cancelled
            case Failed(message=message):
                raise self.blame(f"called {name}, which {message}", _RETURNS)
        fresh = self.fresh()
        digest = digest_of(call.values).hex()
        raise self.end(
            Calling(journal=self.written(), fresh=fresh, call=call, entry=entry, digest=digest)
        )

    def returned(self, value: Any, kind: Any, what: str) -> Any:
        try:
            return from_plain(value, kind)
        except (ValueError, TypeError) as error:
            raise self.blame(
                f"was recorded before the code changed: {what} does not fit any more ({error})",
                "Give new fields a default, or give the step a new `key=`.",
            ) from None

    def know(self, know: Know) -> Any:
        fact = know.fact
        entry = self.name(f"know:{fact}" if fact else know.source)
        recorded = self.old.get(entry)
        if recorded is not None:
            self.hits += 1
        elif self.stale:
            recorded = self.stale.get(entry)
        if type(recorded) is Known:
            self.entries[entry] = recorded
            value = recorded.value
        else:
            value = to_plain(self.read(know.source, fact))
            self.record(entry, Known(value))
        return from_plain(value, datetime) if know.source == "now" else value

    def read(self, source: str, fact: str) -> Any:
        facts = self.facts
        match source:
            case "profile":
                return facts.profile.get(fact)
            case "channel":
                return facts.channel
            case "locale":
                return facts.locale
            case "now":
                return facts.now
            case _:
                return facts.random()

    def restart(self, restart: Restart) -> None:
        values = {name: to_plain(value) for name, value in restart.values.items()}
        try:
            self.dialog.check(values)
        except TypeError as error:
            raise self.blame(str(error), "Pass what the dialog's function takes.") from None
        raise _End(Restarting(fresh=self.fresh(), values=values))

    def later(self, later: Later) -> None:
        if later.verb == "handoff":
            # Until there is a desk: how to reach a person. The engine knows phone, e-mail and hours.
            self.say(Say(reply="person", values=later.values))
            return
        raise self.blame(
            "is not available in this version of Segue",
            "Leave it out for now; docs/dialogs.md says when it comes.",
        )


def inputs(effect: Any) -> Any:
    """Return what an effect's digest is made of; nothing for no inputs."""
    match effect:
        case Ask(values=values, slot=Slot(options=options)):
            return (values, options) if values or options else None
        case Say(values=values):
            return values
        case Remind(values=values, at=at, after=after):
            return (values, at, after)
        case Log(context=context):
            return context
        case Wait(until=until, for_=for_):
            return (until, for_)
    return None


def verb_name(verb: Any) -> str:
    """Return what the author wrote for an effect."""
    match verb:
        case Ask(kind=kind):
            return kind
        case Later(verb=name):
            return name
        case Know(source=source, fact=fact):
            return "know" if fact else source
    return type(verb).__name__.lower()


_RETURNS = "Return plain data, a dataclass, a Struct or a pydantic model, and annotate it."
_VERDICTS = (Answered, Off)
_NOTHING_NEW = Fresh()
_ANSWER: dict[type, Callable[[_Play, Any], Any]] = {
    Say: _Play.say,
    Ask: _Play.ask,
    Run: _Play.run,
    Call: _Play.call,
    Milestone: _Play.milestone,
    Remind: _Play.remind,
    Wait: _Play.wait,
    Know: _Play.know,
    Log: _Play.log,
    Restart: _Play.restart,
    Later: _Play.later,
}
