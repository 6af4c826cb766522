"""The tags of a voice file: what they look like, and what they become.

    {% reply name(value, note=none) %}     a reply and the values it may use; `=` makes one optional
    …                                      its words: Markdown, printed values, `if`, `for`, `set`
    {% or %} …                             another wording of the same reply
    {% on sms %} … {% or %} …              said instead on that channel (or: on sms, web)
    {% endreply %}

    {% button id %}Label                   a choice; the label is the rest of the line
    {% image "https://…" %}What it shows   a picture and its words
    {% link order.url %}Track it           a link; alone on its line it stands by itself
    {% asked %}how long is delivery        in answers.j2: a question that the reply answers

    {% phrase greeting(name) %}…{% endphrase %}     words to share: {{ greeting(customer.name) }}

A file is parsed once, by Jinja's own parser; the tags collect replies and phrases beside it. Each
wording becomes a small template of its own, so that a reply costs only the wording that is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

BUTTON, IMAGE, LINK, SEPARATOR, END = "\uf800", "\uf801", "\uf802", "\uf803", "\uf804"
"""What markers leave in the text of a template; refused in sources, impossible in values."""

MARKS = {"button": BUTTON, "image": IMAGE, "link": LINK}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One value in the header of a reply."""

    name: str
    optional: bool = False
    default: Any = None


@dataclass(slots=True)
class Marker:
    """A `button`, `image` or `link`, and where its target is printed."""

    kind: str
    target: nodes.Output
    scope: nodes.Scope
    line: int


@dataclass(slots=True)
class Wording:
    """One variant of a reply as it was parsed."""

    body: list[nodes.Node]
    line: int


