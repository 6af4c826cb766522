"""docs/api.md is true: its requests are made, its tables name what is there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, get_type_hints

import click
import pytest

import segue.api
from segue.api.events import TYPES
from segue.api.scopes import SCOPES
from segue.api.signing import sign
from segue.cli.api_key import add as add_key
from segue.cli.webhooks import add as add_webhook
from segue.dialog import Dialog, Registry
from segue.engine.outreach import Dropped
from segue.server import Gate, Metrics, Server, make_app
from segue.testing import Rehearsal
from segue.types import Address, Proof

from .conftest import ALL, PHONE

PAGE = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def first_cells(column: str) -> set[str]:
    """Return the names in the first cells of the table that begins with this column."""
    table = PAGE.split(f"| {column} |", 1)[1].split("\n\n", 1)[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def fits(said: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows; `…` stands for anything."""
    if shown == "…":
        return True
    if isinstance(shown, dict):
        return (
            isinstance(said, dict)
            and said.keys() == shown.keys()
            and all(fits(said[name], each) for name, each in shown.items())
        )
    if isinstance(shown, list):
        return len(said) == len(shown) and all(map(fits, said, shown))
    return bool(said == shown)


async def test_its_requests_answer_as_shown(stage: Any) -> None:
    """Every curl is run as it stands, by a shell, in the order of the page."""
    names: dict[str, Any] = {}
    exec(next(code for code in blocks("python") if "@dialog" in code), names)
    found = [value for value in names.values() if isinstance(value, Dialog)]
    bot: Rehearsal = await stage(*found, voice=blocks("jinja")[0])
    bot.channel = "sms"
    app = bot.app
    token = "segue_" + "k" * 43
    await app.store.add_api_key("shop", ALL, token)
    bot.customer = await app.store.create(
        app.ids.new(), app.door.external("shop-17"), Proof.VERIFIED
    )
    await app.store.add_address(bot.customer, Address("sms", PHONE), Proof.VERIFIED)
    server = Server(
        make_app({}, app.core, routes=app.routes(), metrics=Metrics(), gate=Gate()), port=0
    )
    environment = {**os.environ, "SEGUE": await server.start(), "KEY": token}
    pair = r"^```sh\n(curl .*?)^```\n\n```json\n(.*?)^```$"
    pairs = re.findall(pair, PAGE, re.MULTILINE | re.DOTALL)
    assert len(pairs) == PAGE.count("\ncurl ") == 4
    try:
        for command, shown in pairs:
            run = await asyncio.to_thread(
                subprocess.run,
                ["bash", "-c", command],
                capture_output=True,
                env=environment,
                check=True,
            )
            assert fits(json.loads(run.stdout), json.loads(shown)), (command, run.stdout)
            await bot.settle()
    finally:
        await server.stop()
    assert [str(one) for one in bot.heard][-1].startswith("Your order A1001 is on its way.")
    assert (await bot.profile())["last_contact"]["promised"] == "We pay for the parcel."


def test_its_check_of_signatures_takes_ours_and_nothing_else() -> None:
    """The function of the page, word for word: one changed byte, an old time, other forms."""
    names: dict[str, Any] = {}
    exec(next(code for code in blocks("python") if "is_from_segue" in code), names)
    check, body, now = names["is_from_segue"], b'{"id": "1"}', int(time.time())
    good = sign("whsec_s", body, now)
    assert check("whsec_s", good, body)
    assert not check("whsec_t", good, body)
    for place in range(len(body)):
        assert not check("whsec_s", good, body[:place] + b"~" + body[place + 1 :])
    for place in range(good.index("v1=") + 3, len(good)):
        assert not check("whsec_s", good[:place] + "~" + good[place + 1 :], body)
    assert not check("whsec_s", sign("whsec_s", body, now - 301), body)
    assert not check("whsec_s", good.replace(f"t={now}", f"t={now - 1}"), body)
    for odd in ("", "t=", "v1=", "t=x,v1=y", "ä", "t=²,v1=", good.replace("v1", "v0")):
        assert not check("whsec_s", odd, body), odd


def test_its_other_code_is_python_that_can_be_read() -> None:
    """Every block compiles, and imports what is there."""
    for code in blocks("python"):
        exec(compile(code, "docs/api.md", "exec"), {})
    hooks = next(code for code in blocks("python") if "@on_verified" in code)
    names: dict[str, Any] = {}
    exec(hooks, names)
    assert "verified" in Registry([], [names["look_up"]]).hooks
    assert set(get_type_hints(names["VerifiedCustomer"])) == set(
        re.findall(r"`(\w+)`", re.search(r"^`customer` has (.*)$", PAGE, re.MULTILINE)[1])  # type: ignore[index]
    )


def test_its_tables_name_all_there_is() -> None:
    """Scopes, types of events, reasons, codes."""
    assert first_cells("scope") == set(SCOPES)
    assert first_cells("type") == set(TYPES)
    source = "".join(path.read_text() for path in Path(segue.api.__file__).parent.glob("*.py"))
    codes = set(re.findall(r'Problem\(\s*\d{3},\s*"(\w+)"', source)) | {"no_dialog", "values"}
    assert first_cells("code") == codes
    whys = set(re.findall(r"`(\w+)`", Dropped.__doc__ or ""))
    row = re.search(r"^\| `dialog.dropped` .*$", PAGE, re.MULTILINE)
    assert row is not None
    assert whys - {"why"} == set(re.findall(r"`(\w+)`", row[0].split("|")[2]))


@pytest.mark.parametrize(
    ("start", "command", "option"),
    [("segue api-key add", add_key, "--scope"), ("segue webhooks add", add_webhook, "--event")],
)
def test_its_commands_are_there(start: str, command: click.Command, option: str) -> None:
    """With the options they are shown with."""
    line = next(block for block in blocks("sh") if block.startswith(start))
    words = line.split()[3:]
    with command.make_context("x", words, help_option_names=["-h", "--help"]) as context:
        assert not context.args
    choices = next(p for p in command.params if option in p.opts)
    assert isinstance(choices.type, click.Choice)
