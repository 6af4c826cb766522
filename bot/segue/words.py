"""The words that always work, one set per locale: loaded by the voice, used by slots and engine."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import regex

_EDGES = regex.compile(r"^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$")
_SPACES = regex.compile(r"\s+")


_ASCII_EDGES = string.punctuation + " "


def normalise(text: str) -> str:
    """Fold case, width and white space, and drop punctuation at both ends (` Stop. ` is `stop`)."""
    return _normalised(text) if len(text) < _SHORT else _normalise(text)


def _normalise(text: str) -> str:
    if text.isascii() and text.isprintable():
        # The same, without Unicode tables: most messages, and several times in every turn.
        return " ".join(text.strip(_ASCII_EDGES).lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _SPACES.sub(" ", _EDGES.sub("", folded))


_SHORT = 100
_normalised = lru_cache(maxsize=256)(_normalise)
"""A message is normalised by everyone who reads it in its turn, one after the other."""


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
    bye: frozenset[str] = frozenset()
    """Leaving in the middle of a question: it waits, and they are told so."""
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
    opt_out: frozenset[str] = frozenset()
    """What this language says for STOP, beside the carriers' own words (`segue.consent`)."""
    opt_in: frozenset[str] = frozenset()
    """The same for START."""
    information: frozenset[str] = frozenset()
    """The same for HELP."""
    orders: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """The same as one table, looked up for every message: words → `cancel`, `person`, `help`…"""

    def __post_init__(self) -> None:
        """Make the table; words in two lists mean the first of `ORDERS`."""
        table = {said: name for name in reversed(ORDERS) for said in getattr(self, name)}
        object.__setattr__(self, "orders", table)


ORDERS = ("cancel", "person", "help", "back", "repeat", "skip", "bye")
"""Fields whose words are understood in every dialog, in the order in which they are tried."""


SINGLE = (
    *("cancel", "help", "back", "repeat", "skip", "person", "bye", "yes", "no", "filler"),
    *("opt_out", "opt_in", "information"),
)
"""Fields that are a list of words in `words.toml`."""


class WordsMistake(ValueError):
    """Something in `words.toml` that cannot be read, with its cure."""

    def __init__(self, key: str, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")
        self.key = key
        self.problem = problem
        self.cure = cure


def parse_words(locale: str, table: Mapping[str, object], *, parent: Words | None = None) -> Words:
    """Return the words of a parsed `words.toml`; what it leaves out comes from `parent`.

    Lists of words: `cancel help back repeat skip person bye yes no filler correct`, and for the
    carriers' words `opt_out opt_in information`. `ordinals` is a list of such lists, the first
    option first. `numbers` is a table: number word → number.
    """
    known = {*SINGLE, "correct", "ordinals", "numbers"}
    for key in table:
        if key not in known:
            raise WordsMistake(
                key,
                f"`{key}` is none of the words that work",
                f"There are {', '.join(sorted(known))}.",
            )
    lists = {key: frozenset(_list(key, table[key])) for key in SINGLE if key in table}
    fields: dict[str, object] = {**lists}
    if "correct" in table:
        openings = set(_list("correct", table["correct"]))
        fields["correct"] = tuple(sorted(openings, key=lambda words: (-len(words), words)))
    if "ordinals" in table:
        ordinals = table["ordinals"]
        if not isinstance(ordinals, list):
            raise WordsMistake(
                "ordinals", "`ordinals` is not a list", 'Write [["1", "first"], ["2", "second"]].'
            )
        fields["ordinals"] = tuple(frozenset(_list("ordinals", names)) for names in ordinals)
    if "numbers" in table:
        numbers = table["numbers"]
        if not isinstance(numbers, dict) or not all(type(n) is int for n in numbers.values()):
            raise WordsMistake(
                "numbers", "`numbers` is not a table of numbers", "Write [numbers] and two = 2."
            )
        fields["numbers"] = {normalise(word): number for word, number in numbers.items()}
    base = parent or Words(locale=locale)
    return replace(base, locale=locale, **fields)  # type: ignore[arg-type]


def _list(key: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise WordsMistake(key, f"`{key}` is not a list of words", f'Write {key} = ["…", "…"].')
    words = [normalise(word) for word in value]
    if "" in words:
        raise WordsMistake(key, f"`{key}` holds an empty word", "Remove it.")
    return words
