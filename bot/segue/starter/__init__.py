"""What a new project begins with: the sample company's dialogs and wording, and a frame for them.

In the wheel they lie beside this file; in a checkout they are the repository's own `dialogs/` and
`brand_voice/`, so that the sample is edited where it is read.
"""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ("dialogs", "brand_voice")


def folder(name: str) -> Path:
    """Return where `dialogs` or `brand_voice` of the sample company is."""
    packed = HERE / name
    return packed if packed.is_dir() else HERE.parents[2] / name


def template(name: str) -> Path:
    """Return a file of the frame."""
    return HERE / "project" / name


def copy_folders(to: Path) -> None:
    """Copy the sample's dialogs and wording into a directory that has neither."""
    for name in FOLDERS:
        shutil.copytree(
            folder(name), to / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )


def copy_project(to: Path) -> None:
    """Make a whole project in an empty directory."""
    copy_folders(to)
    for path in sorted((HERE / "project").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            name = path.relative_to(HERE / "project")
            target = to / name.with_name(".gitignore" if name.name == "gitignore" else name.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
