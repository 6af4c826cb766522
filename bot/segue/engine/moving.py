"""What a dialog may end with, beside a value: going on elsewhere, and telling it everywhere.

    Move         replies go there from now on; what is open is asked again there
    Forget       everything about the customer is erased, after the last word
    Everywhere   a reply on every other channel that the customer can be spoken to on

A move holds until the customer writes from somewhere: a reply goes where they last wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from segue.engine import forgetting
from segue.types import Address, Proof

if TYPE_CHECKING:
    from segue.engine.turn import Turn


class Move(Struct, frozen=True, kw_only=True):
    """Speak there from now on."""

    channel: str
    id: str


class Everywhere(Struct, frozen=True, kw_only=True):
    """Say this on every other channel, but for one that is not theirs any more."""

    reply: str
    values: dict[str, str] = {}
    but: str = ""


class Forget(Struct, frozen=True, kw_only=True):
    """Erase the customer."""


def ended(turn: Turn, result: Any) -> None:
    """Do what a dialog ended with."""
    match result:
        case Move(channel=channel, id=ident):
            _move(turn, Address(channel, ident))
        case Forget():
            forgetting.wished(turn)
        case Everywhere(reply=reply, values=values, but=but) if turn.speech.has(reply):
            for address in everywhere(turn):
                if address.channel not in (but, turn.speech.address.channel):
                    turn.speech.say(reply, values=values, address=address)


def _move(turn: Turn, address: Address) -> None:
    capabilities = turn.setup.capabilities.get(address.channel)
    if capabilities is None or address not in turn.standing.addresses():
        return
    turn.speech.turn_to(address, capabilities)
    turn.state.address = address
    if turn.speech.has("continue_on/here_i_am"):
        turn.speech.say("continue_on/here_i_am")


def everywhere(turn: Turn) -> list[Address]:
    """Return the addresses that may be written to; of pages, which share a transcript, one."""
    found: list[Address] = []
    for address in turn.standing.addresses():
        capabilities = turn.setup.capabilities.get(address.channel)
        if capabilities is None or address.channel in turn.granted.opted_out:
            continue
        if turn.standing.of(address) < Proof.CHANNEL:
            continue
        page = not capabilities.push
        if page and any(other.channel == address.channel for other in found):
            continue
        found.append(address)
    return found
