"""What customers change or take away after they wrote it, on any channel."""

from __future__ import annotations

from msgspec import structs

from segue.cli.customer import _said
from segue.testing import Rehearsal
from segue.types import Inbound, Line


async def change(rehearsal: Rehearsal, of: str, text: str, *, kind: str = "edit") -> list[str]:
    """Edit a message (or delete it); return what the bot says."""
    inbound = rehearsal._inbound(text, kind=kind)
    edited: Inbound = structs.replace(inbound, data={"of": of}, name=None)
    return [heard.text for heard in await rehearsal.deliver(edited)]


async def lines(rehearsal: Rehearsal) -> list[Line]:
    page = await rehearsal.app.core.page(rehearsal.customer, after=-1)
    return [line for _, line in page.lines]


async def recorded(rehearsal: Rehearsal, question: str) -> object:
    """Return what is recorded as the answer to a question of the open dialog."""
    entries = (await rehearsal.state()).frames[-1].journal.entries
    return next(entry.value for name, entry in entries.items() if question in name)  # type: ignore[union-attr]


async def said(rehearsal: Rehearsal, text: str, message_id: str) -> list[str]:
    return [heard.text for heard in await rehearsal.say(text, message_id=message_id)]


async def test_an_edit_of_the_last_answer_is_a_correction(rehearsal: Rehearsal) -> None:
    """The order they mistyped is another one; the question after it is asked again."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    answer = await change(rehearsal, "b", "A1002")
    assert answer[0] == "Changed."
    assert answer[1].startswith("Why does")
    assert await recorded(rehearsal, "ask_order") == "A1002"


async def test_a_correction_may_be_corrected(rehearsal: Rehearsal) -> None:
    """The message keeps its id through all its edits."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    await change(rehearsal, "b", "A1002")
    assert (await change(rehearsal, "b", "A1003"))[0] == "Changed."


async def test_an_edit_that_says_the_same_changes_nothing(rehearsal: Rehearsal) -> None:
    """A comma more is no correction."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    assert "Changed." not in await change(rehearsal, "b", "A1001, please")


async def test_an_edit_of_an_answer_before_the_last_is_noted(rehearsal: Rehearsal) -> None:
    """It stands in the transcript beside what it changes, and nothing is said or undone."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    await said(rehearsal, "broken", "c")
    assert await change(rehearsal, "b", "A1002") == []
    last = (await lines(rehearsal))[-1]
    assert (last.who, last.text, last.changes) == ("customer", "A1002", "b")
    assert await recorded(rehearsal, "ask_order") == "A1001"


async def test_an_edit_of_a_message_that_answered_nothing_is_read_in_its_place(
    rehearsal: Rehearsal,
) -> None:
    """The typo is mended in the message itself: that is the answer now."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "my order is um", "b")
    answer = await change(rehearsal, "b", "A1001")
    assert answer[0].startswith("Why does")


async def test_an_edit_of_what_began_it_brings_what_it_lacked(rehearsal: Rehearsal) -> None:
    """The first message answered nothing yet; now it holds the order."""
    await said(rehearsal, "return an order", "a")
    assert (await change(rehearsal, "a", "return order A1001"))[0].startswith("Why does")


async def test_an_edit_of_what_began_it_corrects_what_it_held(rehearsal: Rehearsal) -> None:
    """The first message named the order already, and another one now."""
    assert (await said(rehearsal, "return an order, A1001", "a"))[-1].startswith("Why does")
    assert (await change(rehearsal, "a", "return an order, A1002"))[0] == "Changed."
    assert await recorded(rehearsal, "ask_order") == "A1002"


async def test_an_option_is_corrected_by_another_ones_name(rehearsal: Rehearsal) -> None:
    """Also where it was answered by a number."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    await said(rehearsal, "1", "c")
    assert (await change(rehearsal, "c", "too big"))[0] == "Changed."
    assert await recorded(rehearsal, "ask_reason") == "too_big"


async def test_an_edit_after_the_end_is_too_late(rehearsal: Rehearsal) -> None:
    """Money was paid back: what was answered before is told so, not quietly changed."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    await said(rehearsal, "broken", "c")
    await said(rehearsal, "yes", "d")
    await said(rehearsal, "ada@example.com", "e")
    answer = await change(rehearsal, "e", "bea@example.com")
    assert len(answer) <= 2
    assert "Changed." not in answer
    state = await rehearsal.state()
    assert state.profile["email"].value == "ada@example.com"


async def test_a_yes_that_becomes_a_no_is_a_no(rehearsal: Rehearsal) -> None:
    """In the message itself it is plain which question it answers."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    await said(rehearsal, "broken", "c")
    await said(rehearsal, "yes", "d")
    answer = await change(rehearsal, "d", "no")
    assert answer[0] == "Changed."
    assert (await rehearsal.state()).frames == []


async def test_an_edit_that_is_no_answer_is_read_as_what_it_is(rehearsal: Rehearsal) -> None:
    """A way out works there too."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    assert await change(rehearsal, "b", "cancel")
    assert (await rehearsal.state()).frames == []


async def test_an_edit_of_the_answer_that_ended_it_is_too_late(rehearsal: Rehearsal) -> None:
    """Nobody is left to believe that it was changed."""
    await said(rehearsal, "help me with the size", "a")
    await said(rehearsal, "180", "b")
    assert (await rehearsal.state()).frames == []
    (answer,) = await change(rehearsal, "b", "190")
    assert answer == "That is done and cannot be changed here."


async def test_a_deletion_is_shown(rehearsal: Rehearsal) -> None:
    """In the transcript; what it said was read, and stays answered."""
    await said(rehearsal, "return an order", "a")
    await said(rehearsal, "A1001", "b")
    assert await change(rehearsal, "b", "", kind="delete") == []
    last = (await lines(rehearsal))[-1]
    assert (last.who, last.text, last.changes) == ("customer", "", "b")
    assert _said({"text": "", "changes": "b"}) == "(message b deleted)"
    assert _said({"text": "A1002", "changes": "b"}) == "(message b changed) A1002"


async def test_an_edit_that_says_not_of_what_is_noted(rehearsal: Rehearsal) -> None:
    """A channel without ids for it loses nothing."""
    await said(rehearsal, "return an order", "a")
    inbound = rehearsal._inbound("A1001", kind="edit")
    assert await rehearsal.deliver(structs.replace(inbound, data={})) == []
    assert (await lines(rehearsal))[-1].text == "A1001"


async def test_start_pressed_again_is_answered(rehearsal: Rehearsal) -> None:
    """Whoever presses it in the middle of something is asked what was asked."""
    await said(rehearsal, "return an order", "a")
    start = structs.replace(rehearsal._inbound("", kind="opened"), data={"start": ""})
    assert [heard.text for heard in await rehearsal.deliver(start)] == ["Which order?"]


async def test_what_has_no_words_is_acknowledged_once_a_turn(rehearsal: Rehearsal) -> None:
    """What came while the first was read is one thing; a voice without a word has one for files."""
    parts = [
        structs.replace(rehearsal._inbound("", kind="message"), data={"what": what})
        for what in ("other", "voice", "other", "sticker", "video_note")
    ]
    heard = await rehearsal.deliver(*parts)
    assert [each.text for each in heard] == ["Thank you for the picture."] * 2
