"""What is said where a customer cannot be spoken with: one reply, and nothing else.

- Where others read along (a mention in a channel, a group) nothing of a customer's affairs is said
  (law 6): there is an invitation to a private conversation.
- A page that a platform keeps for a bot (Slack's App Home) shows a reply with what can be begun.

The address is one of the place, so there is no history that could leak, whatever is said there. A
voice without these replies says nothing.
"""

from __future__ import annotations

from segue.engine.speech import Speech

REPLIES = {"public": "come_private", "home": "home"}
"""Kind of the inbound → reply."""


def said(kind: str, speech: Speech) -> bool:
    """Say what belongs there; False if `kind` is no such place."""
    reply = REPLIES.get(kind)
    if reply is None:
        return False
    if speech.has(reply):
        # The disclosure belongs to the private conversation, where it will be said.
        speech.state.disclosed = [speech.address.channel]
        speech.say(reply)
    return True
