"""Linking by the customer: proved and confirmed on both ends, all older is void (T14–T17, I7)."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import SMS, TELEGRAM, WEB, People

from segue import Chat, Email, Text, dialog
from segue.types import Address, Inbound, Message, Proof
from segue.voice import plain

VOICE = """
{% reply ask_note() %}
What shall I note?
{% endreply %}
{% reply noted(note) %}
Noted: {{ note }}.
{% endreply %}
{% reply secret(note=none) %}
{% if note %}You noted {{ note }}.{% else %}You noted nothing.{% endif %}
{% endreply %}
{% reply ask_mail() %}
Your e-mail?
{% endreply %}
"""


@dialog("note", examples=["please note something"])
async def note(chat: Chat) -> None:
    said = await chat.ask("ask_note", Text, remember="note")
    await chat.say("noted", note=said)


@dialog("read", examples=["what did i note"])
async def read(chat: Chat) -> None:
    await chat.say("secret", note=await chat.know("note"))


@dialog("mail", examples=["keep my mail please"])
async def mail(chat: Chat) -> None:
    await chat.ask("ask_mail", Email, remember="email")
    await chat.say("noted", note="mail")


ALL = (note, read, mail)
MALLORY = Address("telegram", "666")


@pytest.fixture
async def people(begin: Any) -> People:
    made: People = await begin(*ALL, voice=VOICE)
    return made


async def offered(people: People, address: Address, words: str = "continue on telegram") -> str:
    """Ask for a code on an address; return it as it is shown."""
    said = await people.writes(address, words, name="Ada")
    found = re.findall(r"JOIN ([0-9A-Z]{4}-[0-9A-Z]{4})", " ".join(said))
    assert found, said
    return found[-1]


async def join(people: People, here: Address, there: Address) -> None:
    """Link two addresses as people do."""
    code = await offered(people, here, f"continue on {there.channel}")
    await people.writes(there, f"JOIN {code}", name="Ada on the phone")
    await people.agrees(there)
    assert "Is that you?" in " ".join(await people.sees(here))
    await people.agrees(here)
    await people.rest()


# -- how it goes -----------------------------------------------------------------------------------


async def test_a_code_is_shown_used_and_confirmed_on_both_ends(people: People) -> None:
    """Each end is told who is at the other; then they are one, and both hear of it."""
    code = await offered(people, WEB)
    web = await people.who(WEB)
    said = await people.writes(TELEGRAM, f"join {code.lower()}", name="Ada P.")
    assert "Ada" in said[-1]
    assert "website" in said[-1]
    said = await people.writes(TELEGRAM, "yes")
    assert "say yes" in said[-1]
    [asked] = await people.sees(WEB)
    assert "Ada P." in asked
    assert "Telegram" in asked
    assert await people.who(TELEGRAM) != web, "nothing is joined before the second yes"
    said = await people.writes(WEB, "yes")
    assert await people.who(TELEGRAM) == web
    for heard in (said, await people.sees(TELEGRAM)):
        assert "now one" in " ".join(heard)
    actions = [row.action for row in await people.store.audited(customer=web)]
    assert "customer.merge" in actions


async def test_what_was_said_on_one_channel_is_known_on_the_other(people: People) -> None:
    """The profile is one, and so is the transcript."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    await join(people, SMS, TELEGRAM)
    assert (await people.writes(TELEGRAM, "what did i note"))[-1] == "You noted a red boat."


async def test_an_open_question_waits_while_one_links(people: People) -> None:
    """ "Continue on Telegram" in the middle of a journey comes back to it."""
    await people.writes(SMS, "keep my mail please")
    said = await people.writes(SMS, "continue on telegram")
    assert "JOIN" in " ".join(said)
    assert "Your e-mail?" in said[-1]


async def test_a_free_text_question_does_not_swallow_it(people: People) -> None:
    """Where any words are an answer, "continue on Telegram" still is none."""
    await people.writes(SMS, "please note something")
    said = await people.writes(SMS, "continue on telegram")
    assert "JOIN" in " ".join(said)
    assert said[-1].endswith("What shall I note?")
    assert (await people.writes(SMS, "a red boat"))[-1] == "Noted: a red boat."


async def test_a_linked_channel_is_moved_to_at_once(people: People) -> None:
    """ "Text me instead": replies go there from now on, and what is open is asked there."""
    await join(people, TELEGRAM, SMS)
    await people.writes(TELEGRAM, "keep my mail please")
    await people.sees(SMS)
    said = await people.writes(TELEGRAM, "text me instead")
    assert said[-1] == "All right, I go on by text message."
    there = await people.sees(SMS)
    assert there[0].startswith("Here I am")
    assert "Your e-mail?" in there[-1]
    assert (await people.writes(SMS, "ada@example.com"))[-1] == "Noted: mail."


