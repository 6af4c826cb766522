"""`segue customer link|unlink|undo|export|erase`, as an operator meets them."""

from __future__ import annotations

import asyncio
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from segue.cli import segue
from segue.engine.state import Fact, State, encode
from segue.memory import Commit, Granted, open_store
from segue.types import Address, CustomerId, Inbound, Proof

ADA, BEN = "ada".ljust(22, "x"), "ben".ljust(22, "x")
PHONE, APP = Address("sms", "+43660123456"), Address("telegram", "12345")


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command beside an embedded store that knows Ada by SMS and Ben on Telegram."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEGUE_CONFIG", "SEGUE__STORE__URL"):
        monkeypatch.delenv(name, raising=False)
    asyncio.run(remember(tmp_path))

    def run(*arguments: str, typed: str = "") -> Result:
        done = CliRunner().invoke(segue, ["customer", *arguments], input=typed)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.output)

    return run


async def remember(folder: Path) -> None:
    async with await open_store("embedded:", data_dir=folder / ".segue") as store:
        for customer, address in ((ADA, PHONE), (BEN, APP)):
            await store.create(customer, address, Proof.CHANNEL)
            granted = await store.admit(
                customer, Inbound(address=address, message_id="m1", text="hello")
            )
            assert isinstance(granted, Granted)
            fact = Fact("ada@example.com", 1_800_000_000_000, address.channel, "return_item")
            state = State(turn=1, address=address, profile={"email": fact})
            await store.commit(granted.lease, Commit(state=encode(state), ack=granted.number))


def owner(folder: Path, address: Address) -> CustomerId | None:
    async def ask() -> CustomerId | None:
        async with await open_store("embedded:", data_dir=folder / ".segue") as store:
            return await store.owner(address)

    return asyncio.run(ask())


def test_linking_and_undoing(cli: Cli, tmp_path: Path) -> None:
    """By id or address; it asks first, says who they are now, and how to undo it."""
    assert cli("link", ADA, "telegram:12345", typed="n\n").code == 1
    assert owner(tmp_path, APP) == BEN
    linked = cli("link", ADA, "telegram:12345", typed="y\n")
    assert linked.code == 0, linked.out
    assert f"They are one customer now: {ADA}." in linked.out
    assert owner(tmp_path, APP) == ADA
    again = cli("link", BEN, ADA, "--yes")
    assert again.out == f"They are one customer already: {ADA}.\n"
    merge = re.search(r"customer undo (\S+)", linked.out)
    assert merge
    undone = cli("undo", merge[1], "--yes")
    assert undone.out == f"They are two again: {ADA} and {BEN}.\n"
    assert owner(tmp_path, APP) == BEN
    late = cli("undo", merge[1], "--yes")
    assert late.code == 1
    assert "too late" in late.out


def test_taking_an_address_away(cli: Cli, tmp_path: Path) -> None:
    """It is a new customer's; what is none of theirs is said to be so."""
    assert "is no address; write it like" in cli("unlink", ADA, "nonsense").out
    assert "none of this customer's addresses" in cli("unlink", ADA, "sms:+1", "--yes").out
    done = cli("unlink", ADA, "sms:+43660123456", "--yes")
    assert done.code == 0, done.out
    assert owner(tmp_path, PHONE) not in (None, ADA)


def test_an_export_is_one_file_for_one_reader(cli: Cli, tmp_path: Path) -> None:
    """Nobody else on the machine may read it, and no file is written over."""
    done = cli("export", "sms:+43660123456", "--out", "ada.zip")
    assert done.out == "Written to ada.zip.\n"
    file = tmp_path / "ada.zip"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        assert b"ada@example.com" in archive.read("profile.json")
    again = cli("export", ADA, "--out", "ada.zip")
    assert again.code == 1
    assert "there is a file ada.zip already" in again.out


def test_erasing_wants_the_id_typed(cli: Cli, tmp_path: Path) -> None:
    """A wrong one erases nothing; afterwards there is no such customer."""
    wrong = cli("erase", ADA, typed="yes\n")
    assert wrong.code == 1
    assert "nothing was erased" in wrong.out
    assert owner(tmp_path, PHONE) == ADA
    assert "Erased." in cli("erase", ADA, typed=f"{ADA}\n").out
    assert owner(tmp_path, PHONE) is None
    gone = cli("erase", ADA, "--yes")
    assert gone.code == 1
    assert f"there is no customer {ADA}" in gone.out


@pytest.mark.parametrize("command", [("link", "nobody", ADA), ("export", "sms:+1"), ("erase", "x")])
def test_nobody_of_that_name(cli: Cli, command: tuple[str, ...]) -> None:
    """One sentence that says how to name one."""
    result = cli(*command)
    assert result.code == 1
    assert "there is no customer" in result.out
    assert "an address is CHANNEL:ADDRESS" in result.out
