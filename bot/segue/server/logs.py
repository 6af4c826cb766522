"""Logs: one line per event, an event name and what belongs to it, never a customer's words.

    log = logging.getLogger("segue.somewhere")
    log.info("turn_fenced", extra={"segue": {"channel": "web"}})

    {"at":"2026-03-01T09:30:00.123Z","level":"info","event":"turn_fenced","logger":"segue.somewhere",
     "channel":"web"}

An exception is written as its type and where it happened. Its message is left out unless the error
is ours: messages of others quote what they were given.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec

from segue.errors import SegueError
from segue.server.scrub import scrub, scrub_values

_QUIET = (
    *("aiohttp.access", "aiohttp.server", "aiohttp.web", "aiohttp.websocket"),
    *("asyncio", "watchfiles.main", "httpx", "httpcore", "telegram"),
)
"""What these say besides warnings is noise, or holds addresses, tokens and customers' words."""
_FRAMES = 12

_encode = msgspec.json.Encoder(enc_hook=str).encode


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record says, scrubbed, ready to be written."""
    ours = record.name == "segue" or record.name.startswith(("segue.", "segue_adapters"))
    # Our messages are event names; those of libraries are sentences that may quote anything.
    event = scrub(record.getMessage()) if not ours or record.args else scrub(str(record.msg))
    found: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": event,
        "logger": record.name,
    }
    extra = getattr(record, "segue", None)
    if isinstance(extra, Mapping):
        found |= {
            name if name not in found else f"{name}_": value
            for name, value in scrub_values(extra).items()
        }
    if record.exc_info and record.exc_info[1] is not None:
        found |= _error(record.exc_info[1])
    return found


def _error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    told: dict[str, Any] = {
        "error": type(error).__name__,
        "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, SegueError):
        told["error_message"] = scrub(str(error))
    if error.__cause__ is not None:
        told["cause"] = type(error.__cause__).__name__
    return told


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _encode(fields(record)).decode()


class PlainLines(logging.Formatter):
    """One line for people, with the same contents; control characters are written as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = fields(record)
        head = f"{said.pop('at')[11:19]} {said.pop('level'):<7} {said.pop('event')}"
        del said["logger"]
        where = said.pop("where", [])
        tail = " ".join(f"{name}={value}" for name, value in said.items())
        line = f"{head} {tail}".rstrip()
        return "\n    at ".join([_visible(line), *map(_visible, reversed(where))])


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def configure_logging(
    *,
    level: str = "info",
    format: Literal["text", "json"] = "text",  # noqa: A002 - named as the setting is
    stream: TextIO | None = None,
) -> logging.Handler:
    """Send every log line of this process to `stream` (standard error), scrubbed.

    Replaces the handlers of the root logger; returns the new one.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    return handler


def log_loop_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Write what a task nobody waits for raised, like everything else."""
    log = logging.getLogger("segue.loop")

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        info = (type(error), error, error.__traceback__) if error is not None else None
        log.error("task_failed", exc_info=info)

    loop.set_exception_handler(handle)
