"""The language of scripts: what is read, what is refused, and what agrees with what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.testing import ScriptError
from segue.testing.recording import Take, rewritten
from segue.testing.script import Hears, Later, On, Says, agree, is_beat, parse, same

LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="…")
WORDS = st.text(LETTERS, min_size=1, max_size=30).map(str.strip).filter(bool)
"""One line of words."""
PLAIN = WORDS.filter(lambda words: not is_beat(words))
"""The same, as a further line of a message."""
MESSAGE = st.builds(
    lambda first, rest: "\n".join([first, *rest]), WORDS, st.lists(PLAIN, max_size=3)
)


def test_a_script_is_read_line_by_line() -> None:
    """Every line says what happens and where it stands; remarks and empty lines say nothing."""
    beats = parse(
        """
        # a customer in a hurry
        customer: hello
        and:      [Damaged]
        bot:      Why?
                  1. Damaged

        on sms
        later 2 hours
        """
    )
    assert beats == [
        Says(text="hello", line=3, end=3),
        Says(text="[Damaged]", quick=True, line=4, end=4),
        Hears(text="Why?\n1. Damaged", line=5, end=6),
        On(channel="sms", line=8, end=8),
        Later(by=timedelta(hours=2), line=9, end=9),
    ]


@given(st.lists(st.tuples(st.sampled_from(["customer", "bot"]), MESSAGE), max_size=6))
def test_what_is_written_is_read(said: list[tuple[str, str]]) -> None:
    """Whatever people say can stand in a script, and comes out as it went in."""
    lines: list[str] = []
    for who, message in said:
        first, *rest = message.split("\n")
        lines += [f"    {who}: {first}", *(f"        {line}" for line in rest)]
    beats = parse("\n" + "\n".join(lines))
    found = [("customer" if isinstance(beat, Says) else "bot", _text(beat)) for beat in beats]
    assert found == [(who, "\n".join(map(str.strip, text.split("\n")))) for who, text in said]


def _text(beat: object) -> str:
    assert isinstance(beat, Says | Hears)
    return beat.text


@given(st.text(max_size=200))
def test_nothing_but_a_sentence_comes_of_nonsense(script: str) -> None:
    """Any text is either read or refused with the number of a line."""
    try:
        beats = parse(script)
    except ScriptError as error:
        refused = str(error)
        beats = []
    else:
        refused = "line"
    assert refused.startswith("line")
    assert all(1 <= beat.line <= beat.end for beat in beats)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("customer: hi\nlatr 2 hours", "Did you mean 'later 2 hours'?"),
        ("customer: hi\nbot: a\ncrsh", "Did you mean 'crash'?"),
        ("crash at lunch", "there is no failpoint 'lunch'. There are receive, admitted"),
        ("send quickly", "a send cannot be 'quickly'. It can be unknown, lost, refused, late"),
        ("and: more", "nothing was written just before it"),
        ("    words of nobody", "Further lines of a message are indented more"),
    ],
)
def test_a_slip_is_told_with_its_line_and_the_cure(script: str, says: str) -> None:
    """A misspelled line is not taken for more words of the message before it."""
    with pytest.raises(ScriptError, match=r"^line \d") as caught:
        parse(script)
    assert says in str(caught.value)


@given(MESSAGE)
def test_a_message_agrees_with_itself(message: str) -> None:
    """Nothing in a message has a meaning of its own: brackets, stars and backslashes are words."""
    assert same(message, message)
    assert agree(message, message) == len(" ".join(message.split()))


@given(WORDS, WORDS, WORDS)
def test_an_ellipsis_stands_for_any_words(start: str, middle: str, end: str) -> None:
    """Also for none, and at either end."""
    said = f"{start} {middle} {end}"
    assert same(f"{start} … {end}", said)
    assert same("…", said)
    assert same(f"{start}…", said)
    assert same(f"…{end}", said)


def test_where_they_part() -> None:
    """The first character that the script does not agree with is known."""
    assert agree("Which lamp?", "Which order?") == len("Which ")
    assert agree("…lamp…red?", "The lamp is blue?") == len("The lamp is blue?")
    assert not same("Which", "Which order?")


@given(st.lists(MESSAGE, max_size=4), st.lists(MESSAGE, max_size=4))
def test_what_is_recorded_holds(before: list[str], now: list[str]) -> None:
    """Whatever stood there and whatever is said now: the recorded script agrees with it."""
    script = "\n        customer: hello\n"
    for message in before:
        first, *rest = message.split("\n")
        script += f"        bot:      {first}\n"
        script += "".join(f"                  {line}\n" for line in rest)
    script += "        # the end\n        crash\n    "
    new = rewritten(script, [Take(beat=0, said=tuple(now))])
    heard = [beat.text for beat in parse(new) if isinstance(beat, Hears)]
    assert len(heard) == len(now)
    assert all(same(one, other) for one, other in zip(heard, now, strict=True))
    assert new.startswith("\n        customer: hello\n")
    assert new.endswith("        # the end\n        crash\n    ")
    assert rewritten(new, [Take(beat=0, said=tuple(now))]) == new


def test_recording_changes_only_what_differs() -> None:
    """What agrees keeps its ellipsis and its place; the column of names is kept."""
    script = """
        customer: hello
        bot:      Hi … there.
        bot:      Old question?
                  1. One
        customer: bye
        # nothing was expected yet
    """
    assert (
        rewritten(
            script,
            [
                Take(beat=0, said=("News first.", "Hi over there.", "New question?\n\n1. One")),
                Take(beat=3, said=("Bye.",)),
            ],
        )
        == """
        customer: hello
        bot:      News first.
        bot:      Hi … there.
        bot:      New question?
                  1. One
        customer: bye
        bot:      Bye.
        # nothing was expected yet
    """
    )
