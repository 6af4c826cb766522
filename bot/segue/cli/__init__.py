"""The command line.

    segue.cli            names the commands; imports only click
    segue.cli.common     what commands share: options, settings, how things are printed
    segue.cli.COMMAND    one file per command or group, imported when it is called

An error is one sentence on standard error and an exit code, never a traceback; `--debug` shows it.

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | the answer is no: findings, not found, the store cannot be reached |
| 2 | used wrongly: an option, a setting |
| 130 | stopped by Ctrl-C |
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("segue.cli.demo:demo", "Talk to a sample company; nothing to set up."),
        "new": ("segue.cli.new:new", "Make a project of your own."),
        "chat": ("segue.cli.chat:chat", "Talk to your bot in this terminal."),
    },
    "Build": {
        "check": ("segue.cli.check:check", "Find mistakes in dialogs and wording."),
        "replay": ("segue.cli.replay:replay", "See who a code change would affect."),
        "bench": ("segue.cli.bench:bench", "Measure what a turn costs here."),
    },
    "Run": {
        "run": ("segue.cli.run:run", "Serve customers."),
        "doctor": ("segue.cli.doctor:doctor", "Check the settings, the store, dialogs and voice."),
        "customer": ("segue.cli.customer:customer", "Look at one customer, link, export, erase."),
        "api-key": ("segue.cli.api_key:api_key", "Let the company's own systems in."),
        "webhooks": ("segue.cli.webhooks:webhooks", "Other systems that are told what happened."),
        "audit": ("segue.cli.audit:audit", "Who did what, and whether that was changed."),
        "dead-letters": ("segue.cli.dead_letters:dead_letters", "Messages that were parked."),
        "pause": ("segue.cli.pause:pause", "Stop a dialog, a channel or all sending."),
        "unpause": ("segue.cli.pause:unpause", "Let it go on."),
    },
}


class Segue(click.Group):
    """The commands by section; each is imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the sections."""
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        for commands in SECTIONS.values():
            if cmd_name in commands:
                module, _, attribute = commands[cmd_name][0].partition(":")
                command = getattr(import_module(module), attribute)
                assert isinstance(command, click.Command)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            cure = f"Did you mean {near[0]}?" if near else "`segue --help` lists the commands."
            raise click.UsageError(f"there is no command {args[0]}. {cure}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing a command."""
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.command(
    cls=Segue,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="segue", message="segue %(version)s")
def segue() -> None:
    """One conversation, one voice, every channel."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32":
        _leave(2, "Segue does not run on Windows itself: use WSL, or the container of compose.yaml")
    debug = "--debug" in given
    try:
        code = segue.main(given, prog_name="segue", standalone_mode=False)
    except click.exceptions.Exit as error:
        raise SystemExit(error.exit_code) from None
    except click.ClickException as error:
        _leave(error.exit_code, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if debug:
            raise
        from segue.cli.common import sentences

        code, *lines = sentences(error)
        _leave(code, *lines)
    raise SystemExit(code if isinstance(code, int) else 0)


def _leave(code: int, *lines: str) -> NoReturn:
    for line in lines:
        click.echo(f"segue: {line}", err=True)
    raise SystemExit(code)
