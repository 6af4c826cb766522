"""Take out of a text what must not be in a log: addresses of people and secrets of ours.

A net under a rule, not the rule: nothing is to be logged that needs it (an event name and values
that say nothing about a person). It is for what libraries write, and for what slipped through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

GONE = "[removed]"
_LONGEST = 2000

_SECRET_NAMES = re.compile(
    r"(?i)(?:^|_)(?:text|body|words|utterance|message_text|password|passwd|secret|token|api_?key"
    r"|authorization|cookie|session|phone|e?mail|signature|credentials?)$"
)

_PATTERNS = (
    # a JWT
    re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.?[A-Za-z0-9_-]*"),
    # our session tokens: customer, secret, stamp
    re.compile(r"\b[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]+)?"),
    # our API keys and the secrets of webhooks
    re.compile(r"\b(?:segue|whsec)_[A-Za-z0-9_-]{20,}"),
    # tokens of platforms
    re.compile(r"\bxox[a-z]-[A-Za-z0-9-]+|\bxapp-[A-Za-z0-9-]+"),
    re.compile(r"(?:bot)?(?<!\d)\d{6,}:[A-Za-z0-9_-]{30,}"),
    re.compile(r"\b(?:SK|AC)[0-9a-fA-F]{32}\b"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    # user and password in an address; a query of an address
    re.compile(r"(?<=://)[^\s/@]+@"),
    re.compile(r"(?<=[\w/])\?[^\s\"'<>]+=[^\s\"'<>]*"),
    # e-mail and phone numbers
    re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"(?<![\w.:-])(?:\+|00)\d[\d ()/.-]{6,17}\d(?![\w-])"),
    re.compile(r"(?<![\w.:+-])\(?0\d{1,4}\)?[ /-]?\d{2,}(?:[ -]?\d{2,})+(?![\w.:-])"),
    re.compile(r"(?<![\w.:+-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w.:-])"),
)


def scrub(text: str) -> str:
    """Return `text` with whatever looks like a person's address or a secret taken out."""
    text = text.encode("utf-8", "replace").decode()[:_LONGEST]
    for pattern in _PATTERNS:
        text = pattern.sub(GONE, text)
    return text


def scrub_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return key-values as they may be logged; names that promise a secret lose their value."""
    return {
        scrub(str(name)): GONE if _SECRET_NAMES.search(str(name)) else _scrub_value(value)
        for name, value in values.items()
    }


def _scrub_value(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < 4 and isinstance(value, Mapping):
        return {
            scrub(str(name)): (
                GONE if _SECRET_NAMES.search(str(name)) else _scrub_value(inner, depth + 1)
            )
            for name, inner in list(value.items())[:50]
        }
    if depth < 4 and isinstance(value, list | tuple | set | frozenset):
        return [_scrub_value(inner, depth + 1) for inner in list(value)[:50]]
    return scrub(str(value))
