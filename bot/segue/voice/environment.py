"""Jinja, kept small: what compiles the wordings of replies, and what they may touch at run time.

A compiled wording yields pieces instead of text: a `str` is the writer's own words, a one-tuple
holds a printed value. So a value is never part of the text that Markdown reads. Captured blocks
and phrases are `Captured`: pieces that pass through as they are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from types import GeneratorType
from typing import Any, TypeAlias, cast

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from segue.voice.formats import FILTERS, TESTS
from segue.voice.layout import prepare
from segue.voice.syntax import VoiceTags
from segue.voice.values import BadValue

Piece: TypeAlias = "str | tuple[Any]"
Root: TypeAlias = "Callable[[Context], GeneratorType[Any, None, None]]"

LOOP_LIMIT = 100
"""Longest list that a reply goes through. A message of more lines helps nobody."""

LOOP_FIELDS = frozenset({"first", "last", "index", "index0", "length", "revindex", "revindex0"})


class Captured(list[Any]):
    """Pieces of a `{% set %}` block or a phrase."""

    __slots__ = ()

    def __str__(self) -> str:
        raise BadValue("a phrase or a captured block can be printed, nothing else")


class _PieceGenerator(CodeGenerator):
    """Compiles printed expressions to one-tuples; only the writer's own words stay text."""

    def _output_child_to_const(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return node.data

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write("(")

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write(",)")


class VoiceContext(Context):
    """The values of one rendering."""

    def __init__(
        self, environment: VoiceEnvironment, values: dict[str, Any], locale: str, zone: Any
    ) -> None:
        self.parent = values
        self.vars = {}
        self.environment = environment
        self.eval_ctx = environment.plain_eval_ctx
        self.exported_vars = set()
        self.name = None
        self.globals_keys = set()
        self.blocks = {}
        self.locale = locale
        self.zone = zone


class VoiceEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox. What it lets through has passed the allow-list before (`allow.py`)."""

    code_generator_class = _PieceGenerator
    concat = Captured  # type: ignore[assignment]
    intercepted_binops = frozenset({"+", "-"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            undefined=StrictUndefined,
            extensions=[VoiceTags],
            cache_size=0,
            keep_trailing_newline=True,
        )
        self.globals.clear()
        self.filters.clear()
        self.filters.update(FILTERS)
        self.filters["each"] = _each
        self.tests.clear()
        self.tests.update(TESTS)
        self.plain_eval_ctx = EvalContext(self, None)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field of plain data. No Python attribute is ever reached."""
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                fields = ", ".join(sorted(str(key) for key in obj)[:12])
                return self.undefined(f"there is no field {attribute!r} (there are: {fields})")
        if isinstance(obj, LoopContext) and attribute in LOOP_FIELDS:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        return self.undefined(f"{_described(obj)} has no field {attribute!r}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a field or an item of plain data."""
        if type(obj) in (dict, list):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(f"there is no item {argument!r}")
        return self.getattr(obj, str(argument))

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a phrase, and nothing else."""
        if not isinstance(obj, Macro):
            raise SecurityError("only phrases can be called")
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        return obj(*args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Add and subtract numbers; anything else is refused."""
        for side in (left, right):
            if isinstance(side, bool) or not isinstance(side, int | float | Decimal):
                raise BadValue(f"{operator} works on numbers, not on {_described(side)}")
        return _BINARY[operator](left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Negate a number; anything else is refused."""
        if isinstance(arg, bool) or not isinstance(arg, int | float | Decimal):
            raise BadValue(f"{operator} works on numbers, not on {_described(arg)}")
        return -arg if operator == "-" else arg

    def compile_wording(self, body: list[nodes.Node], macros: Iterable[nodes.Macro]) -> Root:
        """Compile one wording (or one phrase's) to the function that yields its pieces."""
        tree = nodes.Template([*macros, *joined(body)], lineno=1)
        tree.set_environment(self)
        template = self.template_class.from_code(
            self, self.compile(tree, name="wording", filename=CODE_NAME), {}
        )
        root = cast("Any", template.root_render_func)
        root.template = template
        return cast("Root", root)

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Any:
        return super()._tokenize(
            prepare(source, file=filename or name or ""), name, filename, state
        )


CODE_NAME = "<wording>"
"""File name of compiled wordings in tracebacks, by which a failing line is found."""

_BINARY: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub}


def joined(body: Iterable[nodes.Node]) -> list[nodes.Node]:
    """Join what is printed one after the other, so that a wording yields few pieces.

    Markers are scopes only so that they can be found; they are opened here, unless they set names.
    """
    found: list[nodes.Node] = []
    for node in _opened(body):
        if isinstance(node, nodes.Output) and found and isinstance(found[-1], nodes.Output):
            before = found[-1]
            found[-1] = nodes.Output([*before.nodes, *node.nodes], lineno=before.lineno)
        elif isinstance(node, nodes.If):
            branches = [
                nodes.If(elif_.test, joined(elif_.body), [], [], lineno=elif_.lineno)
                for elif_ in node.elif_
            ]
            body_, else_ = joined(node.body), joined(node.else_)
            found.append(nodes.If(node.test, body_, branches, else_, lineno=node.lineno))
        elif isinstance(node, nodes.For):
            body_, else_ = joined(node.body), joined(node.else_)
            found.append(
                nodes.For(
                    node.target, node.iter, body_, else_, node.test, False, lineno=node.lineno
                )
            )
        else:
            found.append(node)
    return found


def _opened(body: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        if isinstance(node, nodes.Scope) and not any(
            isinstance(inner, nodes.Assign | nodes.AssignBlock) for inner in node.body
        ):
            yield from node.body
        else:
            yield node


def _described(value: Any) -> str:
    names = {"str": "a text", "int": "a number", "list": "a list", "NoneType": "a missing value"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")


def _each(value: Any) -> list[Any]:
    """Let a loop go through a given list, and only so far."""
    if type(value) is not list:
        raise BadValue(f"a loop needs a list, found {_described(value)}")
    if len(value) > LOOP_LIMIT:
        raise BadValue(f"the list has {len(value)} items; a reply goes through {LOOP_LIMIT}")
    return value