@dataclass(slots=True)
class ParsedReply:
    """A reply as it was parsed."""

    name: str
    line: int
    values: tuple[Declared, ...]
    wordings: list[Wording] = field(default_factory=list)
    overrides: dict[str, list[Wording]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ParsedPhrase:
    """A shared phrase as it was parsed; `macro` is what a call of it runs."""

    name: str
    line: int
    values: tuple[Declared, ...]
    macro: nodes.Macro


@dataclass(slots=True)
class ParsedFile:
    """What one file holds."""

    replies: list[ParsedReply] = field(default_factory=list)
    phrases: list[ParsedPhrase] = field(default_factory=list)
    markers: dict[int, Marker] = field(default_factory=dict)
    """By the id of the marker's scope node."""


class Mistake(TemplateSyntaxError):
    """A broken rule, with its cure."""

    def __init__(self, problem: str, cure: str, line: int) -> None:
        super().__init__(problem, line)
        self.problem = problem
        self.cure = cure


class VoiceParser(Parser):
    """Jinja's parser with a place for what the tags collect."""

    def __init__(self, environment: Environment, source: str, file: str) -> None:
        super().__init__(environment, source, name=file, filename=file)
        self.found = ParsedFile()
        self.reply: ParsedReply | None = None
        self.inside = 0
        """How deep in a reply's own blocks (`asked` stands only at the top)."""

    def subparse(self, end_tokens: tuple[str, ...] | None = None) -> list[nodes.Node]:
        """Parse up to one of the end tags, keeping count of the depth."""
        self.inside += 1
        try:
            return super().subparse(end_tokens)
        finally:
            self.inside -= 1


class VoiceTags(Extension):
    """Reads the tags of the voice."""

    tags = {  # noqa: RUF012 - Jinja declares it so
        "reply", "or", "on", "endreply", "phrase", "endphrase",
        "button", "image", "link", "asked",
        "endbutton", "endimage", "endlink", "endasked",
    }  # fmt: skip

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Read one tag; replies and phrases go to `parser.found`."""
        assert isinstance(parser, VoiceParser)
        token = next(parser.stream)
        if token.value == "reply":
            self._reply(parser, token.lineno)
        elif token.value == "phrase":
            self._phrase(parser, token.lineno)
        elif token.value == "asked":
            self._asked(parser, token.lineno)
        elif token.value in MARKS:
            return [self._marker(parser, token.value, token.lineno)]
        else:
            _stray(token.value, token.lineno)
        return []

    def _reply(self, parser: VoiceParser, line: int) -> None:
        if parser.reply is not None or parser.inside > 1:
            raise Mistake(
                "a reply stands inside another one, or inside a block",
                "Close the one before with {% endreply %}.",
                line,
            )
        name = _name(parser, "a reply", line)
        reply = parser.reply = ParsedReply(name, line, _header(parser, f"reply {name}"))
        ends = ("name:or", "name:on", "name:endreply")
        wordings = reply.wordings
        start = line
        while True:
            body = parser.parse_statements(ends)
            wordings.append(Wording(body, start))
            tag = next(parser.stream)
            start = tag.lineno
            if tag.value == "endreply":
                break
            if tag.value == "on":
                wordings = []
                for channel in _channels(parser, tag.lineno):
                    if channel in reply.overrides:
                        raise Mistake(
                            f"`on {channel}` stands twice in reply {name}",
                            "Keep one; further wordings go under it after {% or %}.",
                            tag.lineno,
                        )
                    reply.overrides[channel] = wordings
        if any(other.name == name for other in parser.found.replies):
            raise Mistake(
                f"reply {name} is written twice in this file",
                "Keep one; another wording of it goes inside, after {% or %}.",
                line,
            )
        parser.found.replies.append(reply)
        parser.reply = None

    def _phrase(self, parser: VoiceParser, line: int) -> None:
        if parser.reply is not None or parser.inside > 1:
            raise Mistake(
                "a phrase is written inside a reply or a block",
                "Put it before the replies, at the top of the file.",
                line,
            )
        name = _name(parser, "a phrase", line)
        values = _header(parser, f"phrase {name}")
        macro = nodes.Macro(lineno=line)
        macro.name = name
        macro.args = [nodes.Name(value.name, "param", lineno=line) for value in values]
        macro.defaults = [nodes.Const(v.default, lineno=line) for v in values if v.optional]
        macro.body = parser.parse_statements(("name:endphrase",), drop_needle=True)
        if any(other.name == name for other in parser.found.phrases):
            raise Mistake(f"phrase {name} is written twice", "Keep one of them.", line)
        parser.found.phrases.append(ParsedPhrase(name, line, values, macro))

    def _asked(self, parser: VoiceParser, line: int) -> None:
        body = parser.parse_statements(("name:endasked",), drop_needle=True)
        if parser.reply is None or parser.inside > 2:
            raise Mistake(
                "`asked` stands inside a block, or outside a reply",
                "Put it right after the reply's header, one question a line.",
                line,
            )
        words = []
        for node in body:
            for child in node.nodes if isinstance(node, nodes.Output) else [node]:
                if not isinstance(child, nodes.TemplateData):
                    raise Mistake(
                        "an example question holds a value or a tag",
                        "Write it out, as a customer would type it.",
                        line,
                    )
                words.append(child.data)
        question = " ".join("".join(words).split())
        if not question:
            raise Mistake("`asked` has no question", "Write it on the same line.", line)
        parser.reply.asked.append(question)

    def _marker(self, parser: VoiceParser, kind: str, line: int) -> nodes.Node:
        if parser.stream.current.test("block_end"):
            what = "its id" if kind == "button" else "an address"
            raise Mistake(
                f"`{kind}` has no {what.rsplit(maxsplit=1)[-1]}", f"Write {what} after it.", line
            )
        expression = parser.parse_expression()
        if not parser.stream.current.test("block_end"):
            raise Mistake(
                f"`{kind}` is followed by more than one word",
                "A button's id is one word (letters, digits, _); an address has no spaces.",
                line,
            )
        label = parser.parse_statements((f"name:end{kind}",), drop_needle=True)
        target = nodes.Output([expression], lineno=line)
        scope = nodes.Scope(
            [_data(MARKS[kind], line), target, _data(SEPARATOR, line), *label, _data(END, line)],
            lineno=line,
        )
        parser.found.markers[id(scope)] = Marker(kind, target, scope, line)
        return scope


def _data(text: str, line: int) -> nodes.Output:
    return nodes.Output([nodes.TemplateData(text, lineno=line)], lineno=line)


def _stray(tag: str, line: int) -> NoReturn:
    if tag in {"or", "on"}:
        raise Mistake(
            f"`{tag}` stands inside a block",
            "It belongs at the top of a reply, outside every `if`, `for`, `set` and phrase.",
            line,
        )
    opener = tag.removeprefix("end")
    raise Mistake(f"`{tag}` closes nothing", f"Remove it, or open it with `{opener}`.", line)


def _name(parser: VoiceParser, what: str, line: int) -> str:
    token = parser.stream.current
    if token.type != "name" or not _NAME.fullmatch(token.value):
        raise Mistake(
            f"{what} needs a name, found {token.value!r}",
            "Use lower-case letters, digits and _, beginning with a letter.",
            line,
        )
    return str(next(parser.stream).value)


def _channels(parser: VoiceParser, line: int) -> list[str]:
    channels = [_name(parser, "`on`", line)]
    while parser.stream.skip_if("comma"):
        channels.append(_name(parser, "`on`", line))
    return channels


def _header(parser: VoiceParser, what: str) -> tuple[Declared, ...]:
    """Read `(name, other=none)`."""
    stream = parser.stream
    line = stream.current.lineno
    if not stream.skip_if("lparen"):
        raise Mistake(
            f"{what} has no parentheses", "Write () after the name, with the values inside.", line
        )
    values: list[Declared] = []
    while not stream.skip_if("rparen"):
        if values and not stream.skip_if("comma"):
            raise Mistake(
                f"the values of {what} are not separated by commas", "Write (one, two).", line
            )
        if stream.skip_if("rparen"):
            break
        name = _name(parser, f"each value of {what}", line)
        default = _REQUIRED
        if stream.skip_if("assign"):
            node = parser.parse_unary()
            if not isinstance(node, nodes.Const):
                raise Mistake(
                    f"the default of `{name}` in {what} is not a plain word or number",
                    f"Write {name}=none.",
                    line,
                )
            default = node.value
        if name == "customer" or any(name == other.name for other in values):
            raise Mistake(
                f"`{name}` is already there in {what}",
                "Give the value another name (customer is always there).",
                line,
            )
        if default is _REQUIRED and values and values[-1].optional:
            raise Mistake(
                f"`{name}` must be given but stands behind an optional value in {what}",
                "Put the optional ones last.",
                line,
            )
        if default is _REQUIRED:
            values.append(Declared(name=name))
        else:
            values.append(Declared(name=name, optional=True, default=default))
    if not stream.current.test("block_end"):
        raise Mistake(
            f"the header of {what} goes on after its parentheses",
            "Remove what stands between ) and %}.",
            line,
        )
    return tuple(values)
