"""Loading a project's dialogs under a private module name, as often as they change.

A folder is loaded as a package of its own (`_segue_dialogs_1`, `_2`…), so that it collides with
nothing that is installed, relative imports between its files work, and a reload that fails leaves
what was loaded before untouched.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from segue.dialog.hooks import Hook
from segue.dialog.misuse import shown
from segue.dialog.registry import Dialog, Registry
from segue.errors import DialogError, LocatedError

_PREFIX = "_segue_dialogs_"
_KEPT = 2
"""Generations of one folder that stay importable: running plays still need the one before."""

_numbers = count(1)
_roots: dict[str, Path] = {}
_generations: dict[Path, list[str]] = {}


def load_dialogs(path: Path | str) -> Registry:
    """Load every dialog of a folder, afresh.

    Files that begin with `_` are loaded only if others import them; tests are left alone. Raises
    `DialogError` with file, line and cure for the first mistake; what was loaded before goes on
    working.
    """
    root = Path(path).resolve()
    if not root.is_dir():
        raise DialogError(
            f"There is no folder of dialogs at {path}",
            cure='Set `dialogs = "…"` in segue.toml to where your dialogs are.',
        )
    package = f"{_PREFIX}{next(_numbers)}"
    _roots[package] = root
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    try:
        registry = _load(package, root)
    except BaseException:
        _forget(package)
        raise
    generations = _generations.setdefault(root, [])
    generations.append(package)
    while len(generations) > _KEPT:
        _forget(generations.pop(0))
    return registry


def files_of(root: Path) -> list[Path]:
    """Return the files of a dialogs folder that are looked at, in a stable order."""
    found = []
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).parts
        if any(part.startswith((".", "__pycache__")) for part in parts):
            continue
        if file.name.startswith("test_") or file.name == "conftest.py":
            continue
        found.append(file)
    return found


def _load(package: str, root: Path) -> Registry:
    found: list[Dialog[Any]] = []
    hooks: list[Hook] = []
    _import(package, root)
    for file in files_of(root):
        parts = file.relative_to(root).with_suffix("").parts
        if any(part.startswith("_") for part in parts):
            continue
        if not all(part.isidentifier() for part in parts):
            raise DialogError(
                f"{file.name} cannot be imported: its name is no Python name",
                cure="Use letters, digits and underscores.",
                file=shown(str(file)),
            )
        module = _import(".".join((package, *parts)), root)
        found.extend(
            value
            for value in vars(module).values()
            if isinstance(value, Dialog) and value.function.__module__ == module.__name__
        )
        hooks.extend(
            value
            for value in vars(module).values()
            if isinstance(value, Hook) and value.function.__module__ == module.__name__
        )
    return Registry(found, hooks)


def _import(name: str, root: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except LocatedError:
        raise
    except SyntaxError as error:
        raise DialogError(
            f"This is not Python: {error.msg}",
            cure="Mend the line.",
            file=shown(error.filename or ""),
            line=error.lineno or 0,
        ) from error
    except Exception as error:
        file, line = _innermost(error, root)
        raise DialogError(
            f"{type(error).__name__}: {error}", cure=_cure(error), file=shown(file), line=line
        ) from error


def _cure(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            "Import another file of the dialogs folder with a dot in front "
            "(`from .shop import …`); install what comes from elsewhere."
        )
    return "Mend the line; it runs when the file is loaded."


def _innermost(error: Exception, root: Path) -> tuple[str, int]:
    place = (str(root), 0)
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if root in Path(file).parents:
            place = (file, traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def _forget(package: str) -> None:
    _roots.pop(package, None)
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]


class _Source(SourceFileLoader):
    """Reads the source every time: two saves within a second are two versions."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("no byte code is kept for dialogs")

    def set_data(self, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        return


class _Finder(MetaPathFinder):
    """Finds the private packages, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        root = _roots.get(package)
        if root is None:
            return None
        place = root.joinpath(*rest.split(".")) if rest else root
        if place.is_dir():
            start = place / "__init__.py"
            loader: Loader = _Source(fullname, str(start)) if start.is_file() else _Empty()
            return spec_from_file_location(
                fullname, start, loader=loader, submodule_search_locations=[str(place)]
            )
        file = place.with_suffix(".py")
        if file.is_file():
            return spec_from_file_location(fullname, file, loader=_Source(fullname, str(file)))
        return None


class _Empty(Loader):
    """A folder without `__init__.py`."""

    def exec_module(self, module: ModuleType) -> None:
        return
