"""Laws of playing that hold for any dialog: made up here from small programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from segue import Chat, Text, dialog
from segue.dialog import Dialog, Journal, play
from segue.dialog.outcome import Answer, Ended, Hold, Outcome, Running, Waiting
from segue.dialog.plain import digest_of, from_plain, to_plain


class Op(NamedTuple):
    """One line of a made-up dialog. `uses` is how many of the last results it passes on."""

    verb: str
    name: str
    uses: int


OPS = st.builds(
    Op,
    st.sampled_from(["say", "ask", "ask", "run", "milestone", "random", "when"]),
    st.sampled_from("abc"),
    st.integers(0, 2),
)
PROGRAMS = st.lists(OPS, min_size=1, max_size=12)


def step(name: str, given: list[str]) -> str:
    """Do something that depends on its arguments alone."""
    return f"<{name}:{'+'.join(given)}>"


def dialog_of(program: list[Op]) -> Dialog[list[str]]:
    """Return the dialog that a program describes."""

    @dialog("made_up")
    async def made_up(chat: Chat) -> list[str]:
        results: list[str] = []
        skip = False
        for index, op in enumerate(program):
            if skip:
                skip = False
                continue
            given = results[-op.uses :] if op.uses else []
            values = {"given": given} if given else {}
            match op.verb:
                case "say":
                    await chat.say(op.name, **values)
                case "ask":
                    results.append(await chat.ask(op.name, Text, key=f"{op.name}{index}", **values))
                case "run":
                    results.append(await chat.run(step, op.name, given, key=f"{op.name}{index}"))
                case "milestone":
                    await chat.milestone(op.name)
                case "random":
                    await chat.random()
                case "when":
                    skip = sum(map(ord, "".join(given))) % 2 == 1
        return results

    return made_up


def answer_of(question: Any) -> str:
    """Answer as a customer who looks at the question alone."""
    return f"{question.key}({'+'.join(question.values.get('given', ()))})"


class World:
    """Plays a dialog to its end; its store forgets nothing that was put there."""

    def __init__(self, talk: Any, one: Dialog[Any], answer: Callable[[Any], str]) -> None:
        self.facts = talk(one).facts()
        self.dialog = one
        self.answer = answer
        self.stored: list[Any] = Journal().encode()
        self.said: list[tuple[str, Any]] = []
        self.did: list[str] = []

    def turn(self, answering: bool = True) -> Outcome:
        """Play once from what is stored, and do the step it wants; nothing is stored."""
        given = [answering]

        def reader(question: Any, _entry: str) -> Any:
            if given and given.pop():
                return Answer(value=self.answer(question), raw="words")
            return Hold()

        outcome = play(
            self.dialog, Journal.decode(self.stored), facts=self.facts, reader=reader, values={}
        )
        assert isinstance(outcome, Waiting | Running | Ended), outcome
        return outcome

    def commit(self, outcome: Outcome) -> None:
        """Store what a turn decided, and let the customer read what it said."""
        assert isinstance(outcome, Waiting | Running | Ended)
        if isinstance(outcome, Running):
            self.did.append(f"{outcome.entry}@{outcome.digest}")
            outcome.journal.record_run(
                outcome.entry, outcome.digest, step(*outcome.run.args), returns=str
            )
        self.said += [(say.reply, dict(say.values)) for say in outcome.fresh.says]
        self.stored = outcome.journal.encode()

    def to_the_end(self) -> list[str]:
        for _ in range(60):
            outcome = self.turn()
            self.commit(outcome)
            if isinstance(outcome, Ended):
                return list(outcome.result)
        raise AssertionError("it does not end")


def straight(program: list[Op]) -> tuple[list[str], list[str]]:
    """Return (results, replies said) of a program, as if nothing ever had to be replayed."""
    results: list[str] = []
    said: list[str] = []
    skip = False
    for index, op in enumerate(program):
        if skip:
            skip = False
            continue
        given = results[-op.uses :] if op.uses else []
        match op.verb:
            case "say":
                said.append(op.name)
            case "ask":
                results.append(f"{op.name}{index}({'+'.join(given)})")
            case "run":
                results.append(step(op.name, given))
            case "when":
                skip = sum(map(ord, "".join(given))) % 2 == 1
    return results, said


@given(PROGRAMS)
@settings(max_examples=50, deadline=None)
def test_a_play_in_pieces_is_the_program(talk: Any, program: list[Op]) -> None:
    """Whatever the dialog, its results and what it says are those of running it in one go."""
    world = World(talk, dialog_of(program), answer_of)
    results, said = straight(program)
    assert world.to_the_end() == results
    assert [reply for reply, _ in world.said] == said
    assert len(world.did) == len(set(world.did))


@given(PROGRAMS)
@settings(max_examples=40, deadline=None)
def test_playing_twice_is_playing_once(talk: Any, program: list[Op]) -> None:
    """A second play on what the first recorded says nothing new and stops at the same place."""
    world = World(talk, dialog_of(program), answer_of)
    for _ in range(60):
        outcome = world.turn()
        if isinstance(outcome, Waiting):
            again = play(
                world.dialog,
                Journal.decode(outcome.journal.encode()),
                facts=world.facts,
                reader=lambda _q, _e: Hold(),
            )
            assert isinstance(again, Waiting)
            assert again.entry == outcome.entry
            assert again.journal == outcome.journal
            assert (again.fresh.says, again.fresh.milestones) == ((), ())
        world.commit(outcome)
        if isinstance(outcome, Ended):
            return


@given(PROGRAMS, st.lists(st.booleans(), max_size=40))
@settings(max_examples=50, deadline=None)
def test_a_crash_anywhere_changes_nothing(
    talk: Any, program: list[Op], crashes: list[bool]
) -> None:
    """A turn that dies before its commit is taken again: same end, same words, same keys."""
    smooth = World(talk, dialog_of(program), answer_of)
    expected = smooth.to_the_end()
    rough = World(talk, dialog_of(program), answer_of)
    pending = list(crashes)
    for _ in range(120):
        outcome = rough.turn()
        if pending and pending.pop():
            continue
        rough.commit(outcome)
        if isinstance(outcome, Ended):
            break
    assert outcome.result == expected  # type: ignore[union-attr]
    assert rough.said == smooth.said
    assert rough.did == smooth.did


@given(PROGRAMS, st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_a_correction_leads_where_that_answer_would_have_led(
    talk: Any, program: list[Op], when: int, which: int
) -> None:
    """Correcting an answer ends as if it had been given at once, and does no step twice."""
    world = World(talk, dialog_of(program), answer_of)
    for _ in range(when):
        outcome = world.turn()
        world.commit(outcome)
        if isinstance(outcome, Ended):
            break
    journal = Journal.decode(world.stored)
    answers = journal.answers()
    if not answers:
        return
    entry, _ = answers[which % len(answers)]
    key = entry.removeprefix("ask:").partition("#")[0]
    assert not journal.correct(entry, "changed", "no, changed")
    world.stored = journal.encode()

    def changed_mind(question: Any) -> str:
        return "changed" if question.key == key else answer_of(question)

    world.answer = changed_mind
    direct = World(talk, dialog_of(program), changed_mind)
    assert world.to_the_end() == direct.to_the_end()
    assert len(world.did) == len(set(world.did))


@given(PROGRAMS, st.lists(st.booleans(), max_size=12))
@settings(max_examples=50, deadline=None)
def test_going_back_and_forth_ends_in_the_same_place(
    talk: Any, program: list[Op], backs: list[bool]
) -> None:
    """However often a customer goes back, the same answers lead to the same end."""
    direct = World(talk, dialog_of(program), answer_of)
    expected = direct.to_the_end()
    world = World(talk, dialog_of(program), answer_of)
    for back in backs:
        outcome = world.turn()
        world.commit(outcome)
        if isinstance(outcome, Ended):
            break
        if back:
            journal = Journal.decode(world.stored)
            journal.back()
            world.stored = journal.encode()
    assert world.to_the_end() == expected
    assert len(world.did) == len(set(world.did))


@given(PROGRAMS, PROGRAMS, st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_any_journal_can_meet_any_code(
    talk: Any, before: list[Op], after: list[Op], when: int
) -> None:
    """Whatever the code was, the new code plays on to its end; what it says is its own."""
    world = World(talk, dialog_of(before), answer_of)
    for _ in range(when):
        outcome = world.turn()
        world.commit(outcome)
        if isinstance(outcome, Ended):
            break
    world.dialog = dialog_of(after)
    said = len(world.said)
    world.to_the_end()
    names = [op.name for op in after if op.verb == "say"]
    assert all(reply in names for reply, _ in world.said[said:])


# -- values ----------------------------------------------------------------------------------------

PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(PLAIN)
@settings(max_examples=60, deadline=None)
def test_plain_values_come_back_as_they_are(value: Any) -> None:
    """What is plain already is not changed by being kept."""
    assert from_plain(to_plain(value), Any) == value
    assert to_plain(to_plain(value)) == to_plain(value)


@given(st.dictionaries(st.text(), PLAIN, min_size=1))
@settings(max_examples=60, deadline=None)
def test_a_digest_does_not_depend_on_the_order_of_a_mapping(values: dict[str, Any]) -> None:
    """The same values written in another order are the same inputs."""
    turned = dict(reversed(list(values.items())))
    assert digest_of(values) == digest_of(turned)
    assert len(digest_of(values)) == 8


def test_digests_are_the_same_in_every_process() -> None:
    """Sets and mappings are hashed differently in each process; their digests are not."""
    code = (
        "from segue.dialog.plain import digest_of\n"
        "from decimal import Decimal\n"
        "print(digest_of({'s': {'a', 'b', 'c', 'd'}, 'd': {2: 'x', 1: Decimal('1.5')},"
        " 'f': frozenset('xyz'), 't': (1, 2.5, None, b'q')}).hex())\n"
    )
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root / "bot")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 16
