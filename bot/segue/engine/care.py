"""Too much of a conversation: a customer who floods us, and a bot that talks with us for ever.

**Flood.** Each customer has one token bucket for all platforms (`customers.rate` and `burst`; the
web, which is asked and not sent to, has limits of its own at the door). A message above it was
accepted, so it is kept: it stands in the transcript. It is not read; in its place there is one
reply, `slow_down`, a minute at the most. To refuse it would not spare us anything (the platform
would send it again), and to answer each would be the flood's other half. STOP and "cancel" take
effect before this, when a message is stored.

**Loop.** Another bot answers whatever we say, and we answer that. What gives it away is not that it
is quick (so are people who paste) but what it says: words that *we* said a moment ago, the same
words again, and all at once; people do none of this long. Each such message counts, and others take
the count down. At the limit nothing more is said for a while: it is logged, counted, and told to
the operators once. Whatever a person does (a button, words that are new and typed at their leisure)
ends the silence at once, so nobody real is met with it for long.

All of this is decided by plain functions over a few numbers that are kept with the customer.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from segue.engine import consenting
from segue.engine.state import Pace, Watch
from segue.memory.records import Letter
from segue.types import Inbound, Message, Millis
from segue.voice import plain

if TYPE_CHECKING:
    from segue.engine.turn import Turn

log = logging.getLogger("segue.engine")

LIMIT = 4
"""Points at which another bot is assumed."""
SILENCE: Millis = 10 * 60_000
"""How long nothing is said to it."""
NOTICE: Millis = 60_000
"""From one `slow_down` to the next."""

_FORGET: Millis = 5 * 60_000
"""A pause after which what was said before counts no more."""
_SIGNS = 48
"""Letters and digits of its first line that a text is recognised by: lists come after it."""
_FEW = 12
"""Shorter texts are said twice by anybody: "yes", "2", "A1001"."""
_LONG = 20
_TYPING = 30
"""Signs a second that nobody types."""
_SAID, _HEARD = 8, 6
_ECHO, _AGAIN_QUICK, _AGAIN = 3, 2, 1
"""Points for our own words, for the same words at once, and for the same words after a while."""
_NO_SIGN = re.compile(r"[\W_]+")
_SAYING = ("message", "edit", "public")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How much one customer may say."""

    rate: float = 0.0
    """Messages a second; 0 is no limit."""
    burst: int = 20


UNLIMITED = Rate()


# -- flood: pure -----------------------------------------------------------------------------------


def paced(pace: Pace | None, at: Millis, rate: Rate) -> tuple[Pace | None, bool]:
    """Take a token for a message of this moment; also return whether there was one.

    None is a full bucket, which nothing need be remembered of.
    """
    if rate.rate <= 0:
        return pace, True
    if pace is None:
        return Pace(left=rate.burst - 1.0, at=at), True
    passed = max(at - pace.at, 0) / 1000
    left = min(float(rate.burst), pace.left + passed * rate.rate)
    now = max(at, pace.at)
    if left < 1:
        return Pace(left=left, at=now, told=pace.told), False
    return Pace(left=left - 1, at=now, told=pace.told), True


def rested(pace: Pace | None, at: Millis, rate: Rate) -> Pace | None:
    """Return what must be remembered after a turn: nothing of a bucket that is full again."""
    if pace is None:
        return None
    full = pace.left + max(at - pace.at, 0) / 1000 * rate.rate >= rate.burst
    return None if full and at - pace.told >= NOTICE else pace


# -- loop: pure ------------------------------------------------------------------------------------


def sign(text: str) -> int:
    """Return a number that a text is recognised by; 0 for one too short to tell anything."""
    first = text.strip().partition("\n")[0]
    letters = _NO_SIGN.sub("", first.casefold())[:_SIGNS]
    return crc32(letters.encode("utf-8", "surrogatepass")) or 1 if len(letters) >= _FEW else 0


