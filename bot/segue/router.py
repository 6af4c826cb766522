"""Which dialog or answer a message is for: sure, unsure between a few, or not sure.

    Router.route(utterance, locale) -> Sure | Unsure | NotSure

This is the plain router: no training, no model, only the examples. A trained one takes its place
behind the same protocol.

The rules it lives by:
- It is a pure function of its examples: the same message gets the same route in every process.
- Guessing is worse than asking. A dialog starts only if one intent fits well and no other nearly as
  well; what fits half is offered ("did you mean …?"); the rest is honestly not understood.
- Words that the examples do not know speak against every intent. So small talk about the weather
  does not become a return because of "my" and "the".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from segue.understanding.nearest import Nearest
from segue.understanding.tokens import guess_locale

__all__ = [
    "Candidate",
    "NotSure",
    "PlainRouter",
    "Route",
    "Router",
    "Sure",
    "Unsure",
    "guess_locale",
    "plain_router",
]

Examples: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
"""Intent → locale → what customers say for it."""

SURE: Final = 0.46
"""From this score on, an answer is given without asking …"""
SURE_OF_A_DIALOG: Final = 0.52
"""… or a dialog begun: being led off on the wrong journey is worse than a wrong answer …"""
LEAD: Final = 0.12
"""… if it is this far ahead of the next."""
CLEAR: Final = 0.6
"""From this score on, half of that lead is enough."""
OFFER: Final = 0.34
"""From this score on, something is offered: "did you mean …?" …"""
ALSO: Final = 0.25
"""… and beside it what scores at least this, and is not further behind than `NEAR`."""
NEAR: Final = 0.16

_TOP: Final = 5
_OFFERED: Final = 3
_LONGEST: Final = 300
"""Characters read of a message. What somebody wants stands at its beginning."""
_CACHED: Final = 2048


# -- what a router answers ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent that a message may be for, and how well it fits (0 to 1)."""

    intent: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Sure:
    """The message is for this intent."""

    intent: str
    """`dialog:NAME`, `answer:NAME`, or `person`."""
    score: float = 1.0
    how: str = "examples"
    """`examples`, or `pattern` for a dialog's exact command."""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Named groups of the pattern."""
    candidates: tuple[Candidate, ...] = ()
    """The five best, best first."""
    margin: float = 1.0
    """How far ahead of the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsure:
    """The message is for one of these, best first: ask which (one to three of them)."""

    candidates: tuple[Candidate, ...]
    margin: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSure:
    """Nothing fits. `candidates` came nearest; they are for whoever reads the explanation."""

    candidates: tuple[Candidate, ...] = ()


Route: TypeAlias = Sure | Unsure | NotSure


class Router(Protocol):
    """Finds out what a message is for."""

    def route(self, utterance: str, locale: str) -> Route:
        """Return the route of a message; quick, pure, never raises on what customers write."""
        ...


# -- the plain router -----------------------------------------------------------------------------


def plain_router(
    intents: Examples,
    *,
    patterns: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    default_locale: str = "en",
) -> PlainRouter:
    """Return a router that compares messages with examples.

    `patterns` are the exact commands: intent → regular expression, tried first, in order, on the
    whole message without regard to case. An intent without examples in a locale is known there by
    its examples in `default_locale`.
    """
    return PlainRouter(intents, patterns=patterns, default_locale=default_locale)


class PlainRouter:
    """Compares a message with the examples of each intent."""

    def __init__(
        self,
        intents: Examples,
        *,
        patterns: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        default_locale: str = "en",
    ) -> None:
        pairs = patterns.items() if isinstance(patterns, Mapping) else patterns
        self._patterns = [(intent, re.compile(text, re.IGNORECASE)) for intent, text in pairs]
        self._default = default_locale
        locales = {default_locale, *(name for told in intents.values() for name in told)}
        self._indexes = {
            locale: Nearest(
                {
                    intent: _for_locale(told, locale, default_locale)
                    for intent, told in intents.items()
                },
                _language(locale),
            )
            for locale in sorted(locales)
        }
        self._cache: OrderedDict[tuple[str, str], Route] = OrderedDict()

    def route(self, utterance: str, locale: str) -> Route:
        """Return the route of a message."""
        text = utterance[:_LONGEST].strip()
        for intent, pattern in self._patterns:
            if match := pattern.fullmatch(text):
                named = {name: value for name, value in match.groupdict().items() if value}
                return Sure(intent=intent, how="pattern", values=named)
        known_as = self._known_as(locale)
        key = (known_as, text.casefold())
        cached = self._cache.get(key)
        if cached is not None:
            self._cache.move_to_end(key)
            return cached
        scores = self._indexes[known_as].scores(text)
        route = decide([Candidate(intent, score) for intent, score in scores])
        self._cache[key] = route
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return route

    def _known_as(self, locale: str) -> str:
        for name in (locale, _language(locale)):
            if name in self._indexes:
                return name
        return self._default


def decide(scores: Sequence[Candidate]) -> Route:
    """Return the route for candidates that are sorted, best first."""
    top = tuple(scores[:_TOP])
    if not top:
        return NotSure()
    best = top[0]
    margin = best.score - (top[1].score if len(top) > 1 else 0.0)
    enough = SURE_OF_A_DIALOG if best.intent.startswith("dialog:") else SURE
    lead = LEAD if best.score < CLEAR else LEAD / 2
    if best.score >= 1.0 or (best.score >= enough and margin >= lead):
        return Sure(intent=best.intent, score=best.score, candidates=top, margin=margin)
    if best.score < OFFER:
        return NotSure(candidates=top)
    floor = max(ALSO, best.score - NEAR)
    offered = tuple(candidate for candidate in top[:_OFFERED] if candidate.score >= floor)
    return Unsure(candidates=offered, margin=margin)


def _language(locale: str) -> str:
    return locale.partition("-")[0].lower()


def _for_locale(told: Mapping[str, Sequence[str]], locale: str, default: str) -> Sequence[str]:
    return told.get(locale) or told.get(_language(locale)) or told.get(default) or ()
