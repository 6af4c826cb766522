"""The wheel, installed in a clean environment outside the repository, does what the docs say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    """Run a command as a user would, without this checkout in its environment."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "SEGUE"))
    }
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    run(*build, cwd=ROOT)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with nothing but the wheel, what it needs, and its extras."""
    place = tmp_path_factory.mktemp("clean")
    locked = place / "locked.txt"
    shutil.copyfile(ROOT / "requirements.lock", locked)
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", "--python", sys.executable, "venv", cwd=place)
    install = (*uv, "pip", "install", "--quiet", "--python", "venv")
    run(*install, f"segue[embedded,testing] @ {wheel.as_uri()}", "-c", pins(locked), cwd=place)
    return place / "venv" / "bin"


def pins(lock: Path) -> Path:
    """Return the lock's versions without its hashes, which constraints may not have."""
    lines = [line.partition(" \\")[0] for line in lock.read_text().splitlines()]
    plain = lock.with_name("pins.txt")
    plain.write_text("\n".join(line for line in lines if line[:1].isalnum()) + "\n")
    return plain


def test_the_wheel_holds_what_it_should(wheel: Path) -> None:
    """Both packages, the scripts, the pages and the starter are in it; tests are not."""
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "segue/py.typed",
        "segue_adapters/py.typed",
        "segue/memory/scripts/admit.lua",
        "segue/starter/dialogs/return_item.py",
        "segue/starter/brand_voice/en/common.j2",
        "segue/starter/project/segue.toml",
        "segue/starter/project/tests/test_conversations.py",
        "segue/demo/templates/index.html",
    ):
        assert wanted in names, wanted
    tops = {name.partition("/")[0] for name in names}
    assert {top.partition("-")[0] for top in tops} == {"segue", "segue_adapters"}
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_a_new_project_passes_its_own_tests(installed: Path, tmp_path: Path) -> None:
    """`segue new` makes a project whose check and whose tests pass as they are."""
    said = run(installed / "segue", "new", "my-bot", cwd=tmp_path)
    assert "cd my-bot" in said
    project = tmp_path / "my-bot"
    run(installed / "segue", "check", cwd=project)
    run(installed / "segue", "doctor", cwd=project)
    out = run(installed / "python", "-m", "pytest", "-q", "-W", "error", cwd=project)
    assert " passed" in out


def test_the_installed_commands_find_their_parts(installed: Path, tmp_path: Path) -> None:
    """Help and version work, and outside a project a sentence says what is missing."""
    assert run(installed / "segue", "--version", cwd=tmp_path).startswith("segue ")
    assert "demo" in run(installed / "segue", "--help", cwd=tmp_path)
    run(installed / "segue", "check", cwd=tmp_path, expect=2)


def test_the_installed_demo_has_sentences_to_change(installed: Path, tmp_path: Path) -> None:
    """Without a checkout the demo puts dialogs and wording where they can be edited."""
    command = [str(installed / "segue"), "demo", "--port", "0"]
    environ = {**os.environ, "CI": "true"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            lines = iter(demo.stdout.readline, "")
            assert any("Segue is at http://127.0.0.1:" in line for line in lines)
            assert any("The wording is in .segue/demo/brand_voice" in line for line in lines)
        finally:
            demo.terminate()
            assert demo.wait(20) == 0
    assert (tmp_path / ".segue/demo/brand_voice/en/return_item.j2").is_file()
    assert not list(tmp_path.glob("data*"))
