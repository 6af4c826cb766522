"""The judge: pure functions over what was seen from outside. Each names the invariant it holds.

I1  everything accepted is in the transcript, once, in the order of acceptance
I2  no line of the bot twice, no step under two keys; a step again only where somebody died
I3  every row was sent, or there is a receipt that says why not; again only where allowed
I4  rows leave in the order of the transcript
I9  everything has come to rest
=   the end is the end of the run in which nothing went wrong
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from segue.engine.state import Frame, State


class Line(NamedTuple):
    """One line of the transcript."""

    who: str
    id: str
    reply: str
    text: str


@dataclass(kw_only=True)
class Evidence:
    """What there is to know about one customer after a run."""

    acked: list[tuple[str, str]]
    """(message id, text), in order."""
    lines: list[Line]
    sent: list[tuple[str, str]]
    """(row, text) as the platform took them."""
    steps: list[tuple[str, str, str]]
    """(step, subject, key) as they were done."""
    receipts: list[tuple[str, str]] = field(default_factory=list)
    turns: int = 0
    version: int = 0
    waiting: int = 0
    unsent: int = 0
    dead: int = 0
    due: bool = False
    state: State = field(default_factory=State)
    kills: int = 0
    stops: int = 0
    """Turns that lost their lease without a death, and so may have left a step done, not recorded:
    on a machine so busy that a second passes between two lines of code."""


def judge(seen: Evidence, calm: Evidence | None = None, *, crowd: bool = False) -> list[str]:
    """Return everything that is wrong. `calm` is the run without faults.

    In a `crowd` several messages were read in one turn, so a question that was answered before it
    could be shown is missing.
    """
    wrong = [
        *_nothing_lost(seen),
        *_nothing_twice(seen),
        *_edge(seen),
        *_order(seen),
        *_rest(seen),
    ]
    if calm is not None:
        wrong += _same_end(seen, calm, crowd=crowd)
    return wrong


def _nothing_lost(seen: Evidence) -> list[str]:
    heard = [(line.id, line.text) for line in seen.lines if line.who == "customer"]
    if heard == seen.acked:
        return []
    return [f"I1: accepted {seen.acked}, but the transcript has {heard}"]


def _nothing_twice(seen: Evidence) -> list[str]:
    wrong = []
    lines = Counter(line.id for line in seen.lines if line.who == "bot")
    wrong += [f"I2: the line {name} is there {n} times" for name, n in lines.items() if n > 1]
    keys: dict[tuple[str, str], set[str]] = {}
    for step, subject, key in seen.steps:
        keys.setdefault((step, subject), set()).add(key)
    wrong += [f"I2: {step} was done under {len(k)} keys" for step, k in keys.items() if len(k) > 1]
    again = len(seen.steps) - len({(step, key) for step, _, key in seen.steps})
    allowed = seen.kills + seen.stops
    if again > allowed:
        wrong.append(f"I2: {again} steps were done again after {allowed} deaths: {seen.steps}")
    closed = Counter(row for row, _ in seen.receipts)
    wrong += [f"I2: row {row} was closed {n} times" for row, n in closed.items() if n > 1]
    return wrong


def _edge(seen: Evidence) -> list[str]:
    wrong = []
    words = {line.id: line.text for line in seen.lines if line.who == "bot"}
    times = Counter(row for row, _ in seen.sent)
    outcome = dict(seen.receipts)
    for row in words:
        if not times[row] and outcome.get(row) not in ("unknown", "failed", "cancelled"):
            wrong.append(f"I3: row {row} was never sent, its receipt is {outcome.get(row)}")
        if times[row] > 2:
            wrong.append(f"I3: row {row} was sent {times[row]} times")
    again = sum(n - 1 for n in times.values())
    allowed = seen.kills + seen.stops
    if again > allowed:
        wrong.append(f"I3: {again} sends were repeated after {allowed} deaths: {seen.sent}")
    for row, text in seen.sent:
        if row not in words:
            wrong.append(f"I3: row {row} was sent and is not in the transcript")
        elif words[row] != text:
            wrong.append(f"I10: row {row} says {text!r}, the transcript {words[row]!r}")
    return wrong


def _order(seen: Evidence) -> list[str]:
    place = {line.id: n for n, line in enumerate(seen.lines) if line.who == "bot"}
    sent = [row for row, _ in seen.sent if row in place]
    if sent == sorted(sent, key=place.__getitem__):
        return []
    return [f"I4: the lane was sent as {sent}"]


def _rest(seen: Evidence) -> list[str]:
    wrong = []
    if seen.waiting or seen.unsent or seen.dead:
        wrong.append(
            f"I9: {seen.waiting} messages wait, {seen.unsent} rows are unsent, "
            f"{seen.dead} are parked"
        )
    if seen.due and not seen.state.timers:
        wrong.append("I9: somebody must look at the customer, and there is nothing to see")
    return wrong


def _same_end(seen: Evidence, calm: Evidence, *, crowd: bool) -> list[str]:
    wrong = []
    told = [(line.reply, line.text) for line in seen.lines if line.who == "bot"]
    calmly = [(line.reply, line.text) for line in calm.lines if line.who == "bot"]
    if crowd:
        missing = [line for line in calmly if line not in told]
        if any("ask_" not in name and not name.endswith("/sure") for name, _ in missing):
            wrong.append(f"=: {missing} was not said")
        left = [line for line in calmly if line in told]
        if told != left:
            wrong.append(f"=: said {told}, the calm run {calmly}")
    elif told != calmly:
        wrong.append(f"=: said {told}, the calm run {calmly}")
    if {s[:2] for s in seen.steps} != {s[:2] for s in calm.steps}:
        wrong.append(f"=: done {seen.steps}, the calm run {calm.steps}")
    mine, theirs = _kept(seen.state), _kept(calm.state)
    wrong += [
        f"=: the state's {name} is {mine[name]!r}, after the calm run {theirs[name]!r}"
        for name in mine
        if mine[name] != theirs[name]
    ]
    return wrong


def _kept(state: State) -> dict[str, object]:
    """Return what must be the same whatever happened on the way.

    Left out: `turn`, `heard` and `noted` (a turn that was taken up again counts anew), times of
    day, instances, which are made of turns, and `wordings` (in a crowd fewer questions are shown).
    """
    return {
        "frames": [_frame(frame) for frame in state.frames],
        "profile": {
            name: (fact.value, fact.channel, fact.source) for name, fact in state.profile.items()
        },
        "timers": [(t.kind, t.entry, t.reply, t.dialog, t.values) for t in state.timers],
        "address": state.address,
        "locale": state.locale,
        "offered": state.offered,
        "unsure": state.unsure,
        "disclosed": state.disclosed,
        "last": state.last[-1:],
    }


def _frame(frame: Frame) -> dict[str, object]:
    opened = frame.open
    return {
        "dialog": frame.dialog,
        "kind": frame.kind,
        "journal": frame.journal.encode(),
        "values": frame.values,
        "utterance": frame.utterance,
        "faults": frame.faults,
        "open": opened and (opened.entry, opened.reply, opened.tries, opened.buttons, opened.shown),
    }
