"""What a customer wrote, out of Slack's marked-up text.

Slack escapes `&`, `<`, `>` in what people write, and puts links, addresses and mentions into angle
brackets: `<mailto:ada@example.com|ada@example.com>`. Dialogs want the words.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"<([^<>\n]{1,3000})>")


def words(text: str) -> str:
    """Return the words, as they were typed."""
    return _unescaped(_MARK.sub(_mark, text)).replace("\x00", "").strip()


def without_mention(text: str) -> str:
    """Return the words without the mention they begin with (of us)."""
    return words(re.sub(r"^\s*<@[A-Z0-9]+(\|[^<>]*)?>[\s:,]*", "", text))


def _mark(found: re.Match[str]) -> str:
    target, bar, label = found[1].partition("|")
    match target[:1]:
        case "@":
            return f"@{label}" if label else ""
        case "#":
            return f"#{label}" if label else ""
        case "!":
            kind = target[1:].partition("^")[0]
            return label or (f"@{kind}" if kind in ("here", "channel", "everyone") else "")
    if bar and label:
        return label
    for scheme in ("mailto:", "tel:"):
        if target.startswith(scheme):
            return target.removeprefix(scheme)
    return target


def _unescaped(text: str) -> str:
    # The ampersand last, so that `&amp;lt;` is `&lt;` and nothing else.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escaped(text: str) -> str:
    """Return text as Slack wants it where it reads markup: none of it is any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
