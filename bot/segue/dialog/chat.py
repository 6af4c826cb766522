"""`Chat`: what a dialog's author writes with. Every verb is awaited where it is written.

A verb only makes an effect; `play` answers it. The verbs are typed as coroutines, although they
are lighter than that, so that editors and type checkers point out a forgotten `await`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import CodeType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    Never,
    ParamSpec,
    TypeAlias,
    TypeVar,
    get_type_hints,
    overload,
)

from segue.dialog import misuse
from segue.dialog.effects import (
    Ask,
    Call,
    Know,
    Later,
    Log,
    Milestone,
    Remind,
    Restart,
    Retry,
    Run,
    Say,
    Verb,
    Wait,
)
from segue.errors import DialogError
from segue.slots.base import Slot
from segue.slots.choice import Choice
from segue.slots.yes_no import YesNo

if TYPE_CHECKING:
    from segue.dialog.registry import Dialog

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S", bound=str)
P = ParamSpec("P")
Verbal: TypeAlias = Coroutine[Any, Any, T]

_HALF_A_MINUTE = timedelta(seconds=30)
_THREE_TIMES = Retry()


class Cancelled(BaseException):
    """The customer called the journey off. Raised at the open question.

    Catch it to tidy up with further verbs, then let it through (`raise`). It is no `Exception`, so
    that an `except Exception` for something else does not swallow it.
    """


class Chat:
    """The conversation, as a dialog sees it.

    Values for a reply are passed by keyword; the names of a verb's own parameters (`key`,
    `remember`, `timeout`…) are not free for values.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[tuple[Verb, CodeType, int]] = []
        """Verbs that were made and not answered yet, each with the place it stands at."""

    # -- speaking ----------------------------------------------------------------------------------

    def say(self, reply: str, **values: Any) -> Verbal[None]:
        """Say a reply."""
        return self._made(Say(reply=reply, values=values))

    # -- asking ------------------------------------------------------------------------------------

    @overload
    def ask(
        self,
        reply: str,
        slot: Slot[T],
        *,
        timeout: timedelta,
        skippable: bool = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[T | None]: ...
    @overload
    def ask(
        self,
        reply: str,
        slot: Slot[T],
        *,
        skippable: Literal[True],
        timeout: timedelta | None = None,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[T | None]: ...
    @overload
    def ask(
        self,
        reply: str,
        slot: Slot[T],
        *,
        timeout: None = None,
        skippable: Literal[False] = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[T]: ...
    def ask(
        self,
        reply: str,
        slot: Slot[Any],
        *,
        timeout: timedelta | None = None,
        skippable: bool = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[Any]:
        """Ask for a value and wait for it.

        `remember="email"` uses what the profile knows instead of asking, and keeps what is answered;
        `check="still_yours"` is the reply that asks whether the remembered `value` still holds.
        `skippable=True` lets the customer skip, `timeout=` limits the wait: the result is then None.
        `key=` names the answer where one reply is asked at two places.
        """
        return self._made(
            Ask(
                reply=reply,
                slot=slot,
                values=values,
                key=key,
                remember=remember,
                check=check,
                timeout=timeout,
                skippable=skippable,
                tries=tries,
            )
        )

    @overload
    def choose(
        self,
        reply: str,
        options: Sequence[S],
        *,
        timeout: timedelta,
        skippable: bool = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[S | None]: ...
    @overload
    def choose(
        self,
        reply: str,
        options: Sequence[S],
        *,
        skippable: Literal[True],
        timeout: timedelta | None = None,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[S | None]: ...
    @overload
    def choose(
        self,
        reply: str,
        options: Sequence[S],
        *,
        timeout: None = None,
        skippable: Literal[False] = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[S]: ...
    def choose(
        self,
        reply: str,
        options: Sequence[str],
        *,
        timeout: timedelta | None = None,
        skippable: bool = False,
        key: str = "",
        remember: str | None = None,
        check: str | None = None,
        tries: int = 3,
        **values: Any,
    ) -> Verbal[Any]:
        """Let the customer choose one of `options`; the reply has a button for each of them."""
        return self._made(
            Ask(
                reply=reply,
                slot=Choice(tuple(options)),
                values=values,
                key=key,
                remember=remember,
                check=check,
                timeout=timeout,
                skippable=skippable,
                tries=tries,
                kind="choose",
            )
        )

    @overload
    def confirm(
        self,
        reply: str,
        *,
        timeout: timedelta,
        skippable: bool = False,
        key: str = "",
        tries: int = 3,
        **values: Any,
    ) -> Verbal[bool | None]: ...
    @overload
    def confirm(
        self,
        reply: str,
        *,
        skippable: Literal[True],
        timeout: timedelta | None = None,
        key: str = "",
        tries: int = 3,
        **values: Any,
    ) -> Verbal[bool | None]: ...
    @overload
    def confirm(
        self,
        reply: str,
        *,
        timeout: None = None,
        skippable: Literal[False] = False,
        key: str = "",
        tries: int = 3,
        **values: Any,
    ) -> Verbal[bool]: ...
    def confirm(
        self,
        reply: str,
        *,
        timeout: timedelta | None = None,
        skippable: bool = False,
        key: str = "",
        tries: int = 3,
        **values: Any,
    ) -> Verbal[Any]:
        """Ask for a yes or a no."""
        return self._made(
            Ask(
                reply=reply,
                slot=YesNo,
                values=values,
                key=key,
                timeout=timeout,
                skippable=skippable,
                tries=tries,
                kind="confirm",
            )
        )

    # -- doing -------------------------------------------------------------------------------------

    @overload
    def run(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> Verbal[R]: ...
    @overload
    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., Awaitable[R]],
        *args: Any,
        final: bool,
        key: str = "",
        retry: Retry = ...,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., R],
        *args: Any,
        final: bool,
        key: str = "",
        retry: Retry = ...,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., Awaitable[R]],
        *args: Any,
        key: str,
        retry: Retry = ...,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., R],
        *args: Any,
        key: str,
        retry: Retry = ...,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., Awaitable[R]],
        *args: Any,
        retry: Retry,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., R],
        *args: Any,
        retry: Retry,
        timeout: timedelta = ...,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self,
        function: Callable[..., Awaitable[R]],
        *args: Any,
        timeout: timedelta,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self, function: Callable[..., R], *args: Any, timeout: timedelta, **kwargs: Any
    ) -> Verbal[R]: ...
    def run(
        self,
        function: Callable[..., Any],
        *args: Any,
        final: bool = False,
        key: str = "",
        retry: Retry = _THREE_TIMES,
        timeout: timedelta = _HALF_A_MINUTE,
        **kwargs: Any,
    ) -> Verbal[Any]:
        """Do something outside, once: whatever may differ next time goes through here.

        The result is recorded and comes back as the function's annotated type. A parameter named
        `idempotency_key` is filled in. `final=True` closes the way back: no correction reaches
        across it. Raises `StepFailed` when the step gave up after its retries.
        """
        known = _steps.get(function) or _step(function)
        return self._made(
            Run(
                step=known.name,
                function=function,
                args=args,
                kwargs=kwargs,
                key=key,
                final=final,
                retry=retry,
                timeout=timeout,
                returns=known.returns,
                takes_key=known.takes_key,
            )
        )

    def call(self, dialog: Dialog[R], *, key: str = "", **values: Any) -> Verbal[R]:
        """Go through another dialog and come back with its result.

        Raises `Cancelled` here when the customer called that one off.
        """
        return self._made(Call(dialog=dialog, values=values, key=key))

    def restart(self, **values: Any) -> Verbal[Never]:
        """Begin this dialog anew with these parameters: `return await chat.restart(…)`."""
        return self._made(Restart(values=values))

    # -- time --------------------------------------------------------------------------------------

    def remind(
        self,
        reply: str,
        *,
        at: datetime | None = None,
        after: timedelta | None = None,
        key: str = "",
        **values: Any,
    ) -> Verbal[None]:
        """Say a reply later, once, unless this dialog has ended by then. Does not wait."""
        moment = self._moment("remind", "at", at, "after", after)
        return self._made(Remind(reply=reply, at=moment, after=after, values=values, key=key))

    def wait(
        self, *, until: datetime | None = None, for_: timedelta | None = None, key: str = ""
    ) -> Verbal[None]:
        """Do nothing until then. The customer may write meanwhile and is answered."""
        moment = self._moment("wait", "until", until, "for_", for_)
        return self._made(Wait(until=moment, for_=for_, key=key))

    def now(self) -> Verbal[datetime]:
        """Read the clock, once: a replay reads the same time. In the customer's time zone."""
        return self._made(_NOW)

    def random(self) -> Verbal[float]:
        """Draw a number in [0, 1), once: a replay draws the same."""
        return self._made(_RANDOM)

    # -- knowing -----------------------------------------------------------------------------------

    def know(self, fact: str) -> Verbal[Any]:
        """Read a fact of the profile, or None. A replay reads the same."""
        return self._made(Know(source="profile", fact=fact))

    def channel(self) -> Verbal[str]:
        """Return the channel of this turn (`web`, `sms`…)."""
        return self._made(_CHANNEL)

    def locale(self) -> Verbal[str]:
        """Return the locale of this turn (`en`, `de-AT`…)."""
        return self._made(_LOCALE)

    # -- telling -----------------------------------------------------------------------------------

    def milestone(self, name: str) -> Verbal[None]:
        """The customer got somewhere on a journey."""
        return self._made(Milestone(name=name))

    def log(self, event: str, **context: Any) -> Verbal[None]:
        """Write a line for operators. Never a customer's words."""
        return self._made(Log(event=event, context=context))

    # -- rooms that come later ---------------------------------------------------------------------

    def handoff(self, **values: Any) -> Verbal[None]:
        """Say how to reach a person (the reply `person`), and go on."""
        return self._made(Later(verb="handoff", values=values))

    def survey(self, **values: Any) -> Verbal[Any]:
        """Ask how it was. Not available in this version."""
        return self._made(Later(verb="survey", values=values))

    def verify(self, **values: Any) -> Verbal[Any]:
        """Raise the customer's proof level. Not available in this version."""
        return self._made(Later(verb="verify", values=values))

    # -- inside ------------------------------------------------------------------------------------

    def _made(self, verb: Verb) -> Any:
        """Note where a verb was made, to be able to say which one was never awaited."""
        frame = sys._getframe(2)
        self._open.append((verb, frame.f_code, frame.f_lasti))
        return verb

    def _moment(
        self,
        verb: str,
        at_name: str,
        at: datetime | None,
        after_name: str,
        after: timedelta | None,
    ) -> datetime | None:
        frame = sys._getframe(2)
        place = misuse.Place(misuse.shown(frame.f_code.co_filename), frame.f_lineno)
        if (at is None) == (after is None):
            raise DialogError(
                f"chat.{verb}(…) needs either {at_name}= or {after_name}=",
                cure=f"Write {after_name}=timedelta(…), or {at_name}= a moment with a time zone.",
                file=place.file,
                line=place.line,
            )
        if at is not None and at.tzinfo is None:
            raise DialogError(
                f"chat.{verb}({at_name}=…) was given a moment without a time zone",
                cure="Start from `await chat.now()`, which has one.",
                file=place.file,
                line=place.line,
            )
        return at


# -- what is known about a step's function ---------------------------------------------------------


class Step(NamedTuple):
    """A function that goes through `chat.run`."""

    name: str
    returns: Any
    takes_key: bool


_MOST_STEPS = 2000
_steps: dict[Callable[..., Any], Step] = {}


def _step(function: Callable[..., Any]) -> Step:
    """Read a function's name and annotations; kept, since every replay needs them."""
    step = describe_step(function)
    if len(_steps) >= _MOST_STEPS:
        _steps.clear()
    _steps[function] = step
    return step


def describe_step(function: Callable[..., Any]) -> Step:
    """Return the step name, result type and whether it takes an idempotency key."""
    target: Any = function
    while isinstance(target, partial):
        target = target.func
    name = getattr(target, "__name__", type(target).__name__)
    if not inspect.isroutine(target) and not isinstance(target, type):
        target = type(target).__call__
    place = _definition(target)
    if name == "<lambda>":
        raise DialogError(
            "chat.run was given a lambda, which has no name to be recorded under",
            cure="Write a function with `def`.",
            file=place.file,
            line=place.line,
        )
    if isinstance(target, type):
        return Step(name, target, False)
    try:
        returns = get_type_hints(target).get("return", Any)
        takes_key = "idempotency_key" in inspect.signature(target).parameters
    except NameError as error:
        raise DialogError(
            f"An annotation of {name} cannot be read ({error})",
            cure="Import that name at the top of the file, not only under TYPE_CHECKING.",
            file=place.file,
            line=place.line,
        ) from None
    except (TypeError, ValueError):
        returns, takes_key = Any, False
    if returns is type(None) or returns is None:
        returns = None
    return Step(name, returns, takes_key)


def _definition(target: Any) -> misuse.Place:
    code = getattr(inspect.unwrap(target), "__code__", None)
    if code is None:
        return misuse.Place("", 0)
    return misuse.Place(misuse.shown(code.co_filename), code.co_firstlineno)


_NOW = Know(source="now")
_RANDOM = Know(source="random")
_CHANNEL = Know(source="channel")
_LOCALE = Know(source="locale")
