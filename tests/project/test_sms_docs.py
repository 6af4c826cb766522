"""docs/sms.md is true: its settings, its words, its counts, and what it says a phone can do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.consent import INFORMATION, OPT_IN, OPT_OUT, Word, read
from segue.quiet import SMS
from segue.settings import channel_settings, load
from segue.testing.platforms import Twilio
from segue_adapters.sms import SmsChannel, SmsSettings
from segue_adapters.twilio_segments import EXTENSION, counted
from segue_adapters.whatsapp import WhatsAppChannel, WhatsAppSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/sms.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table with this head."""
    table = PAGE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for line in table.splitlines()[2:]
    ]


def test_the_sections_can_be_loaded(tmp_path: Path) -> None:
    """As they stand, with the token in its file; the addresses to call are those of the page."""
    (tmp_path / "twilio_token").write_text("0123456789abcdef\n")
    file = tmp_path / "segue.toml"
    file.write_text("".join(blocks("toml")).replace("/run/secrets", str(tmp_path)))
    settings = load(file, environ={})
    sms = channel_settings(settings, "sms", SmsSettings)
    whatsapp = channel_settings(settings, "whatsapp", WhatsAppSettings)
    for section in (sms, whatsapp):
        assert f"`{settings.server.public_url}{section.path}`" in PAGE
    assert whatsapp.templates["shipping/on_its_way"].values == ("order.number",)


def test_every_setting_is_in_the_tables() -> None:
    """And nothing else is."""
    named = {name for cells in rows("setting") for name in re.findall(r"`(\w+)`", cells[0])}
    assert named == set(SmsSettings.model_fields)
    more = {
        name for cells in rows("setting of WhatsApp") for name in re.findall(r"`(\w+)`", cells[0])
    }
    differ = set(SmsSettings.model_fields) - set(WhatsAppSettings.model_fields)
    assert set(WhatsAppSettings.model_fields) - set(SmsSettings.model_fields) <= more
    assert differ == {"segments_per_second", "pictures", "platform_answers_stop"}
    assert all(f"`{name}`" in PAGE.rsplit("The others are", 1)[1] for name in differ)


def test_the_words_of_consent_are_those_that_work() -> None:
    """Each of the table, and no other."""
    (out, _), (back, _), (who, _) = rows("word")
    for cell, known, word in (
        (out, OPT_OUT, Word.STOP),
        (back, OPT_IN, Word.START),
        (who, INFORMATION, Word.HELP),
    ):
        said = cell.split(", ")
        assert set(said) == set(known)
        assert {read(each) for each in said} == {word}
    assert read("Stop by the store") is None
    assert read("please stop texting me") is Word.ASKED


def test_the_counts_of_segments_are_right() -> None:
    """160 and 153, 70 and 67, and the signs that take two."""
    gsm, other = rows("signs")
    for cells, sign in ((gsm, "a"), (other, "ж")):
        alone, each = int(cells[1]), int(cells[2])
        assert counted(sign * alone).segments == 1
        assert counted(sign * (alone + 1)).segments == 2
        assert counted(sign * 2 * each).segments == 2
        assert counted(sign * (2 * each + 1)).segments == 3
    two = gsm[0].split("`")[1].replace("\\|", "|").split()
    assert set(two) == EXTENSION - {"\f"}


def test_the_quiet_hours_are_those_of_phones() -> None:
    """From nine to eight."""
    begin, end = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in SMS)
    assert f"from {begin} to {end}" in PAGE


@pytest.mark.parametrize("locale", ["en", "de"])
def test_the_replies_that_are_named_are_there(locale: str) -> None:
    """In both languages of the sample company."""
    voice = (ROOT / f"brand_voice/{locale}/common.j2").read_text()
    for name in ("opted_out", "opted_in", "who_writes", "stop_asked"):
        assert f"`{name}`" in PAGE
        assert f"{{% reply {name}(" in voice


def test_what_a_phone_can_do_is_there() -> None:
    """Everything that the page names."""
    phone = Twilio().phone()
    last = PAGE.rsplit("A phone can", 1)[1]
    for name in re.findall(r"`(\w+)`", last):
        assert hasattr(phone, name), name
    assert SmsChannel.Settings is SmsSettings
    assert WhatsAppChannel.prefix == "whatsapp:"


async def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands."""
    (code,) = blocks("python")
    scope: dict[str, object] = {}
    exec(code.replace("asyncio.run(main())", ""), scope)
    await scope["main"]()  # type: ignore[operator]
    assert "+15005550006" in capsys.readouterr().out
