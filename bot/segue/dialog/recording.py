"""The way a dialog takes this time, against the way that is recorded.

    name        counts how often a verb with this name came up, and names its entry
    recorded    what is known under that name
    consume     goes past something recorded; what was buffered before it was said long ago
    record      adds something new
    buffer      holds what is said, counted, logged or set up, until it is known whether it is new
    fresh       records what is new of it at the end, and returns it
    written     makes the next journal

The journal that it was given is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from segue.dialog.effects import Ask, Log, Milestone, Remind, Say, Wait
from segue.dialog.journal import MOST_ENTRIES, Entry, Journal, Once
from segue.dialog.outcome import Fresh
from segue.dialog.plain import digest_of

Said: TypeAlias = Say | Milestone | Remind | Log
"""What is buffered."""


class Recording:
    """What one play reads from a journal, and writes for the next."""

    __slots__ = (
        "_before",
        "_buffer",
        "_entries",
        "_last",
        "_old",
        "_stale",
        "changed",
        "counts",
        "learned",
        "trail",
    )

    def __init__(self, journal: Journal, before: Mapping[str, str]) -> None:
        self.changed = False
        """Whether anything was recorded."""
        self.counts: dict[str, int] = {}
        """How often each name came up."""
        self.learned: list[tuple[str, Any]] = []
        """(fact, value) for the profile."""
        self._before = before
        """New name of a reply or step → the name it had before."""
        self._old = {**journal.entries, **journal.aside} if journal.aside else journal.entries
        self._stale = journal.stale
        self._entries: dict[str, Entry] = {}
        """The way the dialog takes this time."""
        self._buffer: list[tuple[str, Said]] = []
        self._last = ""
        """The name of the verb that is being answered, without its number."""
        self.trail: list[tuple[str, Said | bool]] | None = []
        """The way so far: what was buffered, what was gone past (True) and what was read (False).
        None where the way had something in it that `at_the_verb` does not know."""

    def at_the_verb(self, journal: Journal) -> None:
        """Be what a replay of this journal would be when it comes to the verb that was open last.

        The journal holds what this play has written, and perhaps the result of that verb.
        """
        assert self.trail is not None
        old = journal.entries
        entries: dict[str, Entry] = {}
        buffer: list[tuple[str, Said]] = []
        for name, what in self.trail:
            if what is False:
                entries[name] = old[name]
            elif what is True:
                for said, _ in buffer:
                    if said in old:
                        entries[said] = old[said]
                buffer = []
                entries[name] = old[name]
            else:
                buffer.append((name, what))
        self._old, self._stale = old, journal.stale
        self._entries, self._buffer = entries, buffer
        self.changed, self.learned = False, []
        self.counts[self._last] -= 1

    def _later(self, name: str, effect: Said) -> None:
        """Hold something back until it is known whether it is new."""
        self._buffer.append((name, effect))
        if self.trail is not None:
            self.trail.append((name, effect))

    def _passed(self, entry: str, how: bool = True) -> None:
        if self.trail is not None:
            self.trail.append((entry, how))

    def _name(self, base: str) -> str:
        self._last = base
        count = self.counts.get(base, 0) + 1
        self.counts[base] = count
        return f"{base}#{count}"

    def _still_good(self, entry: str, question: Ask | Wait) -> Entry | None:
        """Return a stale answer, if the question has the same inputs as then."""
        stale = self._stale.get(entry)
        if stale is None or getattr(stale, "digest", b"") != digest_of(inputs(question)):
            return None
        return stale

    def _recorded(self, kind: str, name: str, entry: str) -> Entry | None:
        """Return the entry, also under a name that it had before it was renamed."""
        found = self._old.get(entry)
        if found is None and self._before:
            before = self._before.get(name)
            if before is not None:
                return self._old.get(f"{kind}:{before}{entry[len(kind) + 1 + len(name) :]}")
        return found

    def _consume(self, entry: str, recorded: Entry) -> None:
        """Go past a recorded ask, run or call: what was buffered has been said long ago.

        Not so past a stale one: after a correction, what was not said with these values is news.
        """
        if self._buffer and entry not in self._stale:
            for name, _ in self._buffer:
                said = self._old.get(name)
                if said is not None:
                    self._entries[name] = said
            self._buffer = []
        self._entries[entry] = recorded
        self._passed(entry)

    def _record(self, entry: str, new: Entry) -> None:
        self._entries[entry] = new
        self.changed = True

    def fresh(self) -> Fresh:
        """Record what is new of the buffer, and return it."""
        if not self._buffer and not self.learned:
            return _NOTHING_NEW
        says: list[Say] = []
        milestones: list[Milestone] = []
        reminders: list[tuple[str, Remind]] = []
        logs: list[Log] = []
        for name, effect in self._buffer:
            digest = digest_of(inputs(effect))
            recorded = self._old.get(name) or self._stale.get(name)
            if type(recorded) is Once and recorded.digest == digest:
                self._entries[name] = recorded
                continue
            self._entries[name] = Once(digest)
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
        self._buffer = []
        return Fresh(
            says=tuple(says),
            milestones=tuple(milestones),
            reminders=tuple(reminders),
            logs=tuple(logs),
            facts=tuple(self.learned),
        )

    def written(self) -> Journal:
        """Return the journal as of now."""
        entries, stale = self._entries, self._stale
        old = self._old
        aside: dict[str, Entry] = {}
        if not old.keys() <= entries.keys():
            aside = {name: entry for name, entry in old.items() if name not in entries}
        if stale:
            stale = {name: entry for name, entry in stale.items() if name not in entries}
        if len(entries) + len(aside) + len(stale) > MOST_ENTRIES:
            aside = _latest(aside, MOST_ENTRIES - len(entries))
            stale = _latest(stale, MOST_ENTRIES - len(entries) - len(aside))
        return Journal(entries, stale, aside)


def inputs(effect: Any) -> Any:
    """Return what an effect's digest is made of; nothing for no inputs."""
    match effect:
        case Ask(values=values, slot=slot):
            return (values, slot.options) if values or slot.options else None
        case Say(values=values):
            return values
        case Remind(values=values, at=at, after=after):
            return (values, at, after)
        case Log(context=context):
            return context
        case Wait(until=until, for_=for_):
            return (until, for_)
    return None


def _latest(entries: dict[str, Entry], room: int) -> dict[str, Entry]:
    """Return the last `room` entries."""
    return dict(list(entries.items())[-room:]) if room > 0 else {}


_NOTHING_NEW = Fresh()
