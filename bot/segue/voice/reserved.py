"""Words that the phone carriers keep for themselves on SMS, and sentences that invite them.

Who answers STOP or CANCEL gets no more messages at all; HELP is answered by the carrier's rules.
So no reply may ask for such a word as if it were ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from segue.consent import INFORMATION, OPT_IN, OPT_OUT
from segue.words import normalise

_ALL = "|".join((*OPT_OUT, *OPT_IN, *INFORMATION))
_VERB = regex.compile(
    r"\b(?:reply|replies|text|send|write|type|answer|respond|message|enter"
    r"|antworte\w*|schreib\w*|send(?:e|en)|schick\w*|tipp\w*|simse)\b",
    regex.IGNORECASE,
)
_QUOTE = r"[\"'“”„‚‘’«»‹›*]"
_PLAIN_CASE = regex.compile(
    rf"^\W*(?:(?:back|with|just|the|word|us|me|please|mit|einfach|uns|mir|bitte|das|wort)\W+)*"
    rf"({_ALL})\b",
    regex.IGNORECASE,
)
_SHOWN = regex.compile(rf"{_QUOTE}(?i:({_ALL})){_QUOTE}|\b({_ALL})\b")
_SENTENCE = regex.compile(r"(?<=[.!?])\s+|\n")
_OPTING_OUT = regex.compile(
    r"opt[- ]?(?:out|in)|unsubscribe from|no more (?:messages|texts)|stop (?:messages|texts)"
    r"|abmelden|abbestellen|keine (?:weiteren )?(?:nachrichten|sms)",
    regex.IGNORECASE,
)


def invited_words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the reserved words that a text asks for, and whether that is mostly harmless.

    The sentence that tells how to opt out may, and must, name its word.
    """
    for sentence in _SENTENCE.split(text):
        verb = _VERB.search(sentence)
        if verb is None or _OPTING_OUT.search(sentence):
            continue
        rest = sentence[verb.end() :]
        words = {(found[1] or found[2]).upper() for found in _SHOWN.finditer(rest)}
        if (found := _PLAIN_CASE.match(rest)) is not None:
            words.add(found[1].upper())
        for word in sorted(words):
            yield word, word in OPT_IN


def reserved_label(label: str) -> bool:
    """Say whether a button's label, typed as an answer, would opt the customer out."""
    return normalise(label).upper() in (*OPT_OUT, *INFORMATION)
