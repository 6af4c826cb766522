"""What the company knows, beside what the customer has said themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.engine.state import Fact
from segue.engine.told import changes, learn


def said(value: Any, at: int = 50) -> Fact:
    return Fact(value, at, "sms", "return_item")


def from_company(value: Any, at: int = 50) -> Fact:
    return Fact(value, at, "api", "company")


@pytest.mark.parametrize(
    ("known", "told", "correct", "after"),
    [
        (None, "new", (), "new"),
        (from_company("old"), "new", (), "new"),
        (from_company("old", at=150), "new", (), "old"),
        (said("mine"), "new", (), "mine"),
        (said("mine"), "new", ("email",), "new"),
        (Fact("mine", 50, "web", "signed in"), "new", ("email",), "mine"),
        (Fact("mine", 50, "sms", "verified"), "new", ("email",), "mine"),
        (from_company("old"), None, (), None),
        (said("mine"), None, (), "mine"),
    ],
)
def test_what_stands_afterwards(
    known: Fact | None, told: Any, correct: tuple[str, ...], after: Any
) -> None:
    """The customer's own word stays unless it is corrected; what is proved stays always."""
    profile = {"email": known} if known else {}
    before = dict(profile)
    changed = learn(profile, {"email": told}, at=100, correct=correct)
    found = profile.get("email")
    assert (found.value if found else None) == after
    assert changed == changes(before, profile)


values = st.sampled_from(["a", "b"])
sources = st.sampled_from(["company", "return_item", "signed in", "verified", "company:crm"])
profiles = st.dictionaries(
    st.sampled_from(["x", "y", "z"]),
    st.builds(Fact, values, st.integers(0, 9), st.just("sms"), sources),
)


@given(profiles, st.dictionaries(st.sampled_from(["x", "y"]), st.none() | values))
def test_told_twice_is_told_once(profile: dict[str, Fact], facts: dict[str, Any]) -> None:
    """A request that comes again changes nothing more."""
    learn(profile, facts, at=5)
    assert learn(profile, facts, at=5) == []


@given(profiles, st.dictionaries(st.sampled_from(["x", "y"]), st.none() | values), st.booleans())
def test_what_is_proved_is_never_touched(
    profile: dict[str, Fact], facts: dict[str, Any], correct: bool
) -> None:
    """Whatever is told, and however, what the customer has proved is as it was."""
    before = {n: f for n, f in profile.items() if f.source in ("signed in", "verified")}
    learn(profile, facts, at=99, correct=list(facts) if correct else ())
    assert {n: profile.get(n) for n in before} == before
