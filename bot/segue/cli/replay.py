"""`segue replay`: the live journals against the code that is here, before it is released.

Nothing is written, nothing is said and no step is run: a play ends where something would happen.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from segue.cli.common import Command, read_settings, table, with_settings

if TYPE_CHECKING:
    from segue.dialog import Facts, Registry
    from segue.engine.state import Frame, State
    from segue.settings import Settings

Fate = Literal["same", "elsewhere", "goes on", "breaks", "gone"]

MEANING: dict[Fate, str] = {
    "same": "stay at the same question",
    "elsewhere": "are asked something else next",
    "goes on": "go past their question: a step runs, or the dialog ends",
    "breaks": "get an apology: the dialog raises an error",
    "gone": "are told that the dialog has changed: it is not there any more",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Affected:
    """What becomes of one running dialog of one customer."""

    customer: str
    dialog: str
    fate: Fate
    before: str
    """The entry that waited."""
    after: str
    """What comes instead."""


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@with_settings
def replay(as_json: bool, config: Path | None) -> None:
    """See who a change of the dialogs would affect.

    Plays every running dialog of the store against the code that is here and compares where it
    waits. It only reads. Exit code 1 if somebody's dialog would break or is gone.
    """
    found = asyncio.run(_replay(read_settings(config)))
    touched = [each for each in found if each.fate != "same"]
    if as_json:
        for each in touched:
            click.echo(json.dumps(asdict(each)))
    else:
        _print(found, touched)
    raise SystemExit(any(each.fate in ("breaks", "gone") for each in found))


def _print(found: list[Affected], touched: list[Affected]) -> None:
    if not found:
        click.echo("Nobody is in the middle of a dialog.")
        return
    if touched:
        table(
            ["customer", "dialog", "", "waited for", "now"],
            ([each.customer, each.dialog, each.fate, each.before, each.after] for each in touched),
        )
        click.echo()
    counts = Counter(each.fate for each in found)
    for fate, meaning in MEANING.items():
        if counts[fate]:
            click.echo(f"{counts[fate]:>7}  {meaning}")


async def _replay(settings: Settings) -> list[Affected]:
    from segue.builtin import every_dialog
    from segue.cli.store import memory
    from segue.dialog import load_dialogs
    from segue.engine.state import decode
    from segue.memory.walk import customers

    dialogs = load_dialogs(settings.dialogs.path).with_builtin(every_dialog())
    found: list[Affected] = []
    async with memory(settings) as store:
        async for customer in customers(store):
            snapshot = await store.snapshot(customer)
            if snapshot is not None and snapshot.state:
                state = decode(snapshot.state)
                found += of_customer(customer, state, dialogs, settings.company.timezone)
    return found


def of_customer(customer: str, state: State, dialogs: Registry, timezone: str) -> list[Affected]:
    """Return what becomes of each running dialog of one customer."""
    return [
        of_frame(customer, frame, dialogs, _facts(state, frame, timezone)) for frame in state.frames
    ]


def of_frame(customer: str, frame: Frame, dialogs: Registry, facts: Facts) -> Affected:
    """Play one running dialog against the code that is here."""
    from segue.dialog import hold, play
    from segue.dialog.outcome import Broken, Calling, Waiting

    before = frame.open.entry if frame.open else "another dialog"

    def affected(fate: Fate, after: str = "") -> Affected:
        return Affected(
            customer=customer, dialog=frame.dialog, fate=fate, before=before, after=after
        )

    dialog = dialogs.get(frame.dialog)
    if dialog is None:
        return affected("gone")
    match play(dialog, frame.journal, facts=facts, reader=hold, values=frame.values):
        case Waiting(entry=entry):
            same = frame.open is not None and frame.open.entry == entry
            return affected("same" if same else "elsewhere", entry)
        case Calling(entry=entry):
            return affected("elsewhere" if frame.open else "same", entry)
        case Broken(error=error):
            return affected("breaks", " ".join(f"{type(error).__name__}: {error}".split()))
        case outcome:
            return affected("goes on", type(outcome).__name__.lower())


def _facts(state: State, frame: Frame, timezone: str) -> Facts:
    from zoneinfo import ZoneInfo

    from segue.dialog import Facts
    from segue.ports import SystemChance, SystemClock
    from segue.types import Proof

    return Facts(
        channel=state.address.channel if state.address else "",
        locale=state.locale,
        now=SystemClock().now().astimezone(ZoneInfo(timezone)),
        random=SystemChance().random,
        profile={name: fact.value for name, fact in state.profile.items()},
        utterance=frame.utterance,
        proof=Proof.VERIFIED,
    )
