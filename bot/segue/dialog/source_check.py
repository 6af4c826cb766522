"""Mistakes in dialogs that can be seen in their source, without running anything.

    foreign-await       awaits something else than `chat` or a helper that takes it       error
    not-awaited         a verb or a helper without `await`                                error
    unknown-verb        `chat.sya(…)`                                                     error
    outside             I/O beside `chat.run`: files, HTTP, databases, processes          error
    clock               reads the clock beside `chat.now`                                 error
    chance              draws lots beside `chat.random`                                   error
    run-called          `chat.run(f(x))` calls f before; `chat.run(f, x)` is meant        error
    step-without-name   `chat.run(lambda: …)`                                             error
    key-needed          one name asked at two places without `key=`                       error
    swallows-cancelled  `except:` or `except BaseException` around verbs, not raised on   error
    verb-in-finally     a verb in `finally`                                               error
    wording             a reply's name that is a sentence                                 error
    wording-in-value    a sentence as a value                                             warning
    reply-name          a reply's name that the source does not say                       warning
    print               `print` in a dialog                                               warning
    few-examples        fewer than eight examples in a locale                             warning
    not-python          the file cannot be read                                           error

A line may be excused: `# segue: allow outside - reads a file that never changes`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from segue.dialog.source import (
    OWN,
    VERBS,
    Folder,
    Function,
    Module,
    ReplyUse,
    Verb,
    keyword_of,
    read_folder,
    replies_used,
    reply_argument,
)

__all__ = ["Finding", "ReplyUse", "check_dialogs", "replies_used"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to look at."""

    rule: str
    severity: str
    """`error` or `warning`."""
    file: str
    line: int
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity} {self.rule}: {self.problem}. {self.cure}"


FEW = 8
"""Examples per locale below which routing is guessing."""

_RUN = "Put it into a function and write `await chat.run(function, …)`."
_CLOCK = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.perf_counter",
        "time.localtime",
        "time.gmtime",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
    }
)
_CHANCE = ("random.", "uuid.", "secrets.", "numpy.random.", "os.urandom")
_OUTSIDE = (
    "requests.",
    "httpx.",
    "aiohttp.",
    "urllib.request.",
    "urllib3.",
    "http.client.",
    "smtplib.",
    "socket.",
    "subprocess.",
    "sqlite3.",
    "psycopg.",
    "psycopg2.",
    "asyncpg.",
    "sqlalchemy.",
    "redis.",
    "boto3.",
    "shutil.",
    "os.remove",
    "os.rename",
    "os.system",
    "os.getenv",
    "os.environ.get",
    "time.sleep",
    "asyncio.",
)
_FILE_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes"})
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)?")
_ALLOW = re.compile(r"#\s*segue:\s*allow\s+([a-z][a-z-]*)\s*[-–:]\s*\S")
_WARNINGS = frozenset({"wording-in-value", "reply-name", "print", "few-examples"})


def check_dialogs(root: Path | str | Folder) -> list[Finding]:
    """Return what is wrong in the dialogs of a folder, by file and line."""
    folder = root if isinstance(root, Folder) else read_folder(root)
    findings = [
        _finding("not-python", file, line, message, "Mend the line.")
        for file, line, message in folder.unread
    ]
    for module in folder.modules.values():
        lines = module.lines
        for function in module.all_functions():
            if function.chats:
                findings += (f for f in _Rules(folder, function).all() if not _excused(lines, f))
    for start in folder.dialogs():
        lines = start.module.lines
        findings += (f for f in _examples(start) if not _excused(lines, f))
        findings += (f for f in _keys(folder, start) if not _excused(lines, f))
    return sorted(set(findings), key=lambda one: (one.file, one.line, one.rule, one.problem))


def _finding(rule: str, file: str, line: int, problem: str, cure: str) -> Finding:
    return Finding(
        rule=rule,
        severity="warning" if rule in _WARNINGS else "error",
        file=file,
        line=line,
        problem=problem,
        cure=cure,
    )


def _excused(lines: list[str], finding: Finding) -> bool:
    if not 0 < finding.line <= len(lines):
        return False
    allowed = _ALLOW.search(lines[finding.line - 1])
    return allowed is not None and allowed.group(1) == finding.rule


# -- one function ----------------------------------------------------------------------------------


