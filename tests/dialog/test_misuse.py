"""Every misuse is answered with the author's line and what to do."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime, timedelta
from typing import Any

import pytest

from segue import Chat, Text, dialog, slot
from segue.dialog import Journal, play
from segue.dialog.outcome import Broken, Hold
from segue.errors import DialogError

HERE = "test_misuse.py"


def _broken(talk: Any, one: Any) -> DialogError:
    """Play it inside a running event loop, as an engine does."""

    async def inside() -> Any:
        return play(one, Journal(), facts=talk(one).facts(), reader=lambda _q, _e: Hold())

    outcome = asyncio.run(inside())
    assert isinstance(outcome, Broken), outcome
    assert isinstance(outcome.error, DialogError), repr(outcome.error)
    return outcome.error


def _is_at(error: DialogError, function: Any, text: str) -> None:
    """Assert that the error names the line of `function` that holds `text`."""
    lines, start = inspect.getsourcelines(function)
    offset = next(n for n, line in enumerate(lines) if text in line)
    assert error.file.endswith(HERE)
    assert error.line == start + offset, str(error)


# -- awaiting something else -----------------------------------------------------------------------


def test_sleeping_is_refused_with_the_cure(talk: Any) -> None:
    """`asyncio.sleep(1)` finds no event loop, and the error says `chat.run`."""

    @dialog("sleepy")
    async def sleepy(chat: Chat) -> None:
        await chat.say("hello")
        await asyncio.sleep(1)

    error = _broken(talk, sleepy)
    _is_at(error, sleepy.function, "asyncio.sleep(1)")
    assert "await chat.run(function, …)" in error.cure


def test_a_bare_yield_is_refused(talk: Any) -> None:
    """`asyncio.sleep(0)` needs no loop, and is found all the same."""

    @dialog("sleepy")
    async def sleepy(chat: Chat) -> None:
        await asyncio.sleep(0)

    error = _broken(talk, sleepy)
    _is_at(error, sleepy.function, "asyncio.sleep(0)")


def test_a_future_is_refused_in_the_helper_that_awaits_it(talk: Any) -> None:
    """The line is the author's innermost one, also in a helper."""

    async def helper() -> None:
        loop = asyncio.new_event_loop()
        try:
            await loop.create_future()  # here
        finally:
            loop.close()

    @dialog("future")
    async def future(chat: Chat) -> None:
        await helper()

    error = _broken(talk, future)
    _is_at(error, helper, "# here")
    assert "Future" in error.problem


def test_a_timeout_block_is_refused(talk: Any) -> None:
    """`asyncio.timeout` needs a task, which a dialog is not."""

    @dialog("timed")
    async def timed(chat: Chat) -> None:
        async with asyncio.timeout(1):
            await chat.say("hello")

    error = _broken(talk, timed)
    _is_at(error, timed.function, "asyncio.timeout")


def test_a_runtime_error_of_the_authors_own_stays_itself(talk: Any) -> None:
    """Not every RuntimeError is about event loops."""

    @dialog("failing")
    async def failing(chat: Chat) -> None:
        raise RuntimeError("out of stock")

    outcome = talk(failing).start()
    assert isinstance(outcome, Broken)
    assert type(outcome.error) is RuntimeError


def test_the_loop_that_was_running_runs_on(talk: Any) -> None:
    """A play gives the event loop back, whatever happens in it."""

    @dialog("failing")
    async def failing(chat: Chat) -> None:
        raise ValueError

    async def inside() -> None:
        play(failing, Journal(), facts=talk(failing).facts(), reader=lambda _q, _e: Hold())
        assert asyncio.get_running_loop().is_running()
        await asyncio.sleep(0)

    asyncio.run(inside())


# -- verbs in the wrong way ------------------------------------------------------------------------


