"""Dialogs: one journey is one `async def`, replayed against its journal.

chat       the verbs that authors write with
registry   `@dialog`, and all dialogs by name
loading    a project's folder of dialogs, reloaded on save
journal    what is recorded about a running dialog
play       replaying it: a plain function without I/O
effects    what a dialog asks for
outcome    how a play ends
misuse     where a mistake is and what to do about it
source_check   mistakes that can be seen without running anything
"""

import sys
from types import ModuleType
from typing import Any

from segue.dialog.chat import Cancelled, Chat
from segue.dialog.effects import Retry
from segue.dialog.hooks import Hook, VerifiedCustomer, on_code, on_verified
from segue.dialog.journal import Journal, Why
from segue.dialog.loading import load_dialogs
from segue.dialog.play import Facts, hold, play
from segue.dialog.registry import Dialog, Registry, dialog
from segue.errors import DialogError, JournalTooLong, StepFailed

__all__ = [
    "Cancelled",
    "Chat",
    "Dialog",
    "DialogError",
    "Facts",
    "Hook",
    "Journal",
    "JournalTooLong",
    "Registry",
    "Retry",
    "StepFailed",
    "VerifiedCustomer",
    "Why",
    "dialog",
    "hold",
    "load_dialogs",
    "on_code",
    "on_verified",
    "play",
]


class _Package(ModuleType):
    """This package, which may also be called.

    `from segue import dialog` finds the package of that name once it has been imported, whatever
    `segue` itself says; so the package does what the decorator does.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return dialog(*args, **kwargs)


sys.modules[__name__].__class__ = _Package
