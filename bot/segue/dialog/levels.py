"""`require=`: how sure it must be that an address is the customer's before something is told there.

An author writes `Proof.VERIFIED` or its name, `"verified"`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from segue.errors import DialogError
from segue.types import Proof

Level: TypeAlias = Proof | Literal["claimed", "channel", "verified"]

NAMES = {proof.name.lower(): proof for proof in Proof}


def level_of(level: Level | None, *, file: str = "", line: int = 0) -> Proof:
    """Return the level that is meant; none is the lowest. Raises `DialogError`."""
    if level is None:
        return Proof.CLAIMED
    if isinstance(level, Proof):
        return level
    found = NAMES.get(level)
    if found is None:
        raise DialogError(
            f"{level!r} is no level of proof",
            cure='Write "channel" or "verified", or Proof.CHANNEL or Proof.VERIFIED.',
            file=file,
            line=line,
        )
    return found
