"""`segue check` for the voice: do the words fit the dialogs, and can every one of them be said?

Each finding has a rule, a place, what was found and what to do. Errors fail the check, warnings do
not. The rules:

    voice-load        a file breaks a rule of the template language
    reply-missing     a dialog says a reply that is in no file
    reply-unused      no dialog says it
    reply-untranslated  a language lacks it
    reply-fails       it cannot be rendered with sample values, or without the optional ones
    reply-empty       it says nothing
    value-undeclared  the dialog passes a value that the header does not name
    value-unpassed    the header names a value that the dialog does not pass
    value-unused      the header names a value that no wording uses
    option-without-button, button-without-option   `choose` and its buttons differ
    button-nowhere    a button on a reply that asks nothing offers no dialog, answer or person
    channel-unknown   `on` names a channel that is not there
    sms-reserved      a text message invites a word that the carriers keep for themselves
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from segue.errors import VoiceError
from segue.voice.load import VoiceMistakes, load_voice
from segue.voice.plain import plain
from segue.voice.reply import CustomerView, Rendered, Reply, ReplyInfo
from segue.voice.reserved import invited_words, reserved_label
from segue.voice.samples import sample_values
from segue.voice.voice import Voice

CHANNELS = ("web", "sms", "telegram", "slack", "terminal")

_SILENT_VERBS = frozenset({"say", "remind"})
_CONFIRM = ("yes", "no")
_OFFERS = frozenset({"person", "yes", "no"})


class ReplyUse(Protocol):
    """One place in a dialog where a reply is said or asked."""

    @property
    def reply(self) -> str:
        """Name of the reply."""

    @property
    def dialog(self) -> str:
        """The dialog that says it."""

    @property
    def file(self) -> str:
        """Where, in the dialog's source."""

    @property
    def line(self) -> int:
        """Where, in the dialog's source."""

    @property
    def values(self) -> Collection[str] | None:
        """Names of the values passed; None if the source does not say (`**values`)."""

    @property
    def options(self) -> Collection[str] | None:
        """Ids of the options of a `choose`; None if there are none, or the source does not say."""

    @property
    def verb(self) -> str:
        """`say`, `ask`, `choose`, `confirm`, `remind` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to look at."""

    rule: str
    severity: str
    """`error` or `warning`."""
    file: str
    line: int
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity} {self.rule}: {self.problem}. {self.cure}"


