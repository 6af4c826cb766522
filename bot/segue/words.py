"""The words that always work, one set per locale. The voice loads them; slots and engine use them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import regex

_EDGES = regex.compile(r"^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$")
_SPACES = regex.compile(r"\s+")


def normalise(text: str) -> str:
    """Fold case, width and white space, and drop punctuation at both ends (` Stop. ` is `stop`)."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _SPACES.sub(" ", _EDGES.sub("", folded))


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What people say for the things every dialog understands; all normalised, matched whole."""

    locale: str
    cancel: frozenset[str] = frozenset()
    help: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    repeat: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    person: frozenset[str] = frozenset()
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
    correct: tuple[str, ...] = ()
    """Openings of a correction, longest first: "no, i meant", "actually"."""
    ordinals: tuple[frozenset[str], ...] = ()
    """What people call the first, the second, … option: "1", "one", "first", "the first one"."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Number words: "two" → 2."""
    filler: frozenset[str] = frozenset()
    """Words around an answer that mean nothing: "please", "it's", "the"."""
