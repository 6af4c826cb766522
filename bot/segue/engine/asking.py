"""Asking the company about a customer who has proved who they are, once, and until it answers.

- The first turn that sees a verified customer, of a project with an `@on_verified` function, sets a
  timer and asks: after its commit, beside the turns, so that nobody waits for it.
- The answer comes through the inbox like other facts, and takes the timer away. Until then it asks
  again, later each time; after the last time it is given up and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from segue.engine.state import Timer
from segue.types import Address, Proof

if TYPE_CHECKING:
    from segue.engine.turn import Turn

log = logging.getLogger("segue.engine")

KIND = "company"
HOOK = "verified"
_WAITS = (60, 300, 1800, 7200, 21600, 86400)
"""Seconds until it is asked again."""
_EXTERNAL = "web-user"
"""The company's own id: it is its word for the customer, and no proof of theirs."""


def verified(addresses: Iterable[tuple[Address, Proof]]) -> bool:
    """Whether one of these proves who the customer is."""
    return any(
        proof >= Proof.VERIFIED and address.channel != _EXTERNAL for address, proof in addresses
    )


def look(turn: Turn) -> None:
    """Ask, if this customer is verified and nobody has asked before."""
    state = turn.state
    if state.asked or HOOK not in turn.setup.dialogs.hooks:
        return
    signed = any(n.inbound.proof >= Proof.VERIFIED for n in turn.granted.letters)
    if signed or verified(turn.granted.addresses):
        state.asked = turn.at
        _ask(turn, 0)


def ring(turn: Turn, timer: Timer) -> None:
    """Ask again: no answer has come."""
    tries = int(timer.values.get("tries", 0)) + 1
    if tries >= len(_WAITS) or HOOK not in turn.setup.dialogs.hooks:
        log.warning("on_verified_given_up", extra={"segue": {"customer": turn.customer}})
        return
    _ask(turn, tries)


def _ask(turn: Turn, tries: int) -> None:
    due = turn.at + _WAITS[tries] * 1000
    turn.state.timers.append(Timer(due, KIND, HOOK, HOOK, values={"tries": tries}))
    turn.ask_company = True
