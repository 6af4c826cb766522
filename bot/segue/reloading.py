"""Reading dialogs and voice again when a file is saved, while conversations go on.

A conversation under way goes on at its step: its journal is replayed against the new code. A
mistake changes nothing: the last good version keeps answering until it is mended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from watchfiles import awatch

from segue.app import App
from segue.dialog import load_dialogs
from segue.errors import LocatedError
from segue.voice import reload_voice

log = logging.getLogger("segue.reloading")

Problems = Callable[[Sequence[LocatedError]], None]
"""Told of all mistakes that are in the files now; an empty list when they are mended."""


def reload(app: App) -> list[LocatedError]:
    """Read the files again and use what is good; return the mistakes."""
    mistakes: list[LocatedError] = []
    dialogs, voice = app.setup.dialogs, app.setup.voice
    try:
        dialogs = load_dialogs(app.settings.dialogs.path)
    except LocatedError as error:
        mistakes.append(error)
    fresh = reload_voice(voice, app.settings.voice.path)
    if isinstance(fresh, tuple):
        mistakes.extend(fresh)
    else:
        voice = fresh
    if dialogs is not app.setup.dialogs or voice is not app.setup.voice:
        app.setup = app.make_setup(dialogs, voice)
    return mistakes


async def reload_on_save(app: App, problems: Problems, *, stop: asyncio.Event) -> None:
    """Watch the files until `stop` is set. Reading happens in a thread: it takes milliseconds."""
    settings = app.settings
    async for _changes in awatch(settings.dialogs.path, settings.voice.path, stop_event=stop):
        mistakes = await asyncio.to_thread(reload, app)
        for mistake in mistakes:
            log.warning(
                "reload_mistake",
                extra={"segue": {"file": mistake.file, "line": mistake.line}},
            )
        if not mistakes:
            log.info("reloaded")
        problems(mistakes)
