"""A talk with one dialog, without an engine: it plays, answers and does steps as one would."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from segue.dialog import Dialog, Facts, Journal, play
from segue.dialog.effects import Ask, Wait
from segue.dialog.kept import Kept
from segue.dialog.outcome import (
    Answer,
    Calling,
    Ended,
    Fresh,
    Hold,
    Outcome,
    Reading,
    Restarting,
    Running,
    Waiting,
)

NOON = datetime(2025, 3, 12, 12, 0, tzinfo=UTC)


def _one() -> float:
    return 0.25


def told(outcome: Outcome) -> Any:
    """Return all there is to an outcome, with the order of its journal, to be compared."""
    fields = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
    if "journal" in fields:
        journal = fields["journal"]
        fields["journal"] = [list(part.items()) for part in (journal.entries, journal.stale)]
        fields["aside"] = journal.aside
    if "error" in fields:
        fields["error"] = (type(fields["error"]), str(fields["error"]))
    return type(outcome), fields


@dataclass
class Talk:
    """One customer and one dialog. `say` answers the open question and goes on to the next."""

    dialog: Dialog[Any]
    journal: Journal = field(default_factory=Journal)
    profile: dict[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    did: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    """(step, arguments) of every execution."""
    outcome: Outcome | None = None
    kept: Kept | None = field(default_factory=Kept)
    """None: plays are only replayed."""
    through_the_store: bool = True
    """Store and load the journal between plays, as an engine does between turns."""

    def facts(self) -> Facts:
        return Facts(
            channel="web", locale="en", now=NOON, random=_one, profile=self.profile, utterance="hi"
        )

    def start(self) -> Outcome:
        return self.read(lambda _question, _entry: Hold())

    def say(self, value: Any, raw: str | None = None) -> Outcome:
        """Answer the open question."""
        words = raw if raw is not None else str(value)
        return self.give(Answer(value=value, raw=words))

    def give(self, reading: Reading) -> Outcome:
        """Give the open question this reading."""
        given = [reading]

        def reader(_question: Ask | Wait, _entry: str) -> Reading:
            return given.pop() if given else Hold()

        return self.read(reader)

    def answer_by(self, answers: Mapping[str, Any]) -> Outcome:
        """Answer every question by its reply, until one has no answer there."""

        def reader(question: Ask | Wait, _entry: str) -> Reading:
            if isinstance(question, Ask) and question.reply in answers:
                return Answer(value=answers[question.reply], raw=str(answers[question.reply]))
            return Hold()

        return self.read(reader)

    def read(self, reader: Callable[[Ask | Wait, str], Reading]) -> Outcome:
        for _ in range(600):
            self.outcome = outcome = self.play(reader)
            self.hear(outcome.fresh)
            match outcome:
                case Running(run=run):
                    self.keep(outcome.journal)
                    self.did.append((run.step, run.args))
                    result = run.function(*run.args, **run.kwargs)
                    if inspect.iscoroutine(result):
                        result = asyncio.run(result)
                    self.journal.record_run(
                        outcome.entry, outcome.digest, result, returns=run.returns, final=run.final
                    )
                case Calling(call=call):
                    self.keep(outcome.journal)
                    below = Talk(call.dialog, profile=self.profile, values=call.values)
                    ended = below.read(reader)
                    self.said += below.said
                    assert isinstance(ended, Ended), ended
                    self.journal.record_call(
                        outcome.entry, outcome.digest, ended.result, returns=call.dialog.returns
                    )
                case Restarting(values=values):
                    self.journal, self.values = Journal(), values
                case _:
                    self.keep(outcome.journal)
                    return outcome
        raise AssertionError("the talk does not end")

    def play(self, reader: Callable[[Ask | Wait, str], Reading]) -> Outcome:
        """Play once, going on from where the last play was kept, and compare it with a replay."""
        if self.kept is None:
            return play(
                self.dialog, self.journal, facts=self.facts(), values=self.values, reader=reader
            )
        readings: list[Reading] = []

        def noting(question: Ask | Wait, entry: str) -> Reading:
            readings.append(reader(question, entry))
            return readings[-1]

        def again(_question: Ask | Wait, _entry: str) -> Reading:
            return readings.pop(0)

        given: dict[str, Any] = {"facts": self.facts(), "values": self.values}
        before = self.journal.encode()
        outcome = play(
            self.dialog, self.journal, reader=noting, kept=self.kept, key=id(self), **given
        )
        replayed = play(self.dialog, self.journal, reader=again, **given)
        assert self.journal.encode() == before
        assert told(outcome) == told(replayed)
        return outcome

    def keep(self, journal: Journal) -> None:
        self.journal = Journal.decode(journal.encode()) if self.through_the_store else journal

    def hear(self, fresh: Fresh) -> None:
        self.said += [say.reply for say in fresh.says]
        self.profile.update(fresh.facts)

    @property
    def asks(self) -> str:
        """Reply of the open question."""
        assert isinstance(self.outcome, Waiting), self.outcome
        return getattr(self.outcome.question, "reply", "wait")

    @property
    def result(self) -> Any:
        assert isinstance(self.outcome, Ended), self.outcome
        return self.outcome.result


@pytest.fixture(scope="session")
def talk() -> type[Talk]:
    """Return the class, to begin talks with."""
    return Talk