async def test_two_channels_at_once_are_one_line(people: People) -> None:
    """Messages on two channels come in order of arrival; the reply goes where they last wrote."""
    await join(people, TELEGRAM, SMS)
    customer = await people.who(SMS)
    before = len(await people.lines(customer))
    letters = [
        Inbound(address=TELEGRAM, message_id="x1", text="please note something"),
        Inbound(address=SMS, message_id="x2", text="a green boat"),
    ]
    await asyncio.gather(*(people.app.core.receive(letter) for letter in letters))
    await people.rest()
    lines = (await people.lines(customer))[before:]
    words = [line.text for line in lines if line.who == "customer"]
    assert words == ["please note something", "a green boat"]
    assert [line.channel for line in lines if line.who == "customer"] == ["telegram", "sms"]
    assert "Noted: a green boat." in " ".join(await people.sees(SMS))
    assert "Noted" not in " ".join(await people.sees(TELEGRAM))


async def test_a_deep_link_brings_the_code_along(people: People) -> None:
    """`/start TOKEN` is the same as the code."""
    said = await people.writes(SMS, "continue on telegram")
    assert "t.me" not in " ".join(said), "a link is no use in a text message that says the code"
    await people.writes(WEB, "hello")
    said = await people.writes(WEB, "continue on telegram")
    customer = await people.who(WEB)
    [token] = re.findall(r"start=([A-Za-z0-9_-]{43})", repr(await people.lines(customer)))
    said = await people.writes(TELEGRAM, "", kind="opened", data={"start": token})
    assert "Is that you" in said[-1]


async def test_unlinking_takes_a_channel_away(people: People) -> None:
    """T20: nothing is sent there any more, nothing of before is read there, codes are void."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    await join(people, SMS, TELEGRAM)
    ada = await people.who(SMS)
    await people.sees(TELEGRAM)
    await people.writes(SMS, "disconnect telegram")
    said = await people.agrees(SMS)
    assert "disconnected" in said[-1]
    assert await people.sees(TELEGRAM) == []
    said = await people.writes(TELEGRAM, "what did i note")
    assert said[-1] == "You noted nothing."
    assert await people.who(TELEGRAM) != ada
    actions = [row.action for row in await people.store.audited(customer=ada)]
    assert "customer.unlink" in actions


async def test_a_link_can_be_undone_for_a_day(people: People) -> None:
    """ "That wasn't me": both get back what was theirs, and both are told."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    ada = await people.who(SMS)
    await join(people, SMS, MALLORY)
    await people.sees(SMS)
    await people.writes(SMS, "that wasn't me")
    await people.agrees(SMS)
    await people.rest()
    assert await people.who(SMS) == ada
    assert await people.who(MALLORY) != ada
    said = await people.writes(MALLORY, "what did i note")
    assert "red boat" not in " ".join(said)
    assert (await people.writes(SMS, "what did i note"))[-1] == "You noted a red boat."


# -- T14: five ways to be there before the victim --------------------------------------------------


async def test_t14a_an_e_mail_set_beforehand_gives_no_access(people: People) -> None:
    """The attacker's profile holds the victim's e-mail; the victim proves it: two stay two."""
    await people.writes(MALLORY, "keep my mail please")
    await people.writes(MALLORY, "ada@example.com")
    attacker = await people.who(MALLORY)
    user = Address("web-user", "shop/ada")
    victim = await people.app.core.create(user, Proof.VERIFIED)
    session = Address("web", "session-of-ada")
    await people.store.add_address(victim, session, Proof.VERIFIED, indexed=False)
    said = Inbound(
        address=session,
        message_id="v1",
        text="please note something",
        proof=Proof.VERIFIED,
        data={"email": "ada@example.com"},
    )
    await people.app.core.receive(said, customer=victim)
    await people.rest()
    assert await people.who(MALLORY) == attacker != victim
    assert "note" not in " ".join(await people.sees(MALLORY))


async def test_t14b_a_session_kept_from_before_is_dead_after_a_link(people: People) -> None:
    """Other web sessions of both sides end with the link; the one that links goes on."""
    await people.writes(WEB, "what did i note")
    victim = await people.who(WEB)
    old = Address("web", "kept-by-the-attacker")
    await people.store.add_address(victim, old, Proof.CHANNEL, indexed=False)
    await join(people, WEB, TELEGRAM)
    customer = await people.who(WEB)
    assert not await people.store.has_address(customer, old)
    assert await people.store.has_address(customer, WEB)


async def test_t14c_what_was_only_claimed_is_dropped_by_a_link(people: People) -> None:
    """An address nobody proved does not stay with a profile that the real owner links."""
    await people.writes(WEB, "what did i note")
    profile = await people.who(WEB)
    await people.store.add_address(profile, MALLORY, Proof.CLAIMED, indexed=False)
    await join(people, WEB, TELEGRAM)
    customer = await people.who(WEB)
    assert not await people.store.has_address(customer, MALLORY)


