"""Link codes and one-time codes: what they look like, and what guessing them is worth (T15)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.identity import codes as module
from segue.identity.codes import (
    ALPHABET,
    Codes,
    Issued,
    LinkOffer,
    Locked,
    Wrong,
    read_code,
    read_digits,
    read_token,
    short_code,
    shown,
    six_digits,
)
from segue.memory import Store
from segue.memory.codes import Moved, Right, Stuck
from segue.ports import SystemIds
from segue.testing import FakeClock
from segue.types import Address

TEN = timedelta(minutes=10)
WEB, PHONE = Address("web", "w1"), Address("telegram", "42")
OFFER = LinkOffer(customer="a" * 22, address=WEB, name="Ada", to="telegram")
SMS = Address("sms", "+436601234567")


class Bench(Codes):
    """Codes with a clock of their own."""

    clock: FakeClock


@pytest.fixture
async def bench(open_a_store: Callable[..., Any]) -> Bench:
    clock = FakeClock()
    store: Store = await open_a_store(clock=clock)
    made = Bench(store, SystemIds(), link=TEN, once=TEN)
    made.clock = clock
    return made


async def offered(bench: Codes, operation: str = "o1", offer: LinkOffer = OFFER) -> Issued:
    issued = await bench.offer_link(offer, operation)
    assert issued is not None
    return issued


# -- how they look ---------------------------------------------------------------------------------


@given(st.text(st.sampled_from("abcXYZ019_-"), min_size=43, max_size=43))
def test_a_short_code_is_forty_bits_that_can_be_read_aloud(secret: str) -> None:
    """Eight signs of 32: however they are typed back, it is the same code."""
    code = short_code(secret)
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    for typed in (code, shown(code), code.lower(), f" {shown(code).lower()} ", " ".join(code)):
        assert read_code(typed) == code
    assert read_code(code.replace("0", "o").replace("1", "l")) == code


@given(st.text(max_size=80))
def test_whatever_is_written_is_a_code_or_none(text: str) -> None:
    """Reading never fails, and gives what can be looked up or nothing."""
    code, digits = read_code(text), read_digits(text)
    assert code is None or (len(code) == 8 and set(code) <= set(ALPHABET))
    assert digits is None or (len(digits) == 6 and digits.isascii() and digits.isdigit())


def test_a_token_fits_into_a_deep_link() -> None:
    """At most 64 signs of `[A-Za-z0-9_-]`, which is what Telegram passes on."""
    token = SystemIds().secret()
    assert len(token) <= 64
    assert read_token(token) == token
    assert read_token(token + "!") is None
    assert read_token("start") is None


def test_six_digits_are_spread_evenly() -> None:
    """Every digit comes at every place; leading zeros stay."""
    codes = [six_digits(f"secret {number}") for number in range(2000)]
    assert all(len(code) == 6 for code in codes)
    for place in range(6):
        assert {code[place] for code in codes} == set("0123456789")


# -- T15 -------------------------------------------------------------------------------------------


async def test_a_link_code_names_whose_it_is(bench: Bench) -> None:
    """Code and token lead to the same link, on the channel it was made for."""
    issued = await offered(bench)
    assert await bench.use_link(shown(issued.code).lower(), PHONE, "u1") == (issued.link, OFFER)
    other = await offered(bench, "o2")
    assert await bench.use_link(other.token, PHONE, "u2") == (other.link, OFFER)


async def test_a_code_works_once(bench: Bench) -> None:
    """T15: reuse fails; the same operation, whose answer was lost, gets its answer again."""
    issued = await offered(bench)
    first = await bench.use_link(issued.code, PHONE, "u1")
    assert await bench.use_link(issued.code, PHONE, "u1") == first
    assert await bench.use_link(issued.code, PHONE, "u2") == Wrong()
    assert await bench.use_link(issued.token, PHONE, "u3") == Wrong()


async def test_a_code_ends_on_the_second(bench: Bench) -> None:
    """T15: it works a second before its end, and not a second after."""
    for early, right in ((1, True), (-1, False)):
        issued = await offered(bench, f"o{early}")
        bench.clock.move(TEN - timedelta(seconds=early))
        found = await bench.use_link(issued.code, PHONE, f"u{early}")
        assert (found == (issued.link, OFFER)) is right
        code = await bench.issue_once("a" * 22, SMS, f"i{early}")
        assert code is not None
        bench.clock.move(TEN - timedelta(seconds=early))
        found_once = await bench.use_once("a" * 22, SMS, code, f"s{early}")
        assert isinstance(found_once, Right) is right


async def test_two_racers_with_one_code_are_one_winner(bench: Bench) -> None:
    """T15: whoever brings it, at whatever moment, exactly one has it."""
    issued = await offered(bench)
    racers = [
        bench.use_link(issued.code, Address("telegram", str(number)), f"u{number}")
        for number in range(20)
    ]
    answers = await asyncio.gather(*racers)
    assert sum(not isinstance(answer, Wrong) for answer in answers) == 1


async def test_a_code_is_for_one_kind_of_channel(bench: Bench) -> None:
    """T15: a code shown for Telegram is nothing on SMS."""
    issued = await offered(bench)
    assert await bench.use_link(issued.code, SMS, "u1") == Wrong()
    assert await bench.use_link(issued.token, Address("web", "w2"), "u2") == Wrong()


async def test_a_code_of_another_installation_is_nothing(
    bench: Bench, open_a_store: Callable[..., Any], store_prefix: str
) -> None:
    """T15: two installations on one server, told apart by their prefix, do not share codes."""
    issued = await offered(bench)
    elsewhere = await open_a_store(prefix=f"{store_prefix}other:", clock=bench.clock)
    other = Codes(elsewhere, SystemIds(), link=TEN, once=TEN)
    assert await other.use_link(issued.code, PHONE, "u1") == Wrong()
    assert await bench.use_link(issued.code, PHONE, "u2") == (issued.link, OFFER)


async def test_the_newest_code_is_the_only_one(bench: Bench) -> None:
    """A new code makes the one before worthless; revoking makes all worthless."""
    first, second = await offered(bench, "o1"), await offered(bench, "o2")
    assert await bench.use_link(first.code, PHONE, "u1") == Wrong()
    await bench.revoke(OFFER.customer)
    assert await bench.use_link(second.code, PHONE, "u2") == Wrong()


async def test_a_used_code_that_was_taken_back_is_not_confirmed(bench: Bench) -> None:
    """T14 (d): what was begun before a proof cannot be ended after it."""
    issued = await offered(bench)
    await bench.use_link(issued.code, PHONE, "u1")
    store = bench._store
    await bench.revoke(OFFER.customer)
    stuck = await store.step_code(issued.link, operation="s", at="used", to="asked", life=TEN)
    assert stuck == Stuck("taken back")


async def test_a_used_code_goes_its_steps_once(bench: Bench) -> None:
    """Used, asked, accepted: each once, each in time, in this order, repeatable by operation."""
    issued = await offered(bench)
    await bench.use_link(issued.code, PHONE, "u1")
    step = bench._store.step_code
    early = await step(issued.link, operation="x", at="asked", to="accepted", life=TEN)
    assert early == Stuck("used")
    for _ in range(2):
        moved = await step(issued.link, operation="a", at="used", to="asked", by=b"ben", life=TEN)
        assert isinstance(moved, Moved)
    assert moved.by == b"ben"
    again = await step(issued.link, operation="b", at="used", to="refused", life=TEN)
    assert again == Stuck("asked")
    bench.clock.move(TEN + timedelta(seconds=1))
    late = await step(issued.link, operation="c", at="asked", to="accepted", life=TEN)
    assert late == Stuck("late")


@pytest.mark.parametrize("rate", [10, 1000])
async def test_a_million_guesses_at_link_codes_find_nothing(bench: Bench, rate: int) -> None:
    """T15: of 10⁶ guesses, however spread, so few are looked at that success stays under 10⁻⁵."""
    looked_at = await _guess(bench, rate, lambda n: bench.use_link(_guessed(n), _caller(n), f"{n}"))
    alive = 100  # Codes that work at one moment: a busy installation.
    assert looked_at * alive / 2**40 < 1e-5
    assert isinstance(await bench.use_link("AAAA-AAAA", PHONE, "last"), Locked)


async def test_a_million_guesses_at_one_destination_find_nothing(bench: Bench) -> None:
    """T15: new codes are no new guesses: after five wrong ones a destination is closed a day."""
    looked_at = 0
    customer = "a" * 22
    for number in range(8):
        await bench.issue_once(customer, SMS, f"i{number}")
        for guess in range(6):
            found = await bench.use_once(customer, SMS, "000000", f"g{number}.{guess}")
            assert not isinstance(found, Right)
            looked_at += isinstance(found, Wrong)
        bench.clock.move(TEN)
    assert looked_at == module.WRONG_ONCE.most
    assert looked_at / 10**6 < 1e-5


async def test_the_right_code_is_not_looked_at_when_locked(bench: Bench) -> None:
    """Over the limit even the right one gets the same answer: it says nothing about the code."""
    code = await bench.issue_once("a" * 22, SMS, "i")
    assert code is not None
    for number in range(module.TRIES):
        assert await bench.use_once("a" * 22, SMS, "99999", f"w{number}") == Wrong()
    assert await bench.use_once("a" * 22, SMS, code, "right") == Locked()


async def test_only_so_many_codes_are_sent(bench: Bench) -> None:
    """Three in ten minutes to one destination; the repeated operation is not another one."""
    sent = [await bench.issue_once("a" * 22, SMS, f"i{number}") for number in (1, 2, 2, 3, 4)]
    assert [code is not None for code in sent] == [True, True, True, True, False]
    bench.clock.move(TEN + timedelta(seconds=1))
    assert await bench.issue_once("b" * 22, SMS, "i5") is not None


async def test_a_code_made_again_by_the_same_step_works(bench: Bench) -> None:
    """A process died after making a code: the step that runs again makes one that works."""
    await bench.issue_once("a" * 22, SMS, "step")
    code = await bench.issue_once("a" * 22, SMS, "step")
    assert code is not None
    assert isinstance(await bench.use_once("a" * 22, SMS, code, "u"), Right)


async def test_a_code_proves_a_destination_to_one_customer(bench: Bench) -> None:
    """The digits sent for Ada are nothing for Ben, nor for another number of hers."""
    code = await bench.issue_once("a" * 22, SMS, "i")
    assert code is not None
    assert await bench.use_once("b" * 22, SMS, code, "u1") == Wrong()
    assert await bench.use_once("a" * 22, Address("sms", "+4366"), code, "u2") == Wrong()
    assert isinstance(await bench.use_once("a" * 22, SMS, code, "u3"), Right)


async def test_nothing_in_the_store_shows_a_code(bench: Bench, valkey: Any) -> None:
    """Neither keys nor values hold a code, a token or a phone number."""
    import redis

    issued = await offered(bench)
    code = await bench.issue_once("a" * 22, SMS, "i")
    await bench.use_once("a" * 22, SMS, "123123", "u")
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        kept = b"".join(
            key + (client.dump(key) or b"")
            for key in client.scan_iter(match=f"{bench._store.keys.prefix.decode()}*")
        )
    for secret in (issued.code, issued.token, code, SMS.id):
        assert secret is not None
        assert secret.encode() not in kept


def _guessed(number: int) -> str:
    return short_code(f"guess {number}")


def _caller(number: int) -> Address:
    return Address("telegram", str(number // 4))


async def _guess(bench: Bench, rate: int, guess: Callable[[int], Any]) -> int:
    """Make 10⁶ guesses at a rate; while all is locked, only the clock moves. Count the others."""
    made = looked_at = 0
    while made < 1_000_000:
        found = await guess(made)
        made += 1
        looked_at += isinstance(found, Wrong)
        assert not isinstance(found, tuple)
        if isinstance(found, Locked):
            # Nothing is looked at until the window is over: all of these are as good as not made.
            made += int(module.WRONG_ALL.within.total_seconds() * rate)
            bench.clock.move(module.WRONG_ALL.within)
        else:
            bench.clock.move(1 / rate)
    for number in range(module.WRONG_ALL.most):
        await guess(made + number)
    return looked_at
