"""Numbers, money, dates and lists as the customer's locale writes them; the filters of replies.

    {{ order.total | money("EUR") }}   {{ order.total | money(order.currency) }}
    {{ n | number }}   {{ share | percent }}
    {{ day | date }}   {{ day | date("full") }}   {{ moment | time }}   {{ moment | datetime }}
    {{ names | join(", ") }}   {{ names | join_and }}   {{ names | join_or }}   {{ names | length }}
    {{ name | upper }} lower title capitalize trim first last

Dates and decimal numbers are written in the locale's way without a filter, too. Whole numbers are
not: they may be order numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from segue.voice.values import BadValue

if TYPE_CHECKING:
    from babel import Locale

# Babel is imported where it is used: a start should not wait for it.

STYLES = ("short", "medium", "long", "full")
_CURRENCY_LENGTH = 3
_LARGEST = 10**18
_MOMENTS = frozenset({date, datetime, time, timedelta})


@lru_cache(maxsize=256)
def babel_locale(locale: str) -> Locale:
    """Return what Babel knows of a locale, or of the nearest one it knows."""
    from babel import Locale, UnknownLocaleError

    parts = locale.replace("_", "-").split("-")
    while parts:
        try:
            return Locale.parse("_".join(parts), sep="_")
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Locale("en")


def to_text(value: Any, locale: str, zone: Any = None) -> str:
    """Return a printed value's text; raise `BadValue` for what is not one word or number."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is int:
        return str(value)
    if kind in (float, Decimal):
        return number(locale, value)
    if kind in _MOMENTS:
        return _moment(locale, value, zone)
    if isinstance(value, Undefined):
        return str(value)  # raises, and names what is missing
    if value is None:
        raise BadValue("a missing value is printed; put an `if` around it")
    if kind is bool:
        raise BadValue("a yes-or-no value is printed; choose words for it with `if`")
    what = {"dict": "a record is printed; print its fields", "list": "a list is printed; join it"}
    raise BadValue(what.get(kind.__name__, f"a {kind.__name__} is printed"))


def _moment(locale: str, value: Any, zone: Any) -> str:
    from babel.dates import format_time, format_timedelta

    if type(value) is datetime:
        return _datetime(locale, value, "medium", zone)
    if type(value) is date:
        return _date(locale, value, "long")
    if type(value) is time:
        return str(format_time(value, "short", tzinfo=UTC, locale=babel_locale(locale)))
    return str(format_timedelta(value, locale=babel_locale(locale)))


@lru_cache(maxsize=4096)
def _date(locale: str, value: date, style: str) -> str:
    from babel.dates import format_date

    return str(format_date(value, style, locale=babel_locale(locale)))


@lru_cache(maxsize=4096)
def _datetime(locale: str, value: datetime, style: str, zone: Any) -> str:
    from babel.dates import format_datetime

    local = _local(value, zone)
    return str(format_datetime(local, style, locale=babel_locale(locale)))


def _local(value: datetime, zone: Any) -> datetime:
    """Return the wall time to show: a moment without zone is taken as it stands."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value.astimezone(zone or value.tzinfo)


def number(locale: str, value: Any, places: int | None = None) -> str:
    """Write a number with the locale's separators, to `places` decimals if given."""
    from babel.numbers import format_decimal

    _finite(value)
    pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
    return str(format_decimal(value, pattern, locale=babel_locale(locale)))


def _finite(value: Any) -> None:
    if type(value) not in (int, float, Decimal):
        raise BadValue(f"a number is needed, found a {_kind(value)}")
    if not math.isfinite(value) or abs(value) >= _LARGEST:
        raise BadValue("the number is too large to be shown")


def _parsed(value: Any) -> Any:
    """Take numbers that arrive as text (`"39.90"`), as shop backends often send them."""
    if type(value) is str and len(value) <= 40:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


def _moment_of(value: Any, kind: type) -> Any:
    """Take dates that arrive as ISO text: that is what JSON and a journal make of them."""
    if type(value) is str and len(value) <= 40:
        try:
            return kind.fromisoformat(value)  # type: ignore[attr-defined]
        except ValueError:
            pass
        if kind is date:
            return _day(value)
    return value


def _day(value: str) -> Any:
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return value


def _style(style: Any) -> str:
    if style not in STYLES:
        raise BadValue(f"{style!r} is none of {', '.join(STYLES)}")
    return str(style)


