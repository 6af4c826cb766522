"""What the words of consent do in a conversation, beside their effect in the store.

- `marked` is asked before a message is stored, `answered` when it is read: the mark on the message
  says whether the word took effect, so a turn that is done again does the same.
- Exactly one confirmation: none where the platform has given its own, none for a second STOP.
- They work also while an agent talks.
- Somebody who is opted out is not answered, whatever they write: it could not be sent. It is kept
  in the transcript, and the conversation stays where it was until they opt in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from segue.channel import Capabilities
from segue.consent import MARK, PLATFORM, Word, read
from segue.memory.records import Consent
from segue.types import Inbound

if TYPE_CHECKING:
    from segue.engine.turn import Turn


class Marked(NamedTuple):
    """A message, what it does to consent, and how it is stored where it does."""

    inbound: Inbound
    consent: Consent = Consent.NONE
    effective: Inbound | None = None


def marked(
    inbound: Inbound, capabilities: Capabilities | None, words: Mapping[str, Word]
) -> Marked:
    """Return a message with its word of consent, if it is one and its channel has such words."""
    if capabilities is None or not capabilities.reserved_words:
        return Marked(inbound)
    if inbound.kind != "message" or inbound.choice is not None:
        return Marked(inbound)
    match inbound.data.get(PLATFORM) or read(inbound.text, words):
        case Word.STOP:
            return Marked(_mark(inbound, Word.STOPPED), Consent.STOP, _mark(inbound, Word.STOP))
        case Word.START:
            return Marked(inbound, Consent.START, _mark(inbound, Word.START))
        case Word.HELP:
            return Marked(_mark(inbound, Word.HELP))
        case Word.ASKED:
            return Marked(_mark(inbound, Word.ASKED), Consent.ASKED)
    return Marked(inbound)


def _mark(inbound: Inbound, word: Word) -> Inbound:
    return replace(inbound, data={**inbound.data, MARK: word.value})


def took_effect(inbound: Inbound) -> bool:
    """Whether this message has just opted somebody out or in: that is confirmed, however many."""
    return inbound.data.get(MARK) in (Word.STOP, Word.START)


_NOTICES = {Word.STOP: "opted_out", Word.START: "opted_in", Word.HELP: "who_writes"}


def answered(turn: Turn, inbound: Inbound) -> bool:
    """Do what a word of consent asks for; return whether the message needs nothing more."""
    word = inbound.data.get(MARK)
    if word == Word.ASKED and not turn.granted.controller and turn.speech.has("stop_asked"):
        turn.speech.say("stop_asked")
        turn.player.prompt_again = False
        return True
    if word in (Word.STOP, Word.START, Word.HELP):
        if not turn.speech.capabilities.answers_stop and PLATFORM not in inbound.data:
            turn.speech.notice(_NOTICES[Word(word)], turn.setup.company.contact())
        turn.player.prompt_again = word != Word.STOP
        return True
    return word == Word.STOPPED or (
        inbound.address.channel in turn.granted.opted_out and turn.speech.capabilities.push
    )
