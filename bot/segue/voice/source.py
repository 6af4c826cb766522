"""One voice file: parsed, checked against the allow-list, made into replies that can be said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from segue.errors import VoiceError
from segue.voice.allow import AllowList
from segue.voice.environment import VoiceEnvironment
from segue.voice.expressions import Checked, Phrase
from segue.voice.layout import RESERVED
from segue.voice.reply import ButtonInfo, Reply, ReplyInfo, Variant
from segue.voice.syntax import Mistake, ParsedFile, ParsedReply, VoiceParser, Wording

SOURCE_LIMIT = 32 * 1024
"""Largest file, in bytes. A dialog with more to say is two dialogs."""


def check_source(
    source: str,
    *,
    file: str = "reply.j2",
    locale: str = "en",
    phrases: Mapping[str, Phrase] | None = None,
    allowed_domains: Iterable[str] = (),
) -> list[VoiceError]:
    """Return every mistake in a file's source, without loading or running it.

    `file` decides what may stand in it: `answers.j2` holds answers, any other name replies.
    """
    return read_source(
        source,
        file=file,
        dialog=dialog_of(Path(file).stem),
        locale=locale,
        phrases=phrases or {},
        environment=VoiceEnvironment(),
        allowed_domains=frozenset(allowed_domains),
    )[2]


def read_source(
    source: str,
    *,
    file: str,
    dialog: str,
    locale: str,
    phrases: Mapping[str, Phrase],
    environment: VoiceEnvironment,
    allowed_domains: frozenset[str],
) -> tuple[tuple[Reply, ...], dict[str, Phrase], list[VoiceError]]:
    """Parse and check one file: its replies, its phrases, its mistakes."""
    try:
        parsed = _parse(source, file=file, environment=environment)
    except VoiceError as error:
        return (), {}, [error]
    known = dict(phrases)
    own: dict[str, Phrase] = {}
    walk = AllowList(
        file=file, phrases=known, markers=parsed.markers, allowed_domains=allowed_domains
    )
    for phrase in parsed.phrases:
        forget(known, phrase.name)
        forget(own, phrase.name)
        own[phrase.name] = known[phrase.name] = walk.phrase(phrase)
    replies = [
        _reply(reply, walk, file=file, dialog=dialog, locale=locale, environment=environment)
        for reply in parsed.replies
    ]
    return tuple(replies), own, walk.mistakes


def dialog_of(stem: str) -> str:
    """Return whose replies a file holds; `answers_delivery.j2` holds answers like `answers.j2`."""
    return "answers" if stem.startswith("answers_") else stem


def forget(phrases: dict[str, Phrase], name: str) -> None:
    """Drop a phrase, and those that print it: they were checked with the old words of it.

    Without that, a phrase written anew could come to print itself.
    """
    phrases.pop(name, None)
    for caller in [one.name for one in phrases.values() if name in one.calls]:
        forget(phrases, caller)


def _parse(source: str, *, file: str, environment: VoiceEnvironment) -> ParsedFile:
    if len(source.encode("utf-8", "replace")) > SOURCE_LIMIT:
        raise VoiceError(
            f"the file is larger than {SOURCE_LIMIT // 1024} kB",
            cure="Split the dialog, or move shared words to phrases.",
            file=file,
        )
    if (reserved := RESERVED.search(source)) or (reserved := re.search("\0", source)):
        raise VoiceError(
            f"the character U+{ord(reserved[0]):04X} is reserved",
            cure="Remove it; an icon font's signs are not shown by any channel.",
            file=file,
            line=source.count("\n", 0, reserved.start()) + 1,
        )
    try:
        parser = VoiceParser(environment, source, file)
        template = parser.parse()
    except Mistake as error:
        raise VoiceError(error.problem, cure=error.cure, file=file, line=error.lineno) from None
    except TemplateSyntaxError as error:
        raise VoiceError(
            _sentence(error.message or "this is not a template"),
            cure="Look at the tag on this line, and at the block before it.",
            file=file,
            line=error.lineno,
        ) from None
    except (RecursionError, MemoryError):
        raise VoiceError(
            "brackets or operators are nested far too deep",
            cure="Write it more simply.",
            file=file,
            line=1,
        ) from None
    except (TemplateError, ValueError, OverflowError) as error:
        raise VoiceError(
            f"this cannot be read: {error}", cure="Look for a very long number.", file=file, line=1
        ) from None
    for node in template.body:
        for child in node.nodes if isinstance(node, nodes.Output) else [node]:
            if isinstance(child, nodes.TemplateData) and not child.data.strip():
                continue
            line = child.lineno
            if isinstance(child, nodes.TemplateData):
                line += len(child.data) - len(child.data.lstrip("\n"))
            raise VoiceError(
                "something stands outside of any reply",
                cure="Put it between {% reply name() %} and {% endreply %}, or in {# … #}.",
                file=file,
                line=line,
            )
    return parser.found


def _sentence(message: str) -> str:
    message = message.strip().rstrip(".")
    return message[:1].lower() + message[1:]


def _reply(
    parsed: ParsedReply,
    walk: AllowList,
    *,
    file: str,
    dialog: str,
    locale: str,
    environment: VoiceEnvironment,
) -> Reply:
    if parsed.asked and dialog != "answers":
        walk.refuse(
            f"reply {parsed.name} has `asked`, but this is not answers.j2",
            "Move the reply to answers.j2, or give the examples to the dialog.",
            parsed.line,
        )
    if dialog == "answers":
        if not parsed.asked:
            walk.refuse(
                f"the answer {parsed.name} has no example question",
                "Write {% asked %}how long does delivery take — a few of them, one a line.",
                parsed.line,
            )
        for value in parsed.values:
            if not value.optional:
                walk.refuse(
                    f"the answer {parsed.name} needs the value `{value.name}`",
                    "No dialog passes values to an answer; write the words out.",
                    parsed.line,
                )
    used: set[str] = set()
    shared_body: list[nodes.Node] = []
    shared: Checked | None = None
    button_sets: list[tuple[str, tuple[ButtonInfo, ...]]] = []

    def variants(wordings: list[Wording], channel: str) -> tuple[Variant, ...]:
        nonlocal shared, shared_body
        made = []
        for wording in wordings:
            checked = walk.wording(parsed, wording)
            used.update(checked.uses)
            body = wording.body
            if shared is None:
                shared, shared_body = checked, _only_buttons(wording.body, walk.markers)
            elif not checked.buttons and shared.buttons:
                # A wording without buttons of its own shows those of the first one.
                body = [*body, *shared_body]
                checked.calls |= shared.calls
                checked.buttons = shared.buttons
                checked.is_static = checked.is_static and shared.is_static
            buttons = tuple(ButtonInfo(id=id_, line=line) for id_, line in checked.buttons)
            button_sets.append((channel, buttons))
            made.append(
                Variant(
                    body=body,
                    macros=_macros(checked.calls, walk.phrases),
                    environment=environment,
                    file=file,
                    line=wording.line,
                    buttons=buttons,
                    text=_static_text(body) if checked.is_static else None,
                )
            )
        return tuple(made)

    general = variants(parsed.wordings, "")
    overrides: dict[str, tuple[Variant, ...]] = {}
    done: dict[int, tuple[Variant, ...]] = {}
    for channel, wordings in parsed.overrides.items():
        if id(wordings) not in done:
            done[id(wordings)] = variants(wordings, channel)
        overrides[channel] = done[id(wordings)]
    info = ReplyInfo(
        dialog=dialog,
        name=parsed.name,
        locale=locale,
        file=file,
        line=parsed.line,
        values=parsed.values,
        used=frozenset(used),
        buttons=general[0].buttons,
        button_sets=tuple(button_sets),
        channels=tuple(overrides),
        wordings=len(general),
        asked=tuple(parsed.asked),
    )
    return Reply(
        info=info,
        variants=general,
        overrides=overrides,
        defaults={value.name: value.default for value in parsed.values if value.optional},
        required=tuple(value.name for value in parsed.values if not value.optional),
        full_name=f"{dialog}/{parsed.name}",
    )


def _macros(calls: Iterable[str], phrases: Mapping[str, Phrase]) -> tuple[nodes.Macro, ...]:
    """Return what the called phrases run, those that are called by others first."""
    ordered: dict[str, nodes.Macro] = {}

    def add(name: str) -> None:
        phrase = phrases.get(name)
        if phrase is not None and name not in ordered:
            for inner in phrase.calls:
                add(inner)
            ordered[name] = phrase.macro

    for name in sorted(calls):
        add(name)
    return tuple(ordered.values())


def _static_text(body: list[nodes.Node]) -> str:
    parts: list[str] = []
    for node in body:
        if isinstance(node, nodes.Scope):
            parts.append(_static_text(node.body))
        elif isinstance(node, nodes.Output):
            parts += [child.data for child in node.nodes if isinstance(child, nodes.TemplateData)]
    return "".join(parts)


def _only_buttons(body: list[nodes.Node], markers: Mapping[int, Any]) -> list[nodes.Node]:
    """Return the buttons of a wording, with the conditions and loops around them."""
    kept: list[nodes.Node] = []
    for node in body:
        if isinstance(node, nodes.Scope):
            if id(node) in markers and markers[id(node)].kind == "button":
                kept.append(node)
        elif isinstance(node, nodes.If):
            kept.append(
                nodes.If(
                    node.test,
                    _only_buttons(node.body, markers),
                    [
                        nodes.If(e.test, _only_buttons(e.body, markers), [], [], lineno=e.lineno)
                        for e in node.elif_
                    ],
                    _only_buttons(node.else_, markers),
                    lineno=node.lineno,
                )
            )
        elif isinstance(node, nodes.For):
            kept.append(
                nodes.For(
                    node.target,
                    node.iter,
                    _only_buttons(node.body, markers),
                    _only_buttons(node.else_, markers),
                    node.test,
                    False,
                    lineno=node.lineno,
                )
            )
        elif isinstance(node, nodes.Assign | nodes.AssignBlock):
            kept.append(node)
    return kept
