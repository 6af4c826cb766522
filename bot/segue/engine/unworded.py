"""What is said to a message without words: a file, a voice note, a sticker, what else there is.

- It has arrived, and is kept where it is a file; what we can read are words.
- Several in one breath (an album) are acknowledged once.
- `data["what"]` says what it is, where a channel knows it. The replies for that are the voice's to
  have or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.engine.reading import Utterance

if TYPE_CHECKING:
    from segue.engine.turn import Turn

REPLIES = {
    "voice": "voice_received",
    "video_note": "voice_received",
    "sticker": "sticker_received",
    "contact": "not_readable",
    "other": "not_readable",
}
"""What it is → the reply, if the voice has it."""


def acknowledged(turn: Turn, utterance: Utterance, what: str) -> bool:
    """Say that something without words has come; False if it is to be read."""
    small_talk = what == "sticker" and turn.speech.has(REPLIES[what]) and not turn.question_open()
    if not utterance.empty and not small_talk:
        return False
    reply = REPLIES.get(what, "")
    if not turn.speech.has(reply):
        if not (utterance.media or what):
            return True
        asks = not turn.state.frames and turn.speech.has("media_only")
        reply = "media_only" if asks else "attachment_received"
    if not any(name.endswith(reply) for name in turn.speech.replies):
        turn.speech.say(reply)
    turn.player.prompt_again = True
    return True
