"""`chat.verify()` and `require=`: who is told what, on which address, after which proof (T18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.identity.conftest import ELSEWHERE, SMS, TELEGRAM, WEB, People, wording

from segue import Chat, DialogError, Proof, Text, dialog
from segue.dialog.hooks import on_code
from segue.types import Address

VOICE = """
{% reply balance(sum) %}
Your balance is {{ sum }} euros.
{% endreply %}
{% reply open_hours() %}
We open at nine.
{% endreply %}
{% reply welcome() %}
You are in.
{% endreply %}
{% reply stay_out() %}
You stay out.
{% endreply %}
{% reply ask_note(sum) %}
With {{ sum }} euros, what would you like to do?
{% endreply %}
{% reply noted(note) %}
Noted: {{ note }}.
{% endreply %}
"""


@dialog("balance", examples=["what is my balance"])
async def balance(chat: Chat) -> None:
    await chat.say("balance", sum=1234, require="verified")


@dialog("hours", examples=["when do you open"])
async def hours(chat: Chat) -> None:
    await chat.say("open_hours")


@dialog("safe", examples=["open my safe please"], require=Proof.VERIFIED)
async def safe(chat: Chat) -> None:
    await chat.say("welcome")
    note = await chat.ask("ask_note", Text, sum=1234)
    await chat.say("noted", note=note)


@dialog("enter", examples=["let me enter the house"])
async def enter(chat: Chat) -> None:
    await chat.say("welcome" if await chat.verify() else "stay_out")


ALL = (balance, hours, safe, enter)


async def test_a_code_comes_back_and_the_address_is_proved(begin: Any) -> None:
    """The code goes to the number they write from; the record says `verified` from then on."""
    people: People = await begin(*ALL, voice=VOICE)
    said = await people.writes(SMS, "let me enter the house")
    assert "six digits" in said[-1]
    assert "…67" in said[-1]
    assert await people.level(SMS) is Proof.CHANNEL
    said = await people.writes(SMS, people.code_at(SMS))
    assert said[-1] == "You are in."
    assert await people.level(SMS) is Proof.VERIFIED
    said = await people.writes(SMS, "let me enter the house")
    assert said == ["You are in."], "what is proved is not asked again"


async def test_no_code_is_ever_in_the_transcript(begin: Any) -> None:
    """The transcript is read on other channels: it shows dots where the message has the digits."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    code = people.code_at(SMS)
    lines = await people.lines(await people.who(SMS))
    assert any(line.reply == "verify/code" for line in lines)
    assert code not in repr(lines)
    snapshot = await people.store.snapshot(await people.who(SMS))
    assert snapshot is not None
    assert code.encode() not in snapshot.state


async def test_wrong_codes_are_limited(begin: Any) -> None:
    """After five wrong ones nothing is looked at any more, and nothing sensitive was said."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    code = people.code_at(SMS)
    wrong = "000000" if code != "000000" else "000001"
    said: list[str] = []
    for _ in range(5):
        said = await people.writes(SMS, wrong)
    assert said[-1] == "You stay out."
    await people.writes(SMS, "let me enter the house")
    said = await people.writes(SMS, people.code_at(SMS))
    assert said[-1] == "You stay out.", "a fresh code is no fresh start for a guesser"
    assert await people.level(SMS) is Proof.CHANNEL


async def test_another_code_may_be_asked_for(begin: Any) -> None:
    """Of two codes the newer works; "never mind" leaves."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    first = people.code_at(SMS)
    await people.writes(SMS, "send me a new code")
    second = people.code_at(SMS)
    assert first != second
    said = await people.writes(SMS, first)
    assert "isn't right" in " ".join(said)
    said = await people.writes(SMS, second)
    assert said[-1] == "You are in."


async def test_calling_it_off_gives_nothing_away(begin: Any) -> None:
    """ "Never mind" ends the journey that needed the proof."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "open my safe please")
    said = await people.writes(SMS, "never mind")
    assert said == ["Cancelled."]
    said = await people.writes(SMS, "never mind")
    assert said == ["There is nothing to cancel."]


async def test_t18_a_forged_sender_gets_public_answers_only(begin: Any) -> None:
    """T18: who writes with somebody's number is told what everybody is told, without the code."""
    people: People = await begin(*ALL, voice=VOICE)
    assert (await people.writes(SMS, "when do you open"))[-1] == "We open at nine."
    for words in ("what is my balance", "open my safe please"):
        said = await people.writes(SMS, words)
        assert "1234" not in " ".join(said)
        assert "digits" in said[-1]
        await people.writes(SMS, "never mind")


