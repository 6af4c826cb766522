"""What slots load late, loaded beside the first requests and not inside somebody's turn."""

from __future__ import annotations

from datetime import UTC, datetime

from segue.slots.base import SlotContext
from segue.slots.date import Date
from segue.slots.email import Email
from segue.words import Words


def warm() -> None:
    """Load the libraries of e-mail and date slots; takes a good third of a second, once."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    context = SlotContext(locale="en", words=Words(locale="en"), now=now)
    Email.parse("ada@example.com", context)
    Date.parse("12 March 2026", context)
