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
from typing import Any

from jinja2 import nodes

from segue.voice.environment import LOOP_LIMIT
from segue.voice.expressions import DO_IT_BEFORE, Checked, Expressions, Phrase, is_path
from segue.voice.syntax import Marker, ParsedPhrase, ParsedReply, Wording
from segue.voice.values import safe_address

WEIGHT_LIMIT = 500_000
LOOP_DEPTH = 2
BLOCK_DEPTH = 8

_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}")


class AllowList(Expressions):
    """Walks the wordings of one file, and notes every mistake."""

    def __init__(
        self,
        *,
        file: str,
        phrases: Mapping[str, Phrase],
        markers: Mapping[int, Marker],
        allowed_domains: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(file=file, phrases=phrases)
        self.markers = markers
        self.allowed_domains = allowed_domains

    def wording(self, reply: ParsedReply, wording: Wording) -> Checked:
        """Check one variant of a reply."""
        scope = {value.name: 1 for value in reply.values} | {"customer": 1}
        for name in scope:
            if name in self.phrases:
                self.refuse(
                    f"`{name}` is a value of reply {reply.name} and a phrase",
                    "Give one of them another name.",
                    reply.line,
                )
        return self._walk(wording.body, scope)

    def phrase(self, phrase: ParsedPhrase) -> Phrase:
        """Check a phrase, and return it as callable."""
        found = self._walk(phrase.macro.body, {value.name: 1 for value in phrase.values})
        for _, line in found.buttons:
            self.refuse(
                f"the phrase `{phrase.name}` holds a button",
                "Write the buttons in each reply, so that everybody sees its choices.",
                line,
            )
        return Phrase(
            phrase.name,
            tuple(value.name for value in phrase.values),
            sum(not value.optional for value in phrase.values),
            found.weight + 5,
            phrase.macro,
            tuple(sorted(found.calls)),
        )

    def _walk(self, body: list[nodes.Node], scope: dict[str, int]) -> Checked:
        self.found = found = Checked()
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
            case nodes.Scope() if id(node) in self.markers:
                return self._marker(node, scope, loops=loops, blocks=blocks)
            case nodes.If():
                self.found.is_static = False
                weight = self.expression(node.test, scope)
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
                self.found.is_static = False
                weight = self.expression(node.node, scope)
                self._assign(node.target, scope, weight)
                return weight + 1
            case nodes.AssignBlock():
                self.found.is_static = False
                if node.filter is not None:
                    self.refuse(
                        "a filter is used on a `set` block", "Use it on a value.", node.lineno
                    )
                weight = self._body(node.body, dict(scope), loops=loops, blocks=blocks + 1)
                self._assign(node.target, scope, weight)
                return weight + 1
            case _:
                self.unknown(node)
                return 1

    def _printed(self, node: nodes.Node, scope: dict[str, int]) -> int:
        if isinstance(node, nodes.TemplateData):
            return 1 + len(node.data) // 64
        self.found.is_static = False
        return 1 + self.expression(node, scope)

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
        self.found.is_static = False
        if node.recursive:
            self.refuse("a loop is `recursive`", DO_IT_BEFORE, node.lineno)
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
        weight = self.expression(node.iter, scope)
        inner = dict(scope)
        self._assign(node.target, inner, 1)
        inner["loop"] = 1
        if node.test is not None:
            weight += LOOP_LIMIT * self.expression(node.test, inner)
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
        elif not isinstance(target, nodes.TemplateData) and not is_path(target):
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
            case _ if is_path(target):
                self.found.buttons.append((None, marker.line))
                return
        if word is None or not _ID.fullmatch(word):
            self.refuse(
                "a button's id is not one plain word",
                "Use letters, digits and _, at most 64: {% button wrong_size %}Wrong size.",
                marker.line,
            )
            word = "button"
        self.found.buttons.append((word, marker.line))
        marker.target.nodes = [nodes.TemplateData(word, lineno=marker.line)]


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
