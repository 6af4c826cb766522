"""Typing is shown while a turn is slow, where the platform can show it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from town import Post

from segue.engine.showing import Showing
from segue.testing.clock import FakeClock
from segue.types import Address


@dataclass
class Shown(Post):
    """A platform that shows it."""

    typings: list[float] = field(default_factory=list)
    breaks: bool = False

    async def typing(self, address: Address) -> None:
        if self.breaks:
            raise ConnectionError("cut")
        self.typings.append(self.clock.monotonic())


ADA = Address("post", "ada")


async def moved(clock: FakeClock, seconds: float) -> None:
    for _ in range(int(seconds)):
        clock.move(1)
        for _ in range(3):
            await asyncio.sleep(0)


async def test_it_is_shown_again_and_again_until_the_answer_is_there() -> None:
    """Every four seconds: the platform shows it for five."""
    clock = FakeClock()
    post = Shown(clock)
    showing = Showing({"post": post}, clock)
    showing.begin("ada", ADA)
    showing.begin("ada", ADA)
    await asyncio.sleep(0)
    await moved(clock, 9)
    assert post.typings == [0, 4, 8]
    showing.end("ada")
    await moved(clock, 9)
    assert post.typings == [0, 4, 8]


async def test_a_step_that_never_ends_is_not_shown_for_ever() -> None:
    """After two minutes it would be a lie."""
    clock = FakeClock()
    post = Shown(clock)
    Showing({"post": post}, clock).begin("ada", ADA)
    await asyncio.sleep(0)
    await moved(clock, 600)
    assert post.typings[-1] < 120


async def test_nothing_depends_on_it() -> None:
    """A platform that cannot, an adapter that raises: the turn goes on."""
    clock = FakeClock()
    post = Shown(clock, breaks=True)
    showing = Showing({"post": post, "plain": Post(clock, name="plain")}, clock)
    showing.begin("ada", ADA)
    showing.begin("ben", Address("plain", "ben"))
    showing.begin("zoe", Address("gone", "zoe"))
    await moved(clock, 5)
    showing.end("ada")
    showing.end("nobody")
    assert post.typings == []
