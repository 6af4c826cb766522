"""`segue webhooks`: other systems that are told what happened."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.common import Group, read_settings, table, with_settings

if TYPE_CHECKING:
    from segue.memory.hooks import Queue, Webhook

_EVENTS = ("milestone.reached", "profile.changed", "dialog.started", "dialog.dropped")


@click.group(cls=Group)
def webhooks() -> None:
    """Other systems that are told what happened."""


@webhooks.command()
@click.argument("name")
@click.argument("url")
@click.option(
    "--event",
    "events",
    type=click.Choice(_EVENTS),
    multiple=True,
    help="Only events of this type; can be given several times. Else all.",
)
@with_settings
def add(name: str, url: str, events: tuple[str, ...], config: Path | None) -> None:
    """Tell URL what happens from now on, under NAME; show the secret that signs it, this once."""
    secret = asyncio.run(_add(name, url, events, config))
    if secret is None:
        raise click.ClickException(f"there is a webhook {name} already. Remove it first.")
    click.echo(secret)
    click.echo("Keep it now: the receiver needs it to check what comes.", err=True)


@webhooks.command("list")
@click.argument("name", required=False)
@with_settings
def list_(name: str | None, config: Path | None) -> None:
    """List the webhooks; with NAME what waits, what is parked, and what was told lately."""
    found = asyncio.run(_list(config))
    if name is not None:
        queue = next((queue for hook, queue in found if hook.name == name), None)
        if queue is None:
            raise click.ClickException(f"there is no webhook {name}.")
        _show(queue)
        return
    if not found:
        click.echo("There are none.")
        return
    table(
        ["name", "url", "events", "waiting", "parked", "last"],
        (
            [
                hook.name,
                hook.url.partition("?")[0],
                " ".join(hook.events) or "all",
                queue.waiting,
                len(queue.parked),
                f"{queue.past[0].fate} {_when(queue.past[0].at)}" if queue.past else "-",
            ]
            for hook, queue in found
        ),
    )


@webhooks.command()
@click.argument("name")
@click.argument("events", nargs=-1, metavar="[EVENT]...")
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
@with_settings
def retry(name: str, events: tuple[str, ...], everything: bool, config: Path | None) -> None:
    """Tell parked events of the webhook NAME again."""
    if everything == bool(events):
        raise click.UsageError("name the events, or --all. `segue webhooks list NAME` shows them")
    done = asyncio.run(_retry(name, events, config))
    click.echo(f"Put back: {done}.")
    if done < len(events):
        raise click.ClickException("the others are not parked (any more).")


@webhooks.command()
@click.argument("name")
@with_settings
def remove(name: str, config: Path | None) -> None:
    """Tell the webhook NAME nothing any more, and forget what waits for it."""
    if not asyncio.run(_remove(name, config)):
        raise click.ClickException(f"there is no webhook {name}. `segue webhooks list` shows them.")
    click.echo(f"Removed: {name}.")


def _show(queue: Queue) -> None:
    for title, events in (("waiting", queue.events), ("parked", queue.parked)):
        click.secho(f"{title}: {queue.waiting if title == 'waiting' else len(events)}", bold=True)
        if events:
            table(
                ["event", "type", "happened (UTC)", "tries", "why"],
                ([e.id, e.type, _when(e.at), e.tries, e.why or "-"] for e in events[:50]),
            )
    click.secho("lately:", bold=True)
    table(
        ["when (UTC)", "event", "type", "what", "why"],
        ([_when(p.at), p.id, p.type, p.fate, p.why] for p in queue.past[:50]),
    )


def _when(millis: int) -> str:
    from segue.ports import from_millis

    return from_millis(millis).strftime("%Y-%m-%d %H:%M:%S") if millis else "-"


async def _add(name: str, url: str, events: tuple[str, ...], config: Path | None) -> str | None:
    from segue.api.targets import BadTarget, check_target
    from segue.cli.store import memory
    from segue.memory.apikeys import NAME
    from segue.ports import SystemIds

    settings = read_settings(config)
    if NAME.fullmatch(name) is None:
        raise click.UsageError(f"{name} is no name: use lower case letters, digits, - and _")
    try:
        check_target(url, private=settings.api.private_webhooks)
    except BadTarget as error:
        raise click.UsageError(str(error)) from None
    secret = "whsec_" + SystemIds().secret()
    async with memory(settings) as store:
        if not await store.add_webhook(name, url, secret, events):
            return None
        await store.audit("webhook.add", actor="cli", details={"name": name})
    return secret


async def _remove(name: str, config: Path | None) -> bool:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        if not await store.remove_webhook(name):
            return False
        await store.audit("webhook.remove", actor="cli", details={"name": name})
        return True


async def _list(config: Path | None) -> list[tuple[Webhook, Queue]]:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        return [(hook, await store.queue(hook.name)) for hook in await store.webhooks()]


async def _retry(name: str, events: tuple[str, ...], config: Path | None) -> int:
    from segue.cli.store import memory

    async with memory(read_settings(config)) as store:
        if name not in [hook.name for hook in await store.webhooks()]:
            raise click.ClickException(f"there is no webhook {name}.")
        parked = (await store.queue(name)).parked
        chosen = [event for event in parked if not events or event.id in events]
        return sum([await store.revive_event(name, event) for event in chosen])
