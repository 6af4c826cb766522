"""A play that is kept where it waits: the same as a replay, and used only where it is that.

Every talk of the tests in this folder is played both ways and compared (`Talk.play`).
"""

from __future__ import annotations

import gc
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime

from segue import Chat, Text, YesNo, dialog
from segue.dialog import Facts, Journal, play
from segue.dialog.kept import Kept
from segue.dialog.outcome import Answer, Ended, Hold, Waiting

LEFT: list[str] = []


@dialog("plain_talk")
async def plain_talk(chat: Chat) -> str:
    await chat.say("hello")
    name = await chat.ask("ask_name", Text)
    await chat.say("nice", name=name)
    count = await chat.run(len_of, name)
    place = await chat.know("place")
    town = await chat.ask("ask_town", Text, name=name, count=count, place=place)
    return f"{name} {town} {count}"


def len_of(text: str) -> int:
    return len(text)


async def helper(chat: Chat) -> str:
    return await chat.ask("ask_helper", Text)


@dialog("tidy_talk")
async def tidy_talk(chat: Chat) -> str:
    try:
        return await helper(chat)
    finally:
        LEFT.append("left")


@contextmanager
def room():
    yield
    LEFT.append("room")


async def careful(chat: Chat) -> str:
    with room():
        return await chat.ask("ask_careful", Text)


@dialog("tidy_helper")
async def tidy_helper(chat: Chat) -> str:
    return await careful(chat)


@dialog("remembering")
async def remembering(chat: Chat) -> str:
    mail = await chat.ask("ask_mail", Text, remember="mail", check="still_yours")
    again = await chat.ask("ask_again", Text)
    return f"{mail} {again}"


@dialog("skipping")
async def skipping(chat: Chat) -> str:
    sure = await chat.ask("ask_sure", YesNo)
    await chat.say("so", sure=sure)
    note = await chat.ask("ask_note", Text)
    return f"{sure} {note}"


def test_a_talk_goes_on_where_it_waited(talk):
    """No verb before the open question is made again, and the end is the same."""
    it = talk(plain_talk)
    it.start()
    it.say("Ada")
    ended = it.say("York")
    assert isinstance(ended, Ended)
    assert ended.result == "Ada York 3"
    assert it.said == ["hello", "nice"]
    # After the first question, after the step, and after the second question.
    assert it.kept.used == 3
    assert len(it.kept) == 0


def test_what_is_kept_comes_and_goes_with_the_journal(talk):
    """A correction, another process, a lost turn: a journal that is another one is replayed."""
    it = talk(plain_talk)
    it.start()
    before = Journal.decode(it.journal.encode())
    it.say("Ada")
    used = it.kept.used
    it.journal.correct("ask_name", "Grace")
    it.start()
    assert it.journal.entries["ask:ask_name#1"].value == "Grace"
    assert it.kept.used == used  # what came after the correction is in doubt: nothing is kept
    it.journal = before  # The turn was lost: somebody else has begun it again.
    it.say("Mary")
    ended = it.say("York")
    assert isinstance(ended, Ended)
    assert ended.result == "Mary York 4"


def test_a_dialog_that_tidies_up_is_left_every_time(talk):
    """`try`, `with`: also in a helper it awaits, what is to be done on leaving is done."""
    for tidy in (tidy_talk, tidy_helper):
        LEFT.clear()
        it = talk(tidy)
        it.kept = Kept()
        it.start()
        # Once for the play, once for the replay that it is compared with.
        assert len(LEFT) == (2 if tidy is tidy_talk else 0)
        assert len(it.kept) == 0
        it.say("x")
        assert it.kept.used == 0


def test_what_a_replay_would_read_otherwise_is_not_kept(talk):
    """What came from the profile is asked there again on the way: such a play is left."""
    it = talk(remembering, profile={"mail": "ada@example.com"})
    it.start()
    it.say(True)
    assert len(it.kept) == 0
    ended = it.say("x")
    assert isinstance(ended, Ended)
    assert ended.result == "ada@example.com x"


def test_other_values_or_words_are_another_play():
    """What the dialog was begun with is part of what must be the same."""

    def facts(words: str) -> Facts:
        return Facts(
            channel="web",
            locale="en",
            now=datetime(2026, 1, 1, tzinfo=UTC),
            random=lambda: 0.5,
            utterance=words,
        )

    kept, journal = Kept(), Journal()
    hold = lambda _question, _entry: Hold()  # noqa: E731
    first = play(plain_talk, journal, facts=facts("hi"), reader=hold, kept=kept, key=1)
    again = play(plain_talk, first.journal, facts=facts("ho"), reader=hold, kept=kept, key=1)
    assert isinstance(again, Waiting)
    assert kept.used == 0
    play(plain_talk, again.journal, facts=facts("ho"), reader=hold, kept=kept, key=1)
    assert kept.used == 1


def test_the_longest_unused_are_closed_first():
    """There is room for so many; who finds none is replayed, and nothing is left behind."""
    facts = Facts(
        channel="web", locale="en", now=datetime(2026, 1, 1, tzinfo=UTC), random=lambda: 0.5
    )
    kept = Kept(2)
    hold = lambda _question, _entry: Hold()  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        journals = [
            play(plain_talk, Journal(), facts=facts, reader=hold, kept=kept, key=key).journal
            for key in range(5)
        ]
        assert len(kept) == 2
        assert kept.take(0) is None
        answer = lambda question, _entry: (  # noqa: E731
            Answer(value="x") if question.reply == "ask_name" else Hold()
        )
        play(plain_talk, journals[0], facts=facts, reader=answer, kept=kept, key=0)
        play(plain_talk, journals[4], facts=facts, reader=answer, kept=kept, key=4)
        assert kept.used == 1
        del kept
        gc.collect()
