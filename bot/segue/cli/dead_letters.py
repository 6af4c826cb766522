"""`segue dead-letters`: messages that were tried too often, and what becomes of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.common import Group, read_settings, table, with_settings

if TYPE_CHECKING:
    from segue.memory import Dead


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """Messages that were parked after too many tries.

    The customer got an apology and went on; the message is kept until it is retried or discarded.
    """


@dead_letters.command("list")
@click.option("--words", is_flag=True, help="Also show what the customers wrote.")
@with_settings
def list_(words: bool, config: Path | None) -> None:
    """List them, oldest first."""
    found = asyncio.run(_list(config))
    if not found:
        click.echo("There are none.")
        return
    from segue.ports import from_millis

    head = ["id", "when (UTC)", "customer", "channel", "why", *(["words"] if words else [])]
    table(
        head,
        (
            [
                dead.id,
                from_millis(dead.at).strftime("%Y-%m-%d %H:%M"),
                dead.customer,
                dead.inbound.address.channel,
                dead.why,
                *([dead.inbound.text] if words else []),
            ]
            for dead in found
        ),
    )


@dead_letters.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are there.")
@with_settings
def retry(ids: tuple[str, ...], everything: bool, config: Path | None) -> None:
    """Put messages back into their customers' inboxes, to be answered by a running server."""
    _each("retry", ids, everything, config)


@dead_letters.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def discard(ids: tuple[str, ...], everything: bool, yes: bool, config: Path | None) -> None:
    """Throw messages away. This cannot be undone."""
    if not yes:
        what = "all of them" if everything else f"{len(ids)} of them"
        click.confirm(f"Throw {what} away?", abort=True)
    _each("discard", ids, everything, config)


def _each(verb: str, ids: tuple[str, ...], everything: bool, config: Path | None) -> None:
    if everything == bool(ids):
        raise click.UsageError("name the ids, or --all. `segue dead-letters list` shows them")
    done, missing = asyncio.run(_do(verb, ids, config))
    word = "Put back" if verb == "retry" else "Thrown away"
    click.echo(f"{word}: {done}.")
    if missing:
        raise click.ClickException(f"not there (any more): {', '.join(missing)}.")


async def _list(config: Path | None) -> list[Dead]:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        return await store.dead_letters()


async def _do(verb: str, ids: tuple[str, ...], config: Path | None) -> tuple[int, list[str]]:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        wanted = ids or tuple(dead.id for dead in await store.dead_letters())
        act = store.retry if verb == "retry" else store.discard
        missing = [ident for ident in wanted if not await act(ident)]
    return len(wanted) - len(missing), missing
