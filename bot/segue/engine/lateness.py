"""What was written a while ago and comes only now: after an outage of ours, or the platform's.

It is answered like anything else, in the order in which it came. The mark says so to whoever reads
along: the event of its turn counts it, and its line of the transcript has the time of writing.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from segue.types import Inbound, Millis

LATE = "late"
"""What the mark is called, among the data of a message."""
_FROM = timedelta(minutes=1) // timedelta(milliseconds=1)


def marked(inbound: Inbound, now: Millis) -> Inbound:
    """Return the message, marked if it is late. Where its time is not known it has just come."""
    if not inbound.received_at or now - inbound.received_at < _FROM:
        return inbound
    return replace(inbound, data={**inbound.data, LATE: True})
