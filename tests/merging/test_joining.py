"""Two states into one, and one into two: what must hold whatever the two were."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from segue.engine.joining import join, origin_of, part, raised, stacks
from segue.engine.state import Fact, Frame, State, Timer, decode, encode
from segue.engine.transcript import interleaved
from segue.types import Address, Line, Who

ADA, BEN = "ada".ljust(22, "x"), "ben".ljust(22, "x")
PHONE, APP = Address("sms", "+1"), Address("telegram", "7")

FACTS = st.dictionaries(
    st.sampled_from(["email", "size", "name"]),
    st.builds(
        Fact,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 5),
        st.sampled_from(["sms", "telegram"]),
        st.sampled_from(["signed in", "company", "return_item", "verified"]),
    ),
)


@st.composite
def states(draw: Any, address: Address) -> State:
    """A customer who may be in the middle of something."""
    frames = []
    for number in range(draw(st.integers(0, 2))):
        kind = "root" if not frames else draw(st.sampled_from(["call", "aside"]))
        dialog = draw(st.sampled_from(["return_item", "delivery"]))
        frames.append(Frame(dialog=dialog, instance=f"{number + 1}.1", kind=kind))
    timers = [
        Timer(draw(st.integers(1, 99)), "reminder", frame.instance, "e")
        for frame in frames
        if draw(st.booleans())
    ]
    return State(
        turn=draw(st.integers(0, 9)),
        frames=frames,
        timers=timers,
        profile=draw(FACTS),
        locale=draw(st.sampled_from(["en", "de"])),
        name=draw(st.sampled_from(["", "Ada", "Ben"])),
        address=draw(st.sampled_from([None, address])),
        disclosed=[address.channel],
    )


both = given(one=states(PHONE), two=states(APP), at=st.integers(0, 3), then=st.integers(0, 3))


def shape(state: State) -> tuple[Any, ...]:
    """What must not depend on who goes: all but whose instances carry an id."""

    def bare(instance: str) -> str:
        return instance.partition("@")[0]

    return (
        [(f.dialog, f.kind, bare(f.instance)) for f in state.frames],
        sorted((t.due, bare(t.instance)) for t in state.timers),
        state.profile,
        (state.turn, state.locale, state.name, state.address, state.disclosed),
    )


@both
def test_it_does_not_matter_who_goes(one: State, two: State, at: int, then: int) -> None:
    """A into B is as B into A."""
    here = join(one, two, origin=BEN, into_at=at, other_at=then)
    there = join(two, one, origin=ADA, into_at=then, other_at=at)
    if (at, one.turn) != (then, two.turn) or one.address != two.address:
        assert shape(here) == shape(there)
    assert here.profile == there.profile


@both
def test_nothing_is_lost(one: State, two: State, at: int, then: int) -> None:
    """Every journey, timer and fact is there; of two values the proved, then the later."""
    joined = join(one, two, origin=BEN, into_at=at, other_at=then)
    assert len(joined.frames) == len(one.frames) + len(two.frames)
    assert len({frame.instance for frame in joined.frames}) == len(joined.frames)
    assert len(joined.timers) == len(one.timers) + len(two.timers)
    assert joined.profile.keys() == one.profile.keys() | two.profile.keys()
    for name, fact in joined.profile.items():
        assert fact in (one.profile.get(name), two.profile.get(name))
        others = [p[name] for p in (one.profile, two.profile) if name in p]
        if any(f.source in ("signed in", "verified") for f in others):
            assert fact.source in ("signed in", "verified")
    assert joined.turn >= max(one.turn, two.turn)
    assert decode(encode(joined)) == joined


@both
def test_doing_it_again_gives_the_same(one: State, two: State, at: int, then: int) -> None:
    """A process that goes on with a merge decides what the one before it did."""
    once = encode(join(one, two, origin=BEN, into_at=at, other_at=then))
    again = encode(join(one, two, origin=BEN, into_at=at, other_at=then))
    assert once == again


@both
def test_parting_gives_each_their_own(one: State, two: State, at: int, then: int) -> None:
    """With nothing said in between, both have their journeys, timers and facts again."""
    joined = join(one, two, origin=BEN, into_at=at, other_at=then)
    mine, yours = part(joined, was_into=one, was_other=two, origin=BEN, theirs=[APP], ours=[PHONE])
    for now, was in ((mine, one), (yours, two)):
        assert [(f.dialog, f.instance) for f in now.frames] == [
            (f.dialog, f.instance) for f in was.frames
        ]
        assert now.profile == was.profile
        assert [t.instance for t in now.timers] == [t.instance for t in was.timers]


@both
def test_what_was_learned_since_stays_where_it_was_said(
    one: State, two: State, at: int, then: int
) -> None:
    """A fact told on a channel that leaves goes with it, and is not left behind (I7)."""
    joined = join(one, two, origin=BEN, into_at=at, other_at=then)
    later = replace(
        joined,
        profile={
            **joined.profile,
            "theirs": Fact("x", 9, "telegram", "d"),
            "ours": Fact("y", 9, "sms", "d"),
        },
    )
    mine, yours = part(later, was_into=one, was_other=two, origin=BEN, theirs=[APP], ours=[PHONE])
    assert "theirs" not in mine.profile
    assert yours.profile["theirs"].value == "x"
    assert mine.profile["ours"].value == "y"
    assert "ours" not in yours.profile


def test_the_newer_journey_stays_on_top() -> None:
    """The other lies below it, and comes up when the customer asks for it."""
    one = State(turn=3, frames=[Frame("return_item", "3.1")], address=PHONE)
    two = State(turn=5, frames=[Frame("delivery", "5.1")], address=APP)
    joined = join(one, two, origin=BEN, into_at=1, other_at=2)
    assert [(f.dialog, f.kind) for f in joined.frames] == [
        ("return_item", "root"),
        ("delivery", "beside"),
    ]
    assert len(stacks(joined.frames)) == 2
    assert origin_of(joined.frames[1].instance) == BEN
    other = raised(joined.frames, "return_item")
    assert other is not None
    assert [(f.dialog, f.kind) for f in other] == [("delivery", "root"), ("return_item", "beside")]
    assert raised(other, "return_item") is None


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["", BEN, "cyd"])), max_size=12))
def test_interleaving_loses_no_line_and_turns_no_side_around(
    said: list[tuple[int, str]],
) -> None:
    """Each side keeps its order; of two sides, what was said earlier comes first."""
    lines = [
        (number, Line(who=Who.CUSTOMER, at=at, channel="sms", joined=side))
        for number, (at, side) in enumerate(said, 1)
    ]
    found = interleaved(lines)
    assert sorted(number for number, _ in found) == [number for number, _ in lines]
    for side in {side for _, side in said}:
        mine = [number for number, line in found if line.joined == side]
        assert mine == sorted(mine)
    rising = all(a[1].at <= b[1].at for a, b in pairwise(lines))
    if rising:
        assert [line.at for _, line in found] == sorted(at for at, _ in said)
