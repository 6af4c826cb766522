"""The sample company's wording keeps the rules it was written by, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.dialog import load_dialogs
from segue.voice import Voice, load_voice

ROOT = Path(__file__).parents[2]
VOICE = ROOT / "brand_voice"

ENGINE = """
    attachment_received back_at_start cancelled corrected correction_too_late delayed dialog_changed
    did_you_mean disclosure give_up help media_only not_sure not_sure_person nothing_open
    nothing_to_cancel nothing_to_repeat paused person poisoned resume retry retry_choice retry_date
    retry_email retry_integer retry_order_number retry_postcode retry_yes_no skip_not_possible
    slow_down something_went_wrong step_failed which_one opted_out opted_in who_writes stop_asked
""".split()  # noqa: SIM905 - names are read better in rows
OUR_FAULT = {"something_went_wrong", "step_failed", "dialog_changed", "poisoned", "delayed"}
SMALL_TALK = {
    *("greeting", "thanks", "goodbye", "all_right", "languages"),
    *("how_are_you", "are_you_a_bot", "anger"),
}

_TAG = re.compile(r"{%-?\s*(\w+)(.*?)-?%}|{{.*?}}|{#.*?#}", re.DOTALL)


@pytest.fixture(scope="module")
def voice() -> Voice:
    return load_voice(VOICE)


def wordings() -> list[tuple[str, str, str]]:
    """Return (locale/file, reply, text) of each wording, without tags, buttons and questions."""
    found = []
    for file in sorted(VOICE.glob("*/*.j2")):
        source = re.sub(
            r"{% (?:button|asked) .*", "", file.read_text().replace("asked %}", "asked  %}")
        )
        for reply in re.finditer(r"{% reply (\w+)\(.*?%}(.*?){% endreply %}", source, re.DOTALL):
            for wording in re.split(r"{% (?:or|on \w+) %}", reply[2]):
                parts = re.split(r"{% else %}", wording)
                text = " ".join(_TAG.sub(lambda m: "" if m[1] else "x", part) for part in parts[:1])
                found.append((f"{file.parent.name}/{file.stem}", reply[1], " ".join(text.split())))
    return found


def test_both_languages_say_the_same_things(voice: Voice) -> None:
    """Every reply stands in English and in German, with the same buttons and values."""
    by_locale = {
        locale: {
            (info.dialog, info.name): (
                sorted(map(str, info.values)),
                {button.id for button in info.buttons},
            )
            for info in voice.replies(locale)
        }
        for locale in ("en", "de")
    }
    assert by_locale["en"].keys() == by_locale["de"].keys()
    assert by_locale["en"] == by_locale["de"]


def test_what_segue_says_by_itself_is_there(voice: Voice) -> None:
    """The replies that the engine uses exist in both languages."""
    for locale in ("en", "de"):
        own = {info.name for info in voice.replies(locale) if info.dialog == "common"}
        assert set(ENGINE) <= own


def test_there_are_enough_answers_with_enough_questions(voice: Voice) -> None:
    """At least 25 answers besides small talk, each known by at least eight questions."""
    for locale in ("en", "de"):
        answers = dict(voice.answers(locale))
        assert len(answers.keys() - SMALL_TALK) >= 25
        assert {name: len(asked) for name, asked in answers.items() if len(asked) < 8} == {}


def test_no_question_belongs_to_two() -> None:
    """An example stands in one intent only."""
    from segue.app import intents

    seen: dict[tuple[str, str], str] = {}
    for intent, told in intents(load_dialogs(ROOT / "dialogs"), load_voice(VOICE)).items():
        for locale, examples in told.items():
            for example in examples:
                key = (locale, example.casefold())
                assert seen.setdefault(key, intent) == intent, (example, intent, seen[key])


def test_replies_are_short() -> None:
    """No wording has more than 40 words, and none asks more than one thing."""
    long = [
        (where, name, len(text.split()))
        for where, name, text in wordings()
        if len(text.split()) > 40
    ]
    assert long == []
    asking = [(where, name) for where, name, text in wordings() if text.count("?") > 1]
    assert [one for one in asking if one[1] not in _TWO_MARKS] == []


_TWO_MARKS = {"lost_parcel"}
"""Replies with a rhetorical question mark beside the one thing they ask."""


def test_nobody_apologises_for_what_is_not_our_fault() -> None:
    """Sorry is said where we broke something, and nowhere else."""
    sorry = re.compile(r"\b(sorry|apolog\w+|entschuldig\w+|tut mir leid|leider)\b", re.IGNORECASE)
    said = {(where, name) for where, name, text in wordings() if sorry.search(text)}
    assert {name for _, name in said} <= OUR_FAULT


def test_german_says_du() -> None:
    """German says du, and never mixes it with Sie."""
    formal = re.compile(r"(?<![.!?:] )(?<!^)\b(Sie|Ihnen|Ihre[mnrs]?|Ihr)\b")
    found = [(w, n, t) for w, n, t in wordings() if w.startswith("de/") and formal.search(t)]
    assert found == []


def test_no_dialog_is_long() -> None:
    """Every journey fits on a page or two: at most 110 lines."""
    long = {
        file.name: count
        for file in (ROOT / "dialogs").glob("*.py")
        if (count := len(file.read_text().splitlines())) > 110
    }
    assert long == {}
