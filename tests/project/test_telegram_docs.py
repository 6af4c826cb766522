"""docs/telegram.md is true: its settings, its limits, and what it says customers may do."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from segue.settings import channel_settings, load
from segue.testing.platforms import Telegram
from segue.testing.platforms.telegram_people import Customer
from segue.types import Address
from segue_adapters.telegram import TelegramChannel, TelegramSettings
from segue_adapters.telegram_writing import CAPTION_LIMIT, takes

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/telegram.md").read_text()
TOKEN = "123456789:AAEhBOweik9ai2o01JsQ4mn8ZfUkLh_yD1c"


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table with this head."""
    table = PAGE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]


def number(text: str) -> int:
    """Return the first number of a cell."""
    found = re.search(r"[\d,]+", text)
    assert found
    return int(found[0].replace(",", ""))


@pytest.mark.parametrize(("block", "polls"), [(0, True), (1, False)], ids=["polling", "webhook"])
def test_the_sections_can_be_loaded(block: int, polls: bool, tmp_path: Path) -> None:
    """As they stand, with the token in its file: asking without an address, called with one."""
    (tmp_path / "telegram_token").write_text(TOKEN + "\n")
    file = tmp_path / "segue.toml"
    file.write_text(blocks("toml")[block].replace("/run/secrets", str(tmp_path)))
    settings = load(file, environ={})
    section = channel_settings(settings, "telegram", TelegramSettings)
    assert section.polls(settings.server.public_url) is polls
    if not polls:
        assert f"`{settings.server.public_url}{section.path}`" in PAGE


def test_every_setting_is_in_the_table() -> None:
    """And nothing else is."""
    named = {name for cells in rows("setting") for name in re.findall(r"`(\w+)`", cells[0])}
    assert named == set(TelegramSettings.model_fields)


def test_the_limits_are_those_of_the_adapter() -> None:
    """Sizes and pace."""
    limits = {cells[0]: cells[1] for cells in rows("what") if len(cells) == 3}
    can = TelegramChannel.capabilities
    assert number(limits["text of a message"]) == can.text_limit
    assert number(limits["a picture with words"]) == CAPTION_LIMIT
    assert number(limits["choices"]) == can.buttons
    assert f"{can.button_label} letters" in limits["choices"]
    everybody, chat = takes(Address("telegram", "1"))
    assert (everybody.rate, chat.rate, chat.burst) == (30, 1, 3)
    assert takes(Address("telegram", "-1"))[1].rate * 60 == pytest.approx(20)


def test_the_replies_that_are_named_are_there() -> None:
    """In both languages of the sample company."""
    for name in ("come_private", "voice_received", "sticker_received"):
        assert f"`{name}`" in PAGE
        for locale in ("en", "de"):
            voice = (ROOT / f"brand_voice/{locale}/common.j2").read_text()
            assert f"{{% reply {name}() %}}" in voice


def test_what_a_customer_can_do_is_there() -> None:
    """Every method that the page names."""
    last = PAGE.rsplit("A customer can", 1)[1]
    for name in re.findall(r"`(\w+)`", last.split("and send a", 1)[0]):
        assert hasattr(Customer, name)
    for name in re.findall(r"`(\w+)`", last.split("and send a", 1)[1].split(";")[0]):
        assert hasattr(Customer, f"send_{name}")


async def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands."""
    [source] = blocks("python")
    await asyncio.to_thread(exec, compile(source, "docs/telegram.md", "exec"), {})
    assert "I want to send something back" in capsys.readouterr().out
    assert Telegram.__name__ in source
