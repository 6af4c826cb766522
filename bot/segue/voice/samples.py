"""Sample values for a reply, guessed from what its words do with them.

`segue check` renders every reply before a customer sees it. What is looped through becomes a list,
what has a dot becomes a record, what is money becomes a number; the rest is a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from jinja2 import nodes

from segue.voice.reply import Reply, Variant
from segue.voice.syntax import BUTTON

_HINTS = {
    "date": date(2026, 3, 5),
    "datetime": datetime(2026, 3, 5, 14, 30),  # noqa: DTZ001 - a wall time, as shops send it
    "money": 39.9,
    "number": 12,
    "percent": 0.25,
    "time": datetime(2026, 3, 5, 14, 30),  # noqa: DTZ001
}
_LISTS = frozenset({"first", "join", "join_and", "join_or", "last"})
_ORDER = frozenset({"gt", "gteq", "lt", "lteq"})


@dataclass(slots=True)
class Shape:
    """What the words do with one value."""

    fields: dict[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    sample: Any = None
    printed: bool = False
    tested: bool = False

    def dot(self, name: str) -> Shape:
        """Return the shape of a field."""
        return self.fields.setdefault(name, Shape())

    def each(self) -> Shape:
        """Return the shape of an item."""
        if self.item is None:
            self.item = Shape()
        return self.item

    def build(self, *, truthy: bool) -> Any:
        """Return a sample. Without `truthy`, lists are empty and conditions do not hold."""
        if self.item is not None:
            return [self.item.build(truthy=True) for _ in range(2)] if truthy else []
        if self.fields:
            return {name: shape.build(truthy=truthy) for name, shape in self.fields.items()}
        if self.sample is not None:
            return self.sample
        if self.tested and not self.printed:
            return truthy
        return "Sample"


def sample_values(reply: Reply, address: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two sets of sample values: conditions hold, and they do not."""
    shapes = {value.name: Shape() for value in reply.info.values}
    variants: list[Variant] = [*reply.variants]
    for override in reply.overrides.values():
        variants += override
    for variant in variants:
        macros = {macro.name: macro for macro in variant.macros}
        _Walk(macros, address).body(variant.body, {**shapes, "customer": Shape()})
    return (
        {name: shape.build(truthy=True) for name, shape in shapes.items()},
        {name: shape.build(truthy=False) for name, shape in shapes.items()},
    )


