"""A folder of dialogs is loaded privately, afresh each time, and a mistake leaves the old alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segue.dialog import load_dialogs
from segue.errors import DialogError

WELCOME = """
from segue import Chat, dialog
from ._words import word

@dialog("welcome")
async def welcome(chat: Chat) -> str:
    await chat.say(word())
    return "one"
"""
WORDS = "def word() -> str:\n    return 'hello'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "dialogs"
    root.mkdir()
    (root / "welcome.py").write_text(WELCOME)
    (root / "_words.py").write_text(WORDS)
    return root


def test_files_import_each_other_with_a_dot(folder: Path, talk: Any) -> None:
    """Relative imports work, also from folders inside; what begins with `_` is only imported."""
    inner = folder / "returns"
    inner.mkdir()
    (inner / "back.py").write_text(WELCOME.replace("welcome", "back").replace("._", ".._"))
    registry = load_dialogs(folder)
    assert set(registry) == {"welcome", "back"}
    t = talk(registry["back"])
    t.start()
    assert t.said == ["hello"]


def test_nothing_collides_with_what_is_installed(folder: Path) -> None:
    """A file named like a library is neither found by others nor in their way."""
    (folder / "json.py").write_text("raise RuntimeError('never mind')")
    (folder / "json.py").write_text("from segue import dialog\nANSWER = 42\n")
    registry = load_dialogs(folder)
    assert "welcome" in registry
    assert "dialogs" not in sys.modules
    import json

    assert not hasattr(json, "ANSWER")


def test_tests_in_the_folder_are_left_alone(folder: Path) -> None:
    """Test files and conftest are not dialogs."""
    (folder / "test_welcome.py").write_text("raise AssertionError")
    (folder / "conftest.py").write_text("raise AssertionError")
    assert set(load_dialogs(folder)) == {"welcome"}


def test_a_reload_sees_what_was_saved_a_moment_ago(folder: Path, talk: Any) -> None:
    """Two saves of the same length within one second are two versions."""
    before = load_dialogs(folder)
    (folder / "welcome.py").write_text(WELCOME.replace('"one"', '"two"'))
    (folder / "_words.py").write_text(WORDS.replace("hello", "howdy"))
    after = load_dialogs(folder)
    results = []
    for registry in (before, after):
        t = talk(registry["welcome"])
        t.start()
        results.append((t.result, t.said))
    assert results == [("one", ["hello"]), ("two", ["howdy"])]
    assert not list(folder.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("file", "text", "line", "words"),
    [
        ("bad.py", "\nasync def f(:\n", 2, "not Python"),
        ("bad.py", "\n\nraise ValueError('oops')\n", 3, "ValueError: oops"),
        ("bad.py", "from dialogs.welcome import welcome\n", 1, "dot in front"),
        ("bad.py", "from ._words import nothing\n", 1, "nothing"),
        ("bad.py", "import segue\n@segue.dialog('a b')\nasync def f(chat): ...\n", 2, "no name"),
        ("bad-name.py", "", 0, "no Python name"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_cure(
    folder: Path, talk: Any, file: str, text: str, line: int, words: str
) -> None:
    """The registry that was loaded before goes on answering."""
    before = load_dialogs(folder)
    (folder / file).write_text(text)
    loaded = {name for name in sys.modules if name.startswith("_segue_dialogs_")}
    with pytest.raises(DialogError) as caught:
        load_dialogs(folder)
    assert caught.value.file.endswith(file)
    assert caught.value.line == line
    assert words in str(caught.value)
    assert caught.value.cure
    t = talk(before["welcome"])
    t.start()
    assert t.result == "one"
    assert {name for name in sys.modules if name.startswith("_segue_dialogs_")} == loaded


def test_a_folder_that_is_not_there_says_which_setting(tmp_path: Path) -> None:
    """The cure names segue.toml."""
    with pytest.raises(DialogError, match=r"segue\.toml"):
        load_dialogs(tmp_path / "nowhere")


def test_reloading_does_not_pile_up_modules(folder: Path) -> None:
    """Only the last two generations stay importable."""
    for _ in range(5):
        load_dialogs(folder)
    mine = {
        name.partition(".")[0]
        for name, module in sys.modules.items()
        if name.startswith("_segue_dialogs_")
        and str(folder) in str(getattr(module, "__file__", ""))
    }
    assert len(mine) <= 2


def test_importing_segue_is_quick_and_lazy() -> None:
    """`import segue` loads neither asyncio nor a library; the names are there all the same."""
    code = (
        "import sys; import segue\n"
        "heavy = {'asyncio', 'msgspec', 'regex', 'rapidfuzz', 'dateparser'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from segue import *\n"
        "from segue import dialog, Chat, Email\n"
        "import segue.dialog, segue.dialog.play\n"
        "assert callable(segue.dialog) and callable(dialog)\n"
        "@segue.dialog('x')\n"
        "async def x(chat): ...\n"
        "assert x.name == 'x'\n"
        "assert not {'dateparser', 'email_validator'} & set(sys.modules)\n"
        "assert set(segue.__all__) <= set(dir(segue))\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_an_unknown_name_of_segue_is_an_attribute_error() -> None:
    """As in any module."""
    import segue

    with pytest.raises(AttributeError, match="Nothing"):
        segue.Nothing  # noqa: B018
