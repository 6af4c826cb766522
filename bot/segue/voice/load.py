"""Reading a voice from files: everything is checked here, so that saying it holds no surprise.

    brand_voice/en/return_item.j2     the replies of one dialog
    brand_voice/en/common.j2          replies every dialog may use, and phrases to share
    brand_voice/en/answers.j2         answers without code
    brand_voice/en/words.toml         the words that always work

All mistakes of all files come back at once, each with file, line and cure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from segue.errors import VoiceError
from segue.voice.allow import AllowList, Checked, Phrase
from segue.voice.environment import VoiceEnvironment
from segue.voice.layout import RESERVED
from segue.voice.syntax import (
    Mistake,
    ParsedFile,
    ParsedReply,
    VoiceParser,
    Wording,
)
from segue.voice.voice import (
    ButtonInfo,
    Reply,
    ReplyInfo,
    Variant,
    Voice,
    locale_chain,
)
from segue.words import Words, WordsMistake, parse_words

SOURCE_LIMIT = 32 * 1024
"""Largest file, in bytes. A dialog with more to say is two dialogs."""

FILES_LIMIT = 2000

_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
_DIALOG = re.compile(r"[a-z][a-z0-9_]{0,63}")
_T = TypeVar("_T")


class VoiceMistakes(VoiceError):
    """All mistakes of one load, one per line. `mistakes` holds each with its file and line."""

    def __init__(self, mistakes: Iterable[VoiceError]) -> None:
        self.mistakes = tuple(mistakes)
        first = self.mistakes[0]
        super().__init__(first.problem, cure=first.cure, file=first.file, line=first.line)
        self.args = ("\n".join(str(mistake) for mistake in self.mistakes),)


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file as it was last read, with the phrases it was read with."""

    digest: bytes
    replies: tuple[Reply, ...] = ()
    phrases: Mapping[str, Phrase] | None = None
    words: Words | None = None


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
    return _read_source(
        source,
        file=file,
        dialog=Path(file).stem,
        locale=locale,
        phrases=phrases or {},
        environment=VoiceEnvironment(),
        allowed_domains=frozenset(allowed_domains),
    )[2]


def load_voice(
    path: Path | str,
    *,
    default_locale: str = "en",
    allowed_domains: Iterable[str] = (),
    version: int | None = None,
    timezone: tzinfo | None = None,
    previous: Voice | None = None,
) -> Voice:
    """Read a voice from its folder; raise `VoiceMistakes` listing every mistake.

    Without `version` it is numbered by its content: the same files have the same number in every
    process. `allowed_domains` are the domains that links may lead to (empty: any). `timezone` is
    where moments in time are shown. With `previous`, files that did not change are not read again,
    and a reply that fails falls back to that version.
    """
    root = Path(path)
    loader = _Loader(root, default_locale, frozenset(d.lower() for d in allowed_domains), previous)
    loader.load()
    if loader.mistakes:
        raise VoiceMistakes(
            sorted(loader.mistakes, key=lambda mistake: (mistake.file, mistake.line))
        )
    number = version if version is not None else int.from_bytes(loader.hash.digest()[:4]) >> 1
    return Voice(
        version=number,
        default_locale=default_locale,
        sets=loader.sets,
        words_by_locale=loader.words,
        allowed_domains=loader.allowed_domains,
        zone=timezone,
        previous=None if previous is None else replace(previous, previous=None),
        sources=loader.sources,
    )


def reload_voice(voice: Voice, path: Path | str) -> Voice | tuple[VoiceError, ...]:
    """Read the files again: a new voice, the same one if nothing changed, or the mistakes.

    The old voice goes on as it is, so a mistake never silences the bot.
    """
    try:
        fresh = load_voice(
            path,
            default_locale=voice.default_locale,
            allowed_domains=voice.allowed_domains,
            timezone=voice.zone,
            previous=voice,
        )
    except VoiceMistakes as error:
        return error.mistakes
    digests = {file: loaded.digest for file, loaded in voice.sources.items()}
    if digests == {file: loaded.digest for file, loaded in fresh.sources.items()}:
        return voice
    return fresh


