"""Segments as the platform counts them, held against a second count by the standard's tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.testing.platforms.twilio_messages import segments
from segue_adapters.twilio_segments import BASIC, EXTENSION, counted, written

GSM = st.text(st.sampled_from(sorted(BASIC | EXTENSION)), max_size=500)
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
SMART = st.text(st.sampled_from("ab “”‘’–—…\u00a0ä€"), max_size=400)


@settings(max_examples=300)
@given(text=GSM | ANY | SMART)
def test_both_ways_of_counting_agree(text: str) -> None:
    """Ours, and the stand-in's, which was written apart from it."""
    assert counted(text).segments == segments(text)


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 306, 2, "GSM-7"),
        ("a" * 307, 3, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 81, 2, "GSM-7"),
        # An escape is never parted: 152 septets and a sign of two leave one empty.
        ("a" * 152 + "€" + "a" * 151, 2, "GSM-7"),
        ("a" * 152 + "€" + "a" * 152, 3, "GSM-7"),
        ("ж" * 70, 1, "UCS-2"),
        ("ж" * 71, 2, "UCS-2"),
        ("ж" * 134, 2, "UCS-2"),
        ("ж" * 135, 3, "UCS-2"),
        ("😀" * 35, 1, "UCS-2"),
        # Nor is a pair of units: 66 and a sign of two leave one empty.
        ("ж" * 66 + "😀" + "ж" * 65, 2, "UCS-2"),
        ("ж" * 66 + "😀" + "ж" * 66, 3, "UCS-2"),
        ("`", 1, "UCS-2"),
        ("ç", 1, "UCS-2"),
    ],
)
def test_borders(text: str, count: int, encoding: str) -> None:
    """160 and 153, 70 and 67, and signs that take two."""
    assert counted(text)[1:] == (count, encoding)


def test_typography_gives_way_where_it_saves_a_segment() -> None:
    """One curly quote makes 70 signs a segment of 160; so it is a plain one then."""
    text = "“Thanks” – it’s on its way…\u00a0" + "a" * 100
    assert written(text) == ('"Thanks" - it\'s on its way... ' + "a" * 100, 1, "GSM-7")


def test_typography_stays_where_it_saves_nothing() -> None:
    """A short text is one segment either way, and an emoji keeps the whole UCS-2."""
    for text in ("“Thanks” – it’s here…", "“Thanks” 😀 " + "a" * 100):
        assert written(text).text == text


@settings(max_examples=200)
@given(text=SMART | ANY)
def test_folding_never_costs_and_is_stable(text: str) -> None:
    """Never more segments than as it is; what went out once goes out the same again."""
    first = written(text)
    assert first.segments <= counted(text).segments
    assert first.text == text or first.segments < counted(text).segments
    assert written(first.text).segments == first.segments
