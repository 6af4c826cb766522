"""What insight reads of a turn: names and counts, none of the customer's words.

The store adds who it was and when. Packed as an array, for there is one of every turn; new fields
go to the end.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Summary(Struct, frozen=True, kw_only=True, array_like=True):
    """One turn, as the event stream keeps it."""

    turn: int
    channel: str
    locale: str
    dialog: str
    """The one that is open after it, if any."""
    replies: list[str]
    """What was said, as `dialog/name`."""
    milestones: list[str]
    unsure: int
    """Turns in a row that were not understood."""
    facts: list[str] = []
    """Names of facts of the profile that are new, other or gone."""
    started: list[str] = []
    """Ids of the company's starts whose dialog has begun."""
    dropped: list[tuple[str, str]] = []
    """Ids of those that never will begin, and why."""
    partial: bool = False
    """Told in the middle of a turn; the turn's own summary follows, without these."""
    late: int = 0
    """Messages it read that had been written well before they came: after an outage."""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Summary).decode
