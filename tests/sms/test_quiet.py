"""Quiet hours by the clock of the person: several zones, changes of the clock, no zone at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.quiet import SMS, quiet_until, zones_of
from segue.types import Address

VIENNA, NEW_YORK = ZoneInfo("Europe/Vienna"), ZoneInfo("America/New_York")
AUSTRIAN = Address("sms", "+43660123456")
NEW_YORKER = Address("sms", "+12125550123")
RUSSIAN = Address("whatsapp", "+79161234567")
TOLL_FREE = Address("sms", "+18005550123")
NOWHERE = Address("sms", "+88312345678")


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("address", "now", "until"),
    [
        (AUSTRIAN, at("2026-03-01T20:59", VIENNA), None),
        (AUSTRIAN, at("2026-03-01T21:00", VIENNA), at("2026-03-02T08:00", VIENNA)),
        (AUSTRIAN, at("2026-03-02T07:59", VIENNA), at("2026-03-02T08:00", VIENNA)),
        (AUSTRIAN, at("2026-03-02T08:00", VIENNA), None),
        (NEW_YORKER, at("2026-03-02T08:00", VIENNA), at("2026-03-02T08:00", NEW_YORK)),
        # The clock goes forward on 29 March in Austria, and back on 25 October: eight is eight.
        (AUSTRIAN, at("2026-03-28T23:00", VIENNA), datetime(2026, 3, 29, 6, tzinfo=UTC)),
        (AUSTRIAN, at("2026-10-24T23:00", VIENNA), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_the_recipients_clock_counts(
    address: Address, now: datetime, until: datetime | None
) -> None:
    """Without hours of the company's own, phones are left alone from nine to eight, there."""
    assert quiet_until(address, now, hours=None, company=VIENNA) == until


def test_a_number_of_many_zones_waits_for_day_in_all_of_them() -> None:
    """In Moscow it is noon, in Kamchatka nine in the evening."""
    noon = at("2026-03-02T12:30", ZoneInfo("Europe/Moscow"))
    until = quiet_until(RUSSIAN, noon, hours=None, company=VIENNA)
    assert until is not None
    assert all(8 <= until.astimezone(zone).hour < 21 for zone in zones_of(RUSSIAN.id))


def test_a_number_without_a_zone_gets_a_narrow_window() -> None:
    """Where nothing is known, the company's own day counts, three hours narrower at both ends."""
    for hour, quiet in ((10, True), (11, False), (17, False), (18, True)):
        now = at(f"2026-03-02T{hour}:00", VIENNA)
        assert (quiet_until(NOWHERE, now, hours=None, company=VIENNA) is not None) == quiet


def test_a_number_that_is_night_somewhere_always_falls_back() -> None:
    """A toll-free number may be anywhere from Guam to Newfoundland: it is written to by our day."""
    now = at("2026-03-02T12:00", NEW_YORK)
    until = quiet_until(TOLL_FREE, now, hours=None, company=NEW_YORK)
    assert until is None or until - now < timedelta(days=1)


def test_other_channels_keep_the_companys_hours_only() -> None:
    """They have no zone of their own, and no quiet hours unless the company set some."""
    chat, night = Address("telegram", "7"), at("2026-03-01T23:30", VIENNA)
    assert quiet_until(chat, night, hours=None, company=VIENNA) is None
    until = quiet_until(chat, night, hours=(22 * 60, 7 * 60), company=VIENNA)
    assert until == at("2026-03-02T07:00", VIENNA)


@pytest.mark.parametrize("hours", [(8 * 60, 8 * 60), (0, 0)])
def test_hours_that_last_no_time_are_none(hours: tuple[int, int]) -> None:
    """From eight to eight is never."""
    assert (
        quiet_until(AUSTRIAN, at("2026-03-01T23:00", VIENNA), hours=hours, company=VIENNA) is None
    )


@settings(max_examples=200)
@given(
    minutes=st.integers(0, 366 * 1440),
    address=st.sampled_from([AUSTRIAN, NEW_YORKER, RUSSIAN, Address("sms", "+61412345678")]),
)
def test_the_end_is_day_everywhere_and_soon(minutes: int, address: Address) -> None:
    """Whatever the hour and season: the moment named is in nobody's night, within a day."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = quiet_until(address, now, hours=None, company=VIENNA)
    moment = until or now
    assert now <= moment < now + timedelta(hours=25)
    for zone in zones_of(address.id):
        local = moment.astimezone(zone)
        assert SMS[1] <= local.hour * 60 + local.minute < SMS[0]
    assert quiet_until(address, moment, hours=None, company=VIENNA) is None


def test_a_gap_of_the_clock_is_the_later_moment() -> None:
    """Quiet until half past two, on the night when there is no half past two."""
    now = at("2026-03-29T01:00", VIENNA)
    until = quiet_until(AUSTRIAN, now, hours=(22 * 60, 150), company=VIENNA)
    assert until == at("2026-03-29T03:30", VIENNA)
