"""For authors' tests: a customer on stage, a clock that stands still, no platforms."""

from segue.testing.channels import CAPABILITIES, StageChannel
from segue.testing.clock import CountedIds, FakeClock, FixedChance
from segue.testing.rehearsal import Heard, Mismatch, Rehearsal

__all__ = [
    "CAPABILITIES",
    "CountedIds",
    "FakeClock",
    "FixedChance",
    "Heard",
    "Mismatch",
    "Rehearsal",
    "StageChannel",
]
