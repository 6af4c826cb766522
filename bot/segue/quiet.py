"""Quiet hours: when nobody is written to first. Answers always go out.

- They are judged by the clock of the person, not ours. A phone number says roughly where it is at
  home; where it may be several time zones, it has to be day in all of them.
- Where a number says nothing, the company's own zone stands in, with three more quiet hours at
  both ends. What is no number at all (a rehearsal's) is judged by that zone.
- Where the company has set no quiet hours, `SMS` are those of phones; other channels have none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from segue.types import Address

Hours = tuple[int, int]
"""Minutes after midnight, from and until; from may be the greater one, then night is between."""

SMS: Hours = (21 * 60, 8 * 60)
"""What telephone rules ask for where nothing stricter is set (no marketing before 8, after 21)."""

PHONES = frozenset({"sms", "whatsapp"})
"""Channels whose addresses are phone numbers (E.164)."""

_WIDER = 3 * 60
_ROUNDS = 12
"""No number has so many different hours that it takes more to find the end of all of them."""


def quiet_until(
    address: Address, now: datetime, *, hours: Hours | None, company: tzinfo
) -> datetime | None:
    """Return when (in UTC) this address may be written to first, or None: it may be now.

    `hours` are the company's quiet hours, None if it set none; `company` is its time zone.
    """
    zones: tuple[tzinfo, ...] = (company,)
    if address.channel in PHONES:
        hours = hours or SMS
        found = zones_of(address.id)
        if found:
            zones = found
        elif address.id.startswith("+"):
            hours = _wider(hours)
    if hours is None or hours[0] == hours[1]:
        return None
    until = now.astimezone(UTC)
    for _ in range(_ROUNDS):
        ends = [end for zone in zones if (end := _end(until, hours, zone)) is not None]
        if not ends:
            break
        until = max(ends)
    else:
        # Somewhere it is always night: the company's own day has to do.
        return quiet_until(Address("", ""), now, hours=hours, company=company)
    return until if until > now else None


@lru_cache(maxsize=4096)
def zones_of(number: str) -> tuple[tzinfo, ...]:
    """Return the time zones a phone number (E.164) may be in; none if it does not say."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        names = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    zones = []
    for name in names:
        try:
            zones.append(ZoneInfo(name))
        except (LookupError, ValueError, OSError):
            # A zone this machine has never heard of (`Etc/Unknown` is one): nothing is known.
            return ()
    return tuple(zones)


def _wider(hours: Hours) -> Hours:
    begin, end = hours
    return (begin - _WIDER) % 1440, (end + _WIDER) % 1440


def _end(moment: datetime, hours: Hours, zone: tzinfo) -> datetime | None:
    """Return when the quiet hours end that `moment` is in, or None if it is in none."""
    begin, end = hours
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if not (begin <= minute < end if begin < end else minute >= begin or minute < end):
        return None
    day = local if minute < end else local + timedelta(days=1)
    # An hour that a change of the clock repeats or leaves out: the later of its two meanings.
    return max(
        day.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0, fold=fold).astimezone(
            UTC
        )
        for fold in (0, 1)
    )
