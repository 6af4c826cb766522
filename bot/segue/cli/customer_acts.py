"""`segue customer link|unlink|undo|export|erase`: what an operator does with one customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from segue.cli.common import Command, read_settings, with_settings

if TYPE_CHECKING:
    from segue.identity.erasing import Erasing
    from segue.identity.exporting import Exporting
    from segue.identity.merging import Merging
    from segue.memory import Store
    from segue.types import Address, CustomerId

_ACTOR = "cli"


class Desk:
    """What the commands work with, for as long as one runs."""

    def __init__(
        self, store: Store, merging: Merging, erasing: Erasing, exporting: Exporting
    ) -> None:
        self.store = store
        self.merging = merging
        self.erasing = erasing
        self.exporting = exporting

    async def find(self, who: str) -> CustomerId:
        """Return the id of a customer who is named by id or by address."""
        channel, separator, ident = who.partition(":")
        if separator:
            from segue.types import Address

            found = await self.store.owner(Address(channel, ident))
        else:
            found = await self.store.who(who)
        if found is None:
            raise click.ClickException(
                f"there is no customer {who}. Ids are in the logs; an address is CHANNEL:ADDRESS."
            )
        return found


@asynccontextmanager
async def _desk(config: Path | None) -> AsyncIterator[Desk]:
    from segue.app import App
    from segue.cli.store import memory
    from segue.identity.erasing import Erasing
    from segue.identity.exporting import Exporting
    from segue.identity.merging import Merging
    from segue.ports import SystemClock, SystemIds

    settings = read_settings(config)
    app = App(settings)
    adapters = app.channels()
    async with memory(settings) as store:
        merging = Merging(
            store,
            clock=SystemClock(),
            ids=SystemIds(),
            undo=timedelta(hours=settings.identity.undo_hours),
        )
        yield Desk(
            store,
            merging,
            Erasing(store, merging, adapters=lambda: adapters, media=app.media),
            Exporting(store, adapters=lambda: adapters, clock=SystemClock()),
        )


@click.command(cls=Command)
@click.argument("stays", metavar="STAYS")
@click.argument("goes", metavar="GOES")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def link(stays: str, goes: str, yes: bool, config: Path | None) -> None:
    """Make one customer of STAYS and GOES: two ids, or addresses like sms:+43660123456.

    Be sure that both are the same person: each sees what was said with the other. It can be undone
    for identity.undo_hours.
    """
    asyncio.run(_link(stays, goes, yes, config))


async def _link(stays: str, goes: str, yes: bool, config: Path | None) -> None:
    from segue.identity.merging import Merged, UnderWay

    async with _desk(config) as desk:
        into, other = await desk.find(stays), await desk.find(goes)
        if into == other:
            click.echo(f"They are one customer already: {into}.")
            return
        if not yes:
            click.confirm(f"Will {other} become {into}, with everything?", abort=True)
        match await desk.merging.merge(into, other, actor=_ACTOR):
            case Merged(customer=customer, merge=merge):
                click.echo(f"They are one customer now: {customer}.")
                click.echo(f"To undo it: segue customer undo {merge}")
            case UnderWay(merge=merge):
                click.echo("A turn of one of them is running; the servers go on when it has ended.")
                click.echo(f"To undo it then: segue customer undo {merge}")
            case _:
                raise click.ClickException("one of them is gone meanwhile.")


@click.command(cls=Command)
@click.argument("who", metavar="ID")
@click.argument("address", metavar="ADDRESS")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def unlink(who: str, address: str, yes: bool, config: Path | None) -> None:
    """Take ADDRESS, like sms:+43660123456, away from the customer ID.

    Nothing more is let in from it or sent to it as theirs; whoever writes from there is a new
    customer without history. What was said stays with ID.
    """
    asyncio.run(_unlink(who, address, yes, config))


async def _unlink(who: str, text: str, yes: bool, config: Path | None) -> None:
    address = _address(text)
    async with _desk(config) as desk:
        customer = await desk.find(who)
        if not await desk.store.has_address(customer, address):
            raise click.ClickException(
                f"{text} is none of this customer's addresses. "
                f"`segue customer show {customer}` lists them."
            )
        if not yes:
            click.confirm(f"Take {text} away from {customer}?", abort=True)
        fresh = await desk.merging.unlink(customer, address, actor=_ACTOR)
        click.echo(f"It is theirs no more. Its next message is of {fresh or 'a new customer'}.")


@click.command(cls=Command)
@click.argument("merge", metavar="MERGE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def undo(merge: str, yes: bool, config: Path | None) -> None:
    """Undo MERGE, as `link` named it: both are there again, each with what was said at their own.

    It is also in `segue audit show`.
    """
    asyncio.run(_undo(merge, yes, config))


async def _undo(merge: str, yes: bool, config: Path | None) -> None:
    from segue.identity.merging import NotMerged, Parted, UnderWay, Why

    async with _desk(config) as desk:
        if not yes:
            click.confirm("Make two customers of one again?", abort=True)
        match await desk.merging.undo(merge, actor=_ACTOR):
            case Parted(customer=customer, other=other):
                click.echo(f"They are two again: {customer} and {other}.")
            case UnderWay():
                click.echo("A turn is running; the servers go on when it has ended.")
            case NotMerged(why=Why.NO_MERGE):
                raise click.ClickException(
                    f"{merge} is no merge. `segue audit show` lists them as customer.merge."
                )
            case NotMerged(why=Why.MERGED_ON, other=now):
                raise click.ClickException(
                    f"they have become {now} since. Undo that first: `segue audit show "
                    f"--customer {now}` names it."
                )
            case _:
                raise click.ClickException(
                    "it is too late: what an undo needs is kept for identity.undo_hours. "
                    "`segue customer unlink` still takes an address away."
                )


@click.command(cls=Command)
@click.argument("who", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write it; else ID.zip in this directory.",
)
@with_settings
def export(who: str, out: Path | None, config: Path | None) -> None:
    """Write everything that is kept about the customer ID into one archive (zip).

    It is personal data: give it to nobody but the customer. The export is noted in the audit.
    """
    asyncio.run(_export(who, out, config))


async def _export(who: str, out: Path | None, config: Path | None) -> None:
    async with _desk(config) as desk:
        customer = await desk.find(who)
        file = out or Path(f"{customer}.zip")
        with _private(file) as opened:
            found = await desk.exporting.export(customer, opened, actor=_ACTOR)
        if found is None:
            file.unlink()
            raise click.ClickException(f"the customer {customer} is gone meanwhile.")
        click.echo(f"Written to {file}.")


@click.command(cls=Command)
@click.argument("who", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask for the id to be typed.")
@with_settings
def erase(who: str, yes: bool, config: Path | None) -> None:
    """Forget the customer ID for good: words, profile, addresses, files.

    A line of the audit stays, without anything they said. Backups and what platforms keep are not
    reached from here. This cannot be undone.
    """
    asyncio.run(_erase(who, yes, config))


async def _erase(who: str, yes: bool, config: Path | None) -> None:
    async with _desk(config) as desk:
        customer = await desk.find(who)
        if not yes:
            click.echo(f"Everything about {customer} will be gone, and cannot be brought back.")
            if click.prompt("Type the id to go on", default="", show_default=False) != customer:
                raise click.ClickException("that is not the id; nothing was erased.")
        if not await desk.erasing.erase(customer, actor=_ACTOR):
            raise click.ClickException(f"the customer {customer} is gone already.")
        click.echo("Erased.")


def _address(text: str) -> Address:
    from segue.types import Address

    channel, separator, ident = text.partition(":")
    if not (separator and channel and ident):
        raise click.UsageError(f"{text} is no address; write it like sms:+43660123456")
    return Address(channel, ident)


def _private(file: Path) -> IO[bytes]:
    """Open a new file that nobody else on this machine may read."""
    import os

    try:
        return os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except FileExistsError:
        raise click.ClickException(
            f"there is a file {file} already. Name another one with --out."
        ) from None


COMMANDS = (link, unlink, undo, export, erase)
