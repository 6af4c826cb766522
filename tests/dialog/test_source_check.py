"""What can be seen in a dialog's source: each rule finds its mistake, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from segue.dialog.source_check import check_dialogs, replies_used

HEAD = """
import asyncio, random, time, uuid, functools
from datetime import datetime, date
from pathlib import Path
import requests
from segue import Cancelled, Chat, Text, dialog
from . import shop
from .shop import find, helper

@dialog("d")
async def d(chat: Chat) -> None:
"""
SHOP = """
from segue import Chat, Text

async def find(number: str) -> str: ...

async def helper(chat: Chat, number: str) -> str:
    await chat.say("helping", number=number)
    return await chat.ask("ask_inside", Text)
"""


def _write(root: Path, body: str, shop: str = SHOP) -> Path:
    (root / "d.py").write_text(HEAD + indent(dedent(body).strip("\n"), "    ") + "\n")
    (root / "shop.py").write_text(shop)
    return root


def _found(root: Path) -> list[tuple[str, int]]:
    start = len(HEAD.splitlines())
    return [(finding.rule, finding.line - start) for finding in check_dialogs(root)]


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("foreign-await", "await asyncio.sleep(1)"),
        ("foreign-await", "await find('A1')"),
        ("foreign-await", "await shop.find('A1')"),
        ("foreign-await", "await asyncio.gather(chat_like, 1)"),
        ("foreign-await", "async with lock:\n    pass"),
        ("foreign-await", "async for line in lines:\n    pass"),
        ("not-awaited", "chat.say('hello')"),
        ("not-awaited", "return chat.say('hello')"),
        ("not-awaited", "answer = chat.ask('ask_it', Text)"),
        ("not-awaited", "helper(chat, 'x')"),
        ("unknown-verb", "await chat.sya('hello')"),
        ("outside", "open('x.txt')"),
        ("outside", "requests.get('https://example.com')"),
        ("outside", "Path('x').read_text()"),
        ("outside", "time.sleep(1)"),
        ("clock", "datetime.now()"),
        ("clock", "time.time()"),
        ("clock", "date.today()"),
        ("chance", "random.choice([1, 2])"),
        ("chance", "uuid.uuid4()"),
        ("run-called", "await chat.run(find('A1'))"),
        ("step-without-name", "await chat.run(lambda: 1)"),
        ("wording", "await chat.say('Hello there!')"),
        ("wording-in-value", "await chat.say('hello', text='we will call you')"),
        ("reply-name", "await chat.say(f'hello_{1}')"),
        ("print", "print('x')"),
        ("verb-in-finally", "try:\n    pass\nfinally:\n    await chat.say('bye')"),
    ],
)
def test_a_mistake_is_found_at_its_line(tmp_path: Path, rule: str, body: str) -> None:
    """One mistake, one finding, with a cure."""
    root = _write(tmp_path, f"await chat.say('first')\n{dedent(body)}")
    findings = check_dialogs(root)
    assert [finding.rule for finding in findings] == [rule], findings
    start = len(HEAD.splitlines())
    assert findings[0].line - start in {2, 5 if "finally" in body else 2}
    assert findings[0].file.endswith("d.py")
    assert findings[0].cure


@pytest.mark.parametrize("caught", ["", " BaseException", " (ValueError, BaseException)"])
def test_catching_everything_around_verbs_is_found(tmp_path: Path, caught: str) -> None:
    """Unless it is raised again."""
    body = """
    try:
        await chat.ask("ask_it", Text)
    except{}:
        {}
    """
    assert _found(_write(tmp_path, body.format(caught, "pass"))) == [("swallows-cancelled", 3)]
    assert _found(_write(tmp_path, body.format(caught, "raise"))) == []


def test_what_is_right_is_not_found(tmp_path: Path) -> None:
    """The ways a dialog is meant to be written."""
    body = """
    number = await chat.ask("ask_it", Text)
    question = chat.confirm("sure") if number else chat.confirm("really")
    if not await question:
        return await chat.say("dropped")
    try:
        found = await chat.run(find, number, final=True)
    except Cancelled:
        await chat.say("bye")
        raise
    except Exception as error:
        await chat.say("sorry", kind=str(error))
    await helper(chat, number)
    await shop.helper(chat, number)
    await chat.run(functools.partial(find, number), key="again")
    await chat.run(requests.get, "https://example.com")
    now = await chat.now()
    later = datetime.fromisoformat("2025-01-01")
    async def inner(number: str) -> str:
        return await chat.ask("ask_inner", Text)
    await inner(number)
    await chat.remind("still_there" if number else "hello", at=now)
    await (chat.say("one") if number else chat.say("two"))
    """
    assert _found(_write(tmp_path, body)) == []


def test_code_that_is_no_dialog_may_do_anything(tmp_path: Path) -> None:
    """Steps call the shop, read the clock and draw lots: that is what they are for."""
    shop = SHOP + (
        "\nimport random, time\n\n"
        "async def step() -> float:\n    print('x')\n    return random.random() + time.time()\n"
    )
    assert _found(_write(tmp_path, "await chat.say('hello')", shop)) == []


def test_one_name_at_two_places_needs_a_key(tmp_path: Path) -> None:
    """Also where one of the places is in a helper; a key tells them apart."""
    body = """
    await helper(chat, "x")
    await chat.ask("ask_inside", Text{})
    """
    found = check_dialogs(_write(tmp_path, body.format("")))
    assert [finding.rule for finding in found] == ["key-needed"]
    assert "ask_inside" in found[0].problem
    assert check_dialogs(_write(tmp_path, body.format(', key="second"'))) == []


def test_a_line_may_be_excused_with_a_reason(tmp_path: Path) -> None:
    """Without a reason, or for another rule, it is not."""
    for comment, rules in [
        ("# segue: allow clock - a constant in this house", []),
        ("# segue: allow clock", ["clock"]),
        ("# segue: allow chance - wrong rule", ["clock"]),
    ]:
        root = _write(tmp_path, f"time.time()  {comment}")
        assert [finding.rule for finding in check_dialogs(root)] == rules


def test_few_examples_are_a_warning(tmp_path: Path) -> None:
    """Per locale, and only where there are any."""
    (tmp_path / "d.py").write_text(
        "from segue import Chat, dialog\n"
        "@dialog('a', examples={'en': ['x', 'y'], 'de': [*'abcdefgh']})\n"
        "async def a(chat: Chat) -> None: ...\n"
        "@dialog('b', examples=['x'])\n"
        "async def b(chat: Chat) -> None: ...\n"
        "@dialog('c', pattern='x')\n"
        "async def c(chat: Chat) -> None: ...\n"
    )
    found = check_dialogs(tmp_path)
    assert [(f.rule, f.severity, f.line) for f in found] == [
        ("few-examples", "warning", 2),
        ("few-examples", "warning", 4),
    ]
    assert "in en" in found[0].problem


def test_a_file_that_is_not_python_is_one_finding(tmp_path: Path) -> None:
    """The others are checked all the same."""
    _write(tmp_path, "print('x')")
    (tmp_path / "e.py").write_text("async def f(:\n")
    assert [finding.rule for finding in check_dialogs(tmp_path)] == ["print", "not-python"]


# -- replies ---------------------------------------------------------------------------------------


def test_replies_are_told_with_dialog_values_and_options(tmp_path: Path) -> None:
    """Helpers' replies belong to every dialog that goes through them."""
    body = """
    REASONS = 1
    await chat.say("hello", name="Ada", order=1)
    await chat.say("all", **{"x": 1})
    await chat.choose("ask_reason", ["a", "b"], order=1, key="k")
    await chat.choose("ask_way", shop.WAYS)
    await chat.ask("ask_email", Text, remember="email", check="still_yours", note=1)
    await chat.confirm("one" if REASONS else "two")
    await helper(chat, "x")
    """
    uses = {use.reply: use for use in replies_used(_write(tmp_path, body))}
    assert set(uses) == {
        "hello",
        "all",
        "ask_reason",
        "ask_way",
        "ask_email",
        "still_yours",
        "one",
        "two",
        "helping",
        "ask_inside",
    }
    assert uses["hello"].values == {"name", "order"}
    assert uses["hello"].options is None
    assert uses["all"].values is None
    assert (uses["ask_reason"].options, uses["ask_reason"].values) == (("a", "b"), {"order"})
    assert uses["ask_way"].options is None
    assert uses["still_yours"].values == {"note", "value"}
    assert uses["still_yours"].verb == "confirm"
    assert {use.dialog for use in uses.values()} == {"d"}
    assert uses["helping"].file.endswith("shop.py")


def test_options_with_a_name_are_read(tmp_path: Path) -> None:
    """A constant of the file is as good as a literal."""
    (tmp_path / "d.py").write_text(
        "from segue import Chat, dialog\n"
        "WAYS = ('post', 'shop')\nASK = 'ask_way'\n"
        "@dialog('d')\nasync def d(chat: Chat) -> None:\n    await chat.choose(ASK, WAYS)\n"
    )
    (use,) = replies_used(tmp_path)
    assert (use.reply, use.options, use.line) == ("ask_way", ("post", "shop"), 6)
