"""What was written well before it came is marked; what is as new as it looks is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segue.engine.lateness import LATE, marked
from segue.types import Address, Inbound

NOW = 1_760_000_000_000


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), False),
        (timedelta(seconds=59), False),
        (timedelta(minutes=1), True),
        (timedelta(hours=23), True),
        (timedelta(seconds=-5), False),
    ],
)
def test_a_minute_is_late(age: timedelta, late: bool) -> None:
    """Clocks differ by seconds, outages are longer; what else is known of a message stays."""
    written = NOW - age // timedelta(milliseconds=1)
    inbound = Inbound(
        address=Address("sms", "+1"), message_id="1", received_at=written, data={"of": "7"}
    )
    data = marked(inbound, NOW).data
    assert data.get(LATE, False) is late
    assert data["of"] == "7"


def test_what_has_no_time_has_just_come() -> None:
    """Most platforms do not say when; then the time of arrival is all there is."""
    inbound = Inbound(address=Address("sms", "+1"), message_id="1")
    assert marked(inbound, NOW) is inbound