async def test_t14d_a_code_from_before_a_proof_is_void(people: People) -> None:
    """The attacker asked for a code on the victim's open session, and uses it after the link."""
    code = await offered(people, WEB)
    await join(people, WEB, SMS)
    said = await people.writes(MALLORY, f"JOIN {code}")
    assert "doesn't work" in said[-1]


async def test_t14d_a_code_from_before_a_verification_is_void(begin: Any) -> None:
    """The same for a proof by one-time code."""

    @dialog("enter", examples=["let me enter the house"])
    async def enter(chat: Chat) -> None:
        await chat.verify()

    people: People = await begin(enter, voice=VOICE)
    code = await offered(people, SMS)
    await people.writes(SMS, "let me enter the house")
    await people.writes(SMS, people.code_at(SMS))
    said = await people.writes(MALLORY, f"JOIN {code}")
    assert "doesn't work" in said[-1]


async def test_t14e_an_unproved_e_mail_finds_nobody(people: People) -> None:
    """An e-mail the platform says is somebody's is something known, never a way to find one."""
    await people.writes(SMS, "keep my mail please")
    await people.writes(SMS, "ada@example.com")
    await people.writes(MALLORY, "hello", data={"email": "ada@example.com"})
    assert await people.who(MALLORY) != await people.who(SMS)
    assert (await people.writes(MALLORY, "what did i note"))[-1] == "You noted nothing."


# -- T15, T16, T17 ---------------------------------------------------------------------------------


async def test_t15_a_phished_code_is_stopped_at_the_first_end(people: People) -> None:
    """ "Send this code to the bot": who was shown the code reads who used it, and says no."""
    await people.writes(WEB, "please note something")
    await people.writes(WEB, "a red boat")
    code = await offered(people, WEB)
    await people.writes(MALLORY, f"JOIN {code}", name="Mallory")
    await people.writes(MALLORY, "yes")
    assert "Mallory" in (await people.sees(WEB))[-1]
    said = await people.writes(WEB, "no")
    assert "Nothing was joined" in said[-1]
    assert "said no" in (await people.sees(MALLORY))[-1]
    assert await people.who(MALLORY) != await people.who(WEB)
    assert (await people.writes(MALLORY, "what did i note"))[-1] == "You noted nothing."


async def test_t15_a_third_persons_yes_is_nothing(people: People) -> None:
    """Only the conversation that was shown the code is asked, so nobody else's yes counts."""
    code = await offered(people, WEB)
    await people.writes(TELEGRAM, f"JOIN {code}")
    await people.writes(TELEGRAM, "yes")
    await people.writes(MALLORY, "yes")
    assert await people.who(TELEGRAM) != await people.who(WEB)


async def test_t15_a_yes_from_another_address_is_nothing(people: People) -> None:
    """The yes must come where the code was shown, not from another address of the customer."""
    code = await offered(people, WEB)
    customer = await people.who(WEB)
    await people.store.add_address(customer, SMS, Proof.CHANNEL)
    await people.writes(TELEGRAM, f"JOIN {code}")
    await people.writes(TELEGRAM, "yes")
    said = await people.agrees(SMS)
    assert "nothing was joined" in said[-1]
    assert await people.who(TELEGRAM) != customer


async def test_t15_a_late_yes_is_nothing(people: People) -> None:
    """Ten minutes for each of the two."""
    code = await offered(people, WEB)
    await people.writes(TELEGRAM, f"JOIN {code}")
    await people.writes(TELEGRAM, "yes")
    people.rehearsal.clock.move(timedelta(minutes=10, seconds=1))
    said = await people.writes(WEB, "yes")
    assert "too long" in said[-1]
    assert await people.who(TELEGRAM) != await people.who(WEB)


async def test_t16_a_forwarded_link_shows_nothing(people: People) -> None:
    """Whoever opens it reads nothing of the conversation before the first end has said yes."""
    await people.writes(WEB, "please note something")
    await people.writes(WEB, "a red boat")
    await people.writes(WEB, "continue on telegram")
    customer = await people.who(WEB)
    [token] = re.findall(r"start=([A-Za-z0-9_-]{43})", repr(await people.lines(customer)))
    said = await people.writes(MALLORY, "", kind="opened", name="Mallory", data={"start": token})
    said += await people.writes(MALLORY, "yes")
    said += await people.writes(MALLORY, "what did i note")
    assert "boat" not in " ".join(said)
    assert await people.who(MALLORY) != customer


