"""docs/channels.md is true: the contract, the suite's files, and how a channel is found."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from segue import channel
from segue.app import App
from segue.channel import Adapter
from segue.settings import load
from segue_adapters.terminal import TerminalChannel

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/channels.md").read_text()


def test_the_table_has_every_member_of_the_contract() -> None:
    """What `Adapter` asks for is there, with the names of its parameters, and nothing else."""
    table = PAGE.split("| member |", 1)[1].split("\n\n", 1)[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, flags=re.MULTILINE)
    shown = {
        name: taken for cell in cells for name, taken in re.findall(r"`(\w+)(\(.*?\))?`", cell)
    }
    for name, taken in shown.items():
        if not taken:
            assert name in Adapter.__annotations__
            continue
        code = getattr(Adapter, name).__code__
        assert taken == f"({', '.join(code.co_varnames[1 : code.co_argcount])})"
    methods = {name for name in vars(Adapter) if not name.startswith("_")}
    assert shown.keys() >= {name for name in methods if callable(vars(Adapter)[name])}


def test_the_files_are_there() -> None:
    """Every file that the page names, and every test of the suite that runs on all adapters."""
    suite = ROOT / "tests/contracts"
    for path in re.findall(r"`((?:bot|adapters|tests)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`(test_\w+\.py|cases\.py)`", PAGE):
        assert (suite / name).is_file(), name


def test_a_channel_of_ones_own_is_found(tmp_path: Path) -> None:
    """The section of the page, with an adapter that is there, puts that adapter into the app."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    section = next(block for block in blocks if block.startswith("[channels.pager"))
    [(name, written)] = tomllib.loads(section)["channels"].items()
    file = tmp_path / "segue.toml"
    there = f"{TerminalChannel.__module__}:{TerminalChannel.__name__}"
    file.write_text(
        section.replace(written["adapter"], there)
        + f'[dialogs]\npath = "{ROOT}/dialogs"\n[voice]\npath = "{ROOT}/brand_voice"\n'
    )
    app = App(load(file, environ={}))
    app.load()
    assert isinstance(app.adapters[name], TerminalChannel)


def test_the_small_protocols_are_all_there() -> None:
    """Each protocol an adapter may have besides, with its methods, and none that does not exist."""
    table = PAGE.split("| protocol |", 1)[1].split("\n\n", 1)[0]
    shown = {
        name: set(re.findall(r"`(\w+)`", methods))
        for name, methods in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)
    }
    protocols = {
        name: {each for each in (*vars(kind), *kind.__annotations__) if not each.startswith("_")}
        for name, kind in vars(channel).items()
        if getattr(kind, "_is_runtime_protocol", False) and kind.__module__ == channel.__name__
    }
    del protocols["Adapter"]
    assert shown == protocols


def test_the_worked_example_is_set_up_as_shown() -> None:
    """The section for e-mail is what the channel's settings take."""
    sys.path.insert(0, str(ROOT / "examples/email_channel"))
    from email_channel import EmailChannel

    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    block = next(block for block in blocks if block.startswith("[channels.email"))
    section = tomllib.loads(block)["channels"]["email"]
    assert section.pop("adapter") == "email_channel:EmailChannel"
    assert EmailChannel.Settings(**section).smtp_tls
