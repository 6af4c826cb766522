"""A day, the way people say it.

The order of reading: what is written in full, relative words and weekdays (the common ones are read
here, in English and German, since the library does not know them all), numbers whose order is in
doubt (12/11 is asked back), and the library for the rest. A time of day is no day.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

import regex

from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import LONGEST, bare, language

Prefer: TypeAlias = Literal["past", "future", "either"]

_ISO = regex.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_NUMERIC = regex.compile(
    r"(?<![\d.,/])(\d{1,2})\s?([./\-])\s?(\d{1,2})\s?(?:\2\s?(\d{4}|\d{2})|\.)?(?![\d/%€$])"
)
_RELATIVE = {
    "today": 0, "tonight": 0, "heute": 0,
    "tomorrow": 1, "tmrw": 1, "tmr": 1, "tomorow": 1, "tommorow": 1, "tommorrow": 1, "morgen": 1,
    "yesterday": -1, "yday": -1, "gestern": -1,
    "day after tomorrow": 2, "the day after tomorrow": 2, "übermorgen": 2, "uebermorgen": 2,
    "day before yesterday": -2, "the day before yesterday": -2, "vorgestern": -2,
    "in a week": 7, "a week from now": 7, "in einer woche": 7, "heute in einer woche": 7,
    "a week ago": -7, "vor einer woche": -7,
}  # fmt: skip
_WEEKDAY_NAMES = (
    "monday mon montag mo",
    "tuesday tue tues dienstag di",
    "wednesday wed weds mittwoch mi",
    "thursday thu thur thurs donnerstag do",
    "friday fri freitag fr",
    "saturday sat samstag sa sonnabend",
    "sunday sun sonntag so",
)
_WEEKDAYS = {name: day for day, names in enumerate(_WEEKDAY_NAMES) for name in names.split()}
_SHORT_GERMAN = frozenset({"mo", "di", "mi", "do", "fr", "sa", "so"})
_MONTH = regex.compile(
    r"\b(?:jan|feb|mar|mär|maer|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)\p{L}*",
    regex.IGNORECASE,
)
_NEXT = regex.compile(
    r"^(?:on |am |an diesem )?"
    r"(?:next|nächste[nrs]?|naechste[nrs]?|kommende[nrs]?|coming) (\p{L}+)$"
)
_LAST = regex.compile(r"^(?:on |am )?(?:last|letzte[nrs]?|vergangene[nrs]?|past) (\p{L}+)$")
_THIS = regex.compile(r"^(?:on |am |this |diese[nrs]? )+(\p{L}+)$")
_DAY_OF_MONTH = regex.compile(r"^(?:on |am )?(?:the |den |dem )?(\d{1,2})(?:st|nd|rd|th|\.)$")
_AGO = regex.compile(
    r"^(?:vor |in )?(\d{1,3}|\p{L}+) (day|week|tag|woche)(?:s|en|e|n)?( ago| from now)?$"
)
_ARTICLE = regex.compile(r"^(?:(?:on|am|the|den|der|dem|vom|zum)\s+)+")
_WEEKEND = regex.compile(
    r"^(?:on |at |am |an )?(?:the |this |diesem |dieses |das )?(?:weekend|wochenende)$"
)
_COUNT = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "einem": 1, "einer": 1, "ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6,
    "sieben": 7,
}  # fmt: skip
_PARTS = regex.compile(r"\b(?:morning|afternoon|evening|night|früh|vormittag|nachmittag|abend)s?\b")


def date_slot(
    *,
    prefer: Prefer = "either",
    earliest: timedelta | None = None,
    latest: timedelta | None = None,
    name: str = "date",
    example: str = "",
) -> Slot[date]:
    """Make a slot for a day.

    `prefer` says which Friday "friday" is, and which year a day without one belongs to. `earliest`
    and `latest` are counted from today (negative: before it); outside them the retry lines are
    `too_early` and `too_late`.
    """

    def parse(text: str, context: SlotContext) -> SlotReading[date]:
        if context.choice is not None:
            return _chosen(context.choice)
        today = context.now.date()
        readings = list(dict.fromkeys(_read(text[:LONGEST], context, prefer)))
        fitting = [day for day in readings if not _outside(day, today, earliest, latest)]
        if len(fitting) == 1:
            return Value(fitting[0])
        if len(fitting) > 1:
            return Nearly(values=tuple(fitting), labels=tuple(_label(d, context) for d in fitting))
        if readings:
            return NoValue(_outside(readings[0], today, earliest, latest))
        return NoValue()

    return Slot(name=name, type=date, parse=parse, example=example)


def _chosen(choice: str) -> SlotReading[date]:
    try:
        return Value(date.fromisoformat(choice))
    except ValueError:
        return NoValue()


def _outside(day: date, today: date, earliest: timedelta | None, latest: timedelta | None) -> str:
    if earliest is not None and day < today + earliest:
        return "too_early"
    if latest is not None and day > today + latest:
        return "too_late"
    return ""


def _label(day: date, context: SlotContext) -> str:
    """Return a day as a button reads it: it must not be doubtful again."""
    if language(context) == "de":
        return f"{_DAYS_DE[day.weekday()]}, {day.day}. {_MONTHS_DE[day.month - 1]} {day.year}"
    return f"{_DAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


# -- reading ---------------------------------------------------------------------------------------


def _read(text: str, context: SlotContext, prefer: Prefer) -> list[date]:
    """Return every day that the words may mean: none, one, or two."""
    today = context.now.date()
    iso = _ISO.search(text)
    if iso is not None:
        return _days((int(iso[1]), int(iso[2]), int(iso[3])))
    said = _PARTS.sub("", bare(text, context)).strip(" ,")
    said = " ".join(said.split())
    spoken = _spoken(said, today, prefer)
    if spoken is not None:
        return spoken
    numeric = _NUMERIC.search(text)
    if numeric is not None:
        return _numeric(numeric, context, today, prefer)
    return _library(said, context, prefer)


def _spoken(said: str, today: date, prefer: Prefer) -> list[date] | None:
    """Read relative words and weekdays."""
    if said in _RELATIVE:
        return [today + timedelta(days=_RELATIVE[said])]
    for pattern, way in ((_NEXT, "next"), (_LAST, "last"), (_THIS, "this")):
        match = pattern.match(said)
        if match is not None and match[1] in _WEEKDAYS:
            return _weekday(_WEEKDAYS[match[1]], today, way, prefer)
    if _WEEKEND.match(said):
        if today.weekday() == 6:
            return [today]
        saturday = today + timedelta(days=5 - today.weekday())
        return [saturday, saturday + timedelta(days=1)]
    if said in _WEEKDAYS and said not in _SHORT_GERMAN:
        return _weekday(_WEEKDAYS[said], today, "", prefer)
    day = _DAY_OF_MONTH.match(said)
    if day is not None:
        return _in_some_month(int(day[1]), today, prefer)
    ago = _AGO.match(said)
    if ago is not None:
        count = int(ago[1]) if ago[1].isdecimal() else _COUNT.get(ago[1], 0)
        back = said.startswith("vor ") or ago[3] == " ago"
        ahead = said.startswith("in ") or ago[3] == " from now"
        if count and back != ahead:
            days = count * (7 if ago[2] in {"week", "woche"} else 1)
            return [today + timedelta(days=-days if back else days)]
    return None


def _weekday(day: int, today: date, way: str, prefer: Prefer) -> list[date]:
    """Return which Friday is meant. "Next friday" may be this week's or the week after's."""
    ahead = (day - today.weekday()) % 7
    if way == "last" or (way in {"", "this"} and prefer == "past"):
        behind = (today.weekday() - day) % 7
        if way == "last":
            behind = behind or 7
        return [today - timedelta(days=behind)]
    if way == "next":
        coming = today + timedelta(days=ahead or 7)
        # Early in the week the coming one is "this friday" to many, and the next one a week later.
        doubtful = ahead > 1 and coming.isocalendar()[1] == today.isocalendar()[1]
        return [coming, coming + timedelta(days=7)] if doubtful else [coming]
    return [today + timedelta(days=ahead)]


def _in_some_month(day: int, today: date, prefer: Prefer) -> list[date]:
    """Return the nearest day of that number, before or after today as preferred."""
    back = prefer == "past"
    year, month = today.year, today.month
    for _ in range(13):
        found = _days((year, month, day))
        if found and (found[0] <= today if back else found[0] >= today):
            return found
        month += -1 if back else 1
        if month in {0, 13}:
            year, month = (year - 1, 12) if back else (year + 1, 1)
    return []


def _numeric(
    match: regex.Match[str], context: SlotContext, today: date, prefer: Prefer
) -> list[date]:
    """Read 12/11, 12.11. and 12-11-24: both readings where the locale leaves it open."""
    first, second, year = int(match[1]), int(match[3]), match[4]
    unfinished = match[2] == "." and year is None and not match[0].endswith(".")
    if unfinished and language(context) != "de":
        return []  # "12.30" is a time or a price unless a German says it
    day_first = [(second, first)]
    month_first = [(first, second)]
    region = context.locale.partition("-")[2].upper()
    if match[2] == "." or language(context) == "de" or region in {"GB", "AU", "NZ", "IE", "IN"}:
        orders = day_first
    elif region == "US":
        orders = month_first
    else:
        orders = day_first + month_first
    if not any(_days((2024, month, day)) for month, day in orders):
        orders = day_first + month_first
    found: list[date] = []
    for month, day in orders:
        found.extend(_with_year(month, day, year, today, prefer))
    return found


def _with_year(month: int, day: int, year: str | None, today: date, prefer: Prefer) -> list[date]:
    if year is not None:
        return _days((int(year) + (2000 if len(year) == 2 else 0), month, day))
    candidates = [
        found
        for number in (today.year - 1, today.year, today.year + 1)
        for found in _days((number, month, day))
    ]
    if prefer == "past":
        return [found for found in candidates if found <= today][-1:]
    if prefer == "future":
        return [found for found in candidates if found >= today][:1]
    return sorted(candidates, key=lambda found: abs(found - today))[:1]


def _days(parts: tuple[int, int, int]) -> list[date]:
    try:
        return [date(*parts)]
    except ValueError:
        return []


def _library(said: str, context: SlotContext, prefer: Prefer) -> list[date]:
    """Let the library read what names a month or counts time; it reads too much into the rest."""
    month = _MONTH.search(said)
    counted = regex.search(r"\d|\b(?:ago|vor|in|next|last)\b", said)
    if len(said) > 60 or (month is None and counted is None):
        return []
    if month is not None and not regex.search(r"\d", said):
        return []
    if month is None and not regex.search(r"\p{L}{3}", said):
        return []
    # Slow to import (0.3 s), and seldom needed.
    import dateparser  # type: ignore[import-untyped,unused-ignore]

    lang = language(context)
    settings: dict[str, object] = {
        "RELATIVE_BASE": context.now.replace(tzinfo=None),
        "PREFER_DATES_FROM": {"past": "past", "future": "future"}.get(prefer, "current_period"),
        "REQUIRE_PARTS": ["day"],
        "DATE_ORDER": "DMY",
    }
    said = _ARTICLE.sub("", said.replace("maerz", "märz"))
    found: datetime | None = dateparser.parse(
        said, languages=[lang, "en"] if lang != "en" else ["en"], settings=settings
    )
    return [found.date()] if found is not None else []


_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_DE = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTHS_DE = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
    "Oktober", "November", "Dezember",
)  # fmt: skip

Date: Slot[date] = date_slot()
"""A day, before or after today."""
