"""Two states into one, and one into two again: pure, so that a merge may be done again.

- `join` loses no open journey, no timer and no fact: the stack of dialogs that was worked on last
  stays on top, the other lies below it and its question comes back when the upper one has ended, or
  when the customer asks for it.
- Of two values for one fact the proved one wins, then what the customer said before what the
  company says, then the later one; it does not matter which customer goes. The other value is kept
  for the undo, with all that the two were.
- What came from the other carries its id (`@ID` behind the instance of a dialog), so that the keys
  of its steps stay the same, and `part` finds it again.
- `part` gives each side what it had, with what was learned since at its addresses. What was said or
  learned before the merge by one is not left with the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from segue.engine.state import Fact, Frame, State, Timer
from segue.types import Address, CustomerId, Millis

PROVED = ("signed in", "verified")
"""Sources of facts that somebody stands for."""
COMPANY = "company"
_OF_DIALOGS = ("reminder", "timeout", "wait")
"""Kinds of timers that belong to a dialog; others have ids of their own."""
_WORDINGS = 8


# -- two into one ----------------------------------------------------------------------------------


def join(
    into: State, other: State, *, origin: CustomerId, into_at: Millis, other_at: Millis
) -> State:
    """Return the state of the one customer that both are now.

    `origin` is the id of `other`; `into_at` and `other_at` say when each was last heard of.
    """
    theirs = _marked(other, origin)
    newer, older = (into, theirs) if _later(into, into_at, other, other_at) else (theirs, into)
    return replace(
        into,
        turn=max(into.turn, other.turn),
        frames=_stacked(older.frames, newer.frames),
        profile=_profile(into.profile, other.profile),
        timers=[*older.timers, *newer.timers],
        locale=newer.locale or older.locale,
        name=newer.name or older.name,
        address=newer.address or older.address,
        last=newer.last,
        offered=newer.offered,
        offer=newer.offer,
        unsure=newer.unsure,
        disclosed=sorted({*into.disclosed, *other.disclosed}),
        wordings=_latest({**older.wordings, **newer.wordings}),
        contexts={**older.contexts, **newer.contexts},
        numbers={**into.numbers, **other.numbers},
        last_level=newer.last_level,
        said=newer.said,
        asked=into.asked or other.asked,
    )


def _later(into: State, into_at: Millis, other: State, other_at: Millis) -> bool:
    """Whether `into` was worked on last; with equal times the same one wins from both sides."""
    mine, yours = (
        (into_at, into.turn, repr(into.address)),
        (other_at, other.turn, repr(other.address)),
    )
    return mine >= yours


def _stacked(below: list[Frame], above: list[Frame]) -> list[Frame]:
    if not below or not above:
        return [*below, *above]
    return [*below, replace(above[0], kind="beside"), *above[1:]]


def _profile(one: dict[str, Fact], two: dict[str, Fact]) -> dict[str, Fact]:
    found = dict(one)
    for name, fact in two.items():
        known = found.get(name)
        found[name] = fact if known is None else max(known, fact, key=_worth)
    return dict(sorted(found.items()))


def _worth(fact: Fact) -> tuple[int, Millis, str, str, str]:
    source = fact.source.partition(":")[0]
    level = 2 if source in PROVED else 0 if source == COMPANY else 1
    return (level, fact.at, fact.channel, fact.source, repr(fact.value))


def _latest(wordings: dict[str, int]) -> dict[str, int]:
    return dict(list(wordings.items())[-_WORDINGS:])


# -- whose a dialog is -----------------------------------------------------------------------------


def origin_of(instance: str) -> CustomerId:
    """Return the id of the customer a dialog began with, where that is another one now."""
    return instance.partition("@")[2]


def _stem(instance: str) -> str:
    """Return an instance without how often it was restarted."""
    return instance.partition("@")[0].partition("r")[0]


def _marked(state: State, origin: CustomerId) -> State:
    def mark(instance: str) -> str:
        return instance if "@" in instance else f"{instance}@{origin}"

    return replace(
        state,
        frames=[replace(frame, instance=mark(frame.instance)) for frame in state.frames],
        timers=[
            replace(timer, instance=mark(timer.instance)) if timer.kind in _OF_DIALOGS else timer
            for timer in state.timers
        ],
    )


def _plain(instance: str, origin: CustomerId) -> str:
    return instance.removesuffix(f"@{origin}")


def stacks(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Return the frames as the stacks they are, lowest first: one, except after a merge."""
    found: list[list[Frame]] = []
    for frame in frames:
        if frame.kind == "beside" or not found:
            found.append([])
        found[-1].append(frame)
    return found


