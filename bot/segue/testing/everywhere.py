"""One script in many circumstances: on every channel, and with a death at every step of a turn."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from segue.failpoints import NAMES
from segue.testing.channels import CHANNELS
from segue.testing.hearing import Heard
from segue.testing.performing import Performance
from segue.testing.rehearsal import Rehearsal
from segue.testing.script import On, ScriptError
from segue.testing.story import Difference, Mismatch, Place, find, located, read


async def everywhere(
    rehearsal: Rehearsal, script: str, channels: Iterable[str] = CHANNELS
) -> dict[str, list[Heard]]:
    """Play a script on each channel, with a customer each, and compare what they were told.

    On the first channel the script must hold. On the others the same replies must come, in the same
    words but for what the channel cannot show (buttons become numbers, long texts are split) and
    for replies that have words of their own there. Returns what was heard on each channel.
    Raises `Mismatch`.
    """
    __tracebackhide__ = True
    place = find(script, sys._getframe(1))
    beats = read(script, place)
    if any(isinstance(beat, On) for beat in beats):
        raise ScriptError("a script that is played on every channel cannot change the channel")
    first, *others = channels
    heard: dict[str, list[Heard]] = {}
    async with await rehearsal.twin() as stage:
        await stage.play(first, script)
        heard[first] = stage.heard
    for channel in others:
        async with await rehearsal.twin() as stage:
            stage.channel = stage.known(channel)
            await Performance(stage=stage, beats=beats).play()
            heard[channel] = stage.heard
        _compare(first, heard[first], channel, heard[channel], stage, place)
    return heard


def _compare(
    first: str,
    model: list[Heard],
    channel: str,
    heard: list[Heard],
    stage: Rehearsal,
    place: Place | None,
) -> None:
    """Raise `Mismatch` where one channel says something that the other does not."""
    __tracebackhide__ = True
    where = place.at(1) if place is not None else "the script"
    left, right = _whole(model), _whole(heard)
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else None
        other = right[number] if number < len(right) else None
        if (
            one is not None
            and other is not None
            and one.reply == other.reply
            and (one.full == other.full or _own_words(stage, other, {first, channel}))
        ):
            continue
        raise Mismatch(
            f"{where}\n  the channels do not say the same\n"
            f"  {first}: {_shown(one)}\n  {channel}: {_shown(other)}"
        )


def _whole(heard: list[Heard]) -> list[Heard]:
    """Return one message for each reply, also where it was split."""
    found: list[Heard] = []
    skip = 0
    for one in heard:
        if skip:
            skip -= 1
            continue
        found.append(one)
        skip = one.parts - 1
    return found


def _own_words(stage: Rehearsal, heard: Heard, channels: set[str]) -> bool:
    dialog, _, name = heard.reply.rpartition("/")
    info = stage.app.setup.voice.info(name, dialog=dialog)
    return info is not None and not channels.isdisjoint(info.channels)


def _shown(heard: Heard | None) -> str:
    return f"{heard.full} ({heard.reply})" if heard is not None else "nothing"


AT_THE_EDGE = ("sent",)
"""Failpoints after which nobody knows whether a send arrived, so it may arrive twice."""
INSIDE = tuple(name for name in NAMES if name not in AT_THE_EDGE)
"""Failpoints at which a death is not to be noticed by anybody."""


async def survives(
    rehearsal: Rehearsal,
    channel: str,
    script: str | Path,
    failpoints: Iterable[str] = INSIDE,
) -> list[str]:
    """Play a script once for each failpoint, and let the process die there in every turn.

    The script must hold each time, as if nothing had happened. Returns the failpoints at which a
    process really died; a turn that does no step never passes those of a step. Raises `Mismatch`.
    """
    __tracebackhide__ = True
    text, place = located(script, sys._getframe(1))
    died: list[str] = []
    for name in failpoints:
        async with await rehearsal.twin() as stage:
            stage.channel = stage.known(channel)
            await _dying(stage, name, text, place).play()
            if stage.faults.deaths:
                died.append(name)
    return died


def _dying(stage: Rehearsal, name: str, script: str, place: Place | None) -> Performance:
    def differ(difference: Difference, line: int) -> AssertionError:
        where = place.at(line) if place is not None else f"line {line} of the script"
        return stage.mismatch(difference, f"{where}, where the process died at {name!r}")

    return Performance(
        stage=stage,
        beats=read(script, place),
        differ=differ,
        before=lambda stage: stage.crash_at(name),
    )
