"""`segue bench`: what a turn costs on this machine, with this project's words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import click

from segue.channel import Adapter, Capabilities, Gateway
from segue.cli.common import Command, read_settings, table, with_settings
from segue.errors import SettingsError
from segue.types import Address, CustomerId, Inbound, Proof

if TYPE_CHECKING:
    from segue.app import App

_CUSTOMERS = 16


class _Room:
    """A channel that nobody listens on: what is said there is read in the transcript."""

    name = "bench"
    capabilities = Capabilities(push=False)

    async def start(self, _gateway: Gateway) -> None:
        """Nothing runs beside the turns."""

    async def stop(self) -> None:
        """So there is nothing to stop."""


@click.command(cls=Command)
@click.option(
    "--turns", type=click.IntRange(_CUSTOMERS), default=2000, show_default=True, help="How many."
)
@with_settings
def bench(turns: int, config: Path | None) -> None:
    """Measure a turn: your router, your wording, a store of its own.

    Sixteen invented customers ask what your answers are for. No dialog is begun, so none of your
    steps is done; the store is gone afterwards.
    """
    from segue.app import App
    from segue.server import configure_logging

    configure_logging(level="error")
    app = App(read_settings(config), adapters={"bench": cast("Adapter", _Room())})
    app.load()
    asked = [question for _, told in app.setup.voice.answers() for question in told]
    if not asked:
        raise SettingsError(
            "voice.path",
            "has no answers that could be asked for",
            "Write one in answers.j2; docs/voice.md shows how",
        )
    cpu, seconds, took = asyncio.run(_measure(app, asked, turns))
    table(
        ("CPU a turn", "turns/s", "p50", "p99"),
        [
            (
                f"{cpu / len(took) * 1e6:.0f} µs",
                f"{len(took) / seconds:.0f}",
                f"{took[len(took) // 2] * 1000:.2f} ms",
                f"{took[int(len(took) * 0.99)] * 1000:.2f} ms",
            )
        ],
    )
    click.echo(
        "Of one process, without HTTP. The whole server beside its floor: `make bench` in Segue's "
        "own repository."
    )


async def _measure(app: App, asked: Sequence[str], turns: int) -> tuple[float, float, list[float]]:
    """Return CPU seconds, seconds, and how long each turn took, shortest first."""
    from segue.memory import open_store

    with TemporaryDirectory(prefix="segue-bench-") as folder:
        async with await open_store("embedded:", data_dir=Path(folder)) as store:
            await app.start(store)
            try:
                addresses = [Address("bench", str(number)) for number in range(_CUSTOMERS)]
                customers = [
                    (await app.core.create(address, Proof.CHANNEL, indexed=False), address)
                    for address in addresses
                ]
                each = turns // _CUSTOMERS

                async def talk(first: int, last: int) -> list[float]:
                    took: list[float] = []
                    await asyncio.gather(
                        *(_ask(app, *one, asked, range(first, last), took) for one in customers)
                    )
                    return took

                # Wordings are compiled when they are first said.
                await talk(0, len(asked))
                begun, cpu = app.clock.monotonic(), time.process_time()
                took = await talk(len(asked), len(asked) + each)
                return time.process_time() - cpu, app.clock.monotonic() - begun, sorted(took)
            finally:
                await app.stop()


async def _ask(
    app: App,
    customer: CustomerId,
    address: Address,
    asked: Sequence[str],
    numbers: range,
    took: list[float],
) -> None:
    for number in numbers:
        begun = app.clock.monotonic()
        text = asked[number % len(asked)]
        inbound = Inbound(address=address, message_id=f"m{number}", text=text)
        await app.core.receive(inbound, customer=customer)
        await app.core.answered(customer, inbound.message_id, within=10)
        took.append(app.clock.monotonic() - begun)
