"""`segue audit`: who did what, and whether anybody has changed the record of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.common import Group, read_settings, table, with_settings

if TYPE_CHECKING:
    from segue.memory import Audited, Verdict


@click.group(cls=Group)
def audit() -> None:
    """Who did what, and whether that was changed.

    Rows are appended and end by their age (store.audit_days). They hold ids, no customer's words.
    """


@audit.command()
@click.option("--customer", metavar="ID", help="Only what was done to this customer.")
@click.option("--after", default="", metavar="ROW", help="Go on after this row's id.")
@click.option("--limit", default=100, show_default=True, help="How many rows.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@with_settings
def show(customer: str | None, after: str, limit: int, as_json: bool, config: Path | None) -> None:
    """Show rows, oldest first."""
    found = asyncio.run(_read(after, limit, customer, config))
    if as_json:
        import msgspec

        for row in found:
            click.echo(msgspec.json.encode(row).decode())
        return
    if not found:
        click.echo("There are no rows.")
        return
    from segue.ports import from_millis

    table(
        ["row", "id", "when (UTC)", "who", "what", "customer", "details"],
        (
            [
                row.number,
                row.id,
                from_millis(row.at).strftime("%Y-%m-%d %H:%M:%S"),
                row.actor,
                row.action,
                row.customer or "-",
                " ".join(f"{name}={value}" for name, value in sorted(row.details.items())),
            ]
            for row in found
        ),
    )


@audit.command()
@with_settings
def verify(config: Path | None) -> None:
    """Check that no row was changed, taken out or put in.

    The digest it prints stands for all rows so far: keep it elsewhere to compare it later.
    """
    verdict = asyncio.run(_check(config))
    for problem in verdict.problems:
        click.echo(problem)
    if verdict.problems:
        raise click.ClickException("the audit is not as it was written.")
    click.echo(f"{verdict.rows} rows are as they were written, the last is row {verdict.number}.")
    if verdict.digest:
        click.echo(f"Digest: {verdict.digest}")


async def _read(after: str, limit: int, customer: str | None, config: Path | None) -> list[Audited]:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        return await store.audited(after, limit, customer)


async def _check(config: Path | None) -> Verdict:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        return await store.check_audit()
