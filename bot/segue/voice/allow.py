"""The allow-list: which syntax a reply may use. What is not listed here is refused at load.

Writers are trusted with words, not with the machine. So the time and the length of a rendering
must be bounded by the size of the file and of the values passed in, whatever is written:

- no calls but of phrases written before (so no recursion), no attributes, no imports;
- no arithmetic but + and - of numbers, no joining of texts, so that nothing can double itself;
- loops go through given lists, at most `LOOP_LIMIT` items, at most two loops deep;
- the *weight* of a wording (its nodes, times the loops, with phrases and captured blocks counted
  wherever they are printed) has a limit, so that phrases cannot grow by printing phrases;
- filters and tests are those of `formats.py`, with plain arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from segue.errors import VoiceError
from segue.voice.environment import LOOP_FIELDS, LOOP_LIMIT
from segue.voice.formats import FILTERS, TESTS
from segue.voice.syntax import Marker, ParsedPhrase, ParsedReply, Wording
from segue.voice.values import safe_address

WEIGHT_LIMIT = 500_000
LOOP_DEPTH = 2
BLOCK_DEPTH = 8
EXPRESSION_DEPTH = 16
TEXT_ARGUMENT = 24

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}")
_DO_IT_BEFORE = "Do it in the dialog, and pass the result to the reply."

_REFUSED: dict[str, tuple[str, str]] = {
    "Add": ("`+`", _DO_IT_BEFORE),
    "Block": ("`block`", "A reply stands alone; share words with {% phrase %}."),
    "Break": ("`break`", _DO_IT_BEFORE),
    "CallBlock": ("`call`", "Share words with {% phrase %} and print them: {{ name() }}."),
    "Concat": ("`~`", "Print one value after the other: {{ one }}{{ two }}."),
    "Dict": ("a dictionary", "Pass it from the dialog."),
    "Div": ("`/`", _DO_IT_BEFORE),
    "Extends": ("`extends`", "A reply stands alone; share words with {% phrase %}."),
    "FilterBlock": ("`filter` as a block", "Use the filter on a value: {{ name | upper }}."),
    "FloorDiv": ("`//`", _DO_IT_BEFORE),
    "FromImport": ("`import`", "Phrases of common.j2 are there without it."),
    "Import": ("`import`", "Phrases of common.j2 are there without it."),
    "Include": ("`include`", "Share words with {% phrase %}."),
    "Macro": ("`macro`", "Write {% phrase name() %}…{% endphrase %} at the top of the file."),
    "Mod": ("`%`", _DO_IT_BEFORE),
    "Mul": ("`*`", _DO_IT_BEFORE),
    "NSRef": ("a namespace", _DO_IT_BEFORE),
    "Pow": ("`**`", _DO_IT_BEFORE),
    "Slice": ("a slice like [1:2]", "Pass the right part of the list from the dialog."),
    "With": ("`with`", "Use {% set name = value %}."),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that may be called: what it takes, what it costs, what it calls."""

    name: str
    takes: tuple[str, ...]
    needs: int
    """How many of them must be given."""
    weight: int
    macro: nodes.Macro
    calls: tuple[str, ...]


@dataclass(slots=True)
class Checked:
    """What the walk over one wording found out."""

    uses: set[str] = field(default_factory=set)
    """Names of the values it prints or asks about."""
    calls: set[str] = field(default_factory=set)
    buttons: list[tuple[str | None, int]] = field(default_factory=list)
    """(id, line); None is an id that comes from a value."""
    weight: int = 0
    is_static: bool = True
    """Nothing in it depends on a value."""


