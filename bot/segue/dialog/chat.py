"""`Chat`: what a dialog's author writes with. Every verb is awaited where it is written.

A verb only makes an effect; `play` answers it. The verbs are typed as coroutines, although they
are lighter than that, so that editors and type checkers point out a forgotten `await`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from types import CodeType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Never,
    ParamSpec,
    TypeAlias,
    TypeVar,
    cast,
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
    Verify,
    Wait,
)
from segue.dialog.levels import Level, level_of
from segue.dialog.steps import step_of
from segue.slots.base import Slot
from segue.slots.choice import Choice
from segue.slots.yes_no import YesNo
from segue.types import Proof

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

    def say(
        self, reply: str, *, once: bool = False, require: Level | None = None, **values: Any
    ) -> Verbal[None]:
        """Say a reply.

        With `once` it is not sent again where nobody knows whether it arrived: a voucher.
        `require="verified"`: only where it is sure that the address is the customer's, who is asked
        to prove it; if they cannot, the reply `not_proved` is said instead.
        """
        return self._made(Say(reply=reply, values=values, once=once, require=level_of(require)))

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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
        **values: Any,
    ) -> Verbal[Any]:
        """Ask for a value and wait for it.

        `remember="email"` uses what the profile knows instead of asking, and keeps the answer;
        `check="still_yours"` is the reply that asks whether the remembered `value` still holds.
        `skippable=True` lets the customer skip, `timeout=` limits the wait: the result is then
        None.
        `key=` names the answer where one reply is asked at two places.
        `require=` as for `say`: what the question tells is only for who has proved who they are.
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
                require=level_of(require),
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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
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
                require=level_of(require),
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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
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
        require: Level | None = None,
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
                require=level_of(require),
                kind="confirm",
            )
        )

    # -- doing -------------------------------------------------------------------------------------

    @overload
    def run(
        self,
        function: Callable[..., Awaitable[R]],
        *args: Any,
        final: bool,
        key: str = ...,
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
        key: str = ...,
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
        self,
        function: Callable[..., R],
        *args: Any,
        timeout: timedelta,
        **kwargs: Any,
    ) -> Verbal[R]: ...
    @overload
    def run(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> Verbal[R]: ...
    @overload
    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Verbal[R]: ...
    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Verbal[Any]:
        """Do something outside, once: whatever may differ next time goes through here.

        The result is recorded and comes back as the function's annotated type. A parameter named
        `idempotency_key` is filled in. Options, by keyword: `final=True` closes the way back, no
        correction reaches across it; `key=` names the step where it is not the function's name;
        `retry=Retry(attempts=…, wait=…)` and `timeout=` are three tries and 30 seconds. Raises
        `StepFailed` when the step gave up after its retries.
        """
        known = step_of(function)
        # Taken out here: no signature can have options beside a function's own parameters.
        return self._made(
            Run(
                step=known.name,
                function=function,
                final=kwargs.pop("final", False),
                key=kwargs.pop("key", ""),
                retry=kwargs.pop("retry", _THREE_TIMES),
                timeout=kwargs.pop("timeout", _HALF_A_MINUTE),
                args=args,
                kwargs=kwargs,
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
        moment = misuse.moment("remind", "at", at, "after", after)
        return self._made(Remind(reply=reply, at=moment, after=after, values=values, key=key))

    def wait(
        self, *, until: datetime | None = None, for_: timedelta | None = None, key: str = ""
    ) -> Verbal[None]:
        """Do nothing until then. The customer may write meanwhile and is answered."""
        moment = misuse.moment("wait", "until", until, "for_", for_)
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

    # -- proving -----------------------------------------------------------------------------------

    def verify(
        self, level: Level = Proof.VERIFIED, *, to: str = "", fresh: bool = False, key: str = ""
    ) -> Verbal[Proof | Literal[False]]:
        """Let the customer prove that the address they write from is theirs.

        Returns the level at once where it is reached, unless `fresh`. Else a code goes to `to=`
        (a number in E.164, an e-mail address), to the number they write from, to one they have
        proved, or to one that they name. False: they gave up, or had no more tries.
        """
        return self._made(Verify(level=level_of(level), to=to, fresh=fresh, key=key))

    # -- rooms that come later ---------------------------------------------------------------------

    def handoff(self, **values: Any) -> Verbal[None]:
        """Say how to reach a person (the reply `person`), and go on."""
        return self._made(Later(verb="handoff", values=values))

    def survey(self, **values: Any) -> Verbal[Any]:
        """Ask how it was. Not available in this version."""
        return self._made(Later(verb="survey", values=values))

    # -- inside ------------------------------------------------------------------------------------

    def _made(self, verb: Verb) -> Verbal[Any]:
        """Note where a verb was made, to be able to say which one was never awaited."""
        frame = sys._getframe(2)
        self._open.append((verb, frame.f_code, frame.f_lasti))
        return cast("Verbal[Any]", verb)


_NOW = Know(source="now")
_RANDOM = Know(source="random")
_CHANNEL = Know(source="channel")
_LOCALE = Know(source="locale")
