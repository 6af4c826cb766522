"""The plugin in a project of its own, with pytest-asyncio in strict mode.

In auto mode it runs in this repository, and in every project that `segue new` makes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BOT = '''
from segue import Chat, Text, dialog

VOICE = """
{% reply hello() %}
Hello! Who are you?
{% endreply %}
{% reply welcome(name) %}
Welcome, {{ name }}.
{% endreply %}
"""


@dialog("greet", examples=["hello"])
async def greet(chat: Chat) -> None:
    name = await chat.ask("hello", Text)
    await chat.say("welcome", name=name)
'''
CONFTEST = 'pytest_plugins = ["segue.testing.plugin"]\n'
INI = """[pytest]
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
filterwarnings = error
pythonpath = .
"""
TEST = '''
from pathlib import Path

import pytest
from bot import VOICE, greet

pytestmark = pytest.mark.asyncio


async def test_a_greeting(stage):
    rehearsal = await stage(greet, voice=VOICE)
    await rehearsal.play("web", """
        customer: hello
        bot:      Hello! …
        customer: Ada
        bot:      Willkommen, Ada.
        # so long
    """)
    await rehearsal.play("web", """
        customer: hello
    """)


async def test_a_script_in_a_file(stage):
    rehearsal = await stage(greet, voice=VOICE)
    await rehearsal.play("sms", Path(__file__).parent / "greeting.txt")


async def test_a_fault_that_never_came(stage):
    rehearsal = await stage(greet, voice=VOICE)
    rehearsal.fail("nothing_of_this_name")
    await rehearsal.say("hello")
'''
SCRIPT = 'customer: hello\nbot: Hello! Who are you?\ncustomer: "Ada"\nbot: Hi.\n'


def run(folder: Path, *options: str, passes: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pytest_asyncio.plugin", *options],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode == 0) == passes, done.stdout + done.stderr
    return re.sub(r"(?m)^E +", "", done.stdout)


def test_a_changed_wording_is_one_command(tmp_path: Path) -> None:
    """Tests fail with both texts; `--segue-record` writes what is said now.

    A fault that was asked for and never came to pass fails its test as well.
    """
    test, script = tmp_path / "test_bot.py", tmp_path / "greeting.txt"
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text(INI)
    test.write_text(TEST)
    script.write_text(SCRIPT)

    out = run(tmp_path, passes=False)
    assert "test_bot.py:16\nexpected: Willkommen, Ada.\nbot said: Welcome, Ada.\n" in out
    assert 'greeting.txt:4\nexpected: Hi.\nbot said: Welcome, "Ada".\n' in out
    assert "the step nothing_of_this_name was to fail, and was never run" in out

    out = run(tmp_path, "--segue-record", "-k", "greeting or file")
    assert "test_bot.py: 2 written anew" in out
    recorded = test.read_text()
    assert "        bot:      Hello! …\n" in recorded
    assert "        bot:      Welcome, Ada.\n        # so long\n" in recorded
    assert '        customer: hello\n        bot:      Hello! Who are you?\n    """)\n' in recorded
    assert script.read_text() == SCRIPT.replace("Hi.", 'Welcome, "Ada".')