def weighed(watch: Watch, inbound: Inbound, *, lost: bool) -> Watch:
    """Return what is thought of the other side after this message.

    `lost`: what they said before had not been understood.
    """
    at = inbound.received_at
    if at - watch.at > _FORGET and at >= watch.until:
        watch = Watch()
    if inbound.choice is not None:
        return Watch(said=watch.said, heard=watch.heard, at=watch.at)
    mark, length = sign(inbound.text), len(inbound.text)
    quick = bool(watch.said) and at - watch.at < max(1000, length * 1000 // _TYPING)
    points, until, echoed = watch.points, watch.until, watch.echoed
    if mark and mark in watch.said:
        points, echoed = points + _ECHO, True
    elif mark and mark in watch.heard:
        points += _AGAIN_QUICK if quick else _AGAIN
    elif length >= _LONG and ((quick and lost) or (echoed and (quick or lost))):
        points += 1
    elif not quick:
        # New words, typed at leisure: as a person would.
        points, until = max(points - 1, 0), 0
    elif not mark:
        # "Yes", "A1001": answers, which people are quick with.
        points = max(points - 1, 0)
    heard = [mark, *watch.heard][:_HEARD] if mark else watch.heard
    return Watch(
        said=watch.said, heard=heard, points=points, at=watch.at, until=until, echoed=echoed
    )


def spoken(watch: Watch, messages: list[Message], at: Millis) -> Watch:
    """Return what is remembered after we have spoken."""
    marks = [mark for message in reversed(messages) if (mark := sign(plain(message)))]
    mirrored = not watch.echoed and any(mark in watch.heard for mark in marks)
    return Watch(
        said=[*marks, *watch.said][:_SAID],
        heard=watch.heard,
        points=watch.points + (_ECHO if mirrored else 0),
        at=at,
        until=watch.until,
        echoed=watch.echoed or mirrored,
    )


# -- in a turn -------------------------------------------------------------------------------------


class Care:
    """Applies both to one turn."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.folded = 0
        """Messages that were kept and not read."""
        self.loops = 0
        """Whether this turn fell silent."""

    def readable(self, letters: list[Letter]) -> list[Letter]:
        """Return the letters that are read; say so, now and then, if some are not."""
        state, setup = self.turn.state, self.turn.setup
        found = []
        for letter in letters:
            inbound = letter.inbound
            capabilities = setup.capabilities.get(inbound.address.channel)
            spared = inbound.kind not in _SAYING or consenting.took_effect(inbound)
            if not spared and capabilities is not None and capabilities.push:
                state.pace, fits = paced(state.pace, inbound.received_at, setup.flood)
                if not fits:
                    self.folded += 1
                    continue
            found.append(letter)
        if self.folded:
            self._slow_down()
        return found

    def _slow_down(self) -> None:
        turn, pace = self.turn, self.turn.state.pace
        if pace is None or turn.granted.controller or turn.at - pace.told < NOTICE:
            return
        if not turn.speech.has("slow_down"):
            return
        pace.told = turn.at
        turn.speech.say("slow_down")

    def silent(self, letters: list[Letter]) -> bool:
        """Whether these are to be met with silence, because a bot seems to have written them."""
        turn, state = self.turn, self.turn.state
        inbound = letters[-1].inbound
        if inbound.kind not in _SAYING or turn.granted.controller or not self._watches():
            return False
        if consenting.took_effect(inbound):
            return False
        before = state.watch or Watch()
        watch = before
        open_ = state.frames[-1].open if state.frames else None
        lost = state.unsure > 0 or (open_ is not None and open_.tries > 0)
        for letter in letters:
            watch = weighed(watch, letter.inbound, lost=lost)
        state.watch = watch
        if watch.points < LIMIT:
            return turn.at < watch.until
        # One more such message, even after the silence, and it is silent again.
        watch.points, watch.until = LIMIT - 1, turn.at + SILENCE
        if turn.at >= before.until:
            self.loops += 1
            log.error(
                "loop_broken",
                extra={"segue": {"customer": turn.customer, "channel": inbound.address.channel}},
            )
        return True

    def _watches(self) -> bool:
        """Whether what we say reaches the other side unasked: where it has to be fetched, as on the
        web, no bot can be wired to us, and nobody has to be watched, or remembered."""
        return self.turn.speech.capabilities.push and self.turn.setup.break_loops

    def close(self) -> None:
        """Remember what was said, for the next turn."""
        turn, state = self.turn, self.turn.state
        if turn.speech.messages and self._watches():
            state.watch = spoken(state.watch or Watch(), turn.speech.messages, turn.at)
        state.pace = rested(state.pace, turn.at, turn.setup.flood)
