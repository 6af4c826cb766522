"""`segue new`: a project that runs and passes its own tests."""

from __future__ import annotations

from pathlib import Path

import click

from segue.cli.common import Command


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=True))
def new(directory: Path) -> None:
    """Make a project in DIRECTORY, which must be empty or not exist yet.

    It begins as the sample company: its dialogs, its wording in two languages, settings with a
    comment at each, and a test that passes.
    """
    from segue import starter

    if directory.exists() and not directory.is_dir():
        raise click.ClickException(f"{directory} is a file. Name a directory to make.")
    if directory.is_dir() and (found := sorted(path.name for path in directory.iterdir())):
        some = ", ".join(found[:3]) + (", …" if found[3:] else "")
        raise click.ClickException(f"{directory} is not empty ({some}). Name a new directory.")
    directory.mkdir(parents=True, exist_ok=True)
    starter.copy_project(directory)
    click.echo(f"Made {directory}. Now:\n")
    if directory.resolve() != Path.cwd():
        click.echo(f"  cd {directory}")
    click.echo("  segue run --dev    # serve it, and reload on every save")
    click.echo("  segue chat         # talk to it here")
    click.echo("  segue check        # find mistakes in dialogs and wording")
    click.echo("  python -m pytest   # rehearse the conversations in tests/")
