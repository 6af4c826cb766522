"""Dialogs as source: which functions there are, whom they call, and which replies they use.

Read with `ast`; nothing is run. A function belongs to a dialog if it is decorated with `@dialog`,
or takes the conversation (a parameter named `chat`, or annotated with `Chat`) and is reached from
one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from segue.dialog.loading import files_of
from segue.dialog.misuse import shown

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_ASKING = frozenset({"key", "timeout", "skippable", "tries", "require"})

OWN: dict[str, frozenset[str]] = {
    "say": frozenset({"once", "require"}),
    "ask": frozenset({"slot", *_ASKING, "remember", "check"}),
    "choose": frozenset({"options", *_ASKING, "remember", "check"}),
    "confirm": _ASKING,
    "remind": frozenset({"at", "after", "key"}),
}
"""Verbs that take a reply → their own parameters; every other keyword is a value for the reply."""

VERBS = frozenset(
    {*OWN, "run", "call", "restart", "wait", "now", "random", "know", "channel", "locale"}
    | {"milestone", "log", "handoff", "survey", "verify"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyUse:
    """One place in a dialog where a reply is said or asked."""

    reply: str
    dialog: str
    file: str
    line: int
    values: frozenset[str] | None
    """Names of the values passed; None if the source does not say (`**values`)."""
    options: tuple[str, ...] | None
    """Ids of the options of a `choose`; None for other verbs, or if the source does not say."""
    verb: str
    """`say`, `ask`, `choose`, `confirm` or `remind`."""


class Verb(NamedTuple):
    """A call of a verb: `chat.say(…)`."""

    name: str
    call: ast.Call


@dataclass(kw_only=True, slots=True, eq=False)
class Function:
    """A function of a dialogs folder."""

    name: str
    node: FunctionNode
    module: Module
    chats: frozenset[str]
    """Names under which it knows the conversation."""
    dialog: str = ""
    """Name of the dialog, if it is decorated as one."""

    def own_nodes(self) -> Iterator[ast.AST]:
        """Yield every node of its body, but for functions and classes defined inside."""
        waiting: list[ast.AST] = list(self.node.body)
        while waiting:
            node = waiting.pop(0)
            yield node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                continue
            waiting[:0] = ast.iter_child_nodes(node)

    def verb(self, node: ast.AST) -> Verb | None:
        """Return the verb that a node calls."""
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in self.chats
        ):
            return Verb(node.func.attr, node)
        return None

    def passes_chat(self, call: ast.Call) -> bool:
        """Whether a call hands the conversation on."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return any(isinstance(value, ast.Name) and value.id in self.chats for value in given)


@dataclass(kw_only=True, slots=True, eq=False)
class Module:
    """One file."""

    path: Path
    parts: tuple[str, ...]
    tree: ast.Module
    lines: list[str]
    functions: dict[str, Function] = field(default_factory=dict)
    nested: list[Function] = field(default_factory=list)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    """Local name → dotted name, of what comes from elsewhere."""
    relative: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """Local name → (file of this folder, name in it); an empty name is the file itself."""

    @property
    def file(self) -> str:
        """The file's name, as people know it."""
        return shown(str(self.path))

    def all_functions(self) -> Iterator[Function]:
        """Yield functions of the file, nested ones too."""
        yield from self.functions.values()
        yield from self.nested

    def strings(self, node: ast.expr | None) -> list[str] | None:
        """Return the strings that an expression may be: literal, named, or one of two."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Name(id=name) if name in self.constants:
                return self.strings(self.constants[name])
            case ast.IfExp(body=one, orelse=other):
                first, second = self.strings(one), self.strings(other)
                return None if first is None or second is None else [*first, *second]
        return None

    def string_list(self, node: ast.expr | None) -> tuple[str, ...] | None:
        """Return the strings of a literal list, tuple or set, or of one with a name."""
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                found = [self.strings(element) for element in elements]
                if any(strings is None for strings in found):
                    return None
                return tuple(text for strings in found if strings for text in strings)
            case ast.Name(id=name) if name in self.constants:
                return self.string_list(self.constants[name])
        return None

    def dotted(self, node: ast.expr) -> str:
        """Return the full name of what an expression refers to (`datetime.datetime.now`), or ""."""
        match node:
            case ast.Name(id=name):
                return self.imported.get(name, "" if name in self.relative else name)
            case ast.Attribute(value=value, attr=attr):
                start = self.dotted(value)
                return f"{start}.{attr}" if start else ""
        return ""


@dataclass(kw_only=True, slots=True, eq=False)
class Folder:
    """A folder of dialogs."""

    root: Path
    modules: dict[tuple[str, ...], Module]
    unread: list[tuple[str, int, str]]
    """(file, line, message) of files that are not Python."""

    def dialogs(self) -> Iterator[Function]:
        """Yield the functions that are dialogs."""
        for module in self.modules.values():
            for function in module.all_functions():
                if function.dialog:
                    yield function

    def reached(self, start: Function) -> list[Function]:
        """Return a dialog's function and the helpers it goes through, each once."""
        found: list[Function] = []
        waiting = [start]
        while waiting:
            function = waiting.pop(0)
            if function in found:
                continue
            found.append(function)
            for node in function.own_nodes():
                if isinstance(node, ast.Call):
                    helper = self.resolve(function.module, node.func)
                    if helper is not None and helper.chats and not helper.dialog:
                        waiting.append(helper)
        return found

    def resolve(self, module: Module, target: ast.expr) -> Function | None:
        """Return the function of this folder that an expression names."""
        match target:
            case ast.Name(id=name):
                if name in module.functions:
                    return module.functions[name]
                for nested in module.nested:
                    if nested.name == name:
                        return nested
                if name in module.relative:
                    parts, there = module.relative[name]
                    return self._function(parts, there)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in module.relative:
                parts, there = module.relative[name]
                return self._function((*parts, there) if there else parts, attr)
        return None

    def _function(self, parts: tuple[str, ...], name: str) -> Function | None:
        for place in (parts, (*parts, "__init__")):
            module = self.modules.get(place)
            if module is None:
                continue
            if name in module.functions:
                return module.functions[name]
            if name in module.relative:
                return self._function(*module.relative[name])
        return None


