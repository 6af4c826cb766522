"""Functions of a project that Segue calls by itself: `@on_code` and its kin.

A hook stands in the dialogs folder, beside the dialogs, and is found the same way.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import Struct

from segue.dialog.misuse import shown
from segue.errors import DialogError

Function: TypeAlias = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hook:
    """One function, and when it is called."""

    kind: str
    """`code`…: one of each in a project."""
    function: Function
    file: str = ""
    line: int = 0


def on_code(function: Function) -> Hook:
    """Send one-time codes to e-mail addresses: `async def f(email: str, code: str, locale: str)`.

    Called when a customer is to prove an e-mail address. It hands the mail to the company's mailer
    and returns; what it raises counts as "could not be sent". It may be called again with another
    code for the same request, and then the later code is the one that works. Codes by SMS need no
    hook: the channel `sms` sends them.
    """
    return make_hook("code", function, ("email", "code", "locale"))


class VerifiedCustomer(Struct, frozen=True, kw_only=True):
    """A customer who has proved who they are, as `@on_verified` gets them."""

    id: str
    """Segue's own id."""
    external: tuple[str, ...]
    """The company's own ids, as far as they are known."""
    verified: Mapping[str, str]
    """Channel and proved address: `{"sms": "+436601234567"}`."""
    name: str
    locale: str
    facts: Mapping[str, Any]
    """What is known already."""


def on_verified(function: Function) -> Hook:
    """Tell what the company knows: `async def f(customer: VerifiedCustomer) -> dict[str, Any]`.

    Called once, when a customer has proved who they are. What it returns goes into the profile with
    the source `company:on_verified`, by the rules of `POST /api/customers`; `chat.know` reads it.
    It runs beside the conversation and may take ten seconds. What it raises is logged by its kind,
    and it is called again later, six times within two days at the most: so it may be called twice.
    """
    return make_hook("verified", function, ("customer",))


def make_hook(kind: str, function: Function, takes: tuple[str, ...]) -> Hook:
    """Make a hook of a function that takes these by keyword. Raises `DialogError`."""
    code = inspect.unwrap(function).__code__
    file, line = code.co_filename, code.co_firstlineno
    parameters = inspect.signature(function).parameters
    if not inspect.iscoroutinefunction(function) or any(name not in parameters for name in takes):
        raise DialogError(
            f"{function.__name__} cannot be called when it is time (on_{kind})",
            cure=f"Write `async def {function.__name__}({', '.join(takes)})`.",
            file=shown(file),
            line=line,
        )
    return Hook(kind=kind, function=function, file=file, line=line)