async def test_t17_a_contact_is_a_claim_and_joins_nobody(people: People) -> None:
    """A phone number from a Telegram contact finds no other customer by itself."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    await people.writes(TELEGRAM, "hello", data={"phone": SMS.id})
    assert await people.who(TELEGRAM) != await people.who(SMS)
    assert (await people.writes(TELEGRAM, "what did i note"))[-1] == "You noted nothing."


# -- T18 -------------------------------------------------------------------------------------------


async def test_t18_a_forged_sms_links_nobody(people: People) -> None:
    """Code and yes come with the victim's number: without the code sent there nothing is joined."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    victim = await people.who(SMS)
    code = await offered(people, MALLORY, "text me instead")
    forged = Address("sms", SMS.id)
    await people.writes(forged, f"JOIN {code}")
    said = await people.writes(forged, "yes")
    assert "six digits" in said[-1], "this reaches the victim's phone, not the forger"
    await people.writes(forged, "000000")
    await people.writes(MALLORY, "yes")
    assert await people.who(SMS) == victim != await people.who(MALLORY)
    assert "boat" not in " ".join(await people.writes(MALLORY, "what did i note"))


async def test_t18_a_forged_yes_is_none_even_from_a_proved_number(people: People) -> None:
    """That the number was proved a while ago says nothing about who wrote just now."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, "a red boat")
    await people.store.raise_proof(await people.who(SMS), SMS, Proof.VERIFIED)
    code = await offered(people, SMS)
    await people.writes(MALLORY, f"JOIN {code}")
    await people.writes(MALLORY, "yes")
    said = await people.writes(SMS, "yes")
    assert "six digits" in said[-1]
    assert await people.who(SMS) != await people.who(MALLORY)


# -- I7 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["the first secret", "quite another one"])
async def test_i7_what_others_see_does_not_depend_on_a_secret(
    people: People, secret: str, request: pytest.FixtureRequest
) -> None:
    """Noninterference: with another secret of Ada's, everybody else sees the same words."""
    await people.writes(SMS, "please note something")
    await people.writes(SMS, secret)
    await join(people, SMS, TELEGRAM)
    seen = await people.writes(MALLORY, "what did i note", name="Mallory")
    code = await offered(people, SMS, "continue on slack")
    slack = Address("slack", "T1/U2")
    seen += await people.writes(slack, f"JOIN {code}")
    seen += await people.writes(slack, "no")
    await people.writes(SMS, "disconnect telegram")
    await people.agrees(SMS)
    seen += await people.writes(TELEGRAM, "what did i note")
    seen += await people.writes(slack, "what did i note")
    told = "\n".join(seen)
    assert secret not in told
    before = _SEEN.setdefault("words", told)
    assert told == before


_SEEN: dict[str, str] = {}


# -- T13 -------------------------------------------------------------------------------------------


async def _signs_in(people: People, earlier: str) -> tuple[str, Address]:
    """Somebody signs in, in a session in which somebody had written before."""
    user, session = Address("web-user", "shop/ada"), Address("web", "signed-in")
    customer = await people.store.owner(user)
    if customer is None:
        customer = await people.app.core.create(user, Proof.VERIFIED)
    await people.store.add_address(customer, session, Proof.VERIFIED, indexed=False)
    letter = Inbound(
        address=session, message_id=f"~{earlier}", kind="earlier", data={"earlier": earlier}
    )
    await people.app.core.receive(letter, customer=customer)
    await people.rest()
    return customer, session


async def _says(people: People, customer: str, session: Address, text: str) -> list[str]:
    before = len(await people.lines(customer))
    said = Inbound(address=session, message_id=f"s{before}", text=text)
    await people.app.core.receive(said, customer=customer)
    await people.rest()
    new = (await people.lines(customer))[before:]
    return [plain(line.message) for line in new if line.message]


async def test_t13_what_was_said_before_signing_in_may_come_along(people: People) -> None:
    """It is offered, never taken: with a yes the two are one, and nothing is asked twice."""
    await people.writes(WEB, "please note something")
    await people.writes(WEB, "a red boat")
    anonymous = await people.who(WEB)
    await people.store.drop_address(anonymous, WEB)
    ada, session = await _signs_in(people, anonymous)
    assert "before that" in plain((await people.lines(ada))[-1].message or Message(body=()))
    said = await _says(people, ada, session, "yes")
    assert said[0] == "It's coming along: we go on from there."
    assert await _says(people, ada, session, "what did i note") == ["You noted a red boat."]


async def test_t13_a_conversation_that_is_somebodys_is_not_offered(people: People) -> None:
    """One that was linked, or brought along before, stays with whom it belongs to."""
    await people.writes(WEB, "please note something")
    await people.writes(WEB, "a red boat")
    anonymous = await people.who(WEB)
    await people.store.add_address(anonymous, TELEGRAM, Proof.CHANNEL)
    await people.store.drop_address(anonymous, WEB)
    ada, session = await _signs_in(people, anonymous)
    assert await people.lines(ada) == []
    assert await _says(people, ada, session, "what did i note") == ["You noted nothing."]
