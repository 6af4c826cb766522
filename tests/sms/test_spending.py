"""What codes and first words may cost: caps, a breaker, countries, and a store that is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from segue.channel import Reason
from segue.errors import StoreUnavailable
from segue.memory import Store
from segue.spending import Caps, Spending, judged
from segue.testing.clock import FakeClock
from segue.types import Address, Purpose

ADA = Address("sms", "+436601234567")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 2, 10, tzinfo=UTC))


def number(place: int, stem: str = "+43660123") -> Address:
    return Address("sms", f"{stem}{place:04d}")


async def test_three_to_one_number_in_ten_minutes(store: Store, clock: FakeClock) -> None:
    """The fourth is held back; ten minutes after the first it goes again."""
    spending = Spending(store, Caps(), clock)
    for _ in range(3):
        assert await spending.may_send(ADA, Purpose.CODE) is None
    assert await spending.may_send(ADA, Purpose.CODE) is Reason.SPENT
    assert await spending.may_send(ADA, Purpose.PROACTIVE) is Reason.SPENT
    assert await spending.may_send(number(1), Purpose.CODE) is None
    clock.move(timedelta(minutes=10, seconds=1))
    assert await spending.may_send(ADA, Purpose.CODE) is None


async def test_ten_thousand_numbers_of_one_prefix(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Pumping: what is spent stays under the breaker's few, all day, and somebody is told once."""
    spending = Spending(store, Caps(breaker_after=20, per_prefix=30), clock)
    sent = 0
    for place in range(0, 10_000, 10):
        sent += await spending.may_send(number(place), Purpose.CODE) is None
        clock.move(timedelta(seconds=10))
    assert sent <= 20
    alerts = [r for r in caplog.records if r.message == "spending_held"]
    assert 1 <= len(alerts) < 1000
    assert not any("660" in str(r.__dict__.get("segue")) for r in alerts), "no phone number"
    # Other prefixes of the country go on, until the country's own breaker.
    elsewhere = [
        await spending.may_send(number(place, f"+4366{place % 90 + 10}77"), Purpose.CODE)
        for place in range(200)
    ]
    assert elsewhere.count(None) + sent <= 100 + 1


async def test_codes_that_come_back_keep_the_way_open(store: Store, clock: FakeClock) -> None:
    """Where people prove themselves, the breaker stays out of the way."""
    spending = Spending(store, Caps(breaker_after=10), clock)
    for place in range(60):
        assert await spending.may_send(number(place), Purpose.CODE) is None, place
        if place % 2:
            await spending.converted(number(place))
        clock.move(timedelta(minutes=1))


async def test_the_days_cap_holds_for_everybody(store: Store, clock: FakeClock) -> None:
    """Codes and first words together; the next day begins anew."""
    spending = Spending(store, Caps(per_day=5, breaker_after=1000), clock)
    stems = [f"+4366{place}0000" for place in range(10, 20)]
    purposes = [Purpose.CODE, Purpose.PROACTIVE] * 5
    answers = [
        await spending.may_send(number(1, stem), purpose)
        for stem, purpose in zip(stems, purposes, strict=True)
    ]
    assert answers == [None] * 5 + [Reason.SPENT] * 5
    assert spending.counts["code", "day"] + spending.counts["proactive", "day"] == 5
    clock.move(timedelta(days=1))
    assert await spending.may_send(ADA, Purpose.CODE) is None


@pytest.mark.parametrize("purpose", [Purpose.ANSWER, Purpose.NOTICE])
async def test_answers_are_never_held_back(
    store: Store, clock: FakeClock, purpose: Purpose
) -> None:
    """A conversation under way is not cut off, whatever was spent."""
    spending = Spending(store, Caps(per_day=0), clock)
    assert await spending.may_send(ADA, purpose) is None
    assert await spending.may_send(Address("telegram", "7"), Purpose.PROACTIVE) is None
    assert await spending.may_send(ADA, Purpose.CODE) is Reason.SPENT


async def test_it_fails_closed(store: Store, clock: FakeClock, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Without the store nothing that costs goes out; a code that came back is no error."""

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store.server, "run", away)
    spending = Spending(store, Caps(), clock)
    assert await spending.may_send(ADA, Purpose.CODE) is Reason.SPENT
    assert await spending.may_send(ADA, Purpose.ANSWER) is None
    await spending.converted(ADA)


@pytest.mark.parametrize(
    ("number", "countries", "found"),
    [
        ("+436601234567", (), ("AT", "")),
        ("+436601234567", ("AT", "DE"), ("AT", "")),
        ("+436601234567", ("DE",), ("AT", "country")),
        ("+43900123456", (), ("AT", "premium")),
        ("+19005550123", (), ("US", "premium")),
        ("+449098790000", (), ("GB", "premium")),
        ("not a number", (), ("", "no_number")),
        ("+1", (), ("", "no_number")),
    ],
)
def test_which_numbers_may_cost(
    number: str, countries: tuple[str, ...], found: tuple[str, str]
) -> None:
    """Allowed countries only, and never a number that costs more than a call."""
    assert judged(number, frozenset(countries)) == found


async def test_counts_end_by_themselves(
    store: Store, clock: FakeClock, store_prefix: str, valkey
) -> None:  # type: ignore[no-untyped-def]
    """Every key has an expiry, and none shows a number."""
    import redis

    spending = Spending(store, Caps(), clock)
    await spending.may_send(ADA, Purpose.CODE)
    await spending.converted(ADA)
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        keys = list(client.scan_iter(match=f"{store_prefix}{{spend}}*"))
        assert len(keys) == 4
        assert all(0 < client.ttl(key) <= 86_400 for key in keys)
        assert not any(b"660" in key and b"1234567" in key for key in keys)
