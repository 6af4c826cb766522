"""What a new project begins with: the sample company's dialogs and wording, and a frame for them.

In the wheel they lie beside this file; in a checkout they are the repository's own `dialogs/` and
`brand_voice/`, so that the sample is edited where it is read.
"""

from __future__ import annotations

import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ("dialogs", "brand_voice")


def folder(name: str) -> Path:
    """Return where `dialogs` or `brand_voice` of the sample company is."""
    packed = HERE / name
    return packed if packed.is_dir() else HERE.parents[2] / name


def is_packed() -> bool:
    """Tell whether this is an installed package, whose folders nobody should edit."""
    return (HERE / FOLDERS[0]).is_dir()


def things_to_try(dialogs: Path) -> list[dict[str, str]]:
    """Return what the sample shop suggests to try: orders that work. Empty without such a shop."""
    file = dialogs / "_shop" / "__init__.py"
    spec = spec_from_file_location(
        "_segue_sample_shop", file, submodule_search_locations=[str(file.parent)]
    )
    if not file.is_file() or spec is None or spec.loader is None:
        return []
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[dict[str, str]] = module.things_to_try()
    return found


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
