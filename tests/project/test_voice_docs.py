"""docs/voice.md is true: what it shows to writers can be loaded."""

from __future__ import annotations

import re
from pathlib import Path

from segue.voice import CustomerView, load_voice, plain
from segue.words import ORDERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/voice.md").read_text()
REPLY, ANSWER = re.findall(r"^```jinja\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
SEEN = CustomerView(name="Ada", locale="en", channel="web")


def test_its_examples_can_be_said(tmp_path: Path) -> None:
    """The two replies of the page, as they stand; the text message has words of its own."""
    folder = tmp_path / "en"
    folder.mkdir()
    (folder / "words.toml").write_bytes((ROOT / "brand_voice/en/words.toml").read_bytes())
    (folder / "return_item.j2").write_text(REPLY)
    (folder / "answers.j2").write_text(ANSWER)
    voice = load_voice(tmp_path)
    said = {
        channel: plain(
            voice.render(
                "ask_order",
                dialog="return_item",
                locale="en",
                channel=channel,
                values={},
                customer=SEEN,
                seed="",
            ).message
        )
        for channel in ("web", "sms")
    }
    assert said["sms"] == "What's your order number (like A1001)?"
    assert said["web"] != said["sms"]
    assert dict(voice.answers("en"))["delivery_time"][0] == "How long does delivery take"


def test_every_tag_that_it_lists_is_taken(tmp_path: Path) -> None:
    """Each first cell of its table stands in a file that loads."""
    cells = re.findall(r"^\| (`.+?`) \| ", PAGE, flags=re.MULTILINE)
    tags = "\n".join(
        each.replace("\\|", "|")
        .replace("…", "some words")
        .replace("https://some words", "https://x.y")
        for cell in cells
        for each in re.findall(r"`([^`]+)`", cell)
        if not re.search(r"reply|phrase|hello|if |for |on sms|\bor\b|\{#", each)
    )
    (tmp_path / "en").mkdir()
    (tmp_path / "en/words.toml").write_bytes((ROOT / "brand_voice/en/words.toml").read_bytes())
    (tmp_path / "en/common.j2").write_text(
        "{% phrase hello(name) %}Hello {{ name }}{% endphrase %}\n"
        "{% reply all(value, total, order) %}\n"
        "{# a note #}{{ hello(customer.name) }} {% if value %}yes{% endif %}\n"
        f"{tags}\n{{% or %}}\nOther words.\n{{% on sms %}}\nShort.\n{{% endreply %}}\n"
    )
    voice = load_voice(tmp_path)
    assert "money" in tags
    assert "dialog:return_item" in tags
    assert voice.has("all")


def test_the_words_that_always_work_are_named() -> None:
    """Each order that the engine knows stands in italics."""
    named = set(re.findall(r"\*(\w+)\*", PAGE.split("## Words that always work")[1]))
    assert named >= set(ORDERS) | {"yes", "no"}
