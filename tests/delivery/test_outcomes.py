"""What follows from an outcome, as a table: pure, so every case is here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.channel import NotSent, Outcome, Reason, Sent, Unknown
from segue.engine.outcomes import (
    Again,
    Ask,
    Close,
    Elsewhere,
    Move,
    Plain,
    Policy,
    Refused,
    Verdict,
    backoff,
    decide,
)
from segue.memory.records import ELSEWHERE, PLAIN, Claim
from segue.types import Address, Message, Purpose, Receipt, Row

HOME, THERE = Address("post", "ada"), Address("post", "ada-2")
POLICY = Policy(attempts=3, backoff=1, limit=60)


def claim(purpose: Purpose = Purpose.ANSWER, **more: int) -> Claim:
    row = Row(id="r1", address=HOME, message=Message(body=()), purpose=purpose)
    return Claim(row=row, deadline=1.0, **more)  # type: ignore[arg-type]


def good(reason: Reason, **more: Address) -> NotSent:
    return NotSent(why="x", permanent=True, reason=reason, **more)  # type: ignore[arg-type]


def now(**more: timedelta) -> NotSent:
    return NotSent(why="x", permanent=False, **more)  # type: ignore[arg-type]


def failed(why: str) -> Close:
    return Close(Receipt.FAILED, why)


SECONDS = timedelta(seconds=7)
CASES: dict[str, tuple[Outcome, Claim, Verdict]] = {
    "sent": (Sent(id="1"), claim(), Close(Receipt.SENT)),
    "unknown": (Unknown(why="x"), claim(), Ask(timedelta(seconds=2))),
    "unknown again": (Unknown(why="x"), claim(doubt=2), Ask(timedelta(seconds=20))),
    "surely not there": (now(), claim(doubt=1), Again(timedelta(0))),
    "wait": (now(retry_after=SECONDS), claim(tries=99), Again(SECONDS)),
    "for now": (now(), claim(tries=1), Again(timedelta(seconds=1.5), counted=True)),
    "for the last time": (now(), claim(tries=2), failed("gave_up")),
    "moved": (good(Reason.MOVED, moved_to=THERE), claim(), Move(THERE)),
    "moved on and on": (good(Reason.MOVED, moved_to=THERE), claim(tries=2), failed("moved")),
    "moved nowhere": (good(Reason.MOVED), claim(), failed("moved")),
    "credential": (good(Reason.CREDENTIAL), claim(tries=99), Refused()),
    "content": (good(Reason.CONTENT), claim(), Plain()),
    "content, plain": (good(Reason.CONTENT), claim(again=PLAIN), failed("content")),
    "blocked": (good(Reason.BLOCKED), claim(), Elsewhere("blocked")),
    "no address": (good(Reason.NO_ADDRESS), claim(), Elsewhere("no_address")),
    "window": (good(Reason.WINDOW), claim(), Elsewhere("window")),
    "blocked there too": (good(Reason.BLOCKED), claim(again=ELSEWHERE), failed("blocked")),
    "blocked, we wrote first": (
        good(Reason.BLOCKED),
        claim(Purpose.PROACTIVE),
        failed("blocked"),
    ),
    "blocked, a code": (good(Reason.BLOCKED), claim(Purpose.CODE), failed("blocked")),
    "opted out": (good(Reason.OPTED_OUT), claim(), failed("opted_out")),
    "spent": (good(Reason.SPENT), claim(), failed("spent")),
    "other": (good(Reason.OTHER), claim(), failed("other")),
}


@pytest.mark.parametrize("case", CASES)
def test_what_follows(case: str) -> None:
    """Each outcome and what comes of it, without jitter."""
    outcome, claimed, verdict = CASES[case]
    assert decide(outcome, claimed, POLICY, 0.0, lookable=True) == verdict


def test_where_nobody_can_be_asked_the_policy_decides_at_once() -> None:
    """There is nothing to wait for."""
    assert decide(Unknown(why="x"), claim(), POLICY, 0.5) == Ask(timedelta(0))


@given(st.integers(0, 500), st.floats(0, 1, exclude_max=True))
def test_waits_grow_and_stay_within_their_limit(tries: int, chance: float) -> None:
    """Doubled each time, a quarter up or down, never beyond the limit by more than that."""
    wait = backoff(tries, POLICY, chance)
    middle = min(2.0**tries, 60)
    assert middle * 0.75 <= wait <= middle * 1.25


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 3600))
def test_never_before_the_time_the_platform_named(chance: float, seconds: int) -> None:
    """Jitter makes it later only."""
    verdict = decide(now(retry_after=timedelta(seconds=seconds)), claim(), POLICY, chance)
    assert isinstance(verdict, Again)
    assert verdict.after >= timedelta(seconds=seconds)
    assert not verdict.counted
