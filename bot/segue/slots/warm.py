"""What is loaded late, loaded beside the first requests and not inside somebody's turn."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from segue.slots.base import SlotContext
from segue.slots.date import Date
from segue.slots.email import Email
from segue.voice.formats import babel_locale
from segue.voice.tree import reader
from segue.words import Words


def warm() -> None:
    """Load what reads e-mails, dates, choices and wordings; takes about half a second, once."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    context = SlotContext(locale="en", words=Words(locale="en"), now=now)
    Email.parse("ada@example.com", context)
    Date.parse("12 March 2026", context)
    import_module("rapidfuzz")
    babel_locale("en")
    reader()
