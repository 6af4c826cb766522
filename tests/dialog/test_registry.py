"""`@dialog` and the registry: what cannot work is refused at once, with the line and the cure."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from segue import Chat, Text, dialog
from segue.dialog import Dialog, Registry
from segue.dialog.registry import Parameter
from segue.errors import DialogError


def test_a_dialog_knows_how_it_is_begun() -> None:
    """Examples by locale, pattern, title, what it takes and gives, and where it stands."""

    @dialog("track", examples=["where is it"], pattern=r"track (?P<number>\w+)", title="Tracking")
    async def track(chat: Chat, number: str, day: date | None = None) -> int:
        """Say where the parcel is."""
        return 1

    assert track.examples == {"": ("where is it",)}
    assert track.title == "Tracking"
    assert track.doc == "Say where the parcel is."
    assert track.parameters == {
        "number": Parameter(str, True),
        "day": Parameter(date | None, False),
    }
    assert track.returns is int
    assert track.file.endswith("test_registry.py")


def test_a_title_is_made_of_the_name() -> None:
    """Without one, `return_item` is "Return item"."""

    @dialog("return_item", examples={"en": ["a"], "de": ["b"], "fr": []})
    async def return_item(chat: Chat) -> None: ...

    assert return_item.title == "Return item"
    assert return_item.examples == {"en": ("a",), "de": ("b",)}


async def _fine(chat: Chat) -> None: ...


def _plain(chat: Chat) -> None: ...


async def _no_chat() -> None: ...


async def _stars(chat: Chat, *more: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        (_fine, {"name": "Return Item"}, "no name for a dialog"),
        (_plain, {"name": "x"}, "not an `async def`"),
        (_no_chat, {"name": "x"}, "does not take the conversation"),
        (_stars, {"name": "x"}, "cannot be given by name"),
        (_fine, {"name": "x", "pattern": "("}, "not a regular expression"),
        (_fine, {"name": "x", "examples": "return"}, "are one string"),
        (_fine, {"name": "x", "renamed": {"a": "c", "b": "c"}}, "the same new name"),
    ],
)
def test_what_cannot_work_is_refused(function: Any, arguments: Any, problem: str) -> None:
    """Each mistake says what was found and what to do, at the function's line."""
    with pytest.raises(DialogError) as caught:
        dialog(**arguments)(function)
    assert problem in caught.value.problem
    assert caught.value.cure
    assert caught.value.file.endswith("test_registry.py")
    assert caught.value.line == function.__code__.co_firstlineno


def test_a_decorator_without_a_name_is_explained() -> None:
    """`@dialog` without parentheses says how to write it."""
    with pytest.raises(DialogError, match="without a name"):
        dialog(_fine)  # type: ignore[arg-type]


def _named(name: str, **more: Any) -> Dialog[Any]:
    return dialog(name, **more)(_fine)


def test_a_registry_is_a_mapping_by_name() -> None:
    """It knows the opening, the fallback and what the router needs."""
    registry = Registry(
        [
            _named("welcome", opening=True),
            _named("lost", fallback=True),
            _named("back", examples=["send it back"]),
            _named("more", examples={"de": ["mehr"]}),
        ]
    )
    assert set(registry) == {"welcome", "lost", "back", "more"}
    assert registry.opening is registry["welcome"]
    assert registry.fallback is registry["lost"]
    assert registry.intents("en") == {
        "back": {"en": ("send it back",)},
        "more": {"de": ("mehr",)},
    }


@pytest.mark.parametrize("twice", [{}, {"opening": True}, {"fallback": True}])
def test_what_only_one_can_be_is_refused_twice(twice: Any) -> None:
    """Two of one name, two openings, two fallbacks."""
    second = "one" if not twice else "two"
    with pytest.raises(DialogError) as caught:
        Registry([_named("one", **twice), _named(second, **twice)])
    assert "the other is at" in caught.value.problem


def test_a_pattern_matches_the_whole_utterance_and_gives_its_groups() -> None:
    """Only groups that the function takes are given."""

    @dialog("track", pattern=r"track (?P<number>\w\d+)(?P<rest>.*)")
    async def track(chat: Chat, number: str) -> str:
        return number

    registry = Registry([track, _named("other", pattern="hello")])
    found = registry.match("  Track A1001 please ")
    assert found == (track, {"number": "A1001"})
    assert registry.match("please track A1001") is None


def test_a_slow_pattern_is_given_up() -> None:
    """An author's regular expression cannot stop everybody."""
    registry = Registry([_named("slow", pattern=r"(a+)+b")])
    assert registry.match("a" * 4000) is None


def test_values_become_what_the_parameters_are_annotated_with(talk: Any) -> None:
    """Plain data from the store is typed again when the dialog begins."""

    @dialog("dated")
    async def dated(chat: Chat, day: date, note: str | None = None) -> date:
        await chat.ask("more", Text)
        return day

    t = talk(dated, values={"day": "2025-03-12"})
    t.start()
    t.say("x")
    assert t.result == date(2025, 3, 12)
    missing = talk(dated).start()
    assert "needs a value for day" in str(missing.error)