class AllowList:
    """Walks the wordings of one file, and notes every mistake."""

    def __init__(
        self,
        *,
        file: str,
        phrases: Mapping[str, Phrase],
        markers: Mapping[int, Marker],
        allowed_domains: frozenset[str] = frozenset(),
    ) -> None:
        self.file = file
        self.phrases = phrases
        self.markers = markers
        self.allowed_domains = allowed_domains
        self.mistakes: list[VoiceError] = []
        self._found = Checked()

    def wording(self, reply: ParsedReply, wording: Wording) -> Checked:
        """Check one variant of a reply."""
        scope = {value.name: 1 for value in reply.values} | {"customer": 1}
        return self._walk(wording.body, scope)

    def phrase(self, phrase: ParsedPhrase) -> Phrase:
        """Check a phrase, and return it as callable."""
        found = self._walk(phrase.macro.body, {value.name: 1 for value in phrase.values})
        return Phrase(
            phrase.name,
            tuple(value.name for value in phrase.values),
            sum(not value.optional for value in phrase.values),
            found.weight + 5,
            phrase.macro,
            tuple(sorted(found.calls)),
        )

    def refuse(self, problem: str, cure: str, line: int) -> None:
        """Note a mistake."""
        self.mistakes.append(VoiceError(problem, cure=cure, file=self.file, line=line))

    def _walk(self, body: list[nodes.Node], scope: dict[str, int]) -> Checked:
        self._found = found = Checked()
        found.weight = self._body(body, scope, loops=0, blocks=0)
        if found.weight > WEIGHT_LIMIT:
            self.refuse(
                "this would become far too long: loops and phrases multiply each other",
                "Use fewer loops within loops, and phrases that hold less.",
                body[0].lineno if body else 0,
            )
        return found

    # -- statements ------------------------------------------------------------------------------

    def _body(
        self, body: list[nodes.Node], scope: dict[str, int], *, loops: int, blocks: int
    ) -> int:
        if blocks > BLOCK_DEPTH:
            self.refuse(
                f"blocks are nested more than {BLOCK_DEPTH} deep",
                "Split the reply in two, and let the dialog choose.",
                body[0].lineno if body else 0,
            )
            return 1
        return sum(self._statement(node, scope, loops=loops, blocks=blocks) for node in body)

    def _statement(
        self, node: nodes.Node, scope: dict[str, int], *, loops: int, blocks: int
    ) -> int:
        match node:
            case nodes.Output():
                return sum(self._printed(child, scope) for child in node.nodes)
            case nodes.Scope():
                return self._marker(node, scope, loops=loops, blocks=blocks)
            case nodes.If():
                self._found.is_static = False
                weight = self._expression(node.test, scope)
                for part in (node.body, node.else_):
                    weight += self._body(part, dict(scope), loops=loops, blocks=blocks + 1)
                for elif_ in node.elif_:
                    weight += self._statement(elif_, scope, loops=loops, blocks=blocks)
                for name in _assigned(node):
                    scope.setdefault(name, weight)
                    scope[name] = max(scope[name], weight)
                return weight + 1
            case nodes.For():
                return self._loop(node, scope, loops=loops, blocks=blocks)
            case nodes.Assign():
                self._found.is_static = False
                weight = self._expression(node.node, scope)
                self._assign(node.target, scope, weight)
                return weight + 1
            case nodes.AssignBlock():
                self._found.is_static = False
                if node.filter is not None:
                    self.refuse(
                        "a filter is used on a `set` block", "Use it on a value.", node.lineno
                    )
                weight = self._body(node.body, dict(scope), loops=loops, blocks=blocks + 1)
                self._assign(node.target, scope, weight)
                return weight + 1
            case _:
                self._unknown(node)
                return 1

    def _printed(self, node: nodes.Node, scope: dict[str, int]) -> int:
        if isinstance(node, nodes.TemplateData):
            return 1 + len(node.data) // 64
        self._found.is_static = False
        return 1 + self._expression(node, scope)

    def _assign(self, target: nodes.Node, scope: dict[str, int], weight: int) -> None:
        if not isinstance(target, nodes.Name):
            self.refuse(
                "`set` with more than one name", "Set one name after the other.", target.lineno
            )
        elif target.name == "customer" or target.name in self.phrases:
            self.refuse(f"`{target.name}` is already there", "Use another name.", target.lineno)
        else:
            scope[target.name] = weight

    def _loop(self, node: nodes.For, scope: dict[str, int], *, loops: int, blocks: int) -> int:
        self._found.is_static = False
        if node.recursive:
            self.refuse("a loop is `recursive`", _DO_IT_BEFORE, node.lineno)
        if loops >= LOOP_DEPTH:
            self.refuse(
                f"loops are nested more than {LOOP_DEPTH} deep",
                "Pass a simpler list from the dialog.",
                node.lineno,
            )
            return 1
        if not isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem):
            self.refuse(
                "a loop goes through something that is not a given list",
                "Loop through a value, or a field of one: {% for item in order.items %}.",
                node.lineno,
            )
            return 1
        weight = self._expression(node.iter, scope)
        inner = dict(scope)
        self._assign(node.target, inner, 1)
        inner["loop"] = 1
        if node.test is not None:
            weight += LOOP_LIMIT * self._expression(node.test, inner)
        weight += LOOP_LIMIT * self._body(node.body, inner, loops=loops + 1, blocks=blocks + 1)
        weight += self._body(node.else_, dict(scope), loops=loops, blocks=blocks + 1)
        node.iter = nodes.Filter(node.iter, "each", [], [], None, None, lineno=node.lineno)
        return weight

    def _marker(self, node: nodes.Scope, scope: dict[str, int], *, loops: int, blocks: int) -> int:
        marker = self.markers[id(node)]
        target = marker.target.nodes[0]
        if marker.kind == "button":
            self._button(marker, target, scope)
        elif isinstance(target, nodes.Const):
            address = target.value
            if type(address) is not str or not safe_address(address, self.allowed_domains):
                self.refuse(
                    f"`{marker.kind}` has an address that must not be used: {address!r}",
                    "Use https://…, mailto:… or tel:…, within the allowed domains.",
                    marker.line,
                )
            marker.target.nodes = [nodes.TemplateData(str(address), lineno=marker.line)]
        elif not isinstance(target, nodes.TemplateData) and not _is_path(target):
            self.refuse(
                f"the address of `{marker.kind}` is not an address and not a value",
                'Write {% link "https://…" %} or {% link order.url %}.',
                marker.line,
            )
        label = node.body[3:-1]
        if (
            not any(
                not isinstance(child, nodes.TemplateData) or child.data.strip()
                for statement in label
                for child in (
                    statement.nodes if isinstance(statement, nodes.Output) else [statement]
                )
            )
            or not label
        ):
            self.refuse(
                f"`{marker.kind}` has no words",
                "Write the words on the same line, after %}."
                if marker.kind != "image"
                else "Say what the picture shows, after %}, for those who cannot see it.",
                marker.line,
            )
        if any(isinstance(inner, nodes.Scope) for inner in label):
            self.refuse(
                f"a marker stands inside the line of `{marker.kind}`",
                "Give each its own line.",
                marker.line,
            )
        return self._body(node.body, dict(scope), loops=loops, blocks=blocks)

    def _button(self, marker: Marker, target: nodes.Node, scope: dict[str, int]) -> None:
        word: Any = None
        match target:
            case nodes.TemplateData():
                word = target.data
            case nodes.Name() if target.name not in scope:
                word = target.name
            case nodes.Const():
                word = str(target.value)
            case _ if _is_path(target):
                self._found.buttons.append((None, marker.line))
                return
        if word is None or not _ID.fullmatch(word):
            self.refuse(
                "a button's id is not one plain word",
                "Use letters, digits and _, at most 64: {% button wrong_size %}Wrong size.",
                marker.line,
            )
            word = "button"
        self._found.buttons.append((word, marker.line))
        marker.target.nodes = [nodes.TemplateData(word, lineno=marker.line)]

    # -- expressions -----------------------------------------------------------------------------

    def _expression(self, node: nodes.Node, scope: dict[str, int], depth: int = 0) -> int:
        if depth > EXPRESSION_DEPTH:
            self.refuse("an expression is nested too deep", _DO_IT_BEFORE, node.lineno)
            return 1
        deeper = depth + 1
        match node:
            case nodes.Name():
                return self._name(node, scope)
            case nodes.Const():
                if isinstance(node.value, str) and len(node.value) > 500:
                    self.refuse("a text in quotes is very long", "Write it outside.", node.lineno)
                return 1
            case nodes.TemplateData():
                return 1
            case nodes.Getattr():
                self._field(node)
                return 1 + self._expression(node.node, scope, deeper)
            case nodes.Getitem():
                argument = node.arg
                if not isinstance(argument, nodes.Const) or type(argument.value) not in (int, str):
                    self._unknown(argument, "what stands in [ ] is not a plain word or number")
                elif isinstance(argument.value, str) and not _FIELD.fullmatch(argument.value):
                    self.refuse(
                        f"{argument.value!r} cannot be the name of a field",
                        "Fields are plain words.",
                        node.lineno,
                    )
                if not _is_path(node.node):
                    self.refuse("[ ] stands behind something that is no value", "", node.lineno)
                    return 1
                return 1 + self._expression(node.node, scope, deeper)
            case nodes.CondExpr():
                parts = [node.test, node.expr1, *([node.expr2] if node.expr2 else [])]
            case nodes.Not() | nodes.Neg() | nodes.Pos():
                parts = [node.node]
            case nodes.And() | nodes.Or() | nodes.Add() | nodes.Sub():
                parts = [node.left, node.right]
            case nodes.Compare():
                parts = [node.expr, *(operand.expr for operand in node.ops)]
            case nodes.List() | nodes.Tuple():
                if not all(isinstance(item, nodes.Const) for item in node.items):
                    self.refuse(
                        "a list is built in the reply", "Pass it from the dialog.", node.lineno
                    )
                return 1 + len(node.items)
            case nodes.Filter() | nodes.Test():
                return self._filter(node, scope, deeper)
            case nodes.Call():
                return self._call(node, scope, deeper)
            case _:
                self._unknown(node)
                return 1
        return 1 + sum(self._expression(part, scope, deeper) for part in parts)

    def _name(self, node: nodes.Name, scope: dict[str, int]) -> int:
        if node.name in scope:
            self._found.uses.add(node.name)
            return scope[node.name]
        if node.name in self.phrases:
            cure = f"Print it with its parentheses: {{{{ {node.name}() }}}}."
            self.refuse(f"the phrase `{node.name}` is used as a value", cure, node.lineno)
        else:
            known = ", ".join(sorted(scope))
            self.refuse(
                f"`{node.name}` is not declared",
                f"Add it to the parentheses of the header (there now: {known}).",
                node.lineno,
            )
        return 1

    def _field(self, node: nodes.Getattr) -> None:
        if not _FIELD.fullmatch(node.attr):
            self.refuse(
                f"`{node.attr}` cannot be the name of a field",
                "Fields are plain words that do not begin with _.",
                node.lineno,
            )
        elif not _is_path(node.node):
            self.refuse(
                f"`.{node.attr}` stands behind something that is no value",
                "A dot means a field of a value that was passed in.",
                node.lineno,
            )
        elif (
            isinstance(node.node, nodes.Name)
            and node.node.name == "loop"
            and node.attr not in LOOP_FIELDS
        ):
            self.refuse(
                f"`loop.{node.attr}` is not available",
                f"There are {', '.join(sorted(LOOP_FIELDS))}.",
                node.lineno,
            )

    def _filter(self, node: nodes.Filter | nodes.Test, scope: dict[str, int], depth: int) -> int:
        known = FILTERS if isinstance(node, nodes.Filter) else TESTS
        what = "filter" if isinstance(node, nodes.Filter) else "test"
        if node.name not in known:
            self.refuse(
                f"there is no {what} `{node.name}` here",
                f"There are {', '.join(sorted(known))}. For anything else: {_DO_IT_BEFORE}",
                node.lineno,
            )
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            self.refuse(f"`{node.name}` is not used on a value", "", node.lineno)
            return 1
        for argument in [*node.args, *(pair.value for pair in node.kwargs)]:
            plain = isinstance(argument, nodes.Const)
            if plain and isinstance(argument.value, str) and len(argument.value) > TEXT_ARGUMENT:
                plain = False
            if not plain and not (node.name == "money" and _is_path(argument)):
                self.refuse(
                    f"`{node.name}` is given something long or computed",
                    f"Give it a number or at most {TEXT_ARGUMENT} letters in quotes.",
                    node.lineno,
                )
            elif not plain:
                self._expression(argument, scope, depth)
        return 1 + self._expression(node.node, scope, depth)

    def _call(self, node: nodes.Call, scope: dict[str, int], depth: int) -> int:
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        phrase = self.phrases.get(name)
        if phrase is None or name in scope:
            self.refuse(
                f"`{name}` is called, but there is no such phrase before it"
                if name
                else "something other than a phrase is called",
                "Only phrases can be called: write {% phrase name() %}…{% endphrase %} above, or in "
                f"common.j2. For anything else: {_DO_IT_BEFORE}",
                node.lineno,
            )
            return 1
        self._found.calls.add(name)
        given = {pair.key for pair in node.kwargs} | set(phrase.takes[: len(node.args)])
        if (
            node.dyn_args is not None
            or node.dyn_kwargs is not None
            or len(node.args) > len(phrase.takes)
            or len(given) != len(node.args) + len(node.kwargs)
            or not given <= set(phrase.takes)
            or not set(phrase.takes[: phrase.needs]) <= given
        ):
            self.refuse(
                f"the phrase `{name}` is given the wrong values",
                f"It takes ({', '.join(phrase.takes)}).",
                node.lineno,
            )
        # A captured block may be handed to a phrase, which may print it as often as it prints.
        handed = [*node.args, *(pair.value for pair in node.kwargs)]
        heaviest = max((self._expression(value, scope, depth) for value in handed), default=1)
        return 1 + phrase.weight * heaviest

    def _unknown(self, node: nodes.Node, problem: str = "") -> None:
        kind = type(node).__name__
        what, cure = _REFUSED.get(kind, (f"`{kind.lower()}`", _DO_IT_BEFORE))
        self.refuse(problem or f"{what} is not available in replies", cure, node.lineno)


def _is_path(node: nodes.Node | None) -> bool:
    """Say whether this is a value, or a field of one."""
    for _ in range(EXPRESSION_DEPTH):
        if isinstance(node, nodes.Name):
            return True
        if not isinstance(node, nodes.Getattr | nodes.Getitem):
            return False
        node = node.node
    return False


def _assigned(node: nodes.If) -> set[str]:
    """Return the names that an `if` sets inside, which are there after it."""
    names: set[str] = set()
    for part in (node.body, node.else_, *([elif_.body for elif_ in node.elif_])):
        for statement in part:
            if isinstance(statement, nodes.Assign | nodes.AssignBlock) and isinstance(
                statement.target, nodes.Name
            ):
                names.add(statement.target.name)
            elif isinstance(statement, nodes.If):
                names |= _assigned(statement)
    return names
