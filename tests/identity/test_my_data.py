"""What do you know about me, and forget me: told and done only to who has proved who they are."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import SMS, TELEGRAM, People

from segue import Chat, Text, dialog
from segue.channel import NotSent, Reason, Report
from segue.types import Proof, Receipt

VOICE = """
{% reply ask_note() %}
What shall I note?
{% endreply %}
{% reply noted(note) %}
Noted: {{ note }}.
{% endreply %}
"""


@dialog("note", examples=["please note something"])
async def note(chat: Chat) -> None:
    said = await chat.ask("ask_note", Text, remember="dear_note")
    await chat.say("noted", note=said)


@pytest.fixture
async def people(begin: Any) -> People:
    made: People = await begin(note, voice=VOICE)
    await made.writes(SMS, "please note something", name="Ada")
    await made.writes(SMS, "a red boat")
    return made


async def prove(people: People, words: str) -> list[str]:
    await people.writes(SMS, words)
    return await people.writes(SMS, people.code_at(SMS))


async def test_what_is_known_is_told_after_proof(people: People) -> None:
    """Facts with where they are from, addresses masked; nothing before the code came back."""
    await people.store.add_address(await people.who(SMS), TELEGRAM, Proof.CHANNEL)
    said = await people.writes(SMS, "what do you know about me")
    assert "boat" not in " ".join(said)
    told = " ".join(await people.writes(SMS, people.code_at(SMS)))
    assert "dear note: a red boat (from sms)" in told
    assert "Ada" in told
    assert "…67" in told
    assert SMS.id not in told
    assert TELEGRAM.id not in told


async def test_the_whole_is_offered_as_a_link(people: People) -> None:
    """The archive is made when somebody opens the link, which says nothing and ends."""
    made: list[str] = []

    async def export(customer: str) -> bytes:
        made.append(customer)
        return b"PK"

    room = people.app.room
    room.export = export
    room.media.links._public_url = "https://chat.example.com"
    await prove(people, "show me my data")
    said = await people.writes(SMS, "yes")
    assert "https://chat.example.com/media/" in said[-1]
    customer = await people.who(SMS)
    assert customer not in said[-1]
    token = said[-1].partition("/media/")[2].partition(")")[0].split()[0].rstrip(".,")
    found = room.media.links.opened(token)
    assert found is not None
    channel, media = found
    assert made == [], "nothing is made before somebody looks"
    fetched = await room.drawers[channel].fetch(media)
    assert fetched is not None
    assert (fetched.body, made) == (b"PK", [customer])


async def test_a_bot_without_an_archive_names_a_person(people: People) -> None:
    """Nothing is promised that is not there."""
    people.app.room.export = None
    await prove(people, "show me my data")
    assert "colleague" in (await people.writes(SMS, "yes"))[-1]


async def test_forgetting_comes_after_the_last_word(people: People) -> None:
    """Explained, confirmed, said goodbye; erased a moment later, whatever dies meanwhile."""
    erased: list[str] = []

    async def erase(customer: str) -> None:
        erased.append(customer)

    people.app.room.erase = erase
    people.app.worker.erase = erase
    customer = await people.who(SMS)
    said = await prove(people, "delete my data")
    assert "can't be undone" in said[-1]
    said = await people.writes(SMS, "yes")
    assert "six digits" in said[-1], "the yes could be anybody's, by SMS"
    said = await people.writes(SMS, people.code_at(SMS))
    assert "Goodbye" in said[-1]
    assert erased == []
    people.rehearsal.clock.move(timedelta(seconds=20))
    await people.app.worker.look_after(customer, ahead=timedelta(seconds=20))
    await people.rest()
    assert erased == [customer]
    people.rehearsal.clock.move(timedelta(seconds=61))
    await people.app.worker.look_after(customer, ahead=timedelta(seconds=90))
    await people.rest()
    assert erased == [customer, customer], "it is tried again until there is nobody left"


async def test_nothing_is_left_of_who_was_forgotten(people: People) -> None:
    """Whoever writes from there afterwards is somebody new, whom nobody knows."""
    customer = await people.who(SMS)
    await prove(people, "delete my data")
    await people.agrees(SMS)
    people.rehearsal.clock.move(timedelta(seconds=20))
    await people.app.worker.look_after(customer, ahead=timedelta(seconds=20))
    await people.rest()
    assert await people.store.who(customer) is None
    await people.writes(SMS, "what do you know about me")
    told = " ".join(await people.writes(SMS, people.code_at(SMS)))
    assert "boat" not in told
    assert await people.who(SMS) != customer


async def test_the_archive_holds_what_was_said(people: People) -> None:
    """The link's file is the real archive of the one who asked."""
    room = people.app.room
    assert room.export is not None
    body = await room.export(await people.who(SMS))
    assert body is not None
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert {"profile.json", "transcript.txt"} <= set(names)
    assert await room.export("nobody" + "0" * 16) is None


async def test_no_is_no(people: People) -> None:
    """Everything stays."""

    async def erase(customer: str) -> None:
        raise AssertionError("nobody asked for it")

    people.app.room.erase = people.app.worker.erase = erase
    await prove(people, "delete my data")
    assert "stays as it is" in (await people.writes(SMS, "no"))[-1]


@pytest.mark.parametrize("reason", [Reason.NO_ADDRESS, Reason.BLOCKED, Reason.OPTED_OUT])
async def test_t18_a_number_that_fails_proves_nothing(people: People, reason: Reason) -> None:
    """T18: gone, blocked or opted out at the carrier: the number has to be proved again."""
    await prove(people, "what do you know about me")
    assert await people.level(SMS) is Proof.VERIFIED
    sms = people.rehearsal.channels["sms"]
    sms.outcomes.append(NotSent(why="30003", permanent=True, reason=reason))
    await people.writes(SMS, "no")
    assert await people.level(SMS) is Proof.CHANNEL


async def test_t18_a_report_that_a_number_is_gone_counts_too(people: People) -> None:
    """The same when the carrier says it only later."""
    await prove(people, "what do you know about me")
    customer = await people.who(SMS)
    row = people.rehearsal.channels["sms"].delivered[-1].row
    report = Report(
        id=row, receipt=Receipt.FAILED, customer=customer, row=row, reason=Reason.NO_ADDRESS
    )
    await people.app.core.report("sms", report)
    assert await people.level(SMS) is Proof.CHANNEL


async def test_a_picture_of_a_link_can_be_scanned(people: People) -> None:
    """The QR picture is a PNG, and of links only."""
    from segue.channel import Fetched
    from segue.identity.pictures import Pictures
    from segue.types import Media, MediaKind, picture_type

    link = "https://t.me/bot?start=" + "a" * 43
    drawn = await Pictures().fetch(Media(kind=MediaKind.IMAGE, ref=link))
    assert isinstance(drawn, Fetched)
    assert picture_type(drawn.body[:16]) == "image/png"
    assert await Pictures().fetch(Media(kind=MediaKind.IMAGE, ref="file:///etc/passwd")) is None
