"""Where in the author's file something went wrong, and what to do about it.

Looked up when something is wrong, or may be: a play that goes well hardly comes here.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import CodeType, CoroutineType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from segue.errors import DialogError

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog

OUTSIDE = (
    "A dialog is played, not run: it may await nothing but `chat` and helpers that do the same. "
    "Put the call into a function and write `await chat.run(function, …)`."
)
SUSPENDED = (
    "A dialog is left at every question and begun anew with the answer, so `finally` and the exits "
    "of `async with` run each time. Move the verb behind the block, and let `Cancelled` and "
    "`GeneratorExit` pass where everything is caught."
)
FORGOTTEN = "Write `await` in front of it, where it is made: one verb at a time."
_LOOPS = ("asyncio", "anyio", "sniffio", "trio", "aiohttp")


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int


def shown(file: str) -> str:
    """Return a file's name as people know it: from the working directory if it is inside."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file


def line_of(code: CodeType, instruction: int) -> int:
    """Return the line that an instruction of `code` comes from."""
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return line
    return code.co_firstlineno


def place_of(code: CodeType, instruction: int) -> Place:
    """Return where an instruction of `code` was written."""
    return Place(shown(code.co_filename), line_of(code, instruction))


def where_waiting(coroutine: CoroutineType[Any, Any, Any], dialog: Dialog[Any]) -> Place:
    """Return the author's line at which a suspended coroutine waits."""
    place = Place(shown(dialog.file), dialog.line)
    folder = Path(dialog.file).parent
    inner: object = coroutine
    while isinstance(inner, CoroutineType):
        frame: FrameType | None = inner.cr_frame
        if frame is not None and folder in Path(frame.f_code.co_filename).parents:
            place = Place(shown(frame.f_code.co_filename), frame.f_lineno)
        inner = inner.cr_await
    return place


def where_raised(traceback: TracebackType | None, dialog: Dialog[Any]) -> Place:
    """Return the author's innermost line in a traceback."""
    place = Place(shown(dialog.file), dialog.line)
    folder = Path(dialog.file).parent
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if folder in Path(file).parents:
            place = Place(shown(file), traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def is_foreign(error: BaseException) -> bool:
    """Whether an error comes from an event loop that was looked for and is not there."""
    if not isinstance(error, RuntimeError):
        return False
    text = str(error)
    if "no running event loop" in text or "inside a task" in text:
        return True
    traceback = error.__traceback__
    module = ""
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
    return module.partition(".")[0] in _LOOPS


def foreign(found: str, place: Place) -> DialogError:
    """Say that something outside was awaited."""
    return DialogError(
        f"{found} was awaited in a dialog", cure=OUTSIDE, file=place.file, line=place.line
    )


def forgotten(verb: str, place: Place) -> DialogError:
    """Say that a verb was made and not awaited."""
    return DialogError(
        f"chat.{verb}(…) was not awaited, so it does nothing",
        cure=FORGOTTEN,
        file=place.file,
        line=place.line,
    )


def at_suspension(verb: str, place: Place) -> DialogError:
    """Say that a verb stands where a dialog is being left."""
    return DialogError(
        f"chat.{verb}(…) is awaited in `finally`, in an `async with` exit or after an `except` "
        "that catches everything, while the dialog is being left at a question",
        cure=SUSPENDED,
        file=place.file,
        line=place.line,
    )


def moment(
    verb: str,
    at_name: str,
    at: datetime | None,
    after_name: str,
    after: timedelta | None,
) -> datetime | None:
    """Return the moment that a verb was given, if it is clear; called by the verb itself."""
    frame = sys._getframe(2)
    place = Place(shown(frame.f_code.co_filename), frame.f_lineno)
    if (at is None) == (after is None):
        raise DialogError(
            f"chat.{verb}(…) needs either {at_name}= or {after_name}=",
            cure=f"Write {after_name}=timedelta(…), or {at_name}= a moment with a time zone.",
            file=place.file,
            line=place.line,
        )
    if at is not None and at.tzinfo is None:
        raise DialogError(
            f"chat.{verb}({at_name}=…) was given a moment without a time zone",
            cure="Start from `await chat.now()`, which has one.",
            file=place.file,
            line=place.line,
        )
    return at
