"""`segue pause` and `segue unpause`: the brake, at once and in every process."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from segue.cli.common import Command, read_settings, table, with_settings
from segue.errors import SegueError

if TYPE_CHECKING:
    from segue.settings import Settings

KINDS = ("dialog", "channel", "sends")
Kind = Literal["dialog", "channel", "sends"]


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.argument("name", required=False)
@click.option(
    "--reply",
    default="paused",
    show_default=True,
    metavar="NAME",
    help="The reply of the voice that customers get instead.",
)
@with_settings
def pause(kind: Kind | None, name: str | None, reply: str, config: Path | None) -> None:
    """Pause a dialog or a channel by NAME, or all sends.

    Customers who are inside keep their place and go on after `segue unpause`.
    Without arguments it lists what is paused.
    """
    settings = read_settings(config)
    if kind is None:
        _list(settings)
        return
    wanted = _name(kind, name, settings)
    _known_reply(reply, settings)
    asyncio.run(_set(settings, kind, wanted, reply))
    click.echo(f"Paused: {kind} {wanted}".rstrip() + ".")


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", required=False)
@with_settings
def unpause(kind: Kind, name: str | None, config: Path | None) -> None:
    """Let a dialog or a channel called NAME, or all sends, go on."""
    settings = read_settings(config)
    if (kind == "sends") == (name is not None):
        raise click.UsageError(_usage(kind))
    if not asyncio.run(_clear(settings, kind, name or "")):
        raise click.ClickException(f"{kind} {name or ''}".rstrip() + " was not paused.")
    click.echo(f"Goes on: {kind} {name or ''}".rstrip() + ".")


def _usage(kind: str) -> str:
    return "sends takes no name" if kind == "sends" else f"name the {kind}"


def _name(kind: Kind, name: str | None, settings: Settings) -> str:
    """Return the name, or refuse one that pauses nothing: a typing error must not look like it."""
    if (kind == "sends") == (name is not None):
        raise click.UsageError(_usage(kind))
    known = list(settings.channels) if kind == "channel" else _dialogs(settings)
    if kind == "sends" or name in known or not known:
        return name or ""
    near = get_close_matches(cast("str", name), known, n=1)
    cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(known))}."
    raise click.ClickException(f"there is no {kind} {name}. {cure}")


def _dialogs(settings: Settings) -> list[str]:
    """Return the dialogs' names; none if they cannot be read, which may be why one is paused."""
    from segue.builtin import every_dialog
    from segue.dialog import load_dialogs

    try:
        return list(load_dialogs(settings.dialogs.path).with_builtin(every_dialog()))
    except (SegueError, OSError):
        return []


def _known_reply(reply: str, settings: Settings) -> None:
    from segue.voice import load_voice

    try:
        voice = load_voice(settings.voice.path, default_locale=settings.company.locale)
    except (SegueError, OSError):
        return
    if not voice.has(reply):
        raise click.ClickException(f"the voice has no reply {reply}. Write it in common.j2.")


async def _set(settings: Settings, kind: Kind, name: str, reply: str) -> None:
    from segue.cli.store import memory

    async with memory(settings) as store:
        await store.pause(kind, name, reply)


async def _clear(settings: Settings, kind: Kind, name: str) -> bool:
    from segue.cli.store import memory

    async with memory(settings) as store:
        was = (kind, name) in store.pauses()
        await store.unpause(kind, name)
        return was


def _list(settings: Settings) -> None:
    async def read() -> dict[tuple[str, str], str]:
        from segue.cli.store import memory

        async with memory(settings) as store:
            return store.pauses()

    found = asyncio.run(read())
    if found:
        table(
            ["paused", "name", "reply"],
            ([kind, name, reply] for (kind, name), reply in sorted(found.items())),
        )
    else:
        click.echo("Nothing is paused.")
