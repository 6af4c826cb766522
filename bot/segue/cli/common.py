"""What commands share: their options, the settings, how errors and tables are printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.errors import SegueError, SettingsError

if TYPE_CHECKING:
    from segue.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command that also takes `--debug`, wherever it stands."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                help="Show where an error came from.",
            )
        )


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def with_settings(function: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The segue.toml to read; else SEGUE_CONFIG, else the one in this directory.",
    )(function)


def read_settings(config: Path | None, **overrides: dict[str, Any]) -> Settings:
    """Return the settings, with what options say winning over everything."""
    from segue.settings import load

    return load(config, **overrides)


def sentences(error: Exception) -> tuple[Any, ...]:
    """Return the exit code and the lines to print for an error."""
    lines = (str(error), *getattr(error, "__notes__", ()))
    match error:
        case SettingsError():
            return (2, *lines)
        case SegueError():
            return (1, *lines)
        case OSError():
            where = f" ({error.filename})" if error.filename else ""
            return (1, f"{error.strerror or error}{where}")
        case _:
            text = " ".join(str(error).split())
            what = f"{type(error).__name__}: {text}"
            cure = "Run it again with --debug to see where"
            return (1, f"this is a mistake in Segue or in your code: {what}. {cure}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns as wide as they must be."""
    lines = [list(head), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return what a customer wrote without what could steer a terminal."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def _cell(value: object) -> str:
    return printable(" ".join(str(value).split()))
