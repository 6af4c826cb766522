"""Card numbers and the author's own patterns never reach the store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SettingsError
from segue.masking import KEPT, MASK, Masker, mask_cards, plausible

ZEROS = ["0", "٠", "०", "０", "𝟎"]


def check_digit(digits: list[int]) -> int:
    """Return the digit that makes a number right."""
    return next(last for last in range(10) if plausible([*digits, last]))


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A right card number, in groups of its writer's choice and the digits of some script."""
    begin = draw(st.lists(st.integers(0, 9), min_size=12, max_size=18))
    if len(set(begin)) == 1:
        begin[0] = (begin[0] + 1) % 10
    digits = [*begin, check_digit(begin)]
    zero = draw(st.sampled_from(ZEROS))
    size = draw(st.integers(2, 19))
    gap = draw(st.sampled_from(["", " ", "-", "\u00a0", " - "[:2], "\u200b"]))
    text = [chr(ord(zero) + digit) for digit in digits]
    return gap.join("".join(text[at : at + size]) for at in range(0, len(text), size))


@given(
    cards(),
    st.sampled_from(["", "my card is ", "Visa:", "(", "x"]),
    st.sampled_from(["", ".", " thanks", ")"]),
)
def test_a_card_number_keeps_its_last_four_digits(card: str, before: str, after: str) -> None:
    """However it is grouped and in whatever digits, of a card number only the last four stay."""
    masked = mask_cards(before + card + after)
    assert masked.startswith(before)
    assert masked.endswith(after)
    left = [sign for sign in masked[len(before) : len(masked) - len(after)] if sign.isdecimal()]
    assert left == [sign for sign in card if sign.isdecimal()][-KEPT:]


@given(cards(), st.integers(0, 9999))
def test_a_number_beside_it_does_not_hide_a_card_number(card: str, other: int) -> None:
    """A CVC, a date or an amount with only a space between leaves the card number findable."""
    for text in (f"{card} {other}", f"{other} {card}"):
        hidden = mask_cards(text).count(MASK)
        assert hidden >= sum(sign.isdecimal() for sign in card) - KEPT


@given(st.text())
def test_a_text_keeps_its_length_and_all_but_digits(text: str) -> None:
    """Masking replaces digits one by one, and a masked text stays as it is."""
    masked = mask_cards(text)
    assert len(masked) == len(text)
    assert all(
        new == old or (new == MASK and old.isdecimal())
        for old, new in zip(text, masked, strict=True)
    )
    assert mask_cards(masked) == masked


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111",
        "5500005555555559",
        "378282246310005",
        "6011111111111117",
        "30569309025904",
        "4222222222222",
        "6304000000000000000",
    ],
)
def test_the_card_companies_test_numbers_are_masked(card: str) -> None:
    """Numbers of 13 to 19 digits that the companies publish for tests are known as card numbers."""
    assert mask_cards(card) == MASK * (len(card) - KEPT) + card[-KEPT:]


@pytest.mark.parametrize(
    "text",
    [
        "where is my order A1001?",
        "call me on +49 170 1234567 tomorrow",
        "+4111111111111111",
        "4111 1111 1111 1112",
        "0000000000000000",
        "between 10.30 and 12.15 on 24-12-2024",
        "order 123456789012, please",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    """Phone numbers, dates, order numbers and wrong card numbers are left alone."""
    assert mask_cards(text) == text


def test_an_authors_pattern_is_masked() -> None:
    """A pattern masks its first group, or all of its match, without telling how long it was."""
    masker = Masker(patterns=[r"(?i)password:? (\w+)", r"\bDE\d{9}\b"])
    assert (
        masker.mask("my password: hunter2, tax id DE123456789") == "my password: ••••, tax id ••••"
    )


def test_cards_may_be_left_to_somebody_else() -> None:
    """Without `cards` only the author's patterns count."""
    assert Masker(cards=False).mask("4111111111111111") == "4111111111111111"


@pytest.mark.parametrize("pattern", ["(", "a*"])
def test_a_wrong_pattern_is_explained(pattern: str) -> None:
    """A pattern that cannot be read, or that matches everywhere, is refused by name."""
    with pytest.raises(SettingsError, match=r"masking\.patterns"):
        Masker(patterns=[pattern])


@pytest.mark.parametrize("text", ["1" * 100_000, "1 " * 50_000, "4111" * 25_000, "1x" * 50_000])
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    """A hundred thousand characters of digits are worked through at once, and nothing is left."""
    masked = mask_cards(text)
    assert len(masked) == len(text)
    assert "x" in text or sum(sign.isdecimal() for sign in masked) == KEPT
