"""`segue check`: mistakes in dialogs and wording, found before a customer does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.common import Command, read_settings, with_settings

if TYPE_CHECKING:
    from segue.dialog.source import ReplyUse
    from segue.settings import Settings
    from segue.voice.check import Finding

OWN_REPLIES = frozenset(
    {
        *("not_sure", "not_sure_person", "did_you_mean", "which_one", "give_up", "retry"),
        *("help", "person", "nothing_to_cancel", "cancelled", "nothing_to_repeat"),
        *("nothing_open", "back_at_start", "skip_not_possible", "correction_too_late"),
        *("corrected", "something_went_wrong", "dialog_changed", "poisoned", "paused"),
        *("attachment_received",),
    }
)
"""What the bot says by itself: without one of these in `common.j2` it would have no words."""

MAY_SAY = OWN_REPLIES | {
    "disclosure",
    "resume",
    "slow_down",
    "come_private",
    *("voice_received", "sticker_received", "not_readable", "by_the_way"),
    "home",
    "delayed",
    "media_only",
    "step_failed",
    "bye",
    "masked",
    "title",
    "code",
    "opted_out",
    "opted_in",
    "who_writes",
    "stop_asked",
    *("here_i_am", "joined", "parted", "refused", "told"),
}
"""With what it says only if it is written."""


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@with_settings
def check(as_json: bool, strict: bool, config: Path | None) -> None:
    """Find mistakes in dialogs and wording.

    It reads the dialogs' source and every reply in every language, and plays nothing. Each finding
    has a file, a line, what is wrong and what to do. Exit code 1 if there is an error.
    """
    settings = read_settings(config)
    findings = sorted(set(_findings(settings)), key=lambda one: (one.file, one.line, one.rule))
    counts = Counter(finding.severity for finding in findings)
    if as_json:
        from segue.voice.check import as_json as written

        click.echo(written(findings))
    else:
        for finding in findings:
            colour = "red" if finding.severity == "error" else "yellow"
            place, _, rest = str(finding).partition(f" {finding.severity} ")
            click.echo(f"{place} {click.style(finding.severity, fg=colour)} {rest}")
        click.echo(_summary(settings, counts), err=True)
    raise SystemExit(bool(counts["error"] or (strict and findings)))


def _summary(settings: Settings, counts: Counter[str]) -> str:
    found = [
        f"{number} {word if number == 1 else word + 's'}" for word, number in sorted(counts.items())
    ]
    rooms = f"{settings.dialogs.path} and {settings.voice.path}"
    return f"{', '.join(found)} in {rooms}." if found else f"No mistakes in {rooms}."


def _findings(settings: Settings) -> Iterator[Finding]:
    from segue.dialog.source import read_folder, replies_used
    from segue.dialog.source_check import check_dialogs
    from segue.settings import missing_folder
    from segue.voice.check import Finding, check_voice

    if not settings.dialogs.path.is_dir():
        raise missing_folder("dialogs.path", settings.dialogs.path)
    if not settings.voice.path.is_dir():
        raise missing_folder("voice.path", settings.voice.path)
    folder = read_folder(settings.dialogs.path)
    for told in check_dialogs(folder):
        yield Finding(
            rule=told.rule,
            severity=told.severity,
            file=told.file,
            line=told.line,
            problem=told.problem,
            cure=told.cure,
        )
    if not folder.unread:
        yield from _loading(settings)
    own = {start.dialog for start in folder.dialogs()}
    brought = _brought(settings, own)
    yield from check_voice(
        settings.voice.path,
        [*replies_used(folder), *brought],
        default_locale=settings.company.locale,
        allowed_domains=settings.voice.allowed_domains,
        dialogs=own | {use.dialog for use in brought},
        also=MAY_SAY,
    )
    yield from _own(settings)


def _brought(settings: Settings, own: set[str]) -> list[ReplyUse]:
    """Return what Segue's own dialogs say: those the voice has a file for and nobody replaced."""
    from segue import builtin
    from segue.dialog.source import replies_used

    written = {path.stem for path in (settings.voice.path / settings.company.locale).glob("*.j2")}
    return [
        use
        for use in replies_used(Path(builtin.__file__).parent)
        if use.dialog in written and use.dialog not in own
    ]


def _loading(settings: Settings) -> Iterator[Finding]:
    """Load the dialogs, as a server would."""
    from segue.dialog import load_dialogs
    from segue.errors import DialogError
    from segue.voice.check import Finding

    try:
        load_dialogs(settings.dialogs.path)
    except DialogError as error:
        yield Finding(
            rule="dialogs-load",
            severity="error",
            file=error.file,
            line=error.line,
            problem=error.problem,
            cure=error.cure,
        )


def _own(settings: Settings) -> Iterator[Finding]:
    """Look for what the bot says by itself, and for the languages that were promised."""
    from segue.voice import load_voice
    from segue.voice.check import Finding
    from segue.voice.load import VoiceMistakes

    try:
        voice = load_voice(
            settings.voice.path,
            default_locale=settings.company.locale,
            allowed_domains=settings.voice.allowed_domains,
        )
    except VoiceMistakes:
        return
    common = settings.voice.path / settings.company.locale / "common.j2"
    for name in sorted(OWN_REPLIES):
        if not voice.has(name):
            yield Finding(
                rule="reply-missing",
                severity="error",
                file=str(common),
                line=1,
                problem=f"the bot itself says `{name}`, which is in no file",
                cure="Write it in common.j2.",
            )
    for locale in settings.locales:
        if locale not in voice.locales:
            yield Finding(
                rule="locale-missing",
                severity="error",
                file=str(settings.voice.path / locale),
                line=1,
                problem=f"the settings promise the locale {locale}, which has no folder",
                cure="Write it, or take it out of company.locales.",
            )