def unstacked(found: Iterable[list[Frame]]) -> list[Frame]:
    """Return stacks as frames again: the lowest begins with a root."""
    frames: list[Frame] = []
    for stack in found:
        if stack:
            kind = "beside" if frames else "root"
            frames += [replace(stack[0], kind=kind), *stack[1:]]
    return frames


def raised(frames: list[Frame], dialog: str) -> list[Frame] | None:
    """Return the frames with the stack on top that holds a dialog; None if it is there already."""
    found = stacks(frames)
    for number, stack in enumerate(found[:-1]):
        if any(frame.dialog == dialog for frame in stack):
            return unstacked([*found[:number], *found[number + 1 :], stack])
    return None


# -- one into two ----------------------------------------------------------------------------------


def part(
    now: State,
    *,
    was_into: State,
    was_other: State,
    origin: CustomerId,
    theirs: Collection[Address],
    ours: Collection[Address],
) -> tuple[State, State]:
    """Return what each of the two has after an undo: (who stays, who is there again).

    `theirs` are the addresses that leave, `ours` those that stay.
    """
    leaving = {address.channel for address in theirs} - {address.channel for address in ours}
    phones = {f"{address.channel}:{address.id}" for address in theirs}
    here = now.address is not None and now.address not in theirs
    had = {_stem(frame.instance) for frame in was_into.frames}
    into_stacks: list[list[Frame]] = []
    other_stacks: list[list[Frame]] = []
    for stack in stacks(now.frames):
        began = origin_of(stack[0].instance)
        mine = began != origin if began else here or _stem(stack[0].instance) in had
        (into_stacks if mine else other_stacks).append(stack)
    gone = {frame.instance for stack in other_stacks for frame in stack}

    def left(timer: Timer) -> bool:
        if timer.kind in _OF_DIALOGS:
            return timer.instance in gone or origin_of(timer.instance) == origin
        return timer.instance in {one.instance for one in was_other.timers}

    into_profile, other_profile = _parted(now, was_into, was_other, leaving)
    into = replace(
        now,
        frames=unstacked(into_stacks),
        profile=into_profile,
        timers=[timer for timer in now.timers if not left(timer)],
        locale=now.locale if here else was_into.locale,
        name=now.name if here and now.name != was_other.name else was_into.name,
        address=now.address if here else was_into.address,
        last=(),
        offered=(),
        offer="",
        unsure=0,
        contexts={c: x for c, x in now.contexts.items() if c not in leaving},
        numbers={key: n for key, n in now.numbers.items() if key not in phones},
        last_level=0,
        said=None,
        merge="",
    )
    other = replace(
        was_other,
        turn=now.turn,
        frames=[
            replace(frame, instance=_plain(frame.instance, origin))
            for frame in unstacked(other_stacks)
        ],
        profile=other_profile,
        timers=[
            replace(timer, instance=_plain(timer.instance, origin))
            for timer in now.timers
            if left(timer)
        ],
        address=was_other.address if here else now.address,
        last=(),
        offered=(),
        offer="",
        unsure=0,
        disclosed=sorted({*was_other.disclosed, *now.disclosed}),
        contexts={
            **was_other.contexts,
            **{c: x for c, x in now.contexts.items() if c in leaving},
        },
        numbers={key: n for key, n in now.numbers.items() if key in phones},
        last_level=0,
        said=None,
        merge="",
    )
    return into, other


def _parted(
    now: State, was_into: State, was_other: State, leaving: Collection[str]
) -> tuple[dict[str, Fact], dict[str, Fact]]:
    into, other = dict(was_into.profile), dict(was_other.profile)
    for name, fact in now.profile.items():
        if fact in (was_into.profile.get(name), was_other.profile.get(name)):
            continue
        # Learned since.
        (other if fact.channel in leaving else into)[name] = fact
    return into, other
