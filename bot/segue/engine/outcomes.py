"""What follows from what became of a send: decided here, done in `delivery.py`. Pure.

Sent                        closed
Unknown                     the platform is asked where it can be, then the reply's policy decides
NotSent, for now            again later; counted, unless the platform named a time
NotSent, for good           closed as failed with its reason, but for these:
  moved, and to where       the address follows, then again
  credential                again when the channel's breaker lets it; never counted
  content                   once more, without markup and buttons
  blocked, no address,      an answer goes to another address of the customer, if one may be used
  window
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from segue.channel import NotSent, Outcome, Reason, Sent
from segue.memory.records import ELSEWHERE, PLAIN, Claim
from segue.types import Address, Purpose, Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How patient sends are; all in seconds but `attempts` (`[sends]` in the settings)."""

    timeout: float = 10.0
    attempts: int = 8
    backoff: float = 1.0
    limit: float = 300.0


@dataclass(frozen=True, slots=True)
class Close:
    """It is over."""

    receipt: Receipt
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Nobody knows; the platform may, after a while."""

    after: timedelta


@dataclass(frozen=True, slots=True)
class Again:
    """It was surely not sent, and goes again after a while."""

    after: timedelta
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of this channel is taken now: our token, our account."""


@dataclass(frozen=True, slots=True)
class Move:
    """The address has another id."""

    to: Address


@dataclass(frozen=True, slots=True)
class Plain:
    """The platform does not like how it is written."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """It cannot arrive at this address: perhaps at another."""

    why: str


Verdict: TypeAlias = Close | Ask | Again | Refused | Move | Plain | Elsewhere

_LOOKS = (2.0, 8.0, 20.0)
"""Seconds before the platform is asked for the first, second and third time."""
_UNREACHED = (Reason.BLOCKED, Reason.NO_ADDRESS, Reason.WINDOW)


def decide(
    outcome: Outcome, claim: Claim, policy: Policy, chance: float, *, lookable: bool = False
) -> Verdict:
    """Return what follows. `chance` in [0, 1) is the jitter.

    `lookable`: the platform can be asked what became of a send.
    """
    if isinstance(outcome, Sent):
        return Close(Receipt.SENT)
    if not isinstance(outcome, NotSent):
        look = _LOOKS[min(claim.doubt, len(_LOOKS) - 1)] if lookable else 0.0
        return Ask(timedelta(seconds=look))
    if outcome.reason is Reason.CREDENTIAL:
        return Refused()
    if claim.doubt:
        # The platform was asked, and has surely not got it: this is no repetition.
        return Again(timedelta(0))
    if outcome.permanent:
        return _for_good(outcome, claim, policy)
    if outcome.retry_after is not None:
        return Again(outcome.retry_after * (1 + chance / 10))
    if claim.tries + 1 >= policy.attempts:
        return Close(Receipt.FAILED, "gave_up")
    return Again(timedelta(seconds=backoff(claim.tries, policy, chance)), counted=True)


def _for_good(outcome: NotSent, claim: Claim, policy: Policy) -> Verdict:
    reason = outcome.reason
    if reason is Reason.MOVED and outcome.moved_to is not None:
        # Who moves on and on is given up like anybody who cannot be reached.
        if claim.tries + 1 < policy.attempts:
            return Move(outcome.moved_to)
    elif reason is Reason.CONTENT and not claim.again & PLAIN:
        return Plain()
    elif (
        reason in _UNREACHED and claim.row.purpose is Purpose.ANSWER and not claim.again & ELSEWHERE
    ):
        return Elsewhere(reason.value)
    return Close(Receipt.FAILED, reason.value)


def backoff(tries: int, policy: Policy, chance: float) -> float:
    """Return the seconds until the next try: doubled each time up to a limit, with jitter."""
    return float(min(policy.backoff * 2 ** min(tries, 30), policy.limit) * (0.75 + chance / 2))