async def test_a_sensitive_reply_follows_the_proof(begin: Any) -> None:
    """The engine runs verify first and says the reply then, once."""
    people: People = await begin(*ALL, voice=VOICE)
    said = await people.writes(SMS, "what is my balance")
    assert "1,234" not in " ".join(said)
    said = await people.writes(SMS, people.code_at(SMS))
    assert [line for line in said if "balance" in line] == [said[-1]]


async def test_t18_a_silent_number_proves_nothing(begin: Any) -> None:
    """T18: 46 days without a word, and the same number is asked for a code again."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    await people.writes(SMS, people.code_at(SMS))
    people.rehearsal.clock.move(timedelta(days=44))
    assert (await people.writes(SMS, "let me enter the house"))[-1] == "You are in."
    people.rehearsal.clock.move(timedelta(days=46))
    said = await people.writes(SMS, "what is my balance")
    assert "digits" in said[-1]
    assert "balance" not in " ".join(said)
    await people.rest()
    assert await people.level(SMS) is Proof.CHANNEL, "the record follows"
    said = await people.writes(SMS, people.code_at(SMS))
    assert "balance" in said[-1]


async def test_who_goes_on_from_a_surer_address_needs_no_code(begin: Any) -> None:
    """The gate opens where the host site has signed for the visitor."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "open my safe please")
    customer = await people.who(SMS)
    await people.store.add_address(customer, WEB, Proof.VERIFIED)
    said = await people.writes(WEB, "hello there")
    assert "You are in." in said
    said = await people.writes(SMS, "buy a boat")
    assert "Noted" not in " ".join(said), "and closes again on the weaker one"
    assert "digits" in said[-1]


async def test_a_repeated_reply_needs_the_proof_too(begin: Any) -> None:
    """ "Say that again" on a weaker address does not say it."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "when do you open")
    customer = await people.who(SMS)
    await people.store.add_address(customer, TELEGRAM, Proof.VERIFIED)
    assert "balance" in (await people.writes(TELEGRAM, "what is my balance"))[-1]
    assert "euros" in " ".join(await people.writes(TELEGRAM, "say that again"))
    said = await people.writes(SMS, "say that again")
    assert "euros" not in " ".join(said)
    assert "sure it's you" in said[-1]


async def test_the_code_may_go_where_the_company_says(begin: Any) -> None:
    """`to=`: the number of the order; it becomes theirs if it is nobody's."""

    @dialog("order", examples=["show me my order"])
    async def order(chat: Chat) -> None:
        await chat.say("welcome" if await chat.verify(to=ELSEWHERE.id) else "stay_out")

    people: People = await begin(order, voice=VOICE)
    await people.writes(TELEGRAM, "show me my order")
    said = await people.writes(TELEGRAM, people.code_at(ELSEWHERE))
    assert said[-1] == "You are in."
    assert await people.who(ELSEWHERE) == await people.who(TELEGRAM)
    assert await people.level(TELEGRAM) is Proof.VERIFIED


async def test_a_number_of_somebody_else_stays_theirs(begin: Any) -> None:
    """T14: a number in common joins nobody: not even a code moves it to another customer."""

    @dialog("order", examples=["show me my order"])
    async def order(chat: Chat) -> None:
        await chat.say("welcome" if await chat.verify(to=SMS.id) else "stay_out")

    people: People = await begin(order, hours, voice=VOICE)
    await people.writes(SMS, "when do you open")
    ada = await people.who(SMS)
    await people.writes(TELEGRAM, "show me my order")
    await people.writes(TELEGRAM, people.code_at(SMS))
    assert await people.who(SMS) == ada
    assert await people.who(TELEGRAM) != ada