class _Rules:
    """The rules for one function that takes the conversation."""

    def __init__(self, folder: Folder, function: Function) -> None:
        self.folder = folder
        self.function = function
        self.module: Module = function.module
        self.awaited: set[ast.AST] = set()
        self.awaited_names: set[str] = set()
        self.held: dict[ast.AST, str] = {}
        """Verb calls that are put under a name, to be awaited later."""
        self.handed: set[ast.AST] = set()
        """Calls that are given to `chat.run`: their own rule speaks of them."""
        for node in function.own_nodes():
            match node:
                case ast.Await(value=ast.Name(id=name)):
                    self.awaited_names.add(name)
                case ast.Await(value=value):
                    self.awaited.add(value)
                    # await (chat.ask(…) if … else chat.choose(…))
                    if isinstance(value, ast.IfExp):
                        self.awaited |= {value.body, value.orelse}
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.held[value] = name
                    if isinstance(value, ast.IfExp):
                        self.held |= {value.body: name, value.orelse: name}

    def all(self) -> Iterator[Finding]:
        """Yield every finding."""
        for node in self.function.own_nodes():
            verb = self.function.verb(node)
            if verb is not None:
                yield from self.verb(verb)
                continue
            match node:
                case ast.Await(value=value):
                    yield from self.foreign_await(node, value)
                case ast.AsyncWith() | ast.AsyncFor():
                    kind = "async with" if isinstance(node, ast.AsyncWith) else "async for"
                    yield self.at(node, "foreign-await", f"`{kind}` awaits something outside", _RUN)
                case ast.Call():
                    yield from self.call(node)
                case ast.Try() | ast.TryStar():
                    yield from self.attempt(node)

    def at(self, node: ast.AST, rule: str, problem: str, cure: str) -> Finding:
        """Return a finding about a node."""
        return _finding(rule, self.module.file, getattr(node, "lineno", 0), problem, cure)

    # -- verbs -------------------------------------------------------------------------------------

    def verb(self, verb: Verb) -> Iterator[Finding]:
        """Check one call of a verb."""
        name, call = verb
        if name not in VERBS:
            yield self.at(
                call, "unknown-verb", f"chat.{name} is no verb", f"The verbs are {_listed(VERBS)}."
            )
            return
        held = self.held.get(call)
        if call not in self.awaited and (held is None or held not in self.awaited_names):
            yield self.at(
                call,
                "not-awaited",
                f"chat.{name}(…) is not awaited, so it does nothing",
                f"Write `await chat.{name}(…)`.",
            )
        if name in OWN:
            yield from self.reply(verb)
        if name == "run":
            yield from self.step(call)

    def reply(self, verb: Verb) -> Iterator[Finding]:
        """Check the reply's name, and the values."""
        names = self.module.strings(reply_argument(verb.call))
        if names is None:
            yield self.at(
                verb.call,
                "reply-name",
                f"chat.{verb.name} is given a reply whose name the source does not say",
                "Write the name as a literal, so that it can be checked that the reply exists.",
            )
        for name in names or ():
            if not _NAME.fullmatch(name):
                yield self.at(
                    verb.call,
                    "wording",
                    f"{name[:40]!r} is no name of a reply",
                    "Put the words into brand_voice/ as a reply, and name it here (`ask_order`).",
                )
        for keyword in verb.call.keywords:
            if keyword.arg is None or keyword.arg in OWN[verb.name]:
                continue
            text = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if isinstance(text, str) and len(text.split()) > 2:
                yield self.at(
                    keyword.value,
                    "wording-in-value",
                    f"{keyword.arg}={text[:40]!r} looks like something to be said",
                    "Put the words into the reply, and pass what they depend on.",
                )

    def step(self, call: ast.Call) -> Iterator[Finding]:
        """Check what `chat.run` is given."""
        given = call.args[0] if call.args else None
        if isinstance(given, ast.Lambda):
            yield self.at(
                given,
                "step-without-name",
                "chat.run is given a lambda, which has no name to be recorded under",
                "Write a function with `def`.",
            )
        elif isinstance(given, ast.Call) and not _makes_partial(self.module.dotted(given.func)):
            self.handed.add(given)
            yield self.at(
                given,
                "run-called",
                "chat.run is given the result of a call, which happens on every replay",
                f"Write `chat.run({ast.unparse(given.func)}, …)`: the function, then its "
                "arguments.",
            )

    # -- the rest ----------------------------------------------------------------------------------

    def foreign_await(self, node: ast.Await, value: ast.expr) -> Iterator[Finding]:
        """Check what is awaited."""
        if isinstance(value, ast.Call):
            if self.function.verb(value) is not None or self.function.passes_chat(value):
                return
            helper = self.folder.resolve(self.module, value.func)
            if helper is not None and helper.chats:
                return  # defined inside, it knows the conversation of the function around it
        elif isinstance(value, ast.IfExp):
            for branch in (value.body, value.orelse):
                yield from self.foreign_await(node, branch)
            return
        elif isinstance(value, ast.Name) and value.id in set(self.held.values()):
            held = [call for call, name in self.held.items() if name == value.id]
            if any(self.function.verb(call) is not None for call in held):
                return
        step = ast.unparse(value.func) if isinstance(value, ast.Call) else "function"
        yield self.at(
            node,
            "foreign-await",
            f"`await {_short(value)}` awaits something outside",
            f"Write `await chat.run({step}, …)`; a helper that asks or says must take `chat`.",
        )

    def call(self, node: ast.Call) -> Iterator[Finding]:
        """Check one call that is no verb."""
        if node in self.handed:
            return
        helper = self.folder.resolve(self.module, node.func)
        if helper is not None:
            held = self.held.get(node)
            waits = node in self.awaited or (held is not None and held in self.awaited_names)
            if isinstance(helper.node, ast.AsyncFunctionDef) and helper.chats and not waits:
                cure = (
                    f"Write `await chat.call({helper.name})`."
                    if helper.dialog
                    else f"Write `await {helper.name}(…)`."
                )
                yield self.at(node, "not-awaited", f"{helper.name}(…) is not awaited", cure)
            elif helper.dialog:
                yield self.at(
                    node,
                    "not-awaited",
                    f"the dialog {helper.dialog} is called like a function",
                    f"Write `await chat.call({helper.name})`.",
                )
            return
        name = self.module.dotted(node.func)
        if name == "print":
            yield self.at(
                node, "print", "print says nothing to anyone", 'Use `await chat.log("event", …)`.'
            )
        elif name in _CLOCK:
            yield self.at(
                node, "clock", f"{name}() differs on every replay", "Use `await chat.now()`."
            )
        elif name.startswith(_CHANCE):
            yield self.at(
                node,
                "chance",
                f"{name}() differs on every replay",
                "Use `await chat.random()`, or `await chat.run(function)`.",
            )
        elif name in {"open", "input"} or (name.startswith(_OUTSIDE) and node not in self.awaited):
            cure = "Use `await chat.wait(for_=…)`." if name == "time.sleep" else _RUN
            yield self.at(node, "outside", f"{name}(…) reaches outside on every replay", cure)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _FILE_METHODS:
            yield self.at(
                node, "outside", f"{node.func.attr}(…) reaches outside on every replay", _RUN
            )

    def attempt(self, node: ast.Try | ast.TryStar) -> Iterator[Finding]:
        """Check what a `try` catches, and what stands in its `finally`."""
        if any(self.waits(statement) for statement in node.body):
            for handler in node.handlers:
                if _catches_all(handler) and not _raises(handler.body):
                    yield self.at(
                        handler,
                        "swallows-cancelled",
                        "this also catches `Cancelled`, and the leaving of the dialog at questions",
                        "Catch `Exception`, or end the block with `raise`.",
                    )
        for statement in node.finalbody:
            if self.waits(statement):
                yield self.at(
                    statement,
                    "verb-in-finally",
                    "`finally` runs each time the dialog is left at a question",
                    "Move the verb behind the block, or into `except Cancelled:` with `raise`.",
                )

    def waits(self, node: ast.AST) -> bool:
        """Whether a statement awaits anything."""
        return any(isinstance(inner, ast.Await) for inner in ast.walk(node))


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id == "BaseException")
        for kind in kinds
    )


