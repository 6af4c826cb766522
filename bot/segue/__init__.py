"""Segue: one conversation, one voice, every channel.

What a dialog's author needs is here; each name is loaded when it is first used, so that `import
segue` costs nothing.

    from segue import Chat, Email, dialog, slot
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.dialog import Cancelled as Cancelled
    from segue.dialog import Chat as Chat
    from segue.dialog import Dialog as Dialog
    from segue.dialog import DialogError as DialogError
    from segue.dialog import Retry as Retry
    from segue.dialog import StepFailed as StepFailed
    from segue.dialog import VerifiedCustomer as VerifiedCustomer
    from segue.dialog import dialog as dialog
    from segue.dialog import on_code as on_code
    from segue.dialog import on_verified as on_verified
    from segue.slots import Choice as Choice
    from segue.slots import Date as Date
    from segue.slots import Email as Email
    from segue.slots import Integer as Integer
    from segue.slots import Nearly as Nearly
    from segue.slots import NoValue as NoValue
    from segue.slots import Postcode as Postcode
    from segue.slots import Slot as Slot
    from segue.slots import SlotContext as SlotContext
    from segue.slots import Text as Text
    from segue.slots import Value as Value
    from segue.slots import YesNo as YesNo
    from segue.slots import date_slot as date_slot
    from segue.slots import integer as integer
    from segue.slots import slot as slot
    from segue.types import Proof as Proof

_HOME = {
    "segue.dialog": (
        "Cancelled",
        "Chat",
        "Dialog",
        "DialogError",
        "Retry",
        "StepFailed",
        "dialog",
        "VerifiedCustomer",
        "on_code",
        "on_verified",
    ),
    "segue.slots": (
        "Choice",
        "Date",
        "Email",
        "Integer",
        "Nearly",
        "NoValue",
        "Postcode",
        "Slot",
        "SlotContext",
        "Text",
        "Value",
        "YesNo",
        "date_slot",
        "integer",
        "slot",
    ),
    "segue.types": ("Proof",),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_WHERE)  # noqa: PLE0605 - one list of names is enough


def __getattr__(name: str) -> Any:
    """Load a name of the author's API."""
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    # `dialog` is a package too, and that is what stays bound to the name: it can be called.
    if name != "dialog":
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the author's API too."""
    return sorted({*globals(), *_WHERE})
