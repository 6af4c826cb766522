"""What came in while nobody listened is asked for, once, and answered like anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from town import Post, Town

from segue.channel import Accepted, NotAccepted
from segue.engine.catching_up import EVERY, CatchUp
from segue.ports import to_millis
from segue.testing.clock import FixedChance
from segue.types import Address, CustomerId, Inbound


@dataclass
class Listing(Post):
    """A platform that lists what came in."""

    held: list[tuple[datetime, str]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    breaks_after: int = 99

    async def missed(self, since: datetime) -> AsyncIterator[Inbound]:
        self.asked.append(since)
        for number, (at, text) in enumerate(self.held):
            if number >= self.breaks_after:
                raise ConnectionError("cut")
            if at > since:
                yield Inbound(
                    address=Address("post", "ada"),
                    message_id=text,
                    text=text,
                    received_at=to_millis(at),
                )


@dataclass
class Desk:
    """The part of a gateway that takes messages, with its memory of them."""

    taken: list[Inbound] = field(default_factory=list)
    full: bool = False

    async def receive(
        self, inbound: Inbound, *, customer: CustomerId | None = None
    ) -> Accepted | NotAccepted:
        if self.full:
            return NotAccepted(why="full", status=429)
        known = any(one.message_id == inbound.message_id for one in self.taken)
        if not known:
            self.taken.append(inbound)
        return Accepted(customer="ada", duplicate=known)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.taken]


def catching_up(town: Town, post: Listing, desk: Desk) -> CatchUp:
    return CatchUp(town.store, desk, {"post": post}, town.clock, FixedChance(0.5))  # type: ignore[arg-type]


async def test_the_first_start_has_missed_nothing(town: Town) -> None:
    """What was written before there was a bot is none of its business."""
    post, desk = Listing(town.clock, held=[(town.clock.now() - EVERY, "old")]), Desk()
    assert await catching_up(town, post, desk).look("post") == 0
    assert post.asked == []


async def test_after_an_outage_nothing_is_lost_and_nothing_twice(town: Town) -> None:
    """From where all was known, with an overlap; copies are recognised; each has its own time."""
    post, desk = Listing(town.clock), Desk()
    await catching_up(town, post, desk).look("post")
    start = town.clock.now()
    await desk.receive(Inbound(address=Address("post", "ada"), message_id="known", text="known"))
    post.held = [(start + timedelta(seconds=1), "known"), (start + timedelta(minutes=2), "missed")]
    town.clock.move(timedelta(hours=3))
    post.held.append((town.clock.now() - timedelta(seconds=5), "just now"))
    after = catching_up(town, post, desk)
    assert await after.look("post") == 2
    assert desk.texts == ["known", "missed", "just now"]
    written = [to_millis(at) for at, _ in post.held]
    assert [one.received_at for one in desk.taken[1:]] == written[1:]
    assert start - timedelta(minutes=5) < post.asked[0] < start
    assert await after.look("post") == 0, "it is known until now"
    assert len(post.asked) == 1


async def test_a_pass_that_breaks_is_made_again(town: Town) -> None:
    """Nothing between the break and the end is forgotten."""
    post, desk = Listing(town.clock), Desk()
    up = catching_up(town, post, desk)
    await up.look("post")
    town.clock.move(EVERY * 2)
    now = town.clock.now()
    post.held = [(now - timedelta(minutes=n), f"m{n}") for n in (4, 3, 2)]
    post.breaks_after = 1
    assert await up.look("post") == 1
    post.breaks_after = 99
    assert await up.look("post") == 2
    assert desk.texts == ["m4", "m3", "m2"]


async def test_what_is_not_taken_is_asked_for_again(town: Town) -> None:
    """A full inbox stops the pass; the next one goes on."""
    post, desk = Listing(town.clock), Desk(full=True)
    up = catching_up(town, post, desk)
    await up.look("post")
    town.clock.move(EVERY * 2)
    post.held = [(town.clock.now(), "m1")]
    assert await up.look("post") == 0
    desk.full = False
    assert await up.look("post") == 1


async def test_nothing_older_than_the_memory_of_messages_is_asked_for(town: Town) -> None:
    """Beyond that a copy would not be recognised, and be answered twice."""
    post, desk = Listing(town.clock), Desk()
    await catching_up(town, post, desk).look("post")
    town.clock.move(timedelta(days=20))
    await catching_up(town, post, desk).look("post")
    assert town.clock.now() - post.asked[0] < town.store.limits.seen


async def test_one_process_asks(town: Town) -> None:
    """Two start at once: one asks."""
    post, desk = Listing(town.clock), Desk()
    await catching_up(town, post, desk).look("post")
    town.clock.move(EVERY * 2)
    other = await town.another()  # type: ignore[attr-defined]
    second = CatchUp(other, desk, {"post": post}, town.clock, FixedChance(0.5))  # type: ignore[arg-type]
    await catching_up(town, post, desk).look("post")
    await second.look("post")
    assert len(post.asked) == 1
