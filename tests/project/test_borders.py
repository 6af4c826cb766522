"""Who may import whom, and who may ask the clock: read from the source, for every file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SEGUE = sorted((ROOT / "bot/segue").rglob("*.py"))
ADAPTERS = sorted((ROOT / "adapters/segue_adapters").rglob("*.py"))
DIALOGS = sorted((ROOT / "dialogs").rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import, wherever in the file it stands."""
    package = path.relative_to(ROOT).parent.parts
    package = package[1:] if package[0] in ("bot", "adapters") else package
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, each.name) for each in names)
            case ast.ImportFrom(module=module, level=level):
                base = package[: len(package) - level + 1] if level else ()
                yield node.lineno, ".".join([*base, *([module] if module else [])])


def named(path: Path) -> str:
    """Return a path as it is shown."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SEGUE, ids=named)
def test_segue_knows_no_adapter_and_no_dialogs(path: Path) -> None:
    """The package `segue` never imports an adapter or the sample company."""
    for line, name in imports(path):
        assert name.partition(".")[0] not in ("segue_adapters", "dialogs", "tests"), (
            f"{path}:{line} imports {name}"
        )


@pytest.mark.parametrize("path", ADAPTERS, ids=named)
def test_adapters_know_only_the_contract(path: Path) -> None:
    """An adapter imports the contract, which itself leans on types, ports and errors only."""
    allowed = {"segue.channel", "segue.types", "segue.ports", "segue.errors"}
    for line, name in imports(path):
        if name.partition(".")[0] == "segue":
            assert name in allowed, f"{path}:{line} imports {name}; adapters have the contract only"
        assert name.partition(".")[0] != "dialogs", f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", DIALOGS, ids=named)
def test_dialogs_know_only_the_authors_api(path: Path) -> None:
    """A dialog imports `segue` itself: its author's API, none of its parts."""
    for line, name in imports(path):
        assert not name.startswith(("segue.", "segue_adapters")), f"{path}:{line} imports {name}"


CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "sleep"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "random": {"*"},
    "secrets": {"*"},
    "uuid": {"*"},
    "asyncio": {"sleep"},
    "os": {"urandom"},
}
PORTS = ROOT / "bot/segue/ports.py"
COMPARES = {"compare_digest"}
WAITS = {
    "bot/segue/memory/server.py": {"asyncio.sleep"},  # for a server that is away
    "bot/segue/memory/embedded.py": {"asyncio.sleep", "time.sleep"},  # for a process to start
}


def asked(path: Path) -> Iterator[tuple[int, str]]:
    """Yield where a file reads the clock, chance or an id by itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                banned = CLOCKS.get(module, set())
                yields = asyncio_yield(node, module, name)
                if (name in banned or "*" in banned) and name not in COMPARES and not yields:
                    yield node.lineno, f"{module}.{name}"
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="datetime")), attr=name)
            ) if name in CLOCKS["datetime"]:
                yield node.lineno, f"datetime.…{name}"
            case ast.ImportFrom(module=module, names=names) if module in CLOCKS:
                for each in names:
                    plain = module in ("random", "secrets", "uuid") and each.name not in COMPARES
                    if plain or (module == "time" and each.name in CLOCKS["time"]):
                        yield node.lineno, f"from {module} import {each.name}"


def asyncio_yield(call: ast.Call, module: str, name: str) -> bool:
    """Tell `asyncio.sleep(0)`: it gives way and reads no clock."""
    zero = bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
    return (module, name) == ("asyncio", "sleep") and zero


@pytest.mark.parametrize("path", [p for p in SEGUE + ADAPTERS if p != PORTS], ids=named)
def test_time_chance_and_ids_come_through_the_ports(path: Path) -> None:
    """Nothing outside `segue.ports` reads the clock, chance or an id."""
    may = WAITS.get(named(path), set())
    found = [f"{named(path)}:{line} {what}" for line, what in asked(path) if what not in may]
    assert not found, f"use segue.ports instead: {found}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\ntime.monotonic()", ["time.monotonic"]),
        ("import datetime\ndatetime.datetime.now()", ["datetime.…now"]),
        ("from uuid import uuid4", ["from uuid import uuid4"]),
        ("import asyncio\nasyncio.sleep(0)\nasyncio.sleep(1)", ["asyncio.sleep"]),
        ("import secrets\nsecrets.compare_digest(a, b)", []),
        ("import random\nrandom.shuffle(x)", ["random.shuffle"]),
    ],
)
def test_the_search_finds_what_it_is_for(tmp_path: Path, source: str, found: list[str]) -> None:
    """The ban is no paper tiger: each way of asking is found."""
    path = tmp_path / "m.py"
    path.write_text(source)
    assert [what for _line, what in asked(path)] == found
