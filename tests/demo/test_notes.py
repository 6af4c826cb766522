"""The demo's margin: what it keeps, what it says, and whom it tells."""

from __future__ import annotations

import asyncio
import re

import pytest

from segue.demo.notes import Notes
from segue.demo.sentences import SENTENCES, SIGNS, plain_name, sentence
from segue.demo.texts import TEXTS
from segue.engine.setup import Note as Told
from segue.errors import VoiceError
from segue.ports import SystemClock, SystemIds

HOLES = re.compile(r"\{(\w+)\}")
WRONG = VoiceError("a block is not closed", cure="Add {% endreply %}.", file="en/a.j2", line=3)


@pytest.fixture
def notes() -> Notes:
    return Notes(SystemClock(), SystemIds())


def text(kind: str, locale: str = "en", **values: object) -> str:
    return "".join(part[1] for part in sentence(kind, values, locale))


def test_each_customer_has_their_own_notes(notes: Notes) -> None:
    """What happened with Ada is not told to Ben."""
    notes("ada", [Told(kind="asked", values={"question": "ask_order"})])
    assert [note.kind for note in notes.read("ada", after=-1).notes] == ["asked"]
    assert notes.read("ben", after=-1).notes == ()
    assert notes.read(None, after=-1).notes == ()


def test_a_cursor_reads_on(notes: Notes) -> None:
    """Each note is read once; a cursor from before a restart begins anew."""
    notes.add("ada", "asked", question="ask_order")
    first = notes.read("ada", after=-1)
    assert notes.read("ada", after=first.cursor).notes == ()
    notes.add("ada", "asked", question="ask_reason")
    assert len(notes.read("ada", after=first.cursor).notes) == 1
    assert len(notes.read("ada", after=9_999).notes) == 2


def test_what_everybody_is_told_is_for_who_is_there(notes: Notes) -> None:
    """A page that was open hears of new wording; one that opens later does not."""
    cursor = notes.read("ada", after=-1).cursor
    notes.announce("reloaded.voice")
    assert [note.kind for note in notes.read("ada", after=cursor).notes] == ["reloaded.voice"]
    assert notes.read("ben", after=-1).notes == ()


def test_memory_is_bounded() -> None:
    """A long evening with many visitors does not grow without end."""
    notes = Notes(SystemClock(), SystemIds(), per_customer=5, customers=3)
    for number in range(20):
        notes.add(f"customer {number % 10}", "asked", question="ask_order")
        notes.add("ada", "asked", question="ask_order")
    assert len(notes.read("ada", after=-1).notes) == 5
    kept = [notes.read(f"customer {number}", after=-1).notes for number in range(10)]
    assert sum(1 for each in kept if each) == 2


async def test_a_reader_waits_for_news(notes: Notes) -> None:
    """Whoever waits is told at once, and nobody else is woken for nothing."""
    ada = asyncio.create_task(notes.news("ada", after=-1, edition=0, within=5))
    ben = asyncio.create_task(notes.news("ben", after=-1, edition=0, within=5))
    await asyncio.sleep(0)
    notes.add("ada", "asked", question="ask_order")
    assert len((await ada).notes) == 1
    assert not ben.done()
    notes.close()
    assert (await ben).notes == ()


async def test_nobody_waits_where_the_server_stops(notes: Notes) -> None:
    """After `close` an answer comes at once."""
    notes.close()
    async with asyncio.timeout(1):
        await notes.news("ada", after=-1, edition=0, within=60)


async def test_a_mistake_stays_until_it_is_mended(notes: Notes) -> None:
    """A problem is shown to every reader, wakes those who wait, and goes when it is mended."""
    waiting = asyncio.create_task(notes.news("ada", after=0, edition=0, within=5))
    await asyncio.sleep(0)
    notes.show_problems([WRONG])
    news = await waiting
    assert [(each.file, each.line) for each in news.problems] == [("en/a.j2", 3)]
    assert news.problems[0].found == "a block is not closed"
    assert news.problems[0].cure == "Add {% endreply %}."

    notes.show_problems([WRONG])
    assert notes.read("ben", after=-1).edition == news.edition
    notes.show_problems([])
    after = notes.read("ada", after=news.cursor)
    assert after.problems == ()
    assert after.edition != news.edition
    assert [note.kind for note in after.notes] == ["mended"]


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("asked", {"question": "return_item/ask_postcode"}, "Open question: postcode."),
        ("understood", {"question": "ask_order"}, "Read the answer to order."),
        (
            "understood",
            {"question": "ask_reason", "value": "wrong_size"},
            "Read wrong size as the answer to reason.",
        ),
        (
            "remembered",
            {"fact": "email", "value": "a@example.com", "channel": "web"},
            "Remembered email: a@example.com. Said here, by web.",
        ),
        (
            "remembered",
            {"fact": "email", "value": "a@example.com", "how": "signed"},
            "Remembered email: a@example.com. The website vouches for it.",
        ),
        ("routed", {"intent": "answer:opening_hours", "score": 0.7}, "opening hours (70 %)"),
        (
            "routed",
            {"how": "unsure", "between": ["dialog:a", "dialog:b", "dialog:c"]},
            "Not sure between a, b and c, so it asked.",
        ),
        ("did", {"step": "shop.create_label", "ok": False}, "create label did not work"),
        ("understood", {"order": "cancel"}, "Heard cancel"),
        ("something.new", {}, "something.new"),
    ],
)
def test_sentences_are_plain(kind: str, values: dict[str, object], said: str) -> None:
    """Names from the code are spelt out, and a kind nobody knows yet is at least named."""
    assert said in text(kind, **values)


def test_values_are_parts_of_their_own() -> None:
    """What a customer wrote is a value, never mixed with our words, however it looks."""
    evil = "<b>{question}</b>"
    parts = sentence("understood", {"question": "ask_order", "value": evil}, "en")
    assert ("v", evil, "") in parts
    assert not any(evil in part[1] for part in parts if part[0] == "t")


def test_titles_of_the_voice_are_used() -> None:
    """An intent is called what customers read, where the voice has a title for it."""
    parts = sentence(
        "routed", {"intent": "dialog:return_item"}, "de", lambda _intent, locale: f"Titel {locale}"
    )
    assert ("v", "Titel de", "dialog:return_item") in parts


@pytest.mark.parametrize("table", [SENTENCES, TEXTS])
def test_both_languages_say_the_same_things(table: dict[str, dict[str, str]]) -> None:
    """Each text exists in both languages, with the same holes."""
    english, german = table["en"], table["de"]
    assert english.keys() == german.keys()
    for name, written in english.items():
        assert set(HOLES.findall(written)) == set(HOLES.findall(german[name])), name


def test_every_sort_of_note_has_a_word_and_a_sign() -> None:
    """A sign is never alone, and no sort of note is without."""
    kinds = {key.partition(".")[0] for key in SENTENCES["en"]} - {"and", "other"}
    assert kinds == set(SIGNS)
    assert all(kind in TEXTS[locale] for kind in kinds for locale in TEXTS)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("return_item/ask_postcode", "postcode"),
        ("dialog:return_item", "return item"),
        ("ask:ask_order#1", "order#1"),
        ("shop.create_label", "create label"),
        ("ask_", "ask_"),
    ],
)
def test_names_are_spelt_out(code: str, name: str) -> None:
    """The last part of a name, without what only the code needs."""
    assert plain_name(code) == name