class _Loader:
    def __init__(
        self,
        root: Path,
        default_locale: str,
        allowed_domains: frozenset[str],
        previous: Voice | None,
    ) -> None:
        self.root = root
        self.default_locale = default_locale
        self.allowed_domains = allowed_domains
        self.known = previous.sources if previous is not None else {}
        if previous is not None and previous.allowed_domains != allowed_domains:
            self.known = {}
        self.environment = VoiceEnvironment()
        self.mistakes: list[VoiceError] = []
        self.sets: dict[str, dict[tuple[str, str], Reply]] = {}
        self.words: dict[str, Words] = {}
        self.sources: dict[str, LoadedFile] = {}
        self.hash = blake2b(digest_size=8)
        self._phrases: dict[str, dict[str, Phrase]] = {}

    def refuse(self, problem: str, cure: str, path: Path, line: int = 0) -> None:
        self.mistakes.append(VoiceError(problem, cure=cure, file=str(path), line=line))

    def load(self) -> None:
        if not self.root.is_dir():
            self.refuse(
                "there is no such folder",
                f"Make it, with {self.default_locale}/common.j2 in it, or set voice.path.",
                self.root,
            )
            return
        folders = [
            folder
            for folder in sorted(self.root.iterdir())
            if folder.is_dir() and not folder.name.startswith((".", "_"))
        ]
        for folder in folders:
            if not _LOCALE.fullmatch(folder.name):
                self.refuse(
                    f"{folder.name!r} is not a locale",
                    "Name the folder like en, de or de-AT.",
                    folder,
                )
        locales = {folder.name: folder for folder in folders if _LOCALE.fullmatch(folder.name)}
        if self.default_locale not in locales:
            self.refuse(
                f"there is no folder for the default locale {self.default_locale!r}",
                f"Make {self.default_locale}/, or set voice.default_locale to one that is there.",
                self.root,
            )
            return
        # Nearest relatives first read: a phrase may come from the language or the default locale.
        for locale in sorted(locales, key=lambda one: (one != self.default_locale, len(one), one)):
            self._locale(locale, locales[locale])

    def _locale(self, locale: str, folder: Path) -> None:
        found = self.sets[locale] = {}
        files = [file for file in sorted(folder.glob("*.j2")) if file.is_file()]
        files.sort(key=lambda file: file.name != "common.j2")
        if len(files) > FILES_LIMIT:
            self.refuse("there are too many files", f"At most {FILES_LIMIT} are read.", folder)
            return
        shared: dict[str, Phrase] = {}
        for relative in reversed(locale_chain(locale, self._phrases, self.default_locale)):
            shared.update(self._phrases[relative])
        self._phrases[locale] = shared
        for file in files:
            loaded = self._templates(file, locale, shared)
            if loaded is None:
                continue
            if file.name == "common.j2":
                shared.update(loaded.phrases or {})
            for reply in loaded.replies:
                found[(reply.info.dialog, reply.info.name)] = reply
        words = folder / "words.toml"
        if words.is_file():
            self._words(words, locale)

    def _read(self, file: Path) -> tuple[str, bytes] | None:
        try:
            if file.stat().st_size > SOURCE_LIMIT:
                raise VoiceError(
                    f"the file is larger than {SOURCE_LIMIT // 1024} kB",
                    cure="Split the dialog, or move shared words to phrases.",
                    file=str(file),
                )
            raw = file.read_bytes()
            source = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except VoiceError as error:
            self.mistakes.append(error)
            return None
        except UnicodeDecodeError as error:
            self.refuse("the file is not UTF-8 text", "Save it as UTF-8.", file)
            del error
            return None
        except OSError as error:
            self.refuse(f"the file cannot be read ({error.strerror})", "Look at its rights.", file)
            return None
        self.hash.update(f"{file.relative_to(self.root)}\0{len(raw)}\0".encode())
        self.hash.update(raw)
        return source, raw

    def _templates(
        self, file: Path, locale: str, shared: Mapping[str, Phrase]
    ) -> LoadedFile | None:
        if not _DIALOG.fullmatch(file.stem):
            self.refuse(
                f"{file.name!r} is not the name of a dialog",
                "Use lower-case letters, digits and _: return_item.j2.",
                file,
            )
            return None
        read = self._read(file)
        if read is None:
            return None
        source, raw = read
        # A phrase that changed changes every reply that prints it: names and weights are not enough.
        context = repr(sorted((name, id(phrase.macro)) for name, phrase in shared.items()))
        digest = blake2b(raw + context.encode(), digest_size=16).digest()
        known = self.known.get(str(file))
        if known is not None and known.digest == digest:
            self.sources[str(file)] = known
            return known if isinstance(known, LoadedFile) else None
        replies, phrases, mistakes = _read_source(
            source,
            file=str(file),
            dialog=file.stem,
            locale=locale,
            phrases=shared,
            environment=self.environment,
            allowed_domains=self.allowed_domains,
        )
        self.mistakes += mistakes
        loaded = LoadedFile(digest, replies, phrases)
        self.sources[str(file)] = loaded
        return loaded

    def _words(self, file: Path, locale: str) -> None:
        read = self._read(file)
        if read is None:
            return
        source, raw = read
        digest = blake2b(raw, digest_size=16).digest()
        parent = None
        for relative in locale_chain(locale, self.words, ""):
            parent = self.words[relative]
            break
        try:
            words = parse_words(locale, tomllib.loads(source), parent=parent)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else 0
            self.refuse(f"this is not TOML: {error}", "See toml.io for its form.", file, line)
            return
        except WordsMistake as error:
            line = _line_of_key(source, error.key)
            self.refuse(error.problem, error.cure, file, line)
            return
        self.words[locale] = words
        self.sources[str(file)] = LoadedFile(digest, words=words)


def _line_of_key(source: str, key: str) -> int:
    for number, line in enumerate(source.split("\n"), 1):
        if re.match(rf"\s*\[?{re.escape(key)}\b", line):
            return number
    return 0


def _read_source(
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
        own[phrase.name] = known[phrase.name] = walk.phrase(phrase)
    replies = [
        _reply(reply, walk, file=file, dialog=dialog, locale=locale, environment=environment)
        for reply in parsed.replies
    ]
    return tuple(replies), own, walk.mistakes


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