async def test_who_has_proved_something_names_no_other_number(begin: Any) -> None:
    """Whoever finds an open session cannot prove themselves with a phone of their own."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    await people.writes(SMS, people.code_at(SMS))
    customer = await people.who(SMS)
    await people.store.add_address(customer, TELEGRAM, Proof.CHANNEL)
    said = await people.writes(TELEGRAM, "let me enter the house")
    assert "…67" in said[-1], "the code goes to what is proved, without asking where"


async def test_somebody_new_names_a_number(begin: Any) -> None:
    """Nothing is proved yet: they say where the code goes."""
    people: People = await begin(*ALL, voice=VOICE)
    said = await people.writes(TELEGRAM, "let me enter the house")
    assert "phone number" in said[-1]
    said = await people.writes(TELEGRAM, "what?!")
    said = await people.writes(TELEGRAM, "it's +43 660 7654321")
    assert "couldn't read" in said[-1] or "…21" in said[-1]
    if "…21" not in said[-1]:
        said = await people.writes(TELEGRAM, "+43 660 7654321")
    assert (await people.writes(TELEGRAM, people.code_at(ELSEWHERE)))[-1] == "You are in."


async def test_an_authors_hook_sends_codes_by_e_mail(begin: Any, stage: Any) -> None:
    """`@on_code` is called with the address, the digits and the locale."""
    sent: list[tuple[str, str, str]] = []

    @on_code
    async def by_mail(email: str, code: str, locale: str) -> None:
        sent.append((email, code, locale))

    people: People = await begin(*ALL, voice=VOICE)
    people.app.setup.dialogs.hooks["code"] = by_mail
    await people.writes(TELEGRAM, "let me enter the house")
    said = await people.writes(TELEGRAM, "ada@example.com")
    assert "a…@example.com" in said[-1]
    [(email, code, locale)] = sent
    assert (email, locale) == ("ada@example.com", "en")
    assert (await people.writes(TELEGRAM, code))[-1] == "You are in."


async def test_a_fresh_proof_is_asked_for_also_where_it_is_proved(begin: Any) -> None:
    """`fresh=True`: a code comes back now, once; what is answered later does not ask again."""

    @dialog("pay", examples=["pay the bill please"])
    async def pay(chat: Chat) -> None:
        if not await chat.verify(fresh=True):
            return await chat.say("stay_out")
        note = await chat.ask("ask_note", Text, sum=1)
        return await chat.say("noted", note=note)

    people: People = await begin(pay, *ALL, voice=VOICE)
    await people.writes(SMS, "let me enter the house")
    await people.writes(SMS, people.code_at(SMS))
    assert "digits" in (await people.writes(SMS, "pay the bill please"))[-1]
    assert "what would you like" in (await people.writes(SMS, people.code_at(SMS)))[-1]
    assert (await people.writes(SMS, "a boat"))[-1] == "Noted: a boat."
    await people.writes(SMS, "pay the bill please")
    wrong = "000000" if people.code_at(SMS) != "000000" else "000001"
    said: list[str] = []
    for _ in range(5):
        said = await people.writes(SMS, wrong)
    assert said[-1] == "You stay out."


def test_a_hook_that_cannot_be_called_is_a_mistake() -> None:
    """It is said when the dialogs are loaded, with what to write."""

    async def by_mail(address: str) -> None: ...

    with pytest.raises(DialogError, match=r"async def by_mail\(email, code, locale\)"):
        on_code(by_mail)


def test_a_level_that_is_none_is_a_mistake() -> None:
    """`require=` takes the names of levels."""
    with pytest.raises(DialogError, match="no level of proof"):
        dialog("x", require="certain")(balance.function)  # type: ignore[arg-type]


async def test_a_voice_without_words_for_it_still_tells_nothing(stage: Any) -> None:
    """A bot whose voice lacks the replies of `verify` says how to reach a person instead."""
    people = People(await stage(balance, safe, voice=VOICE))
    for words in ("what is my balance", "open my safe please"):
        said = await people.writes(SMS, words)
        assert "1234" not in " ".join(said)
        assert "person" in said[-1].lower()


async def test_a_turn_speaks_on_another_address(begin: Any) -> None:
    """Said there in that channel's form, with its disclosure, in the one transcript."""
    people: People = await begin(*ALL, voice=VOICE)
    await people.writes(SMS, "when do you open")
    customer = await people.who(SMS)
    speech = _speech(people, customer)
    speech.say("open_hours", address=Address("telegram", "9"))
    assert [row.address.channel for row in speech.rows] == ["telegram"]
    assert [line.channel for line in speech.lines] == ["telegram"]
    assert speech.messages == []
    speech.say("open_hours")
    assert speech.address == SMS
    assert [row.address.channel for row in speech.rows] == ["telegram", "sms"]


@pytest.mark.parametrize("moment", ["step", "stepped", "decide", "committed"])
async def test_a_process_may_die_while_a_code_is_looked_at(stage: Any, moment: str) -> None:
    """The code works once, and the one who brought it is let in, whenever the process died."""
    rehearsal = await stage(enter, voice=wording(VOICE))
    rehearsal.channel = "telegram"
    await rehearsal.say("let me enter the house")
    await rehearsal.say(ELSEWHERE.id)
    people = People(rehearsal)
    code = people.code_at(ELSEWHERE)
    rehearsal.crash_at(moment)
    said = await rehearsal.say(code)
    assert said[-1].text == "You are in."
    assert rehearsal.faults.unmet() == []
    again = await rehearsal.say("let me enter the house")
    assert [one.text for one in again] == ["You are in."]


def _speech(people: People, customer: str) -> Any:
    from segue.engine.speech import Speech
    from segue.engine.state import State

    setup = people.app.setup
    return Speech(
        voice=setup.voice,
        state=State(locale="en"),
        customer=customer,
        address=SMS,
        capabilities=setup.capabilities["sms"],
        at=0,
        channels=setup.capabilities,
    )
