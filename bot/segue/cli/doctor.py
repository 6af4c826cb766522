"""`segue doctor`: is everything as it must be? No secret is printed.

Nothing is changed, but with `--fix`: then platforms are told where to call us.
"""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from segue.cli.common import Command, read_settings, with_settings
from segue.errors import SegueError

if TYPE_CHECKING:
    from segue.settings import Settings

Level = Literal["ok", "warning", "error"]
_PATIENCE = 30.0
"""Seconds that looking at one channel may take."""
_MARKS = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "error": ("wrong", "red")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at: what was found and, unless it is well, what to do."""

    room: str
    level: Level
    found: str
    cure: str = ""


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a finding.")
@click.option("--fix", is_flag=True, help="Tell platforms where to call us; says what it did.")
@with_settings
def doctor(as_json: bool, fix: bool, config: Path | None) -> None:
    """Check settings, store, channels, dialogs and voice, and say what to do.

    Exit code 1 if something is wrong. What only deserves a look does not count.
    """
    findings = asyncio.run(_collect(config, None if as_json else _print, fix=fix))
    if as_json:
        for finding in findings:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
    raise SystemExit(any(finding.level == "error" for finding in findings))


async def _collect(
    config: Path | None, shown: Callable[[Finding], None] | None, *, fix: bool
) -> list[Finding]:
    settings = read_settings(config)
    found = []
    async for finding in _look(settings, fix):
        found.append(finding)
        if shown is not None:
            shown(finding)
    return found


def _print(finding: Finding) -> None:
    mark, colour = _MARKS[finding.level]
    cure = f". {finding.cure}" if finding.cure else ""
    click.echo(f"{click.style(f'{mark:<6}', fg=colour)}{finding.room:<10}{finding.found}{cure}")


async def _look(settings: Settings, fix: bool) -> AsyncIterator[Finding]:
    for finding in (*_place(settings), *_company(settings)):
        yield finding
    async for finding in _store(settings):
        yield finding
    async for finding in _channels(settings, fix):
        yield finding
    for look in (_dialogs, _voice):
        for finding in look(settings):
            yield finding


def _place(settings: Settings) -> Iterator[Finding]:
    found = f"segue {version('segue')} on Python {platform.python_version()}"
    yield Finding(room="segue", level="ok", found=found)
    file = f"read from {settings.file}" if settings.file else "no segue.toml: everything as preset"
    yield Finding(room="settings", level="ok", found=file)
    server = settings.server
    if server.host not in ("127.0.0.1", "::1", "localhost") and not server.public_url:
        yield Finding(
            room="settings",
            level="warning",
            found=f"the server listens on {server.host}, but server.public_url is not set",
            cure="Set it to where customers reach this server, so that only that site may connect",
        )


def _company(settings: Settings) -> Iterator[Finding]:
    company = settings.company
    if not (company.phone or company.email):
        yield Finding(
            room="company",
            level="warning",
            found="there is neither company.phone nor company.email",
            cure="Set one: customers who ask for a person can be told nothing else yet",
        )
    if not company.privacy_url:
        yield Finding(
            room="company",
            level="warning",
            found="there is no company.privacy_url",
            cure="Set it, so that the widget can link the privacy notice",
        )


async def _store(settings: Settings) -> AsyncIterator[Finding]:
    from segue.memory import look_over
    from segue.memory.connection import connect
    from segue.memory.embedded import embedded
    from segue.memory.keys import Keys
    from segue.ports import SystemClock

    store = settings.store
    try:
        async with AsyncExitStack() as stack:
            url = store.url
            if url == "embedded:":
                folder = Path(store.data_dir) / "store"
                url = (await stack.enter_async_context(embedded(folder, fsync=store.fsync))).url
                yield Finding(room="store", level="ok", found=f"embedded, in {folder}")
            else:
                yield Finding(room="store", level="ok", found=store.shown_url)
            server = connect(url)
            stack.push_async_callback(server.close)
            keys = Keys(store.prefix, store.partitions)
            for each in await look_over(server, keys, SystemClock()):
                yield Finding(room="store", level=each.level, found=each.found, cure=each.cure)
    except (SegueError, OSError, ValueError) as error:
        yield _failed("store", error)


async def _channels(settings: Settings, fix: bool) -> AsyncIterator[Finding]:
    from segue.app import make_adapter
    from segue.channel import Configurable

    for name in settings.channels:
        try:
            adapter = make_adapter(settings, name)
        except SegueError as error:
            yield _failed("channels", error)
            continue
        yield Finding(room="channels", level="ok", found=name)
        if not isinstance(adapter, Configurable):
            continue
        try:
            async with asyncio.timeout(_PATIENCE):
                checked = await adapter.doctor(fix=fix)
        except Exception as error:  # noqa: BLE001 - whatever an adapter meets, the look goes on
            what = type(error).__name__
            cure = "Look into its settings, and whether its platform can be reached"
            yield Finding(room=name, level="error", found=f"not looked at ({what})", cure=cure)
        else:
            for each in checked:
                yield Finding(room=name, level=each.level, found=each.found, cure=each.cure)
        finally:
            await adapter.stop()


def _dialogs(settings: Settings) -> Iterator[Finding]:
    from segue.dialog import load_dialogs

    yield from _loaded(
        "dialogs", lambda: load_dialogs(settings.dialogs.path), settings.dialogs.path, "dialogs"
    )


def _voice(settings: Settings) -> Iterator[Finding]:
    from segue.voice import load_voice

    def load() -> tuple[str, ...]:
        voice = load_voice(
            settings.voice.path,
            default_locale=settings.company.locale,
            allowed_domains=settings.voice.allowed_domains,
        )
        return tuple(voice.locales)

    yield from _loaded("voice", load, settings.voice.path, "locales")


def _loaded(room: str, load: Callable[[], Any], path: Path, what: str) -> Iterator[Finding]:
    try:
        found = load()
    except Exception as error:  # noqa: BLE001 - an author's module may raise anything when imported
        yield _failed(room, error)
    else:
        yield Finding(room=room, level="ok", found=f"{len(found)} {what} in {path}")


def _failed(room: str, error: Exception) -> Finding:
    from segue.cli.common import sentences

    _code, *lines = sentences(error)
    return Finding(room=room, level="error", found=" ".join(lines))
