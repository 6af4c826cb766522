"""A slot in one line: a pattern, or a parser of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar, get_args, get_origin, get_type_hints, overload

import regex

from segue.errors import DialogError
from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import LONGEST

T = TypeVar("T")
Parser = Callable[..., Any]

_EDGES = regex.compile(r"^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$")
_GAPS = regex.compile(r"[\s\-–—_./]+")
_LETTER_GAP = regex.compile(r"(?<=(?<![\p{L}\d])\p{L}{1,3})[\s\-–—]+(?=\d)")
_TIME = 0.05
"""Seconds a pattern may take: an author's pattern must not stop everybody."""
_FORKS = 8
"""So many forks (`?`, `|`) are 256 ways at most from each place: that needs no clock."""
_SIMPLE = re.compile(
    r"(?:(?:\\[dswb.-]|\[(?:[^][\\]|\\[dsw.-])*\]|[\w #:/@-])(?:\{\d{1,2}\})?\??"
    r"|\((?:\?:)?|\)\??|\|)*"
)
"""Signs and classes, each once or so many times, and groups that come at most once."""
_THREE_DIGITS = re.compile(r"\d\D*\d\D*\d")


@overload
def slot(
    reads: str,
    *,
    name: str = "",
    example: str = "",
    retry: str = "",
    sensitive: bool = False,
) -> Slot[str]: ...
@overload
def slot(
    reads: Callable[..., T],
    *,
    name: str = "",
    example: str = "",
    retry: str = "",
    sensitive: bool = False,
) -> Slot[Any]: ...
@overload
def slot(
    *,
    name: str = "",
    example: str = "",
    retry: str = "",
    sensitive: bool = False,
) -> Callable[[Callable[..., T]], Slot[Any]]: ...
def slot(
    reads: str | Callable[..., Any] | None = None,
    *,
    name: str = "",
    example: str = "",
    retry: str = "",
    sensitive: bool = False,
) -> Any:
    r"""Make a slot of a regular expression, or of a function that reads the words.

    `OrderNumber = slot(r"[A-Z]\d{4}", example="A1001")` understands "a1001", "A 1001", "#A1001" and
    "it's A1001 please", and gives "A1001".

    A function takes the text, and the `SlotContext` if it has a second parameter. It returns the
    value, or None for "not understood"; or `Value`, `Nearly`, `NoValue` to say more. A `ValueError`
    means "not understood" too. Its return annotation is the slot's type.
    """
    if reads is None:

        def decorate(parser: Callable[..., Any]) -> Slot[Any]:
            return _own(parser, name, example, retry, sensitive)

        return decorate
    if isinstance(reads, str):
        return _pattern(reads, name, example, retry, sensitive)
    return _own(reads, name, example, retry, sensitive)


# -- a pattern -------------------------------------------------------------------------------------


def _pattern(pattern: str, name: str, example: str, retry: str, sensitive: bool) -> Slot[str]:
    try:
        whole = regex.compile(pattern)
        inside = regex.compile(rf"(?<![\p{{L}}\d])(?:{pattern})(?![\p{{L}}\d])")
    except regex.error as error:
        raise DialogError(
            f"slot({pattern!r}) is not a regular expression ({error})", cure="Mend the pattern."
        ) from None

    limit = None if _bounded(pattern) else _TIME

    def parse(text: str, _context: SlotContext) -> SlotReading[str]:
        said = text[:LONGEST]
        try:
            value = _fit(whole, said.strip(), limit)
            if value is not None:
                return Value(value)
            core = _EDGES.sub("", said)
            for form in (core, _GAPS.sub("", core)):
                value = _fit(whole, form, limit)
                if value is not None:
                    return Value(value)
            found = _within(inside, said, limit) or _within(
                inside, _LETTER_GAP.sub("", said), limit
            )
        except TimeoutError:
            return NoValue()
        if len(found) == 1:
            return Value(found[0])
        if 1 < len(found) <= 4:
            return Nearly(values=tuple(found), labels=tuple(found))
        return NoValue()

    def find(text: str, _context: SlotContext) -> str | None:
        if text.isascii() and _THREE_DIGITS.search(text) is None:
            return None  # Nothing in it could be unmistakable.
        try:
            found = _within(inside, text[:LONGEST], limit)
        except TimeoutError:
            return None
        return found[0] if len(found) == 1 and _unmistakable(found[0]) else None

    if example and not isinstance(parse(example, _ANYWHERE), Value):
        raise DialogError(
            f"The example {example!r} does not fit its own slot({pattern!r})",
            cure="Give an example that the pattern matches.",
        )
    return Slot(
        name=name or f"slot_{blake2b(pattern.encode(), digest_size=3).hexdigest()}",
        type=str,
        parse=parse,
        find=find,
        example=example,
        retry=retry,
        sensitive=sensitive,
    )


