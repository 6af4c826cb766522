"""`@dialog`, what it makes of a function, and all dialogs of a project by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, get_type_hints

import regex

from segue.dialog.chat import Chat
from segue.dialog.hooks import Hook
from segue.dialog.levels import Level, level_of
from segue.dialog.misuse import shown
from segue.dialog.plain import from_plain
from segue.errors import DialogError
from segue.types import Proof

R = TypeVar("R")
Function: TypeAlias = Callable[..., Coroutine[Any, Any, R]]
Examples: TypeAlias = "Iterable[str] | Mapping[str, Iterable[str]]"

_NAME = regex.compile(r"[a-z][a-z0-9_]*")


class Parameter(NamedTuple):
    """A parameter of a dialog's function, beside `chat`."""

    kind: Any
    required: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dialog(Generic[R]):
    """One journey: a function, and how customers get to it."""

    name: str
    function: Function[R]
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By locale; those under "" are in the project's default locale."""
    pattern: regex.Pattern[str] | None = None
    """An utterance that matches it whole begins this dialog, with its named groups as values."""
    fallback: bool = False
    """Begins with whatever nobody understood."""
    opening: bool = False
    """Begins when a customer opens the page for the first time."""
    title: str = ""
    """What people call it, on pages and in "did you mean"."""
    require: Proof = Proof.CLAIMED
    """Played only with an address of this level; before that the customer proves it is theirs."""
    before: Mapping[str, str] = field(default_factory=dict)
    """New name of a reply or step → the name it had before."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    returns: Any = Any
    file: str = ""
    line: int = 0
    doc: str = ""

    def begin(
        self, chat: Chat, values: Mapping[str, Any], utterance: str = ""
    ) -> Coroutine[Any, Any, R]:
        """Return the coroutine, not started.

        `values` are plain data; they become what the parameters are annotated with. A parameter
        `utterance` gets the words that began the dialog. Raises `DialogError` if the values do not
        fit the parameters.
        """
        parameters = self.parameters
        if not parameters and not values:
            return self.function(chat)
        given = {**values}
        if "utterance" in parameters:
            given.setdefault("utterance", utterance)
        try:
            self.check(given)
            for name, value in given.items():
                given[name] = from_plain(value, parameters[name].kind)
        except (TypeError, ValueError) as error:
            raise DialogError(
                f"The dialog {self.name} cannot begin: {error}",
                cure="Pass what its function takes; give what may be missing a default.",
                file=shown(self.file),
                line=self.line,
            ) from None
        return self.function(chat, **given)

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise `TypeError` if the function does not take these values."""
        for name in values:
            if name not in self.parameters:
                raise TypeError(f"{self.name} takes no value named {name}")
        for name, parameter in self.parameters.items():
            if parameter.required and name not in values and name != "utterance":
                raise TypeError(f"{self.name} needs a value for {name}")

    def accepts(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `values` that the function takes: named groups, mostly."""
        return {name: value for name, value in values.items() if name in self.parameters}

    def __call__(self, *_: Any, **__: Any) -> Coroutine[Any, Any, R]:
        """Say how a dialog is called from another one."""
        raise DialogError(
            f"The dialog {self.name} was called like a function",
            cure=f"Write `await chat.call({self.function.__name__})`.",
            file=shown(self.file),
            line=self.line,
        )


def dialog(
    name: str,
    *,
    examples: Examples = (),
    pattern: str | None = None,
    fallback: bool = False,
    opening: bool = False,
    renamed: Mapping[str, str] | None = None,
    title: str = "",
    require: Level | None = None,
) -> Callable[[Function[R]], Dialog[R]]:
    """Make a dialog of `async def f(chat, …)`.

    `examples` are what customers write to begin it: a list in the default locale, or a mapping from
    locale to list. `pattern` is a regular expression for exact commands; its named groups are given
    to parameters of the same name, and the whole utterance to one named `utterance`. `renamed`
    maps old names of replies and steps to new ones, for customers who are inside while the code
    changes.
    `require="verified"` lets nobody in who has not proved that they are the customer: they are
    asked to, also where they go on from another address.
    Raises `DialogError` at once for anything that cannot work.
    """

    def make(function: Function[R]) -> Dialog[R]:
        made = _make(function, name, examples, pattern, fallback, opening, renamed or {}, title)
        if require is None:
            return made
        return replace(made, require=level_of(require, file=shown(made.file), line=made.line))

    if callable(name):
        raise _bad(name, "@dialog was used without a name", 'Write `@dialog("return_item")`.')
    return make


def _make(
    function: Function[R],
    name: str,
    examples: Examples,
    pattern: str | None,
    fallback: bool,
    opening: bool,
    renamed: Mapping[str, str],
    title: str,
) -> Dialog[R]:
    if not _NAME.fullmatch(name):
        raise _bad(
            function,
            f"{name!r} is no name for a dialog",
            "Use lower case letters, digits and underscores, beginning with a letter.",
        )
    parameters, returns = _signature(function, name)
    compiled: regex.Pattern[str] | None = None
    if pattern is not None:
        try:
            compiled = regex.compile(pattern, regex.IGNORECASE)
        except regex.error as error:
            raise _bad(
                function, f"The pattern of {name} is not a regular expression ({error})", "Mend it."
            ) from None
    if isinstance(examples, str):
        raise _bad(
            function, f"The examples of {name} are one string", 'Write a list: `examples=["…"]`.'
        )
    if len(set(renamed.values())) < len(renamed):
        raise _bad(
            function, f"Two old names of {name} become the same new name", "Rename one of them."
        )
    by_locale = examples if isinstance(examples, Mapping) else {"": examples}
    code = inspect.unwrap(function).__code__
    return Dialog(
        name=name,
        function=function,
        examples={locale: tuple(said) for locale, said in by_locale.items() if said},
        pattern=compiled,
        fallback=fallback,
        opening=opening,
        title=title or name.replace("_", " ").capitalize(),
        before={new: old for old, new in renamed.items()},
        parameters=parameters,
        returns=returns,
        file=code.co_filename,
        line=code.co_firstlineno,
        doc=inspect.getdoc(function) or "",
    )


def _signature(function: Function[R], name: str) -> tuple[dict[str, Parameter], Any]:
    if not inspect.iscoroutinefunction(function):
        raise _bad(function, f"{name} is not an `async def`", "Write `async def f(chat: Chat)`.")
    taken = list(inspect.signature(function).parameters.values())
    if not taken or taken[0].kind not in _BY_POSITION:
        raise _bad(
            function,
            f"{name} does not take the conversation",
            "Make `chat: Chat` its first parameter.",
        )
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise _bad(
            function,
            f"An annotation of {name} cannot be read ({error})",
            "Import that name at the top of the file, not only under TYPE_CHECKING.",
        ) from None
    parameters: dict[str, Parameter] = {}
    for parameter in taken[1:]:
        if parameter.kind not in _BY_NAME:
            raise _bad(
                function,
                f"The parameter {parameter.name} of {name} cannot be given by name",
                "Write plain parameters, without `*` or `/`.",
            )
        required = parameter.default is inspect.Parameter.empty
        parameters[parameter.name] = Parameter(hints.get(parameter.name, Any), required)
    returns = hints.get("return", Any)
    return parameters, None if returns is type(None) else returns


def _bad(function: Any, problem: str, cure: str) -> DialogError:
    code = getattr(inspect.unwrap(function), "__code__", None)
    file, line = (shown(code.co_filename), code.co_firstlineno) if code else ("", 0)
    return DialogError(problem, cure=cure, file=file, line=line)


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Registry(Mapping[str, Dialog[Any]]):
    """All dialogs of a project, by name. Never changes: a reload makes another one."""

    def __init__(self, dialogs: Iterable[Dialog[Any]] = (), hooks: Iterable[Hook] = ()) -> None:
        self._dialogs: dict[str, Dialog[Any]] = {}
        self.hooks: dict[str, Hook] = {}
        """What the project wants to be called for, by kind."""
        for hook in hooks:
            self._hook(hook)
        self.opening: Dialog[Any] | None = None
        self.fallback: Dialog[Any] | None = None
        self.patterns: tuple[Dialog[Any], ...] = ()
        """Those with a pattern, in order of name."""
        for one in dialogs:
            self._add(one)
        self.patterns = tuple(
            self._dialogs[name] for name in sorted(self._dialogs) if self._dialogs[name].pattern
        )

    def _add(self, one: Dialog[Any]) -> None:
        other = self._dialogs.get(one.name)
        if other is one:
            return
        if other is not None:
            raise self._twice(one, other, f"the name {one.name}")
        if one.opening:
            if self.opening is not None:
                raise self._twice(one, self.opening, "`opening=True`")
            self.opening = one
        if one.fallback:
            if self.fallback is not None:
                raise self._twice(one, self.fallback, "`fallback=True`")
            self.fallback = one
        self._dialogs[one.name] = one

    def _hook(self, hook: Hook) -> None:
        other = self.hooks.setdefault(hook.kind, hook)
        if other is not hook:
            raise DialogError(
                f"Two functions are called on_{hook.kind}; the other is at "
                f"{shown(other.file)}:{other.line}",
                cure="Only one can be: change one of them.",
                file=shown(hook.file),
                line=hook.line,
            )

    def with_builtin(self, dialogs: Iterable[Dialog[Any]]) -> Registry:
        """Return these dialogs and, where no author's has the name, those that Segue brings."""
        mine = [one for one in dialogs if one.name not in self._dialogs]
        return Registry([*self._dialogs.values(), *mine], self.hooks.values())

    @staticmethod
    def _twice(one: Dialog[Any], other: Dialog[Any], what: str) -> DialogError:
        return DialogError(
            f"Two dialogs have {what}; the other is at {shown(other.file)}:{other.line}",
            cure="Only one can have it: change one of them.",
            file=shown(one.file),
            line=one.line,
        )

    def __getitem__(self, name: str) -> Dialog[Any]:
        return self._dialogs[name]

    def get(self, name: str, default: Any = None) -> Dialog[Any] | Any:
        """Return a dialog, or `default`: asked several times a turn, so not by way of an error."""
        return self._dialogs.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._dialogs)

    def __len__(self) -> int:
        return len(self._dialogs)

    def match(self, utterance: str) -> tuple[Dialog[Any], dict[str, str]] | None:
        """Return the dialog whose pattern matches the whole utterance, and its named groups."""
        said = utterance.strip()
        for one in self.patterns:
            assert one.pattern is not None
            try:
                found = one.pattern.fullmatch(said, timeout=0.05)
            except TimeoutError:
                continue
            if found is not None:
                groups = {
                    name: text for name, text in found.groupdict().items() if text is not None
                }
                return one, one.accepts(groups)
        return None

    def intents(self, default_locale: str) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return name → locale → examples of the dialogs that have examples, for the router."""
        return {
            name: {locale or default_locale: said for locale, said in one.examples.items()}
            for name, one in self._dialogs.items()
            if one.examples
        }
