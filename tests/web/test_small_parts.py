"""Parts that stand for themselves: buckets, moments, keys, plain text."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.types import Items, Link, Message, Paragraph, Strong, Text
from segue_adapters.limits import Buckets
from segue_adapters.moments import Moments
from segue_adapters.plain import plain
from segue_adapters.web_keys import own_key
from segue_adapters.web_payload import POSTED, Refusal, decode, locale_of, query_of


class Ticks:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.looks = 0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        self.looks += 1
        return datetime.fromtimestamp(1_772_357_400 + self.seconds, UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), max_size=60),
    st.floats(0.1, 5),
    st.integers(1, 5),
)
def test_nobody_gets_more_than_the_rate_allows(steps, rate, burst):
    """Over any time, at most the burst and what has flowed in since."""
    ticks = Ticks()
    buckets = Buckets(rate=rate, burst=burst, monotonic=ticks.monotonic)
    taken = {"a": 0, "b": 0}
    for pause, key in steps:
        ticks.seconds += pause
        wait = buckets.take(key)
        if wait == 0.0:
            taken[key] += 1
        else:
            assert 0 < wait <= 1 / rate + 1e-9
        for count in taken.values():
            assert count <= burst + ticks.seconds * rate + 1e-6


def test_waiting_as_long_as_it_says_is_long_enough():
    """`take` tells after how many seconds it is worth trying again."""
    ticks = Ticks()
    buckets = Buckets(rate=0.5, burst=1, monotonic=ticks.monotonic)
    assert buckets.take("a") == 0.0
    wait = buckets.take("a")
    assert wait == pytest.approx(2.0)
    ticks.seconds += wait + 1e-6
    assert buckets.take("a") == 0.0


def test_buckets_do_not_grow_without_end():
    """However many keys come, a fixed number is remembered."""
    buckets = Buckets(rate=1, burst=1, monotonic=Ticks().monotonic, size=100)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100


def test_the_wall_clock_is_read_once_a_second():
    """In between the monotonic clock carries on; a second later it is read anew."""
    ticks = Ticks()
    moments = Moments(ticks)
    first = moments.millis()
    for _ in range(9):
        ticks.seconds += 0.1
        moments.millis()
    assert ticks.looks == 1
    assert moments.millis() - first == pytest.approx(900, abs=1)
    ticks.seconds += 0.2
    assert moments.millis() - first == pytest.approx(1100, abs=1)
    assert ticks.looks == 2
    assert moments.minutes() == moments.millis() // 60_000


def _key(file: Path) -> bytes:
    return own_key(None, file)


def test_processes_that_start_at_once_have_one_key(tmp_path):
    """The first one makes it, the others read it; a set secret needs no file."""
    file = tmp_path / "web" / "key"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(_key, [file] * 6))) == 1
    assert [found.name for found in file.parent.iterdir()] == ["key"]
    assert own_key("s" * 32, tmp_path / "none" / "key") == own_key("s" * 32, file)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("written", "expected"),
    [("de-AT,de;q=0.9", "de-AT"), ("en", "en"), ("*", None), ("", None), (None, None)],
)
def test_a_locale_is_read_from_what_browsers_send(written, expected):
    """The first of them, if it is one."""
    assert locale_of(written) == expected


def test_queries_are_read_simply():
    """Ours hold nothing to unquote; a long one is none of ours."""
    assert query_of("wait=5&after=3") == {"wait": "5", "after": "3"}
    assert query_of("wait") == {"wait": ""}
    assert query_of("x" * 1000) == {}


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
)
def test_decoding_never_fails_otherwise(body):
    """Whatever the bytes: a message or a refusal, nothing else."""
    with suppress(Refusal):
        assert decode(body, POSTED).text is not None


def test_brackets_in_text_are_not_depth():
    """A message full of brackets is a message."""
    text = "[[{{" * 100
    assert decode(b'{"text":"' + text.encode() + b'"}', POSTED).text == text
    quoted = b'{"text":"' + b'\\"[' * 100 + b'"}'
    assert decode(quoted, POSTED).text == '"[' * 100


def test_plain_text_of_a_message():
    """Blocks apart, lists with their signs, links with their addresses where words hide them."""
    message = Message(
        body=(
            Paragraph((Text("See "), Link("https://x.example", (Strong((Text("this"),)),)))),
            Items(((Text("one"),), (Text("two"),)), 3),
            Items(((Link("mailto:a@x.example", (Text("a@x.example"),)),),)),
        )
    )
    assert plain(message) == "See this (https://x.example)\n\n3. one\n4. two\n\n- a@x.example"
