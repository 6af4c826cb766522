"""Days, the way people say them, on Wednesday 12 March 2025."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pytest

from segue import Date, NoValue, Value, date_slot
from segue.slots import Nearly


def _days(reading: Any) -> list[str]:
    match reading:
        case Value(value):
            return [value.isoformat()]
        case Nearly(values=values):
            return [value.isoformat() for value in values]
    return []


@pytest.mark.parametrize(
    ("locale", "said", "days"),
    [
        ("en", "today please", ["2025-03-12"]),
        ("en", "tomorrow", ["2025-03-13"]),
        ("en", "tmrw", ["2025-03-13"]),
        ("en", "the day after tomorrow", ["2025-03-14"]),
        ("en", "yesterday", ["2025-03-11"]),
        ("en", "friday", ["2025-03-14"]),
        ("en", "on Friday morning", ["2025-03-14"]),
        ("en", "this friday", ["2025-03-14"]),
        ("en", "last friday", ["2025-03-07"]),
        ("en", "next friday", ["2025-03-14", "2025-03-21"]),
        ("en", "next monday", ["2025-03-17"]),
        ("en", "this weekend", ["2025-03-15", "2025-03-16"]),
        ("en", "in two weeks", ["2025-03-26"]),
        ("en", "3 days ago", ["2025-03-09"]),
        ("en", "the 5th", ["2025-04-05"]),
        ("en", "march 3rd", ["2025-03-03"]),
        ("en", "3rd of March 2024", ["2024-03-03"]),
        ("en", "on the 5th of may", ["2025-05-05"]),
        ("en", "2025-04-01", ["2025-04-01"]),
        ("en", "12/11", ["2024-11-12", "2024-12-11"]),
        ("en", "12/11/2024", ["2024-11-12", "2024-12-11"]),
        ("en", "13/11", ["2024-11-13"]),
        ("en", "11/13/24", ["2024-11-13"]),
        ("en", "5/5", ["2025-05-05"]),
        ("en-US", "12/11/24", ["2024-12-11"]),
        ("en-GB", "12/11/24", ["2024-11-12"]),
        ("en", "May I return it?", []),
        ("en", "may", []),
        ("en", "12.30", []),
        ("en", "5pm", []),
        ("en", "2", []),
        ("en", "10115", []),
        ("en", "order 48213", []),
        ("en", "2025-02-30", []),
        ("en", "31/02/2025", []),
        ("en", "never mind", []),
        ("de", "heute", ["2025-03-12"]),
        ("de", "morgen", ["2025-03-13"]),
        ("de", "morgen früh", ["2025-03-13"]),
        ("de", "übermorgen", ["2025-03-14"]),
        ("de", "am Freitag", ["2025-03-14"]),
        ("de", "letzten Freitag", ["2025-03-07"]),
        ("de", "nächsten Freitag", ["2025-03-14", "2025-03-21"]),
        ("de", "am Wochenende", ["2025-03-15", "2025-03-16"]),
        ("de", "vor 3 Tagen", ["2025-03-09"]),
        ("de", "in zwei Wochen", ["2025-03-26"]),
        ("de", "12.11.", ["2024-11-12"]),
        ("de", "12.11.2024", ["2024-11-12"]),
        ("de", "12/11", ["2024-11-12"]),
        ("de", "12. März", ["2025-03-12"]),
        ("de", "am 3. Mai 2025", ["2025-05-03"]),
        ("de", "3. maerz", ["2025-03-03"]),
        ("de", "so", []),
        ("de", "keine Ahnung", []),
    ],
)
def test_days(context: Any, locale: str, said: str, days: list[str]) -> None:
    """What leaves two readings open has both; what is no day has none."""
    assert _days(Date.parse(said, context(locale))) == days


@pytest.mark.parametrize(
    ("prefer", "said", "days"),
    [
        ("past", "friday", ["2025-03-07"]),
        ("future", "friday", ["2025-03-14"]),
        ("past", "13/11", ["2024-11-13"]),
        ("future", "13/11", ["2025-11-13"]),
        ("past", "the 5th", ["2025-03-05"]),
        ("future", "the 5th", ["2025-04-05"]),
        ("past", "march 20", ["2024-03-20"]),
        ("future", "march 3", ["2026-03-03"]),
    ],
)
def test_a_slot_may_prefer_the_past_or_the_future(
    context: Any, prefer: Any, said: str, days: list[str]
) -> None:
    """When it was bought lies behind, when it is fetched lies ahead."""
    assert _days(date_slot(prefer=prefer).parse(said, context())) == days


def test_days_out_of_reach_have_retry_lines_of_their_own(context: Any) -> None:
    """And a limit decides between two readings."""
    pickup = date_slot(prefer="future", earliest=timedelta(days=1), latest=timedelta(days=7))
    assert pickup.parse("today", context()) == NoValue("too_early")
    assert pickup.parse("in two weeks", context()) == NoValue("too_late")
    assert pickup.parse("next friday", context()) == Value(date(2025, 3, 14))


def test_two_readings_are_shown_without_doubt(context: Any) -> None:
    """The labels name the month, in the customer's language."""
    reading = Date.parse("12/11/24", context("en"))
    assert isinstance(reading, Nearly)
    assert reading.labels == ("Tuesday 12 November 2024", "Wednesday 11 December 2024")
    german = Date.parse("nächsten Freitag", context("de"))
    assert isinstance(german, Nearly)
    assert german.labels == ("Freitag, 14. März 2025", "Freitag, 21. März 2025")


def test_a_day_can_be_a_button(context: Any) -> None:
    """A button's id is the day itself."""
    assert Date.parse("", context(choice="2025-03-14")) == Value(date(2025, 3, 14))
    assert Date.parse("", context(choice="cancel")) == NoValue()


def test_common_words_need_no_library() -> None:
    """The date library takes a third of a second to import; most days are read without it."""
    code = (
        "import sys\nfrom datetime import datetime, UTC\n"
        "from segue.slots import Date, SlotContext\nfrom segue.words import Words\n"
        "here = SlotContext(locale='en', words=Words(locale='en'), now=datetime.now(UTC))\n"
        "for said in ('tomorrow', 'friday', '12.11.24', 'never mind', 'A1001'):\n"
        "    Date.parse(said, here)\n"
        "assert 'dateparser' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
