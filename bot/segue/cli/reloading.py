"""Reading dialogs and voice again when somebody saves them (`--dev` and the demo).

- A conversation under way goes on at its step: the next turn has the new version, a running one
  keeps its own.
- A mistake changes nothing: the last good version goes on answering, and the mistake is shown with
  file, line and cure until it is mended.
- Dialogs and voice are read apart: a mistake in one does not hold up the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import click

from segue.app import App
from segue.dialog import load_dialogs
from segue.errors import DialogError, LocatedError, VoiceError
from segue.voice.load import reload_voice

_PYTHON = frozenset({".py"})
_VOICE = frozenset({".j2", ".toml"})


class Board(Protocol):
    """Where it is shown, beside the terminal (the demo's margin)."""

    def announce(self, kind: str, /) -> None:
        """Tell everybody: `reloaded.voice` or `reloaded.dialogs`."""
        ...

    def show_problems(self, found: Iterable[LocatedError]) -> None:
        """Show these instead of those before."""
        ...


class Reloading:
    """Keeps an app's dialogs and voice as they were last saved."""

    def __init__(self, app: App, board: Board | None = None) -> None:
        self._app = app
        self._board = board
        self._dialogs = Path(app.settings.dialogs.path).resolve()
        self._voice = Path(app.settings.voice.path).resolve()
        self._wrong: dict[str, tuple[LocatedError, ...]] = {}

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Watch both folders until cancelled. `ready` is set once they are watched."""
        from watchfiles import awatch

        changes = awatch(self._dialogs, self._voice, debounce=200, step=50, rust_timeout=500)
        if ready is not None:
            ready.set()
        async for found in changes:
            self.changed(Path(path) for _, path in found)

    def changed(self, paths: Iterable[Path]) -> None:
        """Read what these paths belong to."""
        saved = list(paths)
        setup = self._app.setup
        dialogs, voice = setup.dialogs, setup.voice
        if _any(saved, self._dialogs, _PYTHON):
            try:
                dialogs = load_dialogs(self._dialogs)
            except DialogError as error:
                self._refuse("dialogs", (error,))
            else:
                self._wrong.pop("dialogs", None)
        if _any(saved, self._voice, _VOICE):
            read = reload_voice(voice, self._voice)
            if isinstance(read, tuple):
                self._refuse("voice", read)
            else:
                voice = read
                self._wrong.pop("voice", None)
        news = [
            name
            for name, new in (
                ("dialogs", dialogs is not setup.dialogs),
                ("voice", voice is not setup.voice),
            )
            if new
        ]
        if news:
            self._app.setup = self._app.make_setup(dialogs, voice)
        self._show(news)

    def _refuse(self, room: str, mistakes: tuple[DialogError | VoiceError, ...]) -> None:
        self._wrong[room] = mistakes
        for mistake in mistakes:
            click.secho(str(mistake), fg="red", err=True)

    def _show(self, news: list[str]) -> None:
        for name in news:
            click.secho(f"Read {name} again.", dim=True)
        if self._board is not None:
            self._board.show_problems([each for found in self._wrong.values() for each in found])
            for name in news:
                self._board.announce(f"reloaded.{name}")


def _any(paths: list[Path], folder: Path, kinds: frozenset[str]) -> bool:
    return any(path.suffix in kinds and folder in path.parents for path in paths)
