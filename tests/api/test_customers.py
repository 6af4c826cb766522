"""`/api/customers`: what the company knows comes in, what is known here goes out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from segue.types import Address, Inbound, Line, Proof, Who

from .conftest import PHONE, Company

SMS = Address("sms", PHONE)
PAGE = Address("web-user", "/shop-17")


async def tell(company: Company, who: str = "shop-17", **body: Any) -> str:
    """Tell it, and let it be taken in."""
    status, said = await company.call("POST", f"/api/customers/{who}", body)
    assert status == 202, said
    company.bot.customer = said["customer"]
    await company.bot.settle()
    customer: str = said["customer"]
    return customer


async def show(company: Company, who: str = "shop-17") -> dict[str, Any]:
    status, said = await company.call("GET", f"/api/customers/{who}")
    assert status == 200, said
    return said


async def test_facts_are_known_with_their_source(company: Company) -> None:
    """A customer whom only the company knows is made; facts carry where they are from."""
    await tell(company, facts={"vip": True, "size": 42}, name="Ada", locale="en")
    known = await show(company)
    assert (known["name"], known["locale"]) == ("Ada", "en")
    assert known["profile"]["size"]["value"] == 42
    assert known["profile"]["vip"]["source"] == "company"
    assert known["channels"] == []


async def test_who_signs_in_on_the_page_is_the_same_customer(company: Company) -> None:
    """The company's own id is the `sub` of its tokens: one address stands for both."""
    customer = await tell(company, facts={"vip": True})
    assert await company.store.owner(PAGE) == customer
    await company.store.add_address(customer, Address("web", "w1"), Proof.VERIFIED)
    known = await show(company)
    assert known["channels"] == [{"channel": "web", "proof": "verified", "opted_out": False}]


async def test_what_the_customer_said_stays(company: Company) -> None:
    """The company fills what is not known; only a correction replaces the customer's word."""
    customer = await tell(company, facts={"vip": True})
    await company.store.add_address(customer, SMS, Proof.CHANNEL)
    for number, text in enumerate(("send it back", "A1001")):
        inbound = Inbound(address=SMS, message_id=f"m{number}", text=text)
        await company.bot.app.core.receive(inbound, customer=customer)
        await company.bot.settle()
    assert (await show(company))["profile"]["order"]["source"] == "send_back"
    await tell(company, facts={"order": "B2000"})
    assert (await show(company))["profile"]["order"]["value"] == "A1001"
    await tell(company, facts={"order": "B2000"}, correct=["order"])
    order = (await show(company))["profile"]["order"]
    assert (order["value"], order["source"]) == ("B2000", "company")
    await tell(company, facts={"order": None})
    assert "order" not in (await show(company))["profile"]


async def test_an_older_word_does_not_replace_a_newer_one(company: Company) -> None:
    """Requests that overtake each other end as their times say."""
    await tell(company, facts={"size": 42}, at="2026-05-04T08:00:00Z")
    await tell(company, facts={"size": 41}, at="2026-05-04T07:00:00Z")
    assert (await show(company))["profile"]["size"]["value"] == 42


async def test_no_phone_number_and_no_word_of_theirs_goes_out(company: Company) -> None:
    """What is read has channels and facts, neither addresses nor the transcript."""
    customer = await company.customer(SMS)
    inbound = Inbound(address=SMS, message_id="m1", text="canary words")
    await company.bot.app.core.receive(inbound, customer=customer)
    await company.bot.settle()
    known = str(await show(company, f"segue:{customer}"))
    assert PHONE not in known
    assert "canary" not in known
    status, said = await company.call("GET", f"/api/customers/sms:{PHONE}")
    assert (status, said["code"]) == (422, "address_in_path")


