"""The stored state, read by newer and by older code."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.dialog.journal import Answered, Called, Failed, Journal, Known, Off, Once, Passed, Ran
from segue.engine.state import (
    SCHEMA,
    Fact,
    Frame,
    Open,
    Option,
    State,
    Timer,
    TooNew,
    decode,
    encode,
)
from segue.types import Address, Button, Message, Paragraph, Text

TEXT = st.text(max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
DIGEST = st.binary(max_size=8)
ENTRY = st.one_of(
    st.builds(Once, DIGEST),
    st.builds(Answered, PLAIN, TEXT, st.none() | TEXT, DIGEST, TEXT),
    st.builds(Passed, TEXT, DIGEST),
    st.builds(Off, DIGEST),
    st.builds(Ran, PLAIN, st.booleans()),
    st.builds(Failed, TEXT, TEXT),
    st.builds(Called, PLAIN, DIGEST),
    st.builds(Known, PLAIN),
)
ENTRIES = st.dictionaries(TEXT, ENTRY, max_size=4)
BUTTON = st.builds(Button, TEXT, TEXT)
MESSAGE = st.builds(lambda text: Message(body=(Paragraph((Text(text),)),)), TEXT)
VALUES = st.dictionaries(TEXT, PLAIN, max_size=2)
OPEN = st.builds(
    Open,
    TEXT,
    TEXT,
    st.integers(0, 9),
    st.lists(BUTTON, max_size=2).map(tuple),
    st.lists(PLAIN, max_size=2).map(tuple),
    st.booleans(),
)
FRAME = st.builds(
    Frame,
    dialog=TEXT,
    instance=TEXT,
    kind=st.sampled_from(["root", "call", "aside"]),
    journal=st.builds(Journal, ENTRIES, ENTRIES),
    values=VALUES,
    open=st.none() | OPEN,
    entry=TEXT,
    utterance=TEXT,
    faults=st.integers(0, 3),
)
STATE = st.builds(
    State,
    turn=st.integers(0, 2**40),
    frames=st.lists(FRAME, max_size=3),
    profile=st.dictionaries(TEXT, st.builds(Fact, PLAIN, st.integers(0, 2**50), TEXT, TEXT)),
    timers=st.lists(
        st.builds(Timer, st.integers(0, 2**50), TEXT, TEXT, TEXT, TEXT, TEXT, VALUES), max_size=2
    ),
    locale=TEXT,
    address=st.none() | st.builds(Address, TEXT, TEXT),
    last=st.lists(MESSAGE, max_size=2).map(tuple),
    offered=st.lists(st.builds(Option, TEXT, TEXT), max_size=2).map(tuple),
    heard=st.integers(0, 9),
    noted=st.integers(0, 9),
)


def stored(state: State) -> list[Any]:
    """Return the state as the list that is stored."""
    found: list[Any] = msgspec.msgpack.decode(encode(state))
    return found


def with_more(value: Any, extra: Any) -> Any:
    """Return a stored state as newer code would write it: every record has a further field."""
    *fields, frames, profile, timers = value[:2], value[2], value[3], value[4]
    frames = [[*frame, extra] for frame in frames]
    for frame in frames:
        if frame[5] is not None:
            frame[5] = [*frame[5], extra]
    profile = {name: [*fact, extra] for name, fact in profile.items()}
    timers = [[*timer, extra] for timer in timers]
    return [*fields[0], frames, profile, timers, *value[5:], extra]


@given(STATE)
def test_what_is_stored_comes_back(state: State) -> None:
    """Encoding and decoding changes nothing, and the same state is the same bytes."""
    assert decode(encode(state)) == state
    assert encode(decode(encode(state))) == encode(state)


@given(STATE, PLAIN)
def test_fields_that_newer_code_has_added_are_passed_over(state: State, extra: Any) -> None:
    """An old worker reads what a new one wrote, as long as only fields were added at the end."""
    newer = msgspec.msgpack.encode(with_more(stored(state), extra))
    assert decode(newer) == state


@given(STATE, st.integers(0, 4))
def test_fields_that_older_code_did_not_have_take_their_defaults(
    state: State, missing: int
) -> None:
    """A new worker reads what an old one wrote: what was not there has its default."""
    whole = stored(state)
    older = decode(msgspec.msgpack.encode(whole[: len(whole) - missing]))
    expected = stored(state)[: len(whole) - missing] + stored(State())[len(whole) - missing :]
    assert stored(older) == expected


@given(STATE, st.integers(1, 1000))
def test_a_newer_schema_is_left_to_newer_workers(state: State, ahead: int) -> None:
    """What an old worker must not touch it refuses, and says that the deploy is to be finished."""
    state.schema = SCHEMA + ahead
    with pytest.raises(TooNew, match="Finish the deploy"):
        decode(encode(state))
    assert TooNew.retry


def test_a_new_customer_has_an_empty_state() -> None:
    """Nothing stored is a state in which nothing has happened."""
    assert decode(b"") == State()


def test_two_new_customers_share_nothing() -> None:
    """What one turn does to its state is not seen by another customer's."""
    first, second = decode(b""), decode(b"")
    first.frames.append(Frame(dialog="trip", instance="1.1"))
    first.profile["email"] = Fact("a@example.com", 0, "web", "trip")
    assert second == State()
