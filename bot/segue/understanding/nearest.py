"""Examples of one locale, taken apart once so that a message is compared with them quickly.

A score has two halves:
- *evidence*: does each word of the message belong to this intent, judged over all its examples?
- *nearness*: how much do the message and the one example that fits best have in common?

In both, rare words weigh more, light words ("the", "my") almost nothing, and a word that no example
knows counts against every intent. A word with a typo counts as its neighbour, a little less.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import Final

from segue.understanding.tokens import tokens, words_of

LIGHT_WEIGHT: Final = 0.2
PAIR_WEIGHT: Final = 0.55
"""A pair of words weighs so much of its two words: "get back" is more than "get" and "back"."""
UNKNOWN: Final = 0.8
"""What an unknown word weighs, of a word that only one intent knows."""
TYPO: Final = 0.85
DOUBT: Final = 0.34
"""How little is made of a word that an intent has in one example of many."""
ONE_WORD: Final = 0.45
"""More than this no single word scores, unless it or another form of it is an example."""
_TYPO_FROM: Final = 5
_CLOSER: Final = 6
"""So many intents, best by evidence, are compared example by example."""
_WORDS: Final = 40
_TYPOS: Final = 8
"""So many unknown words of a message are looked up among their neighbours."""


@dataclass(frozen=True, slots=True)
class _Example:
    text: str
    words: Mapping[str, float]
    weight: float


class Nearest:
    """The examples of each intent in one language."""

    def __init__(self, intents: Mapping[str, Sequence[str]], language: str) -> None:
        self.language = language
        told = {
            intent: [words for text in texts if (words := tokens(text, language))]
            for intent, texts in intents.items()
        }
        told = {intent: examples for intent, examples in told.items() if examples}
        spread = Counter(
            word
            for examples in told.values()
            for word in {word for words in examples for word in words}
        )
        most = log(1 + len(told))
        self._weights = {
            word: LIGHT_WEIGHT if word[0] == "." else max(0.3, log((1 + len(told)) / count) / most)
            for word, count in spread.items()
        }
        self._neighbours = _neighbourhoods(word for word in sorted(self._weights) if word[0] != ".")
        self._examples = {
            intent: [self._example(words) for words in examples]
            for intent, examples in told.items()
        }
        self._evidence = _learn(told)
        # One word that stands in an example is not yet what the example says ("post", "damaged").
        self._alone = {
            intent: {words[0] for words in examples if len(words) == 1}
            for intent, examples in told.items()
        }
        self._exact = {
            " ".join(words_of(text, language)): intent
            for intent, texts in intents.items()
            for text in texts
        }

    def _example(self, words: Sequence[str]) -> _Example:
        weights = {word: self._weights[word] for word in words}
        return _Example(_text(words), weights, sum(weights.values()))

    def scores(self, text: str) -> list[tuple[str, float]]:
        """Return (intent, score) for what has most in common with these words, best first."""
        words = tokens(text, self.language)[:_WORDS]
        known, total = self._read(words)
        if not known:
            return []
        evidence = self._weigh_evidence(known, total)
        nearest = sorted(evidence, key=lambda intent: (-evidence[intent], intent))[:_CLOSER]
        exact = self._exact.get(" ".join(words_of(text, self.language)))
        text = _text(words)
        alone = len(words) == 1
        found = [
            (
                intent,
                1.0
                if intent == exact
                else min(
                    ONE_WORD if alone and not known.keys() & self._alone[intent] else 1.0,
                    (evidence[intent] + self._nearness(intent, known, total, text)) / 2,
                ),
            )
            for intent in nearest
        ]
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found

    def _read(self, words: Sequence[str]) -> tuple[dict[str, float], float]:
        """Return the known words with their weight, and the weight of all words together."""
        known: dict[str, float] = {}
        total = 0.0
        typos = 0
        for word in dict.fromkeys(words):
            weight = self._weights.get(word)
            if weight is not None:
                known[word] = weight
                total += weight
                continue
            if word[0] == ".":
                total += LIGHT_WEIGHT
                continue
            neighbour = None
            if len(word) >= _TYPO_FROM and typos < _TYPOS:
                typos += 1
                neighbour = self._neighbour(word)
            if neighbour is None:
                total += UNKNOWN
            elif neighbour not in known:
                known[neighbour] = self._weights[neighbour] * TYPO
                total += self._weights[neighbour]
        return known, total

    def _neighbour(self, word: str) -> str | None:
        # People hardly ever mistype the first letter, so only words that share it are looked at.
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        near = self._neighbours.get((word[0], len(word)))
        if near is None:
            return None
        found = process.extractOne(word, near, scorer=OSA.distance, score_cutoff=1)
        return found[0] if found else None

    def _weigh_evidence(self, known: Mapping[str, float], total: float) -> dict[str, float]:
        evidence: dict[str, float] = defaultdict(float)
        for word, weight in known.items():
            for intent, share in self._evidence.get(word, ()):
                evidence[intent] += weight * share
        whole = total
        words = list(known)
        for one, two in pairwise(words):
            shares = self._evidence.get(f"{one} {two}")
            if shares:
                weight = PAIR_WEIGHT * (known[one] + known[two])
                whole += weight
                for intent, share in shares:
                    evidence[intent] += weight * share
        return {intent: found / whole for intent, found in evidence.items()}

    def _nearness(self, intent: str, known: Mapping[str, float], total: float, text: str) -> float:
        from rapidfuzz import fuzz

        best = 0.0
        for example in self._examples[intent]:
            shared = sum(weight for word, weight in known.items() if word in example.words)
            if shared == 0:
                continue
            overlap = 2 * shared / (total + example.weight)
            if 0.75 * overlap + 0.25 > best:
                best = max(best, 0.75 * overlap + 0.25 * fuzz.ratio(text, example.text) / 100)
        return best


def _neighbourhoods(words: Iterable[str]) -> dict[tuple[str, int], list[str]]:
    """Return, for first letter and length of a mistyped word, what it may have been meant for."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for word in words:
        if len(word) >= _TYPO_FROM - 1:
            for length in range(len(word) - 1, len(word) + 2):
                found[word[0], length].append(word)
    return dict(found)


def _text(words: Sequence[str]) -> str:
    return " ".join(word.lstrip(".") for word in words)


def _learn(told: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[tuple[str, float]]]:
    """Return, for each word and pair, which intents it speaks for, and how clearly (0 to 1)."""
    rates: dict[str, dict[str, float]] = defaultdict(dict)
    for intent, examples in told.items():
        counts: Counter[str] = Counter()
        for words in examples:
            counts.update(set(words))
            counts.update({f"{one} {two}" for one, two in pairwise(words)})
        for word, count in counts.items():
            # Many examples make an intent better known, not less sure of each of its words.
            rates[word][intent] = count / len(examples) ** 0.3
    return {
        word: [(intent, rate / (sum(by.values()) + DOUBT)) for intent, rate in sorted(by.items())]
        for word, by in rates.items()
    }