def check_voice(
    voice_dir: Path | str,
    uses: Iterable[ReplyUse],
    *,
    default_locale: str = "en",
    allowed_domains: Iterable[str] = (),
    channels: Collection[str] = CHANNELS,
    dialogs: Collection[str] | None = None,
    also: Collection[str] | None = None,
) -> list[Finding]:
    """Return all findings, by file and line.

    `dialogs` are the names that buttons may begin where nothing is asked (None: not checked).
    `also` are the replies that the engine says by itself; without it, unused replies of
    `common.j2` are not told.
    """
    try:
        voice = load_voice(
            voice_dir, default_locale=default_locale, allowed_domains=allowed_domains
        )
    except VoiceMistakes as error:
        return [_of_error(mistake, "voice-load") for mistake in error.mistakes]
    domains = sorted(allowed_domains)
    address = f"https://{domains[0] if domains else 'example.com'}/sample"
    known = list(uses)
    findings = {
        *_of_uses(voice, known),
        *_of_unused(voice, known, also),
        *(_of_offers(voice, known, dialogs) if dialogs is not None else ()),
        *_of_replies(voice, channels),
        *_of_rendering(voice, channels, address),
    }
    return sorted(findings, key=lambda one: (one.file, one.line, one.rule, one.problem))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Say whether the check failed."""
    return any(finding.severity == "error" for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """Return one line per finding."""
    return "\n".join(str(finding) for finding in findings)


def as_json(findings: Iterable[Finding]) -> str:
    """Return the findings as a JSON array."""
    return msgspec.json.encode(list(findings)).decode()


def _of_error(error: VoiceError, rule: str) -> Finding:
    return Finding(
        rule=rule,
        severity="error",
        file=error.file,
        line=error.line,
        problem=error.problem,
        cure=error.cure,
    )


# -- dialogs and replies -------------------------------------------------------------------------


def _of_uses(voice: Voice, uses: list[ReplyUse]) -> Iterator[Finding]:
    for use in uses:
        info = voice.info(use.reply, dialog=use.dialog)
        if info is None:
            yield _at_use(
                use,
                "reply-missing",
                f"reply `{use.reply}` is in no file",
                f"Write it in {voice.default_locale}/{use.dialog}.j2 or common.j2.",
            )
            continue
        for locale in voice.locales:
            localised = voice.info(use.reply, dialog=use.dialog, locale=locale)
            if localised is not None and localised.locale == locale:
                yield from _of_values(use, localised)
                yield from _of_options(use, localised)


def _of_values(use: ReplyUse, info: ReplyInfo) -> Iterator[Finding]:
    if use.values is None:
        return
    declared = {value.name for value in info.values}
    slots = {"value", "options"} if use.verb != "say" else set()
    for name in sorted(set(use.values) - declared):
        yield _at_use(
            use,
            "value-undeclared",
            f"`{name}` is passed to reply `{use.reply}`, which does not declare it"
            f" ({info.file}:{info.line})",
            "Add it to the parentheses of that header, or do not pass it.",
        )
    for value in info.values:
        if not value.optional and value.name not in use.values and value.name not in slots:
            yield _at_use(
                use,
                "value-unpassed",
                f"reply `{use.reply}` needs `{value.name}`, which is not passed"
                f" ({info.file}:{info.line})",
                f"Pass {value.name}=…, or write `{value.name}=none` in the header.",
            )


def _of_options(use: ReplyUse, info: ReplyInfo) -> Iterator[Finding]:
    options = use.options
    if options is None and use.verb != "confirm":
        return
    for channel, buttons in info.button_sets:
        ids = [button.id for button in buttons]
        where = f" on {channel}" if channel else ""
        if options is not None and None not in ids:
            for option in sorted(set(options) - set(ids)):
                yield Finding(
                    rule="option-without-button",
                    severity="error",
                    file=info.file,
                    line=info.line,
                    problem=f"option `{option}` of `{use.reply}` has no button{where}"
                    f" ({use.file}:{use.line})",
                    cure=f"Write {{% button {option} %}} and its label.",
                )
        expected = set(options) if options is not None else set(_CONFIRM)
        for button in buttons:
            if button.id is not None and button.id not in expected:
                yield Finding(
                    rule="button-without-option",
                    severity="error",
                    file=info.file,
                    line=button.line,
                    problem=f"button `{button.id}` is no option of `{use.reply}`{where}"
                    f" ({use.file}:{use.line})",
                    cure=f"The options are {', '.join(sorted(expected))}.",
                )


def _of_offers(voice: Voice, uses: list[ReplyUse], dialogs: Collection[str]) -> Iterator[Finding]:
    """Where nothing is asked, a button begins a dialog or an answer, or calls a person."""
    asking = set()
    for use in uses:
        info = voice.info(use.reply, dialog=use.dialog)
        if info is not None and use.verb not in _SILENT_VERBS:
            asking.add((info.dialog, info.name))
    offers = {
        *_OFFERS,
        *dialogs,
        *(f"dialog:{name}" for name in dialogs),
        *(f"answer:{name}" for name, _ in voice.answers()),
    }
    for info in voice.replies():
        if (info.dialog, info.name) in asking:
            continue
        for _, buttons in info.button_sets:
            for button in buttons:
                if button.id is not None and button.id not in offers:
                    yield Finding(
                        rule="button-nowhere",
                        severity="error",
                        file=info.file,
                        line=button.line,
                        problem=f"button `{button.id}` of `{info.name}` leads nowhere",
                        cure="Where nothing is asked, an id is the name of a dialog, "
                        "`answer:name` or `person`.",
                    )


def _of_unused(
    voice: Voice, uses: list[ReplyUse], also: Collection[str] | None
) -> Iterator[Finding]:
    if not uses:
        return
    said = set()
    for use in uses:
        for locale in voice.locales:
            info = voice.info(use.reply, dialog=use.dialog, locale=locale)
            if info is not None:
                said.add((info.dialog, info.name))
    own = {"title", *(also or ())}
    for info in voice.replies():
        if info.dialog == "answers" or (info.dialog, info.name) in said or info.name in own:
            continue
        if "retry" in info.name or info.name.endswith("_help"):
            continue
        if info.dialog == "common" and also is None:
            continue
        yield _at_reply(
            info,
            "reply-unused",
            "warning",
            f"no dialog says `{info.name}`",
            "Remove it, or say it.",
        )


# -- replies by themselves -----------------------------------------------------------------------


def _of_replies(voice: Voice, channels: Collection[str]) -> Iterator[Finding]:
    languages = [one for one in voice.locales if "-" not in one or one == voice.default_locale]
    for info in voice.replies():
        if info.locale == info.locales[0]:
            for locale in languages:
                if not any(one == locale or one.startswith(f"{locale}-") for one in info.locales):
                    yield _at_reply(
                        info,
                        "reply-untranslated",
                        "warning",
                        f"`{info.dialog}/{info.name}` is not written in {locale}",
                        f"Write it in {locale}/{info.dialog}.j2.",
                    )
        for value in info.values:
            if value.name not in info.used:
                yield _at_reply(
                    info,
                    "value-unused",
                    "warning",
                    f"no wording of `{info.name}` uses `{value.name}`",
                    "Use it, or take it out of the header and of the dialog.",
                )
        for channel in info.channels:
            if channel not in channels:
                yield _at_reply(
                    info,
                    "channel-unknown",
                    "warning",
                    f"`on {channel}` in `{info.name}` names a channel that is not there",
                    f"There are {', '.join(sorted(channels))}.",
                )


def _of_rendering(voice: Voice, channels: Collection[str], address: str) -> Iterator[Finding]:
    for locale in voice.locales:
        for reply in voice.sets[locale].values():
            full, bare = sample_values(reply, address)
            without = {
                value.name: bare[value.name] for value in reply.info.values if not value.optional
            }
            for channel in dict.fromkeys((*channels, *reply.info.channels)):
                somebody = CustomerView("Ada", locale, channel)
                nobody = CustomerView(None, None, channel)
                for values, customer in ((full, somebody), (bare, somebody), (without, nobody)):
                    for result in voice.wordings(reply, values, channel=channel, customer=customer):
                        if isinstance(result, VoiceError):
                            yield _of_error(result, "reply-fails")
                        else:
                            yield from _of_message(reply, result, channel)


def _of_message(reply: Reply, rendered: Rendered, channel: str) -> Iterator[Finding]:
    message = rendered.message
    text = plain(message)
    variants = reply.overrides.get(channel) or reply.variants
    line = variants[rendered.variant].line
    file = reply.info.file
    if not text.strip() and not message.media:
        yield Finding(
            rule="reply-empty",
            severity="error",
            file=file,
            line=line,
            problem=f"`{reply.info.name}` says nothing when no condition in it holds",
            cure="Give it words that always stand, or an else.",
        )
    if channel != "sms":
        return
    for word, harmless in invited_words(text):
        yield Finding(
            rule="sms-reserved",
            severity="warning" if harmless else "error",
            file=file,
            line=line,
            problem=f"`{reply.info.name}` invites the word {word} on SMS, which the carriers keep",
            cure='Invite another word ("never mind"), or a number.',
        )
    for button in message.buttons:
        if reserved_label(button.label):
            yield Finding(
                rule="sms-reserved",
                severity="error",
                file=file,
                line=line,
                problem=f"the label {button.label!r} is a word that the carriers keep on SMS",
                cure="Use other words after {% on sms %}.",
            )


def _at_use(use: ReplyUse, rule: str, problem: str, cure: str) -> Finding:
    return Finding(
        rule=rule, severity="error", file=use.file, line=use.line, problem=problem, cure=cure
    )


def _at_reply(info: ReplyInfo, rule: str, severity: str, problem: str, cure: str) -> Finding:
    return Finding(
        rule=rule, severity=severity, file=info.file, line=info.line, problem=problem, cure=cure
    )