def _raises(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise)


def _makes_partial(name: str) -> bool:
    return name in {"functools.partial", "partial"}


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


# -- one dialog ------------------------------------------------------------------------------------


def _keys(folder: Folder, start: Function) -> Iterator[Finding]:
    """Find names that are asked at two places on one dialog's way."""
    first: dict[str, tuple[str, int]] = {}
    for function in folder.reached(start):
        for node in function.own_nodes():
            verb = function.verb(node)
            if verb is None or verb.name not in {"ask", "choose", "confirm"}:
                continue
            module = function.module
            key = module.strings(keyword_of(verb.call, "key"))
            for name in key or module.strings(reply_argument(verb.call)) or ():
                place = (module.file, verb.call.lineno)
                other = first.setdefault(name, place)
                if other != place:
                    yield _finding(
                        "key-needed",
                        module.file,
                        verb.call.lineno,
                        f"{name} is asked in {start.dialog} here and at {other[0]}:{other[1]}",
                        'Give one of them a `key="…"`, so that answers are not mixed up.',
                    )


def _examples(start: Function) -> Iterator[Finding]:
    """Find dialogs with too few examples to be told apart."""
    for decorator in start.node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        given = keyword_of(decorator, "examples")
        for locale, expression in _by_locale(start.module, given):
            found = start.module.string_list(expression)
            if found is not None and 0 < len(found) < FEW:
                where = f" in {locale}" if locale else ""
                yield _finding(
                    "few-examples",
                    start.module.file,
                    decorator.lineno,
                    f"{start.dialog} has {len(found)} example{'s' * (len(found) > 1)}{where}",
                    f"Give at least {FEW}, the way customers write.",
                )


def _by_locale(module: Module, given: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(given, ast.Dict):
        for key, value in zip(given.keys, given.values, strict=True):
            yield (module.strings(key) or [""])[0], value
    elif given is not None:
        yield "", given
