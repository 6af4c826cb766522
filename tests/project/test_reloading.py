"""Saving a file while conversations go on: what is good is used, what is wrong changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from segue import starter
from segue.app import App
from segue.cli.reloading import Reloading
from segue.errors import LocatedError
from segue.settings import load
from segue.voice import plain


class Board:
    """What the demo's margin would show."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.problems: list[LocatedError] = []

    def announce(self, kind: str, /) -> None:
        """Keep it."""
        self.news.append(kind)

    def show_problems(self, found: Iterable[LocatedError]) -> None:
        """Keep what is wrong now."""
        self.problems = list(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project."""
    starter.copy_project(tmp_path)
    return tmp_path


@pytest.fixture
def app(project: Path) -> App:
    """Its bot, read but not started."""
    found = App(load(project / "segue.toml", environ={}))
    found.load()
    return found


def edit(path: Path, old: str, new: str) -> Path:
    """Change a file as an editor would."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def wording(app: App) -> str:
    """Return what the bot asks for first in a return."""
    voice = app.setup.voice
    shown = voice.render("ask_order", dialog="return_item", locale="en", channel="sms", values={})
    return plain(shown.message)


FILE = "brand_voice/en/return_item.j2"


class TestReloading:
    def test_a_changed_sentence_is_said(self, app: App, project: Path) -> None:
        """The next turn has the new wording; dialogs are left alone."""
        board, dialogs = Board(), app.setup.dialogs
        path = edit(project / FILE, "Happy to help. What's your order number", "Number, please")
        Reloading(app, board).changed([path])
        assert wording(app).startswith("Number, please")
        assert app.setup.dialogs["return_item"] is dialogs["return_item"]
        assert board.news == ["reloaded.voice"]

    def test_a_mistake_is_shown_and_the_last_good_version_answers(
        self, app: App, project: Path
    ) -> None:
        """File, line and cure, until it is mended; meanwhile nothing has changed."""
        board, before, good = Board(), wording(app), (project / FILE).read_text()
        reloading = Reloading(app, board)
        reloading.changed([edit(project / FILE, "{% endreply %}", "")])
        [problem] = board.problems
        assert problem.file.endswith("en/return_item.j2")
        assert problem.line > 0
        assert problem.cure
        assert (wording(app), board.news) == (before, [])
        (project / FILE).write_text(good)
        reloading.changed([project / FILE])
        assert board.problems == []

    def test_dialogs_and_voice_are_read_apart(self, app: App, project: Path) -> None:
        """A mistake in a dialog does not hold up a new wording, nor the other way round."""
        board = Board()
        reloading = Reloading(app, board)
        dialog = edit(project / "dialogs/return_item.py", "async def", "async dfe")
        reply = edit(project / FILE, "Happy to help. What's your order number", "Number, please")
        reloading.changed([dialog, reply])
        [problem] = board.problems
        assert problem.file.endswith("return_item.py")
        assert wording(app).startswith("Number, please")
        edit(dialog, "async dfe", "async def")
        reloading.changed([dialog])
        assert board.problems == []
        assert board.news == ["reloaded.voice", "reloaded.dialogs"]

    def test_what_belongs_to_neither_is_passed_over(self, app: App, project: Path) -> None:
        """An editor's own files and everything outside the two folders change nothing."""
        board, setup = Board(), app.setup
        paths = [project / "dialogs/.return_item.py.swp", project / "README.md"]
        Reloading(app, board).changed(paths)
        assert app.setup is setup
        assert board.news == []

    async def test_saving_is_noticed(self, app: App, project: Path) -> None:
        """The folders are really watched: a save is enough."""
        told = asyncio.Event()

        class Bell(Board):
            def announce(self, kind: str, /) -> None:
                told.set()

        watched = asyncio.Event()
        task = asyncio.create_task(Reloading(app, Bell()).run(watched))
        try:
            await watched.wait()
            async with asyncio.timeout(20):
                number = 0
                while not told.is_set():  # the watch begins a moment after it was asked for
                    number += 1
                    (project / FILE).write_text((project / FILE).read_text() + f"{{# {number} #}}")
                    try:
                        await asyncio.wait_for(told.wait(), 1)
                    except TimeoutError:
                        continue
        finally:
            task.cancel()
        assert told.is_set()
