"""Plays kept where they wait, so that the next turn goes on instead of replaying.

A replay is the truth; a kept play is a shortcut to where that replay would get. Its rules:

1. It is used only where a replay would come to the same verb by the same way: the same dialog, the
   same values, and a journal with exactly the entries that this play has written. Whatever a
   correction, another process or a deploy has changed, there a replay is done.
2. When it goes on, it is set up as that replay would be at this verb (`Recording.at_the_verb`), and
   the verb is answered anew.
3. A dialog that has something to do when it is left (`try`, `with`) is left, every time.
4. It lives in one process and may be gone at any time: nothing depends on it but time.
"""

from __future__ import annotations

import dis
from collections import OrderedDict
from collections.abc import Hashable
from types import CodeType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING

from segue.dialog.effects import Verb

if TYPE_CHECKING:
    from segue.dialog.play import Driver

MOST = 2000
"""Plays kept by one process; one takes about three kilobytes."""


class Kept:
    """The plays that wait in this process, by customer and dialog; longest unused go first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._plays: OrderedDict[Hashable, Driver] = OrderedDict()
        self.used = 0
        """How often one was gone on with."""

    def __len__(self) -> int:
        return len(self._plays)

    def take(self, key: Hashable) -> Driver | None:
        """Return the play of a key, which is not kept any longer."""
        return self._plays.pop(key, None)

    def put(self, key: Hashable, play: Driver) -> None:
        """Keep a play; one that is too many is closed."""
        self._plays[key] = play
        if len(self._plays) > self._most:
            _, oldest = self._plays.popitem(last=False)
            oldest.close()


def may_wait(coroutine: object) -> bool:
    """Whether a suspended coroutine, and all that it awaits, has nothing to do when it is left."""
    while type(coroutine) is CoroutineType:
        code = coroutine.cr_code
        known = _KNOWN.get(id(code))
        if known is None:
            # Kept with the answer, so that its id is nobody else's. By id, since to hash code is
            # to hash all of it.
            known = _KNOWN[id(code)] = (_tidies_up(code), code)
        if known[0]:
            return False
        coroutine = coroutine.cr_await
    # The last one is the verb's own generator: anything else is not known well enough.
    return type(coroutine) is GeneratorType and coroutine.gi_code is _VERB


_KNOWN: dict[int, tuple[bool, CodeType]] = {}
_VERB = Verb.__await__.__code__


def _tidies_up(code: CodeType) -> bool:
    """Whether there is a `try` or a `with` in a function: no other begins with this instruction."""
    return any(step.opname == "PUSH_EXC_INFO" for step in dis.get_instructions(code))