def _bounded(pattern: str) -> bool:
    """Whether matching cannot run away: no repetition of a varying length, and few forks.

    Looking at the clock costs ten times as much as matching such a pattern. Where this is not sure
    it says no.
    """
    forks = pattern.count("?") + pattern.count("|") - pattern.count("(?:")
    return forks <= _FORKS and _SIMPLE.fullmatch(pattern) is not None


def _fit(pattern: regex.Pattern[str], text: str, limit: float | None) -> str | None:
    """Return the text as the pattern wants it written."""
    if not text:
        return None
    if pattern.fullmatch(text, timeout=limit):
        return text
    for form in (text.upper(), text.lower()):
        if form != text and pattern.fullmatch(form, timeout=limit):
            return form
    return None


def _within(pattern: regex.Pattern[str], text: str, limit: float | None) -> list[str]:
    """Return what fits inside a sentence, each once, in the first spelling that fits at all."""
    for form in (text, text.upper(), text.lower()):
        found = list(dict.fromkeys(m.group() for m in pattern.finditer(form, timeout=limit)))
        found = [value for value in found if value]
        if found:
            return found
    return []


def _unmistakable(value: str) -> bool:
    """Whether it cannot well be a year, an amount, a postcode or a word."""
    letters = sum(c.isalpha() for c in value)
    digits = sum(c.isdigit() for c in value)
    return digits >= 3 if letters else digits >= 7


# -- a parser of one's own -------------------------------------------------------------------------


def _own(
    parser: Callable[..., Any], name: str, example: str, retry: str, sensitive: bool
) -> Slot[Any]:
    code = getattr(parser, "__code__", None)
    takes_context = code is not None and code.co_argcount - _bound(parser) > 1

    def parse(text: str, context: SlotContext) -> SlotReading[Any]:
        try:
            result = parser(text, context) if takes_context else parser(text)
        except ValueError:
            return NoValue()
        if isinstance(result, Value | Nearly | NoValue):
            return result
        return NoValue() if result is None else Value(result)

    return Slot(
        name=name or getattr(parser, "__name__", type(parser).__name__).lower(),
        type=_type_of(parser),
        parse=parse,
        example=example,
        retry=retry,
        sensitive=sensitive,
    )


def _bound(parser: Callable[..., Any]) -> int:
    return 1 if hasattr(parser, "__self__") else 0


def _type_of(parser: Callable[..., Any]) -> Any:
    """Return the value's type: of `-> Size | None`, and of `-> SlotReading[Size]`, it is Size."""
    if isinstance(parser, type):
        return parser
    try:
        returns = get_type_hints(parser).get("return", Any)
    except NameError as error:
        raise DialogError(
            f"An annotation of the parser {parser.__name__} cannot be read ({error})",
            cure="Import or define that name at the top of the file.",
        ) from None
    except TypeError:
        return Any
    parts = get_args(returns) if get_origin(returns) is not Value else (returns,)
    kinds: list[Any] = []
    for part in parts or (returns,):
        if get_origin(part) is Value:
            kinds.extend(get_args(part))
        elif part not in (type(None), Nearly, NoValue, Value):
            kinds.append(part)
    if len(kinds) == 1:
        kind = kinds[0]
        return Any if isinstance(kind, TypeVar) else kind
    return returns if returns in {str, int, bool, float} else Any


def _anywhere() -> SlotContext:
    from datetime import UTC, datetime

    from segue.words import Words

    return SlotContext(locale="en", words=Words(locale="en"), now=datetime(2000, 1, 1, tzinfo=UTC))


_ANYWHERE = _anywhere()
