"""Answering a dialog's verbs from its journal; what it cannot answer ends the play.

    recorded and usable      answered in silence; what was buffered was said long ago: dropped
    a question               the reader is asked; its answer is recorded, or the play ends `Waiting`
    a step, a sub-dialog     the play ends `Running`, `Calling`
    the rest                 buffered: said, counted, logged or set up once, if it is new at the end

Each verb has one method; `ANSWERS` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from segue.dialog.chat import Cancelled
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
    Verify,
    Wait,
)
from segue.dialog.journal import (
    FAULT,
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
    check_name,
    raw_of,
)
from segue.dialog.outcome import (
    Answer,
    Calling,
    CallOff,
    Hold,
    Outcome,
    Reader,
    Restarting,
    Running,
    Skip,
    Waiting,
)
from segue.dialog.plain import digest_of, from_plain, to_plain
from segue.dialog.recording import Recording, inputs
from segue.errors import StepFailed
from segue.slots.base import SlotContext, Value
from segue.slots.yes_no import YesNo
from segue.types import Proof
from segue.words import Words

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog

NOT_PROVED = "verify/not_proved"
"""The reply that stands for one that needs more proof than there is."""

_NO_WORDS = Words(locale="")


class Facts(Struct, frozen=True, kw_only=True):
    """What a play may read beside its journal; all of it is journaled when it is read."""

    channel: str
    locale: str
    now: datetime
    """In the customer's time zone, or the company's."""
    random: Callable[[], float]
    profile: Mapping[str, Any] = {}
    utterance: str = ""
    """The words that began the dialog: passed on if its function has a parameter `utterance`."""
    words: Words = _NO_WORDS
    """For answers that are read again because their slot has changed."""
    proof: Proof = Proof.CLAIMED
    """How sure it is that the address of this turn is the customer's. Not journaled: what was
    proved on one address says nothing about the next."""
    verify: Dialog[Any] | None = None
    """The dialog that raises it; None where the voice has no words for it."""


class End(Exception):
    """The play ends here."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Misused(Exception):
    """The verb being answered cannot be answered."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class Replay(Recording):
    """The journal's side of one play: one method for each verb."""

    __slots__ = ("_asked", "dialog", "facts", "reader")

    def __init__(self, dialog: Dialog[Any], journal: Journal, facts: Facts, reader: Reader) -> None:
        super().__init__(journal, dialog.before)
        self.dialog = dialog
        self.facts = facts
        self.reader = reader
        self._asked: list[tuple[str, Ask]] = []

    # -- one verb each -----------------------------------------------------------------------------

    def _say(self, say: Say) -> None:
        entry = self._name(f"say:{say.reply}")
        if say.require > self.facts.proof and type(self._old.get(entry)) is not Once:
            # Where nobody can prove anything, the engine says so in its place.
            self.trail = None
            may = self.facts.verify is None or self._proved(f"verify:{entry}", say.require, "")
            if not may:
                say = Say(reply=NOT_PROVED)
        self._later(entry, say)

    def _milestone(self, milestone: Milestone) -> None:
        self._later(self._name(f"milestone:{milestone.name}"), milestone)

    def _remind(self, remind: Remind) -> None:
        self._later(self._name(f"remind:{remind.key or remind.reply}"), remind)

    def _log(self, log: Log) -> None:
        self._later(self._name(f"log:{log.event}"), log)

    def _ask(self, ask: Ask) -> Any:
        name = ask.key or ask.reply
        entry = self._name(f"ask:{name}")
        slot = ask.slot
        recorded = self._old.get(entry)
        if (
            type(recorded) is Answered
            and recorded.slot == slot.name
            and type(recorded.value) is slot.type
            and recorded.source != "corrected"
            and (not slot.options or recorded.value in slot.options)
        ):
            # The way of nearly every recorded answer; what follows is for the others.
            self._consume(entry, recorded)
            self._asked.append((entry, ask))
            return recorded.value
        recorded = self._recorded("ask", name, entry) or self._still_good(entry, ask)
        if recorded is not None:
            usable = self._reuse(ask, recorded)
            if usable is not None:
                recorded, value = usable
                self._consume(entry, recorded)
                if type(recorded) is Off:
                    raise Cancelled
                self._asked.append((entry, ask))
                return value
        if ask.remember is not None:
            known = self.facts.profile.get(ask.remember)
            if known is not None:
                return self._ask_profile(ask, entry, known)
        return self._ask_reader(ask, entry)

    def _reuse(self, ask: Ask, recorded: Entry) -> tuple[Entry, Any] | None:
        """Return the answer that an entry gives to a question, if it still gives one."""
        match recorded:
            case Answered(value=value, slot=slot):
                if slot != ask.slot.name or (ask.slot.options and value not in ask.slot.options):
                    return self._read_again(ask, recorded)
                try:
                    result = from_plain(value, ask.slot.type)
                except (ValueError, TypeError):
                    return self._read_again(ask, recorded)
                if recorded.source == "corrected":
                    if ask.remember is not None:
                        self.learned.append((ask.remember, value))
                    recorded = Answered(value, slot, recorded.raw, recorded.digest)
                    self.changed = True
                return recorded, result
            case Passed(how=how):
                self.trail = None
                may = ask.skippable if how == "skip" else ask.timeout is not None
                return (recorded, None) if may else None
            case Off():
                self.trail = None
                return recorded, None
        return None

    def _read_again(self, ask: Ask, recorded: Answered) -> tuple[Entry, Any] | None:
        """Read the customer's words with the slot that the question has now."""
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
        anew = Answered(value, ask.slot.name, raw_of(raw, value), recorded.digest)
        return anew, from_plain(value, ask.slot.type)

    def _ask_profile(self, ask: Ask, entry: str, known: Any) -> Any:
        """Use what is known of the customer, after "does it still hold?" where that is wanted."""
        self.trail = None
        try:
            value = from_plain(known, ask.slot.type)
        except (ValueError, TypeError):
            return self._ask_reader(ask, entry)
        check = check_name(entry)
        verdict = self._old.get(check)
        if verdict is not None:
            self._consume(check, verdict)
        elif ask.check is not None:
            question = Ask(
                reply=ask.check,
                slot=YesNo,
                values={**ask.values, "value": known},
                timeout=ask.timeout,
                tries=ask.tries,
                kind="confirm",
            )
            if self._ask_reader(question, check) is None:
                self._record(entry, Passed("timeout", digest_of(inputs(ask))))
                return None
            verdict = self._entries[check]
        match verdict:
            case Off():
                raise Cancelled
            case Answered(value=False):
                return self._ask_reader(ask, entry)
        self._asked.append((entry, ask))
        digest = digest_of(inputs(ask))
        self._record(entry, Answered(to_plain(known), ask.slot.name, "", digest, "profile"))
        return value

    def _ask_reader(self, ask: Ask, entry: str) -> Any:
        """Ask the customer, by way of the reader."""
        reading = self.reader(ask, entry)
        match reading:
            case Hold():
                if ask.require > self.facts.proof and self.facts.verify is not None:
                    # The engine shows the question nowhere else; if they gave up, it stays open.
                    self._proved(f"verify:{entry}", ask.require, "")
                raise self._waiting(ask, entry)
            case CallOff():
                self.trail = None
                self._record(entry, Off(digest_of(inputs(ask))))
                raise Cancelled
            case Answer(value=given, raw=raw):
                value = to_plain(given)
                result = self._typed(given, value, ask)
                # A number means nothing without the list it was chosen from.
                kept = None if ask.slot.options and isinstance(value, str) else raw_of(raw, value)
                self._record(entry, Answered(value, ask.slot.name, kept, digest_of(inputs(ask))))
                self._passed(entry)
                if ask.remember is not None:
                    self.learned.append((ask.remember, value))
                self._asked.append((entry, ask))
                return result
        self.trail = None
        how = "skip" if isinstance(reading, Skip) else "timeout"
        self._record(entry, Passed(how, digest_of(inputs(ask))))
        return None

    def _typed(self, given: Any, value: Any, ask: Ask) -> Any:
        """Return an answer as it will come back on every replay."""
        kind = type(given)
        if ask.slot.type is Any and type(value) is not kind:
            raise Misused(
                f"got a {kind.__name__}, and the slot {ask.slot.name} does not say so",
                f"Annotate its parser: `-> {kind.__name__} | None`.",
            )
        try:
            return from_plain(value, ask.slot.type)
        except (ValueError, TypeError) as error:
            raise Misused(
                f"got an answer that is not of its slot's type ({error})",
                f"Let the parser of the slot {ask.slot.name} return what it is annotated with.",
            ) from None

    def _waiting(self, question: Ask | Wait, entry: str) -> End:
        fresh = self.fresh()
        asked = tuple(self._asked)
        journal = self.written()
        return End(
            Waiting(journal=journal, fresh=fresh, question=question, entry=entry, asked=asked)
        )

    def _wait(self, wait: Wait) -> None:
        name = wait.key or "wait"
        entry = self._name(f"wait:{name}")
        recorded = self._recorded("wait", name, entry) or self._still_good(entry, wait)
        if recorded is not None:
            self._consume(entry, recorded)
            if type(recorded) is Off:
                raise Cancelled
            return
        match self.reader(wait, entry):
            case CallOff():
                self._record(entry, Off(digest_of(inputs(wait))))
                raise Cancelled
            case Hold():
                raise self._waiting(wait, entry)
            case _:
                self._record(entry, Passed("timeout", digest_of(inputs(wait))))

    def _run(self, run: Run) -> Any:
        name = run.key or run.step
        entry = self._name(f"run:{name}")
        digest = digest_of((run.args, run.kwargs) if run.args or run.kwargs else None).hex()
        step = f"{entry}@{digest}"
        recorded = self._recorded("run", name, step)
        if recorded is None:
            recorded = self._stale.get(step)
        match recorded:
            case Ran(value=value):
                result = self._returned(value, run.returns, f"The result of {name}")
                self._consume(step, recorded)
                return result
            case Failed(kind=kind, message=message):
                if kind == FAULT:
                    raise Misused(f"called {name}, which {message}", _RETURNS)
                self._consume(step, recorded)
                raise StepFailed(name, kind, message)
        fresh = self.fresh()
        raise End(Running(journal=self.written(), fresh=fresh, run=run, entry=entry, digest=digest))

    def _call(self, call: Call) -> Any:
        name = call.key or call.dialog.name
        entry = self._name(f"call:{name}")
        recorded = self._recorded("call", name, entry)
        match recorded:
            case Called(value=value):
                result = self._returned(value, call.dialog.returns, f"The result of {name}")
                self._consume(entry, recorded)
                return result
            case Off():
                self._consume(entry, recorded)
                raise Cancelled
            case Failed(message=message):
                raise Misused(f"called {name}, which {message}", _RETURNS)
        values = {given: to_plain(value) for given, value in call.values.items()}
        try:
            call.dialog.check(values)
        except TypeError as error:
            raise Misused(f"cannot begin: {error}", "Pass what the dialog takes.") from None
        digest = digest_of(values).hex()
        call = Call(dialog=call.dialog, values=values, key=call.key)
        fresh = self.fresh()
        raise End(
            Calling(journal=self.written(), fresh=fresh, call=call, entry=entry, digest=digest)
        )

    def _verify(self, verify: Verify) -> Proof | Literal[False]:
        entry = self._name(f"verify:{verify.key or verify.level.name.lower()}")
        if (verify.fresh or verify.level > self.facts.proof) and self.facts.verify is None:
            raise Misused(
                "has no words: the voice lacks the replies of `verify`",
                "Write brand_voice/LOCALE/verify.j2; docs/identity.md names its replies.",
            )
        return self._proved(entry, verify.level, verify.to, fresh=verify.fresh)

    def _proved(
        self, entry: str, level: Proof, to: str, *, fresh: bool = False
    ) -> Proof | Literal[False]:
        """Return the level if the address of this turn has it, False if they gave up proving it.

        What was proved is true of one address: from another one it is proved again, and what was
        answered since is kept.
        """
        self.trail = None
        recorded = self._old.get(entry) or self._stale.get(entry)
        brought = type(recorded) is Known and recorded.value is True
        if level <= self.facts.proof and (brought or not fresh):
            if recorded is not None:
                self._consume(entry, recorded)
            return level
        match recorded:
            case Known(value=False):
                self._consume(entry, recorded)
                return False
            case Off():
                self._consume(entry, recorded)
                raise Cancelled
        assert self.facts.verify is not None
        call = Call(dialog=self.facts.verify, values={"level": int(level), "to": to})
        news = self.fresh()
        raise End(Calling(journal=self.written(), fresh=news, call=call, entry=entry, digest=""))

    def _returned(self, value: Any, kind: Any, what: str) -> Any:
        try:
            return from_plain(value, kind)
        except (ValueError, TypeError) as error:
            raise Misused(
                f"was recorded before the code changed: {what} does not fit any more ({error})",
                "Give new fields a default, or give the step a new `key=`.",
            ) from None

    def _know(self, know: Know) -> Any:
        fact = know.fact
        entry = self._name(f"know:{fact}" if fact else know.source)
        recorded = self._old.get(entry)
        if recorded is None:
            recorded = self._stale.get(entry)
        if type(recorded) is Known:
            self._entries[entry] = recorded
            value = recorded.value
        else:
            value = to_plain(self._read(know.source, fact))
            self._record(entry, Known(value))
        self._passed(entry, how=False)
        return from_plain(value, datetime) if know.source == "now" else value

    def _read(self, source: str, fact: str) -> Any:
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

    def _restart(self, restart: Restart) -> None:
        values = {name: to_plain(value) for name, value in restart.values.items()}
        try:
            self.dialog.check(values)
        except TypeError as error:
            raise Misused(str(error), "Pass what the dialog's function takes.") from None
        raise End(Restarting(fresh=self.fresh(), values=values))

    def _not_yet(self, later: Later) -> None:
        if later.verb == "handoff":
            # Until there is a desk: how to reach a person, with what the engine knows of it.
            self._say(Say(reply="person", values=later.values))
            return
        raise Misused(
            "is not available in this version of Segue",
            "Leave it out for now; docs/dialogs.md says when it comes.",
        )


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


_RETURNS = (
    "Return what the dialog needs and no more: plain data, a dataclass, a Struct or a pydantic "
    "model, and annotate it."
)

ANSWERS: dict[type, Callable[[Replay, Any], Any]] = {
    Say: Replay._say,
    Ask: Replay._ask,
    Run: Replay._run,
    Call: Replay._call,
    Milestone: Replay._milestone,
    Remind: Replay._remind,
    Wait: Replay._wait,
    Know: Replay._know,
    Verify: Replay._verify,
    Log: Replay._log,
    Restart: Replay._restart,
    Later: Replay._not_yet,
}
"""Effect → the method that answers it."""

PLAIN = frozenset({Say, Ask, Run, Milestone, Remind, Know, Log})
"""Verbs after which a play may be kept where it waits (`kept.py`)."""