def test_a_forgotten_await_is_found_at_its_line(talk: Any) -> None:
    """The verb that was made and not awaited is named, not the one after it."""

    @dialog("forgetful")
    async def forgetful(chat: Chat) -> None:
        chat.say("hello")  # forgotten
        await chat.ask("ask_number", Text)

    error = _broken(talk, forgetful)
    _is_at(error, forgetful.function, "# forgotten")
    assert error.problem.startswith("chat.say(…) was not awaited")


def test_a_forgotten_await_at_the_end_is_found(talk: Any) -> None:
    """`return chat.say(…)` returns something that does nothing."""

    @dialog("forgetful")
    async def forgetful(chat: Chat) -> Any:
        return chat.milestone("there")

    error = _broken(talk, forgetful)
    _is_at(error, forgetful.function, "chat.milestone")


def test_a_verb_may_be_made_before_it_is_awaited(talk: Any) -> None:
    """One verb at a time, but not necessarily in one line."""

    @dialog("slow")
    async def slow(chat: Chat) -> str:
        question = chat.ask("ask_number", Text) if chat else chat.ask("other", Text)
        return await question

    t = talk(slow)
    t.start()
    t.say("x")
    assert t.result == "x"


def test_gathering_verbs_is_refused(talk: Any) -> None:
    """Two questions at once are not a conversation."""

    @dialog("greedy")
    async def greedy(chat: Chat) -> None:
        one, two = chat.ask("one", Text), chat.ask("two", Text)
        await one
        await two

    error = _broken(talk, greedy)
    _is_at(error, greedy.function, "one, two =")


def test_awaiting_a_verb_twice_is_refused(talk: Any) -> None:
    """A verb is used up when it is awaited."""

    @dialog("twice")
    async def twice(chat: Chat) -> None:
        hello = chat.say("hello")
        await hello
        await hello  # again

    error = _broken(talk, twice)
    _is_at(error, twice.function, "# again")


def test_a_verb_in_finally_is_explained(talk: Any) -> None:
    """`finally` runs whenever the dialog is left at a question."""

    @dialog("tidy")
    async def tidy(chat: Chat) -> None:
        try:
            await chat.ask("ask_number", Text)
        finally:
            await chat.say("bye")

    error = _broken(talk, tidy)
    _is_at(error, tidy.function, 'chat.say("bye")')
    assert "finally" in error.problem
    assert "begun anew" in error.cure


def test_a_verb_in_an_exit_is_explained(talk: Any) -> None:
    """The exit of `async with` runs at every question too."""

    class Basket:
        def __init__(self, chat: Chat) -> None:
            self.chat = chat

        async def __aenter__(self) -> None:
            await self.chat.say("open")

        async def __aexit__(self, *_: Any) -> None:
            await self.chat.say("closed")

    @dialog("shopping")
    async def shopping(chat: Chat) -> None:
        async with Basket(chat):
            await chat.ask("ask_number", Text)

    error = _broken(talk, shopping)
    _is_at(error, Basket.__aexit__, "closed")
    assert "async with" in error.problem


def test_catching_everything_is_explained(talk: Any) -> None:
    """A bare `except` also catches the leaving of the dialog."""

    @dialog("stubborn")
    async def stubborn(chat: Chat) -> None:
        while True:
            try:
                await chat.ask("ask_number", Text)
            except:  # noqa: E722
                await chat.say("whatever")

    error = _broken(talk, stubborn)
    _is_at(error, stubborn.function, "whatever")


def test_finally_without_verbs_is_fine(talk: Any) -> None:
    """Ordinary clean-up runs at every suspension, and may."""
    left: list[int] = []

    @dialog("tidy")
    async def tidy(chat: Chat) -> str:
        try:
            return await chat.ask("ask_number", Text)
        finally:
            left.append(1)

    t = talk(tidy, kept=None)
    t.start()
    t.say("x")
    assert t.result == "x"
    assert len(left) == 2


# -- values that cannot be kept --------------------------------------------------------------------


