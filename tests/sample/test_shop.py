"""The sample shop keeps its promises: an order stays closed without proof, a deed is done once."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "dialogs" / "_shop"


def _module() -> ModuleType:
    name = "segue_tests_shop"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Any:
    return _module().Shop(tmp_path, clock)


def test_every_kind_of_order_is_there() -> None:
    """There are orders in every state, so that every reply of a journey can be tried."""
    clock = Clock()
    orders = sys.modules[_module().__name__ + ".orders"]
    views = [orders.view(record, clock.now.date()) for record in orders.RECORDS.values()]
    assert len(views) >= 12
    assert {view.state for view in views} == {"packing", "in_transit", "delivered", "collected"}
    assert {view.returns for view in views} == {"open", "too_old", "returned", "not_arrived"}
    assert any(len(view.items) > 1 for view in views)
    for view in views:
        ids = [item.id for item in view.items]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("proof", ["D02 AF30", "d02af30", "ADA@example.com", " ada@example.com "])
def test_postcode_or_email_opens_an_order(shop: Any, proof: str) -> None:
    """Either proof opens it, however it is spelled."""
    found = shop.find_order("a1001", proof, customer="one")
    assert found.order.number == "A1001"


def test_the_email_comes_along_only_if_it_was_the_proof(shop: Any) -> None:
    """Whoever knows only the postcode does not learn the e-mail address."""
    assert shop.find_order("A1001", "D02AF30", customer="one").order.email == ""
    assert shop.find_order("A1001", "ada@example.com", customer="one").order.email


def test_a_wrong_number_looks_like_a_wrong_postcode(shop: Any) -> None:
    """Nothing tells whether an order exists."""
    exists = shop.find_order("A1001", "99999", customer="one")
    does_not = shop.find_order("A9999", "99999", customer="two")
    assert exists == does_not


def test_a_guesser_is_locked_and_the_order_is_not(shop: Any, clock: Clock) -> None:
    """Five wrong tries lock the one who guesses, for an hour; the owner is let in all the while."""
    for number in range(5):
        assert not shop.find_order("A1001", "ada@example.com", customer="guesser").locked
        found = shop.find_order("A1001", f"1000{number}", customer="guesser")
        assert found.order is None
    assert found.locked
    assert shop.find_order("A1001", "D02AF30", customer="guesser").locked
    assert shop.find_order("A1001", "D02AF30", customer="ada").order is not None
    clock.now += timedelta(minutes=59)
    assert shop.find_order("A1001", "D02AF30", customer="guesser").locked
    clock.now += timedelta(minutes=2)
    assert shop.find_order("A1001", "D02AF30", customer="guesser").order is not None


def test_the_same_wrong_try_counts_once(shop: Any) -> None:
    """A step that is executed again after a crash does not use up a try."""
    for _ in range(9):
        assert not shop.find_order("A1001", "99999", customer="one").locked


def test_a_lock_outlives_a_restart(shop: Any, tmp_path: Path, clock: Clock) -> None:
    """Starting the server again does not give a guesser new tries."""
    for number in range(5):
        shop.find_order("A1001", f"2000{number}", customer="guesser")
    again = _module().Shop(tmp_path, clock)
    assert again.find_order("A1001", "D02AF30", customer="guesser").locked


def test_a_label_is_made_once_per_key(shop: Any, tmp_path: Path, clock: Clock) -> None:
    """The same step under the same key gets the same label, also after a restart."""
    one = shop.create_label("A1001", "ridge", "damaged", "a@b.example", idempotency_key="k1")
    again = (
        _module()
        .Shop(tmp_path, clock)
        .create_label("A1001", "ridge", "damaged", "a@b.example", idempotency_key="k1")
    )
    other = shop.create_label("A1001", "ridge", "damaged", "a@b.example", idempotency_key="k2")
    assert one == again
    assert other.code != one.code
    assert (tmp_path / "shop.jsonl").read_text().count('"what": "label"') == 2


def test_many_at_once_make_one_label(shop: Any, tmp_path: Path) -> None:
    """Threads that do the same deed at the same time write it once."""
    with ThreadPoolExecutor(8) as pool:
        codes = {
            label.code
            for label in pool.map(
                lambda _: shop.create_label(
                    "A1001", "ridge", "x", "y@z.example", idempotency_key="k"
                ),
                range(40),
            )
        }
    assert len(codes) == 1
    assert (tmp_path / "shop.jsonl").read_text().count("\n") == 1


def test_half_a_line_is_no_deed(shop: Any, tmp_path: Path, clock: Clock) -> None:
    """A process that died while writing leaves a book that can be read and written on."""
    shop.create_label("A1001", "ridge", "x", "y@z.example", idempotency_key="k1")
    with (tmp_path / "shop.jsonl").open("a") as file:
        file.write('{"what": "label", "key": "label/k2", "co')
    again = _module().Shop(tmp_path, clock)
    again.create_label("A1001", "ridge", "x", "y@z.example", idempotency_key="k3")
    lines = (tmp_path / "shop.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert all(line.endswith("}") for line in lines)


def test_an_address_changes_only_before_it_leaves(shop: Any) -> None:
    """What is packed can be sent elsewhere, and stays so; what has left cannot."""
    assert shop.change_address("A1006", "1 New Street, Cork", idempotency_key="k1")
    moved = shop.find_order("A1006", "ada@example.com", customer="ada").order
    assert moved.address == "1 New Street, Cork"
    assert shop.change_address("A1006", "2 Newer Street, Cork", idempotency_key="k2")
    assert shop.change_address("A1006", "1 New Street, Cork", idempotency_key="k1")
    moved = shop.find_order("A1006", "ada@example.com", customer="ada").order
    assert moved.address == "2 Newer Street, Cork"
    assert not shop.change_address("A1002", "1 New Street, Cork", idempotency_key="k3")


def test_what_the_demo_suggests_works(shop: Any) -> None:
    """Every order on the demo's card can be opened with what the card says."""
    suggestions = _module().things_to_try()
    assert len(suggestions) >= 3
    for suggestion in suggestions:
        for proof in (suggestion["postcode"], suggestion["email"]):
            found = shop.find_order(suggestion["order"], proof, customer="visitor")
            assert found.order is not None
