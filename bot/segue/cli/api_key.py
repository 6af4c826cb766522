"""`segue api-key`: keys by which the company's own systems call /api."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.api.scopes import SCOPES
from segue.cli.common import Group, read_settings, table, with_settings

if TYPE_CHECKING:
    from segue.memory import ApiKey


@click.group("api-key", cls=Group)
def api_key() -> None:
    """Keys by which the company's own systems call /api.

    A key is shown once. Give each system its own, with the scopes it needs and no others.
    """


@api_key.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(SCOPES)),
    multiple=True,
    required=True,
    help="What it may do; can be given several times.",
)
@with_settings
def add(name: str, scopes: tuple[str, ...], config: Path | None) -> None:
    """Make a key called NAME and show it, this once."""
    token = asyncio.run(_add(name, scopes, config))
    if token is None:
        raise click.ClickException(f"there is a key {name} already. Revoke it, or choose a name.")
    click.echo(token)
    click.echo("Keep it now: it is not shown again, and not kept here.", err=True)


@api_key.command("list")
@with_settings
def list_(config: Path | None) -> None:
    """List the keys: what they may do, and when each was used last."""
    found = asyncio.run(_list(config))
    if not found:
        click.echo("There are none.")
        return
    table(
        ["name", "scopes", "made (UTC)", "last used (UTC)"],
        ([key.name, " ".join(key.scopes), _when(key.at), _when(key.used)] for key in found),
    )


@api_key.command()
@click.argument("name")
@with_settings
def revoke(name: str, config: Path | None) -> None:
    """Refuse the key called NAME from now on, in every process within a second."""
    if not asyncio.run(_revoke(name, config)):
        raise click.ClickException(f"there is no key {name}. `segue api-key list` shows them.")
    click.echo(f"Revoked: {name}.")


def _when(millis: int) -> str:
    from segue.ports import from_millis

    return from_millis(millis).strftime("%Y-%m-%d %H:%M") if millis else "-"


async def _add(name: str, scopes: tuple[str, ...], config: Path | None) -> str | None:
    from segue.cli.store import memory
    from segue.memory.apikeys import NAME, TOKEN
    from segue.ports import SystemIds

    if NAME.fullmatch(name) is None:
        raise click.UsageError(
            f"{name} is no name for a key: use lower case letters, digits, - and _"
        )
    token = TOKEN + SystemIds().secret()
    async with memory(read_settings(config)) as store:
        if not await store.add_api_key(name, scopes, token):
            return None
        await store.audit(
            "api_key.add", actor="cli", details={"name": name, "scopes": " ".join(scopes)}
        )
    return token


async def _revoke(name: str, config: Path | None) -> bool:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        if not await store.revoke_api_key(name):
            return False
        await store.audit("api_key.revoke", actor="cli", details={"name": name})
        return True


async def _list(config: Path | None) -> list[ApiKey]:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        return await store.api_keys()
