"""One customer's errand, as a script that every cell of the matrix plays."""

from __future__ import annotations

import itertools
import signal
from dataclasses import dataclass
from pathlib import Path

from verdict import Evidence
from world import Nursery, World

TURNS = [
    ("run an errand for me", ["errand/gladly", "errand/ask_number"]),
    ("A1001", ["errand/found", "measure/ask_height"]),
    ("180", ["measure/measured", "errand/sure"]),
    ("yes", ["errand/ask_email"]),
    ("ada@example.com", ["errand/paid"]),
]
"""What the customer writes, and what is said to it."""
SHIPPED = ["errand/shipped", "errand/ask_stars"]
"""What the timer leads to."""


_plays = itertools.count(1)


@dataclass(frozen=True)
class Cell:
    """One way of going wrong."""

    name: str = ""
    """The failpoint; empty for the calm run."""
    at: int = 1
    """Which time it is passed."""
    workers: int = 1
    scene: str = "turns"
    """
    `turns`: the first worker dies while messages come one by one.
    `timer`: whoever passes the failpoint in the turn that the timer begins dies.
    `crowd`: after the first question everything is written at once and delivered twice, and whoever
    passes the failpoint from then on dies.
    """

    @property
    def wait(self) -> float:
        """Seconds until the timer: long enough to arm a failpoint meanwhile, where one is."""
        return 2.0 if self.scene == "timer" else 0.3

    @property
    def calm(self) -> Cell:
        """The same without a fault."""
        return Cell(scene="timer" if self.scene == "timer" else "turns")

    def __str__(self) -> str:
        return f"{self.name or 'calm'}-{self.at}-{self.workers}w-{self.scene}"


async def play(cell: Cell, nursery: Nursery, url: str, folder: Path) -> Evidence:
    """Play the errand with the cell's fault; return what was seen."""
    place = folder / str(cell)
    async with World.open(
        nursery,
        url,
        f"{next(_plays)}:{cell}:",
        place,
        workers=cell.workers,
        options={"later": cell.name, "later_times": cell.at, "wait": cell.wait},
    ) as world:
        now = cell.name and cell.scene == "turns"
        await world.begin_all(**({"failpoint": cell.name, "times": cell.at} if now else {}))
        for text, replies in TURNS[:1]:
            await world.write(text)
            await world.until_said(*replies)
        if cell.scene == "crowd":
            await world.until_quiet()
            _arm(world)
        for text, replies in TURNS[1:]:
            await world.write(text, again=cell.scene == "crowd")
            if cell.scene != "crowd":
                await world.until_said(*replies)
        if cell.name and cell.scene == "timer":
            await world.until_quiet()
            _arm(world)
        await world.until_said(*SHIPPED)
        await world.until_quiet()
        return await world.evidence()


def _arm(world: World) -> None:
    for slot in world.slots:
        world.signal(slot.number, signal.SIGUSR1)


async def run(world: World, who: str = "") -> None:
    """Let a customer do the whole errand, whatever happens around them."""
    for text, replies in TURNS:
        await world.write(text, who=who, within=30)
        await world.until_said(*replies, who=who, within=30)
    await world.until_said(*SHIPPED, who=who, within=30)
    await world.until_quiet(who, within=30)
