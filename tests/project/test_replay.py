"""`segue replay`: who would be affected by a change, found out without touching anybody."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from segue.cli import main
from segue.dialog import Facts, Journal, load_dialogs, play
from segue.dialog.effects import Ask, Wait
from segue.dialog.outcome import Answer, Hold, Reading, Waiting
from segue.engine.state import Frame, Open, State, encode
from segue.memory import Commit, Granted, Store, open_store
from segue.memory.walk import customers
from segue.ports import SystemClock
from segue.types import Address, Inbound

BEFORE = """
from segue import Chat, Text, dialog

def look_up(name: str) -> str:
    raise AssertionError("a replay runs no step")

@dialog("errand", examples=["errand"])
async def errand(chat: Chat) -> None:
    name = await chat.ask("ask_name", Text)
    colour = await chat.ask("ask_colour", Text)
    await chat.run(look_up, name)
"""
ASK_COLOUR = 'colour = await chat.ask("ask_colour", Text)'

CHANGES = {
    "same": BEFORE.replace("look_up", "look_out"),
    "elsewhere": BEFORE.replace(ASK_COLOUR, 'await chat.ask("ask_size", Text)\n    ' + ASK_COLOUR),
    "goes on": BEFORE.replace(ASK_COLOUR, "colour = None"),
    "breaks": BEFORE.replace(ASK_COLOUR, "colour = {}[name]"),
    "gone": BEFORE.replace('@dialog("errand"', '@dialog("other"'),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the errand as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialogs").mkdir()
    (tmp_path / "dialogs/errand.py").write_text(BEFORE)
    return tmp_path


def halfway(project: Path) -> State:
    """Return the state of a customer who was asked for the colour."""
    dialog = load_dialogs(project / "dialogs")["errand"]
    answers: list[Reading] = [Answer(value="Ada", raw="Ada")]

    def reader(_question: Ask | Wait, _entry: str) -> Reading:
        return answers.pop() if answers else Hold()

    facts = Facts(channel="web", locale="en", now=SystemClock().now(), random=lambda: 0.5)
    outcome = play(dialog, Journal(), facts=facts, reader=reader)
    assert isinstance(outcome, Waiting)
    frame = Frame(
        dialog="errand",
        instance="1",
        journal=outcome.journal,
        open=Open(entry=outcome.entry, reply="ask_colour"),
    )
    return State(frames=[frame])


async def remember(state: State, name: str) -> None:
    """Put a customer into the embedded store of the current directory."""
    store = await open_store("embedded:", data_dir=Path(".segue"))
    try:
        inbound = Inbound(address=Address("web", name), message_id="m1", text="hello")
        granted = await store.admit(name, inbound, create=True)
        assert isinstance(granted, Granted)
        await store.commit(granted.lease, Commit(state=encode(state), ack=granted.number))
    finally:
        await store.aclose()


@pytest.mark.parametrize("fate", list(CHANGES))
def test_each_fate_is_foretold(
    project: Path, capsys: pytest.CaptureFixture[str], fate: str
) -> None:
    """What becomes of a customer in the middle, for each kind of change; no step is run."""
    asyncio.run(remember(halfway(project), "ada"))
    (project / "dialogs/errand.py").write_text(CHANGES[fate])
    with pytest.raises(SystemExit) as left:
        main(["replay", "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    if fate == "same":
        assert found == []
    else:
        [affected] = found
        assert affected["customer"] == "ada"
        assert (affected["dialog"], affected["fate"]) == ("errand", fate)
        assert affected["before"] == "ask:ask_colour#1"
    assert left.value.code == (1 if fate in ("breaks", "gone") else 0)


def test_it_is_told_to_people(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The list names customers, then each fate has a count and a meaning."""
    for name in ("ada", "ben"):
        asyncio.run(remember(halfway(project), name))
    (project / "dialogs/errand.py").write_text(CHANGES["elsewhere"])
    with pytest.raises(SystemExit):
        main(["replay"])
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1:3]} == {"ada", "ben"}
    assert lines[-1].split() == ["2", "are", "asked", "something", "else", "next"]


async def test_a_walk_meets_everybody_once(store: Store) -> None:
    """Every customer of this prefix, in whatever partition, and nobody of another."""
    names = {f"customer-{number:03}" for number in range(60)}
    for name in names:
        inbound = Inbound(address=Address("web", name), message_id="m1", text="hello")
        await store.admit(name, inbound, create=True)
    met = [name async for name in customers(store)]
    assert sorted(met) == sorted(names)
