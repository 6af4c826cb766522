"""Wordings of nothing but words and printed fields are said without a template run: the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import VoiceError
from segue.voice import Voice, load_voice
from segue.voice.samples import sample_values

SAMPLE = load_voice(Path(__file__).parents[2] / "brand_voice", default_locale="en")
CHANNELS = ("web", "sms", "telegram", "slack")

SOURCE = """
{% reply it(order, note=none) %}
Your **{{ order.item }}** of `{{ order.number }}`: [look](https://shop.example/{{ order.number }})
{% button go %}Take {{ order.item }}
{% endreply %}
{% reply maybe(order) %}
{% if order.item %}The {{ order.item }}{% endif %}
{% endreply %}
{% reply always() %}
Always the same.
{% endreply %}
"""


@dataclass
class Order:
    item: str
    number: int


def slowly(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the quick way out."""
    monkeypatch.setattr(Voice, "_quick", lambda *_args: None)


def test_every_reply_of_the_sample_company_is_the_same_either_way(monkeypatch):
    """Whole messages are compared, in every locale, wording and channel, with full values."""
    quick = 0
    for locale, replies in SAMPLE.sets.items():
        for (dialog, name), reply in replies.items():
            full, _ = sample_values(reply, "https://shop.example")
            for channel in CHANNELS:
                for avoid in range(len(reply.variants)):
                    asked: dict[str, Any] = {
                        "dialog": dialog,
                        "locale": locale,
                        "channel": channel,
                        "values": full,
                        "avoid": avoid,
                        "seed": name,
                    }
                    found = SAMPLE.render(name, **asked)
                    with monkeypatch.context() as patch:
                        slowly(SAMPLE, patch)
                        assert SAMPLE.render(name, **asked) == found
            quick += sum(variant.simple is not None for variant in reply.variants)
    assert quick > 100


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    root = tmp_path_factory.mktemp("voice")
    (root / "en").mkdir()
    (root / "en" / "shop.j2").write_text(SOURCE)
    return load_voice(root)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["item", "number", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(PLAIN, st.sampled_from(["it", "maybe"]))
def test_whatever_is_passed_comes_out_the_same(voice, order, name):
    """Also what cannot be said: the error is the same, with its line and its cure."""

    def said() -> Any:
        try:
            return voice.render(name, dialog="shop", values={"order": order})
        except VoiceError as error:
            return str(error), error.line, error.cure

    found = said()
    with pytest.MonkeyPatch.context() as patch:
        slowly(voice, patch)
        assert said() == found


def test_which_wordings_are_quick(voice):
    """Words and fields are; conditions are not, and what never differs is made once."""
    replies = voice.sets["en"]
    assert replies["shop", "it"].variants[0].simple is not None
    assert replies["shop", "maybe"].variants[0].simple is None
    once = voice.render("always", dialog="shop")
    assert voice.render("always", dialog="shop") is once


def test_a_record_is_read_by_its_fields(voice):
    """A dataclass is made plain first, on the long way."""
    said = voice.render("it", dialog="shop", values={"order": Order("Rain jacket", 7)})
    plain = voice.render(
        "it", dialog="shop", values={"order": {"item": "Rain jacket", "number": 7}}
    )
    assert said == plain