def _kind(value: Any) -> str:
    """Name the type of an unfitting value; a missing one raises, naming what is missing."""
    if isinstance(value, Undefined):
        return str(value)
    return "missing value" if value is None else type(value).__name__


@pass_context
def _number_filter(context: Context, value: Any, places: Any = None) -> str:
    if places is not None and places not in range(7):
        raise BadValue("number takes 0 to 6 decimals")
    return number(_locale(context), _parsed(value), places)


@pass_context
def _percent_filter(context: Context, value: Any) -> str:
    from babel.numbers import format_percent

    value = _parsed(value)
    _finite(value)
    return str(format_percent(value, locale=babel_locale(_locale(context))))


@pass_context
def _money_filter(context: Context, value: Any, currency: Any) -> str:
    from babel.numbers import format_currency

    if type(currency) is not str or len(currency) != _CURRENCY_LENGTH:
        raise BadValue("money needs a currency of three letters, like EUR")
    value = _parsed(value)
    _finite(value)
    return str(format_currency(value, currency.upper(), locale=babel_locale(_locale(context))))


@pass_context
def _date_filter(context: Context, value: Any, style: Any = "long") -> str:
    value = _moment_of(value, date)
    if type(value) is datetime:
        value = _local(value, getattr(context, "zone", None)).date()
    if type(value) is not date:
        raise BadValue(f"a date is needed, found a {_kind(value)}")
    return _date(_locale(context), value, _style(style))


@pass_context
def _time_filter(context: Context, value: Any, style: Any = "short") -> str:
    from babel.dates import format_time

    if type(value) is str:
        value = _moment_of(value, datetime if "T" in value or " " in value else time)
    if type(value) is datetime:
        local: Any = _local(value, getattr(context, "zone", None)).time()
    else:
        local = value
    if type(local) is not time:
        raise BadValue(f"a time is needed, found a {_kind(value)}")
    return str(format_time(local, _style(style), tzinfo=UTC, locale=babel_locale(_locale(context))))


@pass_context
def _datetime_filter(context: Context, value: Any, style: Any = "medium") -> str:
    value = _moment_of(value, datetime)
    if type(value) is not datetime:
        raise BadValue(f"a date with a time is needed, found a {_kind(value)}")
    return _datetime(_locale(context), value, _style(style), getattr(context, "zone", None))


def _locale(context: Context) -> str:
    return str(getattr(context, "locale", "en"))


def _texts(context: Context, value: Any) -> list[str]:
    if type(value) is not list:
        raise BadValue(f"a list is needed, found a {_kind(value)}")
    locale, zone = _locale(context), getattr(context, "zone", None)
    return [to_text(item, locale, zone) for item in value]


@pass_context
def _join(context: Context, value: Any, separator: Any = ", ") -> str:
    return str(separator).join(_texts(context, value))


@pass_context
def _join_and(context: Context, value: Any) -> str:
    from babel.lists import format_list

    return format_list(_texts(context, value), "standard", locale=babel_locale(_locale(context)))


@pass_context
def _join_or(context: Context, value: Any) -> str:
    from babel.lists import format_list

    return format_list(_texts(context, value), "or", locale=babel_locale(_locale(context)))


def _length(value: Any) -> int:
    if type(value) not in (list, dict, str):
        raise BadValue(f"length needs a list or a text, found a {_kind(value)}")
    return len(value)


def _word(change: Callable[[str], str]) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        if type(value) is not str:
            raise BadValue(f"a text is needed, found a {_kind(value)}")
        return change(value)

    return apply


def _item(index: int) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if type(value) is not list or not value:
            raise BadValue("a list with something in it is needed")
        return value[index]

    return apply


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": _word(lambda text: text[:1].upper() + text[1:]),
    "count": _length,
    "date": _date_filter,
    "datetime": _datetime_filter,
    "first": _item(0),
    "join": _join,
    "join_and": _join_and,
    "join_or": _join_or,
    "last": _item(-1),
    "length": _length,
    "lower": _word(str.lower),
    "money": _money_filter,
    "number": _number_filter,
    "percent": _percent_filter,
    "time": _time_filter,
    "title": _word(str.title),
    "trim": _word(str.strip),
    "upper": _word(str.upper),
}

TESTS: dict[str, Callable[..., Any]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "even": lambda value: type(value) is int and value % 2 == 0,
    "none": lambda value: value is None,
    "odd": lambda value: type(value) is int and value % 2 == 1,
    "undefined": lambda value: isinstance(value, Undefined),
}