def test_a_reply_value_that_is_no_data_is_refused(talk: Any) -> None:
    """An open file is no value; the line of the verb that waits for it is named."""

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.ask("ask_number", Text, thing=object())

    t = talk(odd, kept=None)
    t.start()
    outcome = t.say("x")
    assert isinstance(outcome, Broken)
    assert "object" in str(outcome.error)
    assert "dataclass" in str(outcome.error)


def test_a_step_argument_that_is_no_data_is_refused(talk: Any) -> None:
    """Arguments are part of a step's key, so they must be data."""

    def step(thing: object) -> int:
        return 1

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.run(step, object())

    error = _broken(talk, odd)
    _is_at(error, odd.function, "chat.run(step")


def test_a_result_that_is_not_annotated_must_be_plain(talk: Any) -> None:
    """Without `->` nobody could know what to make of it on replay."""

    class Thing:
        pass

    def untyped(kind: str):  # type: ignore[no-untyped-def]
        return {"set": {1, 2}, "tuple": (1, 2), "object": Thing()}[kind]

    @dialog("odd")
    async def odd(chat: Chat, kind: str) -> None:
        await chat.run(untyped, kind)

    for kind, words in [("set", "-> set"), ("tuple", "-> tuple"), ("object", "Thing")]:
        t = talk(odd, values={"kind": kind})
        outcome = t.start()
        assert isinstance(outcome, Broken)
        assert words in str(outcome.error)
        assert len(t.did) == 1


def test_a_result_that_breaks_its_annotation_is_refused_and_not_repeated(talk: Any) -> None:
    """The step was done; doing it again would not make it better."""

    def lying() -> int:
        return "seven"  # type: ignore[return-value]

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.run(lying)

    t = talk(odd)
    assert isinstance(t.start(), Broken)
    assert isinstance(t.start(), Broken)
    assert len(t.did) == 1


def test_a_lambda_is_no_step(talk: Any) -> None:
    """A step is recorded under its name."""

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.run(lambda: 1)

    error = _broken(talk, odd)
    assert "lambda" in error.problem
    assert "def" in error.cure


@pytest.mark.parametrize(
    "arguments",
    [{}, {"at": datetime(2025, 1, 1), "after": timedelta(1)}, {"at": datetime(2025, 1, 1)}],  # noqa: DTZ001
)
def test_times_must_be_clear(talk: Any, arguments: Any) -> None:
    """Either a moment with a time zone, or a while."""

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.remind("still_there", **arguments)

    error = _broken(talk, odd)
    _is_at(error, odd.function, "chat.remind")


def test_verbs_that_come_later_say_so(talk: Any) -> None:
    """`survey` and `verify` are not there yet; `handoff` says how to reach a person."""

    @dialog("early")
    async def early(chat: Chat) -> None:
        await chat.survey()

    @dialog("help")
    async def help_me(chat: Chat) -> str:
        await chat.handoff()
        return "on"

    assert "chat.survey(…) is not available" in str(_broken(talk, early))
    t = talk(help_me)
    t.start()
    assert (t.said, t.result) == (["person"], "on")


def test_a_dialog_is_not_called_like_a_function(talk: Any) -> None:
    """`await other(chat)` says to write `chat.call`."""

    @dialog("inner")
    async def inner(chat: Chat) -> None: ...

    @dialog("outer")
    async def outer(chat: Chat) -> None:
        await inner(chat)

    assert "chat.call(inner)" in str(_broken(talk, outer))


def test_a_parser_says_what_it_returns(talk: Any) -> None:
    """A dataclass from a parser without annotation would come back as something else."""

    def untyped(text):  # type: ignore[no-untyped-def]
        return {1, 2}

    @dialog("odd")
    async def odd(chat: Chat) -> None:
        await chat.ask("ask_size", slot(untyped))

    t = talk(odd)
    t.start()
    outcome = t.say({1, 2})
    assert isinstance(outcome, Broken)
    assert "-> set | None" in str(outcome.error)
