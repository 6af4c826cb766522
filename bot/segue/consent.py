"""Consent to be written to, where the carriers keep words for it: which words, and what they do.

    STOP, UNSUBSCRIBE, END …   opt out: nothing more goes to this address, except the confirmation
    START, YES, UNSTOP         opt in again; they mean this only while the customer is opted out
    HELP, INFO                 the text that carriers demand comes first, then where we were
    "please stop texting me"   no word of the list, but it may mean the same: it is asked about

- A word counts only where it is the whole message: "stop by the store" is no STOP.
- Case, width, spaces and punctuation around it do not count (` Stop. `, `ＳＴＯＰ`, `STOP!`).
- The words of all locales of the voice count, whatever language the conversation is in.
- Pure: `admit` gives a word its effect, in the same script that stores the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import regex
from msgspec import Struct

from segue.types import Message, Millis
from segue.words import Words, normalise

OPT_OUT = ("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT")
OPT_IN = ("START", "YES", "UNSTOP")
INFORMATION = ("HELP", "INFO")

MARK = "consent"
"""Where a stored message says which word took effect: `inbound.data[MARK]` holds a `Word`."""
PLATFORM = "platform_consent"
"""Where an adapter says, in `inbound.data`, which word its platform has recognised and answered."""


class Word(StrEnum):
    """What a message does to consent."""

    STOP = "stop"
    """The customer has opted out with this message."""
    STOPPED = "stopped"
    """STOP once more, by somebody who is opted out: nothing is said."""
    START = "start"
    """The customer has opted in again with this message."""
    HELP = "help"
    """They want to know who writes."""
    ASKED = "asked"
    """In words of their own they seem not to want messages: noted, and asked about."""


class Noted(Struct, frozen=True, kw_only=True):
    """One entry of the record of consent, oldest first."""

    at: Millis
    channel: str
    what: str
    """`out`, `in`, `asked`, or `shown`: what they were told about it."""
    how: str
    """`word` (the customer wrote it), `platform` (it refused to send: 21610), `api:NAME`."""
    shown: Message | None = None
    """With `shown`: what was sent."""


_BUILT_IN = {
    **dict.fromkeys(("stop all", "opt out", "opt-out", *map(str.lower, OPT_OUT)), Word.STOP),
    **dict.fromkeys(map(str.lower, OPT_IN), Word.START),
    **dict.fromkeys(map(str.lower, INFORMATION), Word.HELP),
}
_LONGEST = 200
"""Characters: who writes more is telling a story, and a person should read it."""

_REVOKED = regex.compile(
    r"""
    \b(?:stop|quit|cease|(?:do\ not|don'?t|never))\ (?:ever\ )?
        (?:(?:send|text|messag|contact|writ|bother|spamm?)(?:e|ing)?)\b
        (?:\ (?:me|us|this\ number))?(?:\ (?:any|these|those|more|your))*
        (?:\ (?:texts?|messages?|sms|offers?|ads?))?(?:\ (?:anymore|any\ more|again|please|ever))*$
    | \b(?:no\ more|stop\ (?:the|these|your|all))\ (?:texts?|messages?|sms|spam)\b
    | \b(?:remove|take|get|delete)\ (?:me|us|my\ number|this\ number)\ (?:from|off)\b
        .{0,20}\b(?:list|database|texts?|messages?)
    | \b(?:unsubscribe|opt)\ (?:me|us)(?:\ out)?\b | \bi\ (?:want\ to\ |wish\ to\ )?
        (?:unsubscribe|opt\ out|revoke\ (?:my\ )?consent)\b
    | \bleave\ me\ alone\b | \blose\ my\ number\b
    | \b(?:keine|nie)\ (?:\w+\ )?(?:sms|nachrichten|werbung|mitteilungen)\ mehr\b
    | \b(?:hör|hört|hören\ sie)\ (?:bitte\ )?auf,?\ (?:mir|uns|mich|zu)\b
    | \b(?:schreib|schreibt|schick|schickt|sende|sendet)\w*\ (?:mir|uns)\ (?:bitte\ )?
        (?:nichts|nicht|keine?)\b.*\b(?:mehr|sms|nachrichten)\b
    | \b(?:meld|melde|meldet)\ mich\ (?:bitte\ )?ab\b | \baus\ dem\ verteiler\b
    | \b(?:lass|lasst)\ mich\ in\ ruhe\b | \bwiderrufe\ (?:meine|die)\ (?:einwilligung|zustimmung)\b
    """,
    regex.VERBOSE,
)


def table(words: Iterable[Words]) -> dict[str, Word]:
    """Return all words that count here, normalised: the carriers' and those of the voice."""
    found: dict[str, Word] = {}
    for each in words:
        found |= dict.fromkeys(each.information, Word.HELP)
        found |= dict.fromkeys(each.opt_in, Word.START)
        found |= dict.fromkeys(each.opt_out, Word.STOP)
    return found | _BUILT_IN


def read(text: str, words: Mapping[str, Word] = _BUILT_IN) -> Word | None:
    """Return what a message means for consent, or None. `words` is what `table` gave."""
    if not text or len(text) > _LONGEST:
        return None
    said = normalise(text)
    word = words.get(said)
    if word is not None:
        return word
    return Word.ASKED if _REVOKED.search(said) else None
