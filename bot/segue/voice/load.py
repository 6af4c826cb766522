"""Reading a voice from files: everything is checked here, so that saying it holds no surprise.

    brand_voice/en/return_item.j2     the replies of one dialog
    brand_voice/en/common.j2          replies every dialog may use, and phrases to share
    brand_voice/en/answers.j2         answers without code (more of them in answers_shipping.j2 …)
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

from segue.errors import VoiceError
from segue.voice.environment import VoiceEnvironment
from segue.voice.expressions import Phrase
from segue.voice.reply import Reply
from segue.voice.source import SOURCE_LIMIT, dialog_of, forget, read_source
from segue.voice.voice import Voice, locale_chain
from segue.words import Words, WordsMistake, parse_words

FILES_LIMIT = 2000

_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
_DIALOG = re.compile(r"[a-z][a-z0-9_]{0,63}")


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
        # The language before its countries: de-AT may print the phrases of de.
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
        for relative in locale_chain(locale, self._phrases, ""):
            # Of its own language: an English phrase has no place in a German reply.
            shared.update(self._phrases[relative])
            break
        self._phrases[locale] = shared
        for file in files:
            loaded = self._templates(file, locale, shared)
            if loaded is None:
                continue
            if file.name == "common.j2":
                for name, phrase in (loaded.phrases or {}).items():
                    forget(shared, name)
                    shared[name] = phrase
            for reply in loaded.replies:
                key = (reply.info.dialog, reply.info.name)
                if key in found:
                    self.refuse(
                        f"the answer {reply.info.name} is written in {found[key].info.file}, too",
                        "Keep one of them.",
                        file,
                        reply.info.line,
                    )
                found[key] = reply
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
        # A phrase that changed changes every reply that prints it; its name says too little.
        context = repr(sorted((name, id(phrase.macro)) for name, phrase in shared.items()))
        digest = blake2b(raw + context.encode(), digest_size=16).digest()
        known = self.known.get(str(file))
        if known is not None and known.digest == digest:
            self.sources[str(file)] = known
            return known if isinstance(known, LoadedFile) else None
        replies, phrases, mistakes = read_source(
            source,
            file=str(file),
            dialog=dialog_of(file.stem),
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
            line = int(found[1]) if found else source.count("\n") + 1
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
