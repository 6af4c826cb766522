"""docs/architecture.md names what is there: rooms, files of the engine, failpoints, folders."""

from __future__ import annotations

import re
from pathlib import Path

from segue import failpoints

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()


def table(header: str) -> str:
    """Return the rows of the table that begins with this column."""
    return PAGE.split(f"| {header} |", 1)[1].split("\n\n", 1)[0]


def test_every_part_of_segue_is_in_a_room() -> None:
    """Each file and folder of the package stands in one room, and no room holds what is gone."""
    cells = re.findall(r"^\| [^|]+ \| `([^`|]+)` \|", table("room"), flags=re.MULTILINE)
    shown = [name.rstrip("/") for cell in cells for name in cell.split()]
    package = ROOT / "bot/segue"
    real = {
        path.name
        for path in package.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file())
        and path.name not in ("__init__.py", "failpoints.py")
    }
    assert len(shown) == len(set(shown))
    assert set(shown) - {"engine"} == real - {"engine"}


def test_every_file_of_the_engine_is_explained() -> None:
    """Each has its row; `engine/` is where a newcomer is lost first."""
    cells = re.findall(r"^\| (`[^|]+) \|", table("in the engine"), flags=re.MULTILINE)
    shown = {name for cell in cells for name in re.findall(r"`(\w+\.py)`", cell)}
    real = {path.name for path in (ROOT / "bot/segue/engine").glob("*.py")} - {"__init__.py"}
    assert shown == real


def test_the_failpoints_are_listed_in_their_order() -> None:
    """As a turn passes them."""
    [listed] = re.findall(r"```text\n(receive.*)\n```", PAGE)
    assert tuple(listed.split()) == failpoints.NAMES


def test_the_folders_it_sends_its_reader_to_are_there() -> None:
    """`tests/chaos/` and the like."""
    for path in re.findall(r"`((?:tests|docs|bot|adapters)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