def read_folder(root: Path | str) -> Folder:
    """Read every file of a dialogs folder. Files that are not Python are noted, not raised."""
    root = Path(root)
    modules: dict[tuple[str, ...], Module] = {}
    unread: list[tuple[str, int, str]] = []
    for path in files_of(root):
        text = path.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text, filename=str(path))
        except (SyntaxError, ValueError) as error:
            line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            unread.append((shown(str(path)), line, message))
            continue
        parts = path.relative_to(root).with_suffix("").parts
        modules[parts] = _module(path, parts, tree, text)
    return Folder(root=root, modules=modules, unread=unread)


def replies_used(root: Path | str | Folder) -> list[ReplyUse]:
    """Return every reply that the dialogs of a folder use, once per dialog and place.

    Replies whose name the source does not say are left out; `check_dialogs` tells of them.
    """
    folder = root if isinstance(root, Folder) else read_folder(root)
    uses: dict[ReplyUse, None] = {}
    for start in folder.dialogs():
        for function in folder.reached(start):
            for node in function.own_nodes():
                verb = function.verb(node)
                if verb is not None and verb.name in OWN:
                    uses.update(dict.fromkeys(_uses(function, verb, start.dialog)))
    return list(uses)


def reply_argument(call: ast.Call) -> ast.expr | None:
    """Return the expression that names the reply."""
    if call.args and not isinstance(call.args[0], ast.Starred):
        return call.args[0]
    return next((keyword.value for keyword in call.keywords if keyword.arg == "reply"), None)


def keyword_of(call: ast.Call, name: str) -> ast.expr | None:
    """Return the expression given for a keyword."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


# -- inside ----------------------------------------------------------------------------------------


def _uses(function: Function, verb: Verb, dialog: str) -> Iterator[ReplyUse]:
    call, module = verb.call, function.module
    own = OWN[verb.name] | {"reply"}
    names = [keyword.arg for keyword in call.keywords]
    values = (
        None
        if None in names
        else frozenset(name for name in names if name is not None and name not in own)
    )
    options: tuple[str, ...] | None = None
    if verb.name == "choose":
        given = call.args[1] if len(call.args) > 1 else keyword_of(call, "options")
        options = module.string_list(given)
    for reply in module.strings(reply_argument(call)) or ():
        yield ReplyUse(
            reply=reply,
            dialog=dialog,
            file=module.file,
            line=call.lineno,
            values=values,
            options=options,
            verb=verb.name,
        )
    for check in module.strings(keyword_of(call, "check")) or ():
        yield ReplyUse(
            reply=check,
            dialog=dialog,
            file=module.file,
            line=call.lineno,
            values=None if values is None else values | {"value"},
            options=None,
            verb="confirm",
        )


def _module(path: Path, parts: tuple[str, ...], tree: ast.Module, text: str) -> Module:
    module = Module(path=path, parts=parts, tree=tree, lines=text.splitlines())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                local = name.asname or name.name.partition(".")[0]
                module.imported[local] = name.name if name.asname else local
        elif isinstance(node, ast.ImportFrom):
            _import_from(module, node)
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=constant)], value=value):
                module.constants[constant] = value
            case ast.AnnAssign(target=ast.Name(id=constant), value=value) if value is not None:
                module.constants[constant] = value
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                function = _function(module, statement, frozenset())
                module.functions[function.name] = function
                _nested(module, function)
            case ast.ClassDef():
                for inner in statement.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        method = _function(module, inner, frozenset())
                        module.nested.append(method)
                        _nested(module, method)
    return module


def _import_from(module: Module, node: ast.ImportFrom) -> None:
    for name in node.names:
        local = name.asname or name.name
        if node.level == 0:
            module.imported[local] = f"{node.module}.{name.name}"
            continue
        base = module.parts[: len(module.parts) - node.level]
        inner = tuple(node.module.split(".")) if node.module else ()
        module.relative[local] = ((*base, *inner), name.name)


def _nested(module: Module, outer: Function) -> None:
    for node in outer.own_nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = _function(module, node, outer.chats)
            module.nested.append(function)
            _nested(module, function)


def _function(module: Module, node: FunctionNode, outer: frozenset[str]) -> Function:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    chats = {a.arg for a in arguments if a.arg == "chat" or _is_chat(a.annotation)}
    hidden = {argument.arg for argument in arguments}
    return Function(
        name=node.name,
        node=node,
        module=module,
        chats=frozenset(chats | (outer - hidden)),
        dialog=_dialog_name(module, node),
    )


def _is_chat(annotation: ast.expr | None) -> bool:
    match annotation:
        case ast.Name(id="Chat") | ast.Attribute(attr="Chat") | ast.Constant(value="Chat"):
            return True
    return False


def _dialog_name(module: Module, node: FunctionNode) -> str:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            name = module.dotted(decorator.func)
            if name in {"segue.dialog", "segue.dialog.dialog", "segue.dialog.registry.dialog"}:
                given = decorator.args[0] if decorator.args else keyword_of(decorator, "name")
                return (module.strings(given) or [node.name])[0]
    return ""
