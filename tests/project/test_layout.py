"""What the repository looks like from outside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TOP = {
    *("bot", "adapters", "dialogs", "brand_voice", "tests", "docs", "examples", "benchmarks"),
    *("pyproject.toml", "Dockerfile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("SECURITY.md", "LICENSE", "Makefile", "compose.yaml", "requirements.lock"),
}
TEXT = {
    *(".py", ".md", ".toml", ".j2", ".lua", ".js", ".css", ".html", ".yaml", ".yml", ".ini"),
    *(".txt", ".json", ".lock", ".sh", ""),
}


def tracked() -> list[Path]:
    """Return the files of the repository, or of the unpacked source where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout")
    found = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in found if path.is_file()]


def test_the_top_level_is_a_table_of_contents() -> None:
    """At the top stand the rooms and the files that every reader expects; dotfiles are tools'."""
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    surprising = {name for name in names - TOP if not name.startswith(".")}
    assert not surprising, f"not at the top level, please: {sorted(surprising)}"


def test_nothing_names_a_registry_or_somebodys_machine() -> None:
    """No tracked file holds a package registry's host or a path on somebody's machine."""
    hosts = re.compile(
        r"(pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org|--(extra-)?index-url|"
        r"find-links [^=]|/home/[a-z]+/|/[r]oot/|/Users/[a-z]+/|/[w]ork/)"
    )
    found = []
    for path in tracked():
        if path.suffix in TEXT and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in hosts.finditer(text)]
    assert not found


def test_the_lock_names_no_host_and_hashes_everything() -> None:
    """The lock works with whatever index a machine is set up for, and only with these files."""
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    entries = re.findall(r"^[^\s#].*(?:\n .*)*", text, flags=re.MULTILINE)
    assert len(entries) > 40
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_covers_what_pyproject_asks_for() -> None:
    """Each dependency is locked: what runs above the line, what only tests need below it."""
    text = (ROOT / "requirements.lock").read_text()
    upper, line, lower = text.partition("# -- development")
    assert line
    names = {
        part: set(re.findall(r"^([a-z0-9-]+)==", part, re.MULTILINE)) for part in (upper, lower)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    running = project["project"]["dependencies"]
    running += project["project"]["optional-dependencies"]["embedded"]
    tests = [*project["dependency-groups"]["dev"]]
    assert {_name(each) for each in running} <= names[upper]
    assert {_name(each) for each in tests} <= names[upper] | names[lower]
    assert not names[upper] & names[lower]
    assert not {"pytest", "mypy", "ruff"} & names[upper]


def test_every_import_is_a_declared_dependency() -> None:
    """What the packages import is asked for in pyproject, not only installed by chance."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = {_name(each) for asked in (project["dependencies"], *extras) for each in asked}
    # Parts of `pyjwt[crypto]`, pydantic, aiohttp, slack-bolt and python-telegram-bot.
    declared |= {"cryptography", "pydantic-core", "yarl", "slack-sdk", "httpx"}
    known = packages_distributions()
    missing = set()
    for path in tracked():
        if path.suffix != ".py" or path.relative_to(ROOT).parts[0] not in ("bot", "adapters"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    modules = [each.name for each in names]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case _:
                    modules = []
            for top in {name.partition(".")[0] for name in modules}:
                ours = top in sys.stdlib_module_names or top in ("segue", "segue_adapters")
                if not ours and not {_name(each) for each in known.get(top, ["?"])} & declared:
                    missing.add(f"{path.relative_to(ROOT)} imports {top}")
    assert not missing


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-").replace(".", "-")


def test_the_changelog_can_be_read() -> None:
    """Newest first, each version with its date, each entry under a word that says what it does."""
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert lines[0] == "# Changelog"
    heads = [line for line in lines if line.startswith("## ")]
    assert heads[0] == "## Unreleased"
    for head in heads[1:]:
        assert re.fullmatch(r"## \d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\)", head), head
    groups = {line for line in lines if line.startswith("### ")}
    assert groups <= {
        f"### {word}" for word in ("Added", "Changed", "Removed", "Fixed", "Security")
    }
    assert groups


def test_the_license_is_whole() -> None:
    """The licence named in pyproject is the text that is here."""
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"


def test_make_says_which_python_it_wants(tmp_path: Path) -> None:
    """Without a Python that is new enough there is one sentence with the cure, and no more."""
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "PYTHON": str(old)}
    done = subprocess.run([ROOT / ".ci/python"], env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Segue needs Python 3.11 or newer: ")
    assert len(done.stderr.splitlines()) == 1


def test_files_stay_short_enough_to_be_read() -> None:
    """One noun per file: a source file stays under about 450 lines."""
    ours = ("bot", "adapters", "dialogs")
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ours
        if (lines := len(path.read_text().splitlines())) > 530
    }
    assert not long
