"""Named places where a test may kill the process: one at each step of a turn.

    receive  admitted  turn  step  stepped  flushed  decide  committed  send  sent  settled

`SEGUE_FAILPOINT=stepped:2` kills the process with SIGKILL when `stepped` is passed for the second
time. Without that variable a failpoint is one comparison. A test inside the process may be told of
every failpoint passed instead (`on_hit`), and raise there what stands for its death.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

NAMES = (
    "receive",
    "admitted",
    "turn",
    "step",
    "stepped",
    "flushed",
    "decide",
    "committed",
    "send",
    "sent",
    "settled",
)
"""In the order in which a turn passes them."""

OF_MERGES = (
    *("merge_begun", "merge_locked", "merge_staged", "merge_landed", "merge_posted", "merge_moved"),
    *("merge_indexed", "merge_finished"),
    *("undo_locked", "undo_staged", "undo_back", "undo_parted", "undo_posted", "undo_restored"),
    "undo_finished",
)
"""Those of a merge and of its undo, in their order."""
OF_ERASURES = ("erase_begun", "erase_traces", "erase_finished")

_armed, _, _times = os.environ.get("SEGUE_FAILPOINT", "").partition(":")
_left = int(_times or 1)
_hook: Callable[[str], None] | None = None
_quiet = not _armed
"""Nobody watches: the one comparison that is made in production."""


def arm(name: str, times: int = 1) -> None:
    """Set the failpoint of this process; an empty name sets none (tests)."""
    global _armed, _left, _quiet
    if name and name not in NAMES + OF_MERGES + OF_ERASURES:
        raise ValueError(f"there is no failpoint {name!r}; there are {', '.join(NAMES)}")
    _armed, _left = name, times
    _quiet = not _armed and _hook is None


def on_hit(hook: Callable[[str], None] | None) -> None:
    """Tell `hook` of every failpoint passed; None tells nobody. What it raises goes on (tests)."""
    global _hook, _quiet
    _hook = hook
    _quiet = not _armed and _hook is None


def failpoint(name: str) -> None:
    """Die here if this failpoint is armed, as by `kill -9`."""
    global _left
    if _quiet:
        return
    if _hook is not None:
        _hook(name)
    if _armed == name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
