"""The allow-list, part one: expressions. What is not listed here is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import nodes

from segue.errors import VoiceError
from segue.voice.environment import LOOP_FIELDS
from segue.voice.formats import FILTERS, TESTS

EXPRESSION_DEPTH = 16
TEXT_ARGUMENT = 24
QUOTED = 500
CUSTOMER = frozenset({"channel", "locale", "name"})
"""What every reply may know of the customer."""

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
DO_IT_BEFORE = "Do it in the dialog, and pass the result to the reply."

_REFUSED: dict[str, tuple[str, str]] = {
    "Add": ("`+`", DO_IT_BEFORE),
    "Block": ("`block`", "A reply stands alone; share words with {% phrase %}."),
    "Break": ("`break`", DO_IT_BEFORE),
    "CallBlock": ("`call`", "Share words with {% phrase %} and print them: {{ name() }}."),
    "Concat": ("`~`", "Print one value after the other: {{ one }}{{ two }}."),
    "Dict": ("a dictionary", "Pass it from the dialog."),
    "Div": ("`/`", DO_IT_BEFORE),
    "Extends": ("`extends`", "A reply stands alone; share words with {% phrase %}."),
    "FilterBlock": ("`filter` as a block", "Use the filter on a value: {{ name | upper }}."),
    "FloorDiv": ("`//`", DO_IT_BEFORE),
    "FromImport": ("`import`", "Phrases of common.j2 are there without it."),
    "Import": ("`import`", "Phrases of common.j2 are there without it."),
    "Include": ("`include`", "Share words with {% phrase %}."),
    "Macro": ("`macro`", "Write {% phrase name() %}…{% endphrase %} at the top of the file."),
    "Mod": ("`%`", DO_IT_BEFORE),
    "Mul": ("`*`", DO_IT_BEFORE),
    "NSRef": ("a namespace", DO_IT_BEFORE),
    "Pow": ("`**`", DO_IT_BEFORE),
    "Scope": ("`autoescape`", "Values are never markup here; nothing needs escaping."),
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


class Expressions:
    """Checks expressions, and notes every mistake. A *weight* bounds what printing one costs."""

    def __init__(self, *, file: str, phrases: Mapping[str, Phrase]) -> None:
        self.file = file
        self.phrases = phrases
        self.mistakes: list[VoiceError] = []
        self.found = Checked()

    def refuse(self, problem: str, cure: str, line: int) -> None:
        """Note a mistake."""
        if not any(one.line == line and one.problem == problem for one in self.mistakes):
            self.mistakes.append(VoiceError(problem, cure=cure, file=self.file, line=line))

    def expression(self, node: nodes.Node, scope: dict[str, int], depth: int = 0) -> int:
        """Check an expression; return its weight."""
        if depth > EXPRESSION_DEPTH:
            self.refuse("an expression is nested too deep", DO_IT_BEFORE, node.lineno)
            return 1
        deeper = depth + 1
        match node:
            case nodes.Name():
                return self._name(node, scope)
            case nodes.Const():
                if isinstance(node.value, str) and len(node.value) > QUOTED:
                    self.refuse("a text in quotes is very long", "Write it outside.", node.lineno)
                return 1
            case nodes.TemplateData():
                return 1
            case nodes.Getattr():
                self._field(node)
                return 1 + self.expression(node.node, scope, deeper)
            case nodes.Getitem():
                argument = node.arg
                if isinstance(argument, nodes.Const):
                    self._of_customer(node.node, argument.value, node.lineno)
                if not isinstance(argument, nodes.Const) or type(argument.value) not in (int, str):
                    self.unknown(argument, "what stands in [ ] is not a plain word or number")
                elif isinstance(argument.value, str) and not _FIELD.fullmatch(argument.value):
                    self.refuse(
                        f"{argument.value!r} cannot be the name of a field",
                        "Fields are plain words.",
                        node.lineno,
                    )
                if not is_path(node.node):
                    self.refuse(
                        "[ ] stands behind something that is no value",
                        "It picks a field or an item of a value that was passed in.",
                        node.lineno,
                    )
                    return 1
                return 1 + self.expression(node.node, scope, deeper)
            case nodes.CondExpr():
                parts = [node.test, node.expr1, *([node.expr2] if node.expr2 else [])]
            case nodes.Not() | nodes.Neg() | nodes.Pos():
                parts = [node.node]
            case nodes.And() | nodes.Or() | nodes.Add() | nodes.Sub():
                parts = [node.left, node.right]
            case nodes.Compare():
                parts = [node.expr, *(operand.expr for operand in node.ops[:EXPRESSION_DEPTH])]
                if len(node.ops) > EXPRESSION_DEPTH:
                    self.refuse("a comparison is very long", DO_IT_BEFORE, node.lineno)
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
                self.unknown(node)
                return 1
        return 1 + sum(self.expression(part, scope, deeper) for part in parts)

    def _name(self, node: nodes.Name, scope: dict[str, int]) -> int:
        if node.name in scope:
            self.found.uses.add(node.name)
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

    def _of_customer(self, base: nodes.Node, name: object, line: int) -> None:
        """Only these are there; what else is known of a customer, a dialog passes on purpose."""
        if isinstance(base, nodes.Name) and base.name == "customer" and name not in CUSTOMER:
            self.refuse(
                f"`customer.{name}` is not available",
                f"There are {', '.join(sorted(CUSTOMER))}. Pass anything else from the dialog.",
                line,
            )

    def _field(self, node: nodes.Getattr) -> None:
        self._of_customer(node.node, node.attr, node.lineno)
        if not _FIELD.fullmatch(node.attr):
            self.refuse(
                f"`{node.attr}` cannot be the name of a field",
                "Fields are plain words that do not begin with _.",
                node.lineno,
            )
        elif not is_path(node.node):
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
                f"There are {', '.join(sorted(known))}. For anything else: {DO_IT_BEFORE}",
                node.lineno,
            )
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            self.refuse(
                f"`{node.name}` is not used on a value", "Write {{ value | name }}.", node.lineno
            )
            return 1
        values: list[nodes.Expr] = [*node.args, *(pair.value for pair in node.kwargs)]
        for argument in values:
            plain = isinstance(argument, nodes.Const) and not (
                isinstance(argument.value, str) and len(argument.value) > TEXT_ARGUMENT
            )
            if not plain and not (node.name == "money" and is_path(argument)):
                self.refuse(
                    f"`{node.name}` is given something long or computed",
                    f"Give it a number or at most {TEXT_ARGUMENT} letters in quotes.",
                    node.lineno,
                )
            elif not plain:
                self.expression(argument, scope, depth)
        return 1 + self.expression(node.node, scope, depth)

    def _call(self, node: nodes.Call, scope: dict[str, int], depth: int) -> int:
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        phrase = self.phrases.get(name)
        if phrase is None or name in scope:
            self.refuse(
                f"`{name}` is called, but there is no such phrase before it"
                if name
                else "something other than a phrase is called",
                "Only phrases can be called: write {% phrase name() %}…{% endphrase %} above, "
                f"or in common.j2. For anything else: {DO_IT_BEFORE}",
                node.lineno,
            )
            return 1
        self.found.calls.add(name)
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
        heaviest = max((self.expression(value, scope, depth) for value in handed), default=1)
        return 1 + phrase.weight * heaviest

    def unknown(self, node: nodes.Node, problem: str = "") -> None:
        """Note that a node is not on the list."""
        kind = type(node).__name__
        what, cure = _REFUSED.get(kind, (f"`{kind.lower()}`", DO_IT_BEFORE))
        line = node.lineno or next((n.lineno for n in node.find_all(nodes.Node) if n.lineno), 0)
        self.refuse(problem or f"{what} is not available in replies", cure, line)


def is_path(node: nodes.Node | None) -> bool:
    """Say whether this is a value, or a field of one."""
    for _ in range(EXPRESSION_DEPTH):
        if isinstance(node, nodes.Name):
            return True
        if not isinstance(node, nodes.Getattr | nodes.Getitem):
            return False
        node = node.node
    return False