async def test_a_phone_call_joins_the_one_transcript(company: Company) -> None:
    """What was wanted and promised stands between the messages; the bot does not ask again."""
    customer = await company.customer(SMS)
    body = {
        "channel": "phone",
        "at": "2026-05-04T08:30:00Z",
        "wanted": "Wants to send A1001 back, card 4111 1111 1111 1111.",
        "promised": "We pay for the parcel.",
        "by": "Bea",
        "facts": {"order": "A1001"},
    }
    path = f"/api/customers/segue:{customer}/touchpoints"
    first = await company.call("POST", path, body, once="call-1")
    assert first[0] == 202
    assert await company.call("POST", path, body, once="call-1") == first
    assert await company.heard() == [], "nothing is said to them because of it"
    lines = [
        msgspec.msgpack.decode(line, type=Line)
        for _, line in (await company.store.lines(customer))[0]
    ]
    assert [(line.who, line.channel) for line in lines] == [
        (Who.SYSTEM, "phone"),
        (Who.AGENT, "phone"),
    ]
    assert lines[1].text == "We pay for the parcel."
    assert "4111" not in lines[0].text, "what is masked in messages is masked here"
    known = (await show(company, f"segue:{customer}"))["profile"]
    assert known["last_contact"]["value"]["by"] == "Bea"
    await company.bot.app.core.receive(
        Inbound(address=SMS, message_id="m1", text="send it back"), customer=customer
    )
    assert await company.heard() == ["A1001 comes back."]


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "phone", "at": "2026-05-04T08:30:00Z"},
        {"channel": "pigeon", "at": "2026-05-04T08:30:00Z", "summary": "x"},
        {"channel": "phone", "at": "yesterday", "summary": "x"},
        {"channel": "phone", "at": "2036-05-04T08:30:00Z", "summary": "x"},
        {"channel": "phone", "at": "0001-01-01T00:00:00Z", "summary": "x"},
        {"channel": "phone", "at": "2026-05-04T08:30:00Z", "summary": "x" * 2001},
        {"channel": "phone", "at": "2026-05-04T08:30:00Z", "facts": {"Bad Name": 1}},
    ],
)
async def test_a_touchpoint_that_says_nothing_is_refused(
    company: Company, body: dict[str, Any]
) -> None:
    """An empty one, one of another kind, one at no time that was."""
    status, said = await company.call("POST", "/api/customers/shop-17/touchpoints", body)
    assert status == 422
    assert said["error"].endswith(".")


async def test_an_id_from_before_a_link_still_leads_to_the_customer(company: Company) -> None:
    """Systems keep the ids that they were given; who was joined is found by either."""
    one = await tell(company, facts={"vip": True})
    other = await company.bot.app.core.create(SMS, Proof.CHANNEL)
    merged = await company.bot.app.room.merging.merge(one, other, actor="cli")
    assert merged
    await company.bot.settle()
    assert (await show(company, f"segue:{other}"))["customer"] == one
    assert (await company.start(f"segue:{other}"))[1]["customer"] == one
    assert await company.heard() == ["Your order A1001 is on its way, 2 days."]


@pytest.mark.parametrize("who", ["a%2Fb", "%C3%A4", "a:b", "a%20b", "x" * 255, "*", "%7Bx%7D"])
async def test_every_id_is_its_own_customer(company: Company, who: str) -> None:
    """T44: whatever stands in an id, it is nobody else's."""
    one = await tell(company, who, facts={"mark": who})
    assert await tell(company, "shop-17", facts={"mark": "other"}) != one
    assert (await show(company, who))["profile"]["mark"]["value"] == who


async def test_a_merge_of_two_systems_races_to_one_customer(company: Company) -> None:
    """Two first words about one id at once make one customer."""
    import asyncio

    answers = await asyncio.gather(
        *(company.call("POST", "/api/customers/new", {"facts": {f"f{n}": n}}) for n in range(6))
    )
    assert len({said["customer"] for _, said in answers}) == 1
    company.bot.customer = answers[0][1]["customer"]
    await company.bot.settle()
    assert sorted((await show(company, "new"))["profile"]) == [f"f{n}" for n in range(6)]
