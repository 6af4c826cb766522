"""What the demo's margin tells: what Segue just understood, remembered and did.

- A note is data; it becomes a sentence when it is read, in the reader's language.
- Notes are a help for whoever watches, not a record: they live in this process's memory, for the
  customers seen last, and are gone when it stops. The conversation is not.
- A reader waits here for news instead of asking again and again.
- Problems (a mistake in a dialog or a reply) are everybody's, and stay until they are mended.

The engine tells what happened (`Notes` is one of its observers); the composition root tells what
was read again and what is wrong with it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from segue.demo.sentences import Part, Titles, sentence, sort_of
from segue.ports import Clock, Ids, to_millis
from segue.types import CustomerId, Millis

_EVERYBODY: Final = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One thing that happened."""

    number: int
    """Grows by one over all customers; the cursor of readers."""
    at: Millis
    kind: str
    """`routed`, `understood`, `missed`, `remembered`, `known`, `asked`, `did`, `said`, `problem`,
    `reloaded.voice`, `reloaded.dialogs` or `mended`."""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sort(self) -> str:
        """Under which heading it is shown."""
        return sort_of(self.kind, self.values)

    def parts(self, locale: str, titles: Titles | None = None) -> list[Part]:
        """Return it as a sentence."""
        return sentence(self.kind, self.values, locale, titles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A mistake in a dialog or a reply: where it is, what it is, what to do."""

    file: str
    line: int
    found: str
    cure: str


class _Located(Protocol):
    """What an error says about itself (`segue.errors.LocatedError`)."""

    problem: str
    cure: str
    file: str
    line: int


class _Told(Protocol):
    """A note as the engine tells it."""

    @property
    def kind(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a reader gets."""

    notes: tuple[Note, ...]
    cursor: int
    problems: tuple[Problem, ...]
    edition: int
    """Changes with the problems; pass it to hear only of changes."""


class Notes:
    """The margin's memory. `instance` is new with every start, so a page notices one."""

    def __init__(
        self, clock: Clock, ids: Ids, *, per_customer: int = 200, customers: int = 100
    ) -> None:
        self.instance = ids.new()
        self._clock = clock
        self._per_customer = per_customer
        self._customers = customers
        self._kept: OrderedDict[CustomerId, deque[Note]] = OrderedDict()
        self._last = 0
        self._problems: tuple[Problem, ...] = ()
        self._edition = 0
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    # -- telling -----------------------------------------------------------------------------------

    def __call__(self, customer: CustomerId, notes: Iterable[_Told]) -> None:
        """Take what the engine tells after a turn (its `Observer`)."""
        for note in notes:
            self.add(customer, note.kind, **note.values)

    def add(self, customer: CustomerId, kind: str, /, **values: Any) -> None:
        """Keep one note; `values` fill the holes of its sentence (see `sentences.py`)."""
        kept = self._kept.get(customer)
        if kept is None:
            kept = self._kept[customer] = deque(maxlen=self._per_customer)
            while len(self._kept) > self._customers:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(customer)
        self._last += 1
        now = to_millis(self._clock.now())
        kept.append(Note(number=self._last, at=now, kind=kind, values=values))
        self._wake()

    def announce(self, kind: str, /, **values: Any) -> None:
        """Tell everybody, like `announce("reloaded.voice")`."""
        self.add(_EVERYBODY, kind, **values)

    def show_problems(self, found: Iterable[_Located]) -> None:
        """Show these mistakes instead of those before; none: what was wrong is mended."""
        problems = tuple(
            Problem(file=_shown(each.file), line=each.line, found=each.problem, cure=each.cure)
            for each in found
        )
        if problems == self._problems:
            return
        if not problems:
            self.announce("mended")
        self._problems = problems
        self._edition += 1
        self._wake()

    def close(self) -> None:
        """Let every waiting reader go, and none wait again: the server stops."""
        self._closed = True
        self._wake()

    # -- reading -----------------------------------------------------------------------------------

    def read(self, customer: CustomerId | None, *, after: int) -> News:
        """Return what is there. A cursor of an earlier start reads from the beginning.

        What was told to everybody is for those who were there: a first reading leaves it out.
        """
        since = after if after <= self._last else -1
        mine = () if customer is None else self._kept.get(customer, ())
        everybodys = self._kept.get(_EVERYBODY, ()) if since == after and after >= 0 else ()
        found = sorted(
            (note for kept in (mine, everybodys) for note in kept if note.number > since),
            key=lambda note: note.number,
        )
        return News(
            notes=tuple(found),
            cursor=self._last,
            problems=self._problems,
            edition=self._edition,
        )

    async def news(
        self, customer: CustomerId | None, *, after: int, edition: int, within: float
    ) -> News:
        """Wait until there is something new for this reader, at most `within` seconds."""
        grew = asyncio.Event()
        self._waiting.add(grew)
        try:
            async with asyncio.timeout(within):
                while True:
                    grew.clear()
                    news = self.read(customer, after=after)
                    if news.notes or news.edition != edition or self._closed or after > self._last:
                        return news
                    await grew.wait()
        except TimeoutError:
            return self.read(customer, after=after)
        finally:
            self._waiting.discard(grew)

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()


def _shown(file: str) -> str:
    """Return a path as one would type it where the demo was started."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
