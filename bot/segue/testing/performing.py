"""Playing a script: each beat is acted, and what the bot says then is compared or written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from segue.testing.recording import Take
from segue.testing.script import (
    Again,
    Beat,
    Beats,
    Crash,
    Fail,
    Finished,
    Hears,
    Later,
    On,
    Opens,
    OutOfOrder,
    Says,
    Send,
    Slow,
    same,
)
from segue.testing.story import Difference

if TYPE_CHECKING:
    from segue.testing.hearing import Heard
    from segue.testing.rehearsal import Rehearsal

Differ: TypeAlias = "Callable[[Difference, int], AssertionError]"
"""Makes the error of a difference at a line of the script."""


@dataclass(kw_only=True)
class Performance:
    """One script on its way over the stage."""

    stage: Rehearsal
    beats: Beats
    differ: Differ | None = None
    """None: nothing is compared."""
    takes: list[Take] = field(default_factory=list)
    before: Callable[[Rehearsal], None] | None = None
    """Called before each turn."""
    _swapped: bool = False

    async def play(self) -> None:
        """Act all beats."""
        __tracebackhide__ = True
        index = 0
        if self.beats and isinstance(self.beats[0], Hears):
            self._judge(-1, 1, [])
        while index < len(self.beats):
            beat = self.beats[index]
            if isinstance(beat, Hears):
                index += 1
                continue
            after = index + 1
            if isinstance(beat, Says):
                while after < len(self.beats) and _is_quick(self.beats[after]):
                    after += 1
            said = await self._act(self.beats[index:after])
            self._judge(after - 1, beat.line, said)
            index = after

    async def _act(self, beats: Sequence[Beat]) -> list[Heard]:
        __tracebackhide__ = True
        stage = self.stage
        if self.before is not None and isinstance(beats[0], Says | Opens | Later | Again):
            self.before(stage)
        match beats[0]:
            case Says():
                written = [beat for beat in beats if isinstance(beat, Says)]
                swapped, self._swapped = self._swapped, False
                return await stage.write(
                    *((beat.text, beat.label) for beat in written), swapped=swapped
                )
            case Opens():
                return await stage.say("", kind="opened")
            case On(channel=name):
                stage.channel = stage.known(name)
            case Later(by=by):
                return await stage.later(by)
            case Again():
                return await stage.again()
            case OutOfOrder():
                self._swapped = True
            case Crash(at="" as at):
                return await stage.crash(at)
            case Crash(at=at, times=times):
                stage.crash_at(at, times)
            case Fail(step=step, times=times):
                stage.fail(step, times=times)
            case Slow(step=step):
                stage.slow(step)
            case Finished():
                return await stage.done()
            case Send(fate=fate):
                stage.send(fate)
        return []

    def _judge(self, index: int, line: int, said: list[Heard]) -> None:
        __tracebackhide__ = True
        self.takes.append(Take(beat=index, said=tuple(map(str, said))))
        if self.differ is None:
            return
        position = 0
        for beat in self.beats[index + 1 :]:
            if not isinstance(beat, Hears):
                break
            line = beat.line
            heard = said[position] if position < len(said) else None
            used = _match(beat.text, said[position:])
            if not used:
                raise self.differ(
                    Difference(
                        expected=beat.text,
                        said=str(heard) if heard else "",
                        reply=heard.reply if heard else "",
                    ),
                    line,
                )
            position += used
        if position < len(said):
            more = said[position]
            raise self.differ(Difference(expected="", said=str(more), reply=more.reply), line)


def _is_quick(beat: Beat) -> bool:
    return isinstance(beat, Says) and beat.quick


def _match(expected: str, said: Sequence[Heard]) -> int:
    """Return how many messages are what the script expects: 0 is none, more where it was split.

    A script may be written as for a channel that can show everything; what was really shown counts
    as well.
    """
    if not said:
        return 0
    first = said[0]
    if same(expected, str(first)) or same(expected, first.text):
        return 1
    whole = said[: first.parts]
    return len(whole) if same(expected, first.full) else 0
