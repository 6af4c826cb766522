"""For authors' tests: a customer on stage, a clock that stands still, no platforms.

rehearsal    one customer's conversation with a bot: scripts played, single steps, a look inside
script       the language of scripts
story        what a test says when it fails
recording    writing into scripts what the bot says now
faults       steps that fail or take long, sends without a word, a dying process
everywhere   one script on every channel, and at every place where a process may die
inline       bots without a project
plugin       fixtures for pytest
"""

from segue.testing.channels import CAPABILITIES, CHANNELS, StageChannel
from segue.testing.clock import CountedIds, FakeClock, FixedChance
from segue.testing.everywhere import everywhere, survives
from segue.testing.faults import Step
from segue.testing.hearing import Heard
from segue.testing.rehearsal import Rehearsal
from segue.testing.script import ScriptError
from segue.testing.story import Mismatch

__all__ = [
    "CAPABILITIES",
    "CHANNELS",
    "CountedIds",
    "FakeClock",
    "FixedChance",
    "Heard",
    "Mismatch",
    "Rehearsal",
    "ScriptError",
    "StageChannel",
    "Step",
    "everywhere",
    "survives",
]
