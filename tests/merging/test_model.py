"""Merges, undos, unlinks, erasures and deaths in any order, against a model on one page.

The model knows people, their addresses, and who may read which words. It is compared when all is
quiet: I1 no word is lost, I2 none is there or answered twice, I4 each address keeps its order,
I7 nobody reads what is somebody else's.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_towns import Town

from segue import failpoints
from segue.identity.erasing import Erasing
from segue.identity.merging import Merged, Parted
from segue.memory import Erasing as Found
from segue.memory import open_store
from segue.memory.embedded import Embedded
from segue.types import Address

PLACES = ("sms", "telegram", "slack")
_worlds = itertools.count(1)
_place = st.integers(0, 2)
_pair = st.sampled_from([(a, b) for a in range(3) for b in range(3) if a != b])
_death = st.sampled_from([*failpoints.OF_MERGES, *failpoints.OF_ERASURES, "", "", "", "", ""])

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _place),
        st.tuples(st.just("wait"), _place),
        st.tuples(st.just("merge"), _pair, _death),
        st.tuples(st.just("merge"), _pair, st.just("")),
        st.tuples(st.just("undo"), _death),
        st.tuples(st.just("undo"), st.just("")),
        st.tuples(st.just("unlink"), _place),
        st.tuples(st.just("erase"), _place, _death),
        st.tuples(st.just("sweep")),
    ),
    min_size=5,
    max_size=18,
)


class Died(BaseException):
    """Stands for the death of a process."""


@dataclass(eq=False)
class Person:
    """Who may read what."""

    addresses: list[Address]
    words: list[tuple[Address, str]] = field(default_factory=list)


@dataclass
class Link:
    """A merge that may be undone."""

    merge: str
    stays: Person
    goes: Person
    theirs: list[tuple[Address, str]]
    before: list[tuple[Address, str]]
    """All that had been said by then: what the one had heard at such an address stays theirs."""


class World:
    """The model beside the town."""

    def __init__(self, town: Town, server: Embedded) -> None:
        self.town, self.server = town, server
        self.erasing = Erasing(town.store, town.merging, adapters=dict)
        self.places = [Address(channel, f"{channel}-1") for channel in PLACES]
        self.people = [Person([address]) for address in self.places]
        self.links: list[Link] = []
        self.unanswered: set[str] = set()
        self._count = itertools.count(1)

    async def begin(self) -> None:
        for number, address in enumerate(self.places):
            await self.town.store.create(f"p{number}".ljust(22, "x"), address, 2)
            await self.write(number)

    def whose(self, place: int) -> Person:
        address = self.places[place]
        return next(person for person in self.people if address in person.addresses)

    # -- what happens --------------------------------------------------------------------------

    async def write(self, place: int, *, answer: bool = True) -> None:
        text = f"w{next(self._count)}"
        address = self.places[place]
        self.whose(place).words.append((address, text))
        if await self.town.store.owner(address) is None:
            await self.town.store.create(f"n{text}".ljust(22, "x"), address, 2)
        await self.town.write(address, text, answer=answer)

    async def wait(self, place: int) -> None:
        await self.write(place, answer=False)

    async def merge(self, pair: tuple[int, int], death: str) -> None:
        await self.quiet()
        one, two = pair
        stays, goes = self.whose(one), self.whose(two)
        into = await self._id(one)
        other = await self._id(two)
        if stays is goes or into is None or other is None:
            return
        done = await self._dying(self.town.merging.merge(into, other, actor="cli"), death)
        await self.quiet()
        if await self.town.store.who(other) != into:
            assert death == "merge_begun" or done is None
            return
        rows = await self.town.store.audited(customer=into, limit=500)
        merge = next(r.details["merge"] for r in reversed(rows) if r.action == "customer.merge")
        assert done is None or done == Merged(customer=into, merge=merge)
        self.links.append(Link(merge, stays, goes, list(goes.words), stays.words + goes.words))
        stays.words = stays.words + goes.words
        stays.addresses = stays.addresses + goes.addresses
        self.people.remove(goes)

    async def undo(self, death: str) -> None:
        await self.quiet()
        if not self.links:
            return
        link = self.links.pop()
        done = await self._dying(self.town.merging.undo(link.merge, actor="cli"), death)
        await self.quiet()
        if link.stays not in self.people:
            assert done is None or not isinstance(done, Parted)
            return
        stays, goes = link.stays, link.goes
        left = [address for address in goes.addresses if address in stays.addresses]
        mine, theirs = [], list(link.theirs)
        for word in stays.words:
            if word in link.theirs:
                continue
            back = word[0] in left and word not in link.before
            (theirs if back else mine).append(word)
        stays.words, goes.words = mine, theirs
        stays.addresses = [each for each in stays.addresses if each not in left]
        goes.addresses = left
        self.people.append(goes)

    async def unlink(self, place: int) -> None:
        await self.quiet()
        person, address = self.whose(place), self.places[place]
        owner = await self._id(place)
        if owner is None:
            return
        await self.town.merging.unlink(owner, address, actor="cli")
        person.addresses.remove(address)
        self.people.append(Person([address]))

    async def erase(self, place: int, death: str) -> None:
        await self.quiet()
        person = self.whose(place)
        owner = await self._id(place)
        if owner is None:
            return
        await self._dying(self.erasing.erase(owner, actor="cli"), death)
        await self.quiet()
        self.people.remove(person)
        self.people += [Person([address]) for address in person.addresses]

    async def sweep(self) -> None:
        await self.town.sweep()

    async def _id(self, place: int) -> str | None:
        owner = await self.town.store.owner(self.places[place])
        return await self.town.store.who(owner) if owner else None

    async def _dying(self, work: Any, failpoint: str) -> Any:
        def hook(name: str) -> None:
            if name == failpoint:
                raise Died

        failpoints.on_hit(hook)
        try:
            with suppress(Died):
                return await work
            return None
        finally:
            failpoints.on_hit(None)

    # -- what must hold ------------------------------------------------------------------------

    async def quiet(self) -> None:
        """Let time pass and sweep, until nobody is due."""
        with redis.Redis(unix_socket_path=str(self.server.socket)) as client:
            for _ in range(20):
                due = self.town.store.keys.due(0)
                customers = client.zrange(due, 0, -1)
                if not customers:
                    return
                for customer in customers:
                    taken = await self.town.store.who(customer.decode())
                    if taken is None and isinstance(
                        await self.town.store.take(customer.decode()), Found
                    ):
                        await self.erasing.resume(customer.decode())
                    else:
                        await self.town.look_after(customer.decode())
        raise AssertionError("it does not come to rest")

    async def check(self) -> None:
        await self.quiet()
        for person in self.people:
            for place in person.addresses:
                owner = await self._id(self.places.index(place))
                if owner is None:
                    assert person.words == []
                    continue
                assert await self.town.addresses(owner) == set(person.addresses)
                words = await self.town.words(owner)
                said = [word for word in words if word.startswith("w")]
                assert sorted(said) == sorted(text for _, text in person.words), "I1, I2, I7"
                for address in {address for address, _ in person.words}:
                    mine = [text for at, text in person.words if at == address]
                    assert [w for w in said if w in mine] == sorted(mine, key=_number), "I4"
                answers = [word.removeprefix("re ") for word in words if word.startswith("re ")]
                assert len(answers) == len(set(answers)), "I2"
                assert set(answers) <= set(said), "I7"
        sent = [text for _, text in self.town.sent]
        assert len(sent) == len(set(sent)), "I3"


def _number(word: str) -> int:
    return int(word[1:])


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_people_become_one_and_two_again(valkey: Embedded, steps: list[tuple[Any, ...]]) -> None:
    """Whatever happens in whatever order: everybody has their own words, all of them, once."""

    prefix = f"merges{next(_worlds)}:"

    async def play() -> None:
        async with await open_store(valkey.url, prefix=prefix, partitions=1) as store:
            world = World(Town(store), valkey)
            await world.begin()
            for verb, *what in steps:
                await getattr(world, verb)(*what)
            await world.check()

    asyncio.run(play())
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        client.delete(*client.scan_iter(f"{prefix}*"))