class _Walk:
    def __init__(self, macros: Mapping[str, nodes.Macro], address: str) -> None:
        self.macros = macros
        self.address = address

    def body(self, body: Iterable[nodes.Node], scope: dict[str, Shape]) -> None:
        for node in body:
            self._statement(node, scope)

    def _statement(self, node: nodes.Node, scope: dict[str, Shape]) -> None:
        match node:
            case nodes.Output():
                before = ""
                for child in node.nodes:
                    if isinstance(child, nodes.TemplateData):
                        before = child.data
                        continue
                    self._printed(child, scope, is_address=before.endswith(("](", "](<")))
                    before = ""
            case nodes.Scope():
                kind = node.body[0]
                is_button = isinstance(kind, nodes.Output) and (
                    isinstance(kind.nodes[0], nodes.TemplateData) and kind.nodes[0].data == BUTTON
                )
                target = node.body[1]
                if isinstance(target, nodes.Output):
                    for child in target.nodes:
                        if not isinstance(child, nodes.TemplateData):
                            self._printed(child, scope, is_address=not is_button)
                self.body(node.body[2:], scope)
            case nodes.If():
                self._tested(node.test, scope)
                for part in (node.body, node.elif_, node.else_):
                    self.body(part, scope)
            case nodes.For():
                source = node.iter.node if isinstance(node.iter, nodes.Filter) else node.iter
                shape = self._shape(source, scope) if source is not None else None
                inner = dict(scope)
                if isinstance(node.target, nodes.Name):
                    inner[node.target.name] = shape.each() if shape is not None else Shape()
                inner["loop"] = Shape()
                if node.test is not None:
                    self._tested(node.test, inner)
                self.body(node.body, inner)
                self.body(node.else_, scope)
            case nodes.Assign():
                shape = self._shape(node.node, scope) or Shape()
                if isinstance(node.target, nodes.Name):
                    scope[node.target.name] = shape
            case nodes.AssignBlock():
                self.body(node.body, dict(scope))
                if isinstance(node.target, nodes.Name):
                    scope[node.target.name] = Shape()

    def _printed(self, node: nodes.Node, scope: dict[str, Shape], *, is_address: bool) -> None:
        shape = self._shape(node, scope)
        if shape is not None:
            shape.printed = True
            if is_address:
                shape.sample = self.address

    def _tested(self, node: nodes.Node, scope: dict[str, Shape]) -> None:
        match node:
            case nodes.And() | nodes.Or():
                self._tested(node.left, scope)
                self._tested(node.right, scope)
            case nodes.Not():
                self._tested(node.node, scope)
            case _:
                shape = self._shape(node, scope)
                if shape is not None:
                    shape.tested = True

    def _shape(self, node: nodes.Node, scope: dict[str, Shape]) -> Shape | None:
        """Return the shape of a value, noting what is done with everything below."""
        match node:
            case nodes.Name():
                return scope.get(node.name)
            case nodes.Getattr():
                base = self._shape(node.node, scope)
                return base.dot(node.attr) if base is not None else None
            case nodes.Getitem():
                base = self._shape(node.node, scope)
                key = node.arg.value if isinstance(node.arg, nodes.Const) else 0
                if base is None:
                    return None
                return base.dot(key) if isinstance(key, str) else base.each()
            case nodes.Filter() | nodes.Test() if node.node is not None:
                self._filtered(node, scope)
            case nodes.Compare():
                self._compared(node, scope)
            case nodes.Add() | nodes.Sub():
                for side in (node.left, node.right):
                    shape = self._shape(side, scope)
                    if shape is not None and shape.sample is None:
                        shape.sample = 2
            case nodes.CondExpr():
                self._tested(node.test, scope)
                for part in (node.expr1, node.expr2):
                    shape = self._shape(part, scope) if part is not None else None
                    if shape is not None:
                        shape.printed = True
            case nodes.Call():
                self._called(node, scope)
            case nodes.And() | nodes.Or() | nodes.Not():
                self._tested(node, scope)
        return None

    def _filtered(self, node: nodes.Filter | nodes.Test, scope: dict[str, Shape]) -> None:
        assert node.node is not None
        shape = self._shape(node.node, scope)
        for argument in node.args:
            self._shape(argument, scope)
            if node.name == "money" and (currency := self._shape(argument, scope)) is not None:
                currency.sample = "EUR"
        if shape is None:
            return
        if node.name in _LISTS or (node.name in ("length", "count") and not shape.printed):
            shape.each()
        elif isinstance(node, nodes.Test):
            shape.tested = True
        elif node.name in _HINTS:
            shape.sample = _HINTS[node.name]
        else:
            shape.printed = True

    def _compared(self, node: nodes.Compare, scope: dict[str, Shape]) -> None:
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        constants: list[Any] = []
        for side in sides:
            if isinstance(side, nodes.Const):
                constants.append(side.value)
            elif isinstance(side, nodes.List | nodes.Tuple):
                constants += [one.value for one in side.items if isinstance(one, nodes.Const)]
        ordered = any(operand.op in _ORDER for operand in node.ops)
        if ordered and not constants:
            constants = [2]
        for side in sides:
            shape = self._shape(side, scope)
            if shape is None:
                continue
            shape.tested = True
            if constants and constants[0] is not None and shape.sample is None:
                shape.sample = constants[0]

    def _called(self, node: nodes.Call, scope: dict[str, Shape]) -> None:
        macro = self.macros.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if macro is None:
            return
        inner: dict[str, Shape] = {argument.name: Shape() for argument in macro.args}
        given = list(zip((argument.name for argument in macro.args), node.args, strict=False))
        given += [(pair.key, pair.value) for pair in node.kwargs]
        for name, value in given:
            shape = self._shape(value, scope)
            if shape is not None:
                inner[name] = shape
        self.body(macro.body, inner)
