"""What every tag of a reply becomes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from markupsafe import Markup
from pydantic import BaseModel

from segue.errors import VoiceError
from segue.types import (
    Block,
    Button,
    Code,
    Emphasis,
    Items,
    Link,
    Media,
    MediaKind,
    Message,
    Paragraph,
    Strong,
    Text,
)
from segue.voice import CustomerView, Voice, plain, to_json
from segue.voice.values import plain_data

ADA = CustomerView("Ada", "en-GB", "web")


def said(voice: Voice, name: str = "it", **values: Any) -> Message:
    return voice.render(name, dialog="shop", customer=ADA, channel="web", values=values).message


def words(voice: Voice, name: str = "it", **values: Any) -> str:
    return plain(said(voice, name, **values))


def one(*children: Any) -> tuple[Block, ...]:
    return (Paragraph(children),)


# -- markdown and layout -------------------------------------------------------------------------


def test_markdown_becomes_the_neutral_tree(speak):
    """Bold, italics, code and links are nodes; everything else is text."""
    voice = speak(
        "{% reply it() %}\nIt starts with **A**, *not* `B`. [Look](https://x.example/a?b=1) "
        "# or <b>\n{% endreply %}"
    )
    assert said(voice).body == one(
        Text("It starts with "),
        Strong((Text("A"),)),
        Text(", "),
        Emphasis((Text("not"),)),
        Text(" "),
        Code("B"),
        Text(". "),
        Link("https://x.example/a?b=1", (Text("Look"),)),
        Text(" # or <b>"),
    )


def test_lists_are_items_and_end_with_their_line(speak):
    """What follows a list is not glued to its last item."""
    voice = speak(
        "{% reply it() %}\nBring:\n- a **bag**\n- money\nSee you.\n\n"
        "3. three\n4. four\n{% endreply %}"
    )
    assert said(voice).body == (
        Paragraph((Text("Bring:"),)),
        Items(((Text("a "), Strong((Text("bag"),))), (Text("money"),))),
        Paragraph((Text("See you."),)),
        Items(((Text("three"),), (Text("four"),)), 3),
    )


def test_a_line_end_is_a_space_and_a_blank_line_a_paragraph(speak):
    """As in all Markdown; a backslash at the end of a line breaks it."""
    voice = speak("{% reply it() %}\nOne\n  two\\\nthree.\n\n\n   Four.\n\n{% endreply %}")
    assert said(voice).body == (Paragraph((Text("One two\nthree."),)), Paragraph((Text("Four."),)))


def test_lines_of_tags_leave_nothing_behind(speak):
    """A tag or comment alone on its line takes the line with it, blank lines around it stay."""
    voice = speak(
        "{% reply it(late=none) %}\n"
        "It is on its way.\n"
        "   {# a comment #}\n"
        "   {% if late %}\n"
        "   It is {{ late }} days late.\n"
        "   {% endif %}\n"
        "Anything else?\n"
        "{% endreply %}\n"
    )
    assert words(voice) == "It is on its way. Anything else?"
    assert words(voice, late=2) == "It is on its way. It is 2 days late. Anything else?"


def test_a_tag_inside_a_line_keeps_the_line_end(speak):
    """Words before and after it are not glued together."""
    voice = speak(
        "{% reply it() %}\nHi{% if customer.name %}, you{% endif %}\nthere\n{% endreply %}"
    )
    assert words(voice) == "Hi, you there"


# -- values --------------------------------------------------------------------------------------


class Size(StrEnum):
    BIG = "big"


@dataclass
class Item:
    name: str
    items: int = 3


class Order(msgspec.Struct):
    number: str
    lines: list[Item]
    size: Size = Size.BIG


def test_a_dot_is_a_field_of_whatever_was_passed(speak):
    """Dicts, dataclasses and Structs alike; `items` is the field, not a method of dict."""
    voice = speak(
        "{% reply it(order, box) %}{{ order.number }} {{ order.lines[0].items }} {{ order.size }} "
        "{{ box.items }} {{ box['keys'] }}{% endreply %}"
    )
    order = Order("A1001", [Item("coat")])
    assert words(voice, order=order, box={"items": 7, "keys": 8}) == "A1001 3 big 7 8"


def test_everything_that_can_be_passed_becomes_plain():
    """Tuples and sets are lists; records packed as arrays keep their field names."""
    given = {
        "button": Button("a", "A"),
        "both": (Button("a", "A"), [Item("coat")]),
        "set": {1},
        "size": Size.BIG,
        "day": date(2026, 3, 5),
        "map": MappingProxyType({"x": (1,)}),
        "text": Markup("<b>"),
        "model": Model(price=Decimal("1.5"), tags=("x",)),
        "words": deque(["a"]),
    }
    plain_ = plain_data(given)
    assert plain_ == {
        "button": {"id": "a", "label": "A"},
        "both": [{"id": "a", "label": "A"}, [{"name": "coat", "items": 3}]],
        "set": [1],
        "size": "big",
        "day": date(2026, 3, 5),
        "map": {"x": [1]},
        "text": "<b>",
        "model": {"price": Decimal("1.5"), "tags": ["x"]},
        "words": ["a"],
    }
    assert type(plain_["text"]) is type(plain_["size"]) is str
    endless: list[object] = []
    endless.append(endless)
    for bad in (object(), b"bytes", lambda: 1, {"x": object()}, endless):
        with pytest.raises((TypeError, RecursionError)):
            plain_data(bad)


class Model(BaseModel):
    price: Decimal
    tags: tuple[str, ...]


def test_numbers_dates_and_money_look_as_the_locale_has_them(write):
    """German commas in a German reply; whole numbers stay as they are."""
    from segue.voice import load_voice

    source = (
        "{% reply it(n, x, day, at) %}{{ n }}; {{ n | number }}; {{ x }}; {{ x | money('EUR') }}; "
        "{{ day }}; {{ day | date('short') }}; {{ at | time }}; "
        "{{ '2026-03-05' | date }}{% endreply %}"
    )
    voice = load_voice(
        write({"en/shop.j2": source, "de/shop.j2": source}), timezone=ZoneInfo("Europe/Berlin")
    )
    values = {
        "n": 12345,
        "x": Decimal("1234.5"),
        "day": date(2026, 3, 5),
        "at": datetime(2026, 3, 5, 13, 30, tzinfo=UTC),
    }
    german = voice.render("it", dialog="shop", locale="de-AT", values=values)
    assert plain(german.message).replace("\xa0", " ") == (
        "12345; 12.345; 1.234,5; € 1.234,50; 5. März 2026; 05.03.26; 14:30; 5. März 2026"
    )
    english = voice.render("it", dialog="shop", locale="en-GB", values=values)
    assert plain(english.message) == (
        "12345; 12,345; 1,234.5; €1,234.50; 5 March 2026; 05/03/2026; 14:30; 5 March 2026"
    )


def test_lists_of_words_are_joined_in_the_locale(speak):
    """`join_and` and `join_or` know the language's own words and commas."""
    voice = speak(
        "{% reply it(a) %}{{ a | join_and }} / {{ a | join_or }} / {{ a | join('+') }} / "
        "{{ a | length }} {{ a | first | upper }} {{ a | last | title }}{% endreply %}"
    )
    assert words(voice, a=["red", "blue", "green"]) == (
        "red, blue, and green / red, blue, or green / red+blue+green / 3 RED Green"
    )


def test_an_optional_value_has_its_default(speak):
    """`note=none` may be missing, `size=\"M\"` is M then."""
    voice = speak(
        '{% reply it(a, note=none, size="M") %}{{ a }}{% if note %} ({{ note }}){% endif %} '
        "{{ size }}{% endreply %}"
    )
    assert words(voice, a=1) == "1 M"
    assert words(voice, a=1, note="x", size="L") == "1 (x) L"


def test_the_customer_is_always_there(speak):
    """Name, locale and channel, each possibly missing."""
    voice = speak(
        "{% reply it() %}{{ customer.name or 'you' }}, {{ customer.channel }}"
        "{% if customer.locale %}, {{ customer.locale }}{% endif %}{% endreply %}"
    )
    nobody = voice.render("it", dialog="shop", channel="sms")
    assert plain(nobody.message) == "you, sms"
    assert words(voice) == "Ada, web, en-GB"


def test_a_missing_value_that_is_printed_leaves_a_gap_and_a_note(speak):
    """A gap reads better than silence; the note says what `segue check` would have said."""
    voice = speak("{% reply it(note=none) %}Well. {{ note }}{% endreply %}")
    rendered = voice.render("it", dialog="shop")
    assert plain(rendered.message) == "Well. "
    assert rendered.problems == ("a missing value was printed as nothing",)


# -- markers -------------------------------------------------------------------------------------


def test_buttons_take_the_rest_of_their_line(speak):
    """Also inside `if` and `for`, with ids that are words or values."""
    voice = speak(
        "{% reply it(items, gift) %}\n"
        "Which one?\n"
        "{% for item in items %}\n"
        "  {% button item.id %}{{ item.name }} ({{ loop.index }}/{{ loop.length }})\n"
        "{% endfor %}\n"
        "{% if gift %}{% button gift_card %}A **card**{% endif %}\n"
        "{% button dialog:return_item %}Start over\n"
        "Choose.\n"
        "{% endreply %}"
    )
    items = [{"id": "i1", "name": "Coat"}, {"id": "i2", "name": "*Hat*"}]
    message = said(voice, items=items, gift=True)
    assert message.body == one(Text("Which one? Choose."))
    assert message.buttons == (
        Button("i1", "Coat (1/2)"),
        Button("i2", "*Hat* (2/2)"),
        Button("gift_card", "A **card**"),
        Button("dialog:return_item", "Start over"),
    )
    assert [b.id for b in said(voice, items=[], gift=False).buttons] == ["dialog:return_item"]


def test_a_wording_without_buttons_shows_those_of_the_first(speak):
    """So no channel and no variant loses the choices."""
    voice = speak(
        "{% reply it(n) %}\nWhy?\n{% for one in n %}{% button one %}Nr {{ one }}\n{% endfor %}\n"
        "{% or %}\nWhat for?\n"
        "{% on sms %}\nWhy so?\n"
        "{% on web %}\nBecause?\n{% button other %}Other\n{% endreply %}"
    )
    for channel, text, ids in (
        ("slack", None, ["1", "2"]),
        ("sms", "Why so?", ["1", "2"]),
        ("web", "Because?", ["other"]),
    ):
        for seed in "abcdef":
            message = voice.render(
                "it", dialog="shop", channel=channel, values={"n": [1, 2]}, seed=seed
            ).message
            assert [button.id for button in message.buttons] == ids
            assert text is None or plain(message) == text


def test_links_stand_alone_or_within_their_line(speak):
    """Alone on a line a link is a paragraph; its address is checked, its words are Markdown."""
    voice = speak(
        "{% reply it(order) %}\nYour label is ready.\n{% link order.url %}Get the **label**\n"
        "Or see {% link https://shop.example/help?a=b#c %}the help\n"
        "or [{{ order.number }}](https://shop.example/o/{{ order.number }}).\n{% endreply %}"
    )
    order = {"url": "https://shop.example/l/1", "number": "A 1/2"}
    assert said(voice, order=order).body == (
        Paragraph((Text("Your label is ready."),)),
        Paragraph(
            (Link("https://shop.example/l/1", (Text("Get the "), Strong((Text("label"),)))),)
        ),
        Paragraph(
            (
                Text("Or see "),
                Link("https://shop.example/help?a=b#c", (Text("the help"),)),
                Text(" or "),
                Link("https://shop.example/o/A%201%2F2", (Text("A 1/2"),)),
                Text("."),
            )
        ),
    )


def test_images_are_media_with_words(speak):
    """Their address is a value or written out; a bad one is left out, with a note."""
    voice = speak(
        "{% reply it(photo) %}\nThis one:\n{% image https://shop.example/a.png %}A coat\n"
        "{% image photo %}Your {{ customer.name }} photo\n{% endreply %}"
    )
    good = said(voice, photo="https://shop.example/b.png")
    assert good.media == (
        Media(kind=MediaKind.IMAGE, ref="https://shop.example/a.png", alt="A coat"),
        Media(kind=MediaKind.IMAGE, ref="https://shop.example/b.png", alt="Your Ada photo"),
    )
    bad = voice.render("it", dialog="shop", customer=ADA, values={"photo": "javascript:1"})
    assert len(bad.message.media) == 1
    assert bad.problems == ("an address was not used: its form or domain is not allowed",)


def test_phrases_and_set_blocks_pass_through_as_written(speak):
    """Their markup counts, and the values in them still do not."""
    voice = speak(
        "{% phrase hello(name, mark='!') %}Hello **{{ name }}**{{ mark }}{% endphrase %}"
        "{% phrase both(name) %}{{ hello(name) }} {{ hello('B', mark='?') }}{% endphrase %}"
        "{% reply it(x) %}{% set line %}*{{ x }}*{% endset %}{{ both(x) }} {{ line }}{% endreply %}"
    )
    assert said(voice, x="**x**").body == one(
        Text("Hello "),
        Strong((Text("**x**"),)),
        Text("! Hello "),
        Strong((Text("B"),)),
        Text("? "),
        Emphasis((Text("**x**"),)),
    )


def test_conditions_loops_and_arithmetic_of_numbers(speak):
    """What words need to choose: comparisons, and/or/not, in, is, + and - of numbers."""
    voice = speak(
        "{% reply it(n, list) %}{% if n > 1 and not (n == 5) or n in [7, 8] %}many"
        "{% elif n is odd %}one{% else %}none{% endif %} {{ n + 1 - 2 }} {{ -n }} "
        "{% for a in list if a is not none %}{{ a }}{% if not loop.last %}, {% endif %}"
        "{% else %}empty{% endfor %}{% endreply %}"
    )
    assert words(voice, n=3, list=["a", None, "b"]) == "many 2 -3 a, b"
    assert words(voice, n=1, list=[]) == "one 0 -1 empty"
    assert words(voice, n=0, list=[]) == "none -1 0 empty"


# -- which wording -------------------------------------------------------------------------------

THREE = (
    "{% reply it() %}one{% or %}two{% or %}three{% on sms, slack %}short{% or %}brief{% endreply %}"
)


def test_the_same_seed_says_the_same_words(speak):
    """A replay or a retry never changes the wording, and all wordings come up."""
    voice = speak(THREE)
    seen = set()
    for turn in range(60):
        first = voice.render("it", dialog="shop", seed=f"c{turn}", channel="web")
        again = voice.render("it", dialog="shop", seed=f"c{turn}", channel="web")
        assert first == again
        seen.add(plain(first.message))
    assert seen == {"one", "two", "three"}


def test_a_channel_has_its_own_words(speak):
    """`on sms, slack` replaces every general wording there."""
    voice = speak(THREE)
    for channel in ("sms", "slack"):
        texts = {
            plain(voice.render("it", dialog="shop", seed=str(n), channel=channel).message)
            for n in range(40)
        }
        assert texts == {"short", "brief"}


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_no_wording_twice_in_a_row(speak, seed):
    """With what was said before, another wording is taken, as long as there is one."""
    voice = speak(THREE)
    first = voice.render("it", dialog="shop", seed=seed)
    other = voice.render("it", dialog="shop", seed=seed, avoid_text=plain(first.message))
    assert plain(other.message) != plain(first.message)
    third = voice.render("it", dialog="shop", seed=seed, avoid=first.variant)
    assert third.variant != first.variant
    only = speak("{% reply it() %}one{% endreply %}")
    assert plain(only.render("it", dialog="shop", avoid=0, avoid_text="one").message) == "one"


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_missing_reply_or_value_is_named(speak):
    """The error says which, and where to write it."""
    voice = speak("{% reply it(order) %}{{ order.number }}{% endreply %}")
    with pytest.raises(VoiceError, match="no reply `that` for the dialog `shop`"):
        voice.render("that", dialog="shop")
    with pytest.raises(VoiceError, match=r"shop\.j2:1: .*needs the value `order`"):
        voice.render("it", dialog="shop")


@pytest.mark.parametrize(
    ("words_", "value", "found"),
    [
        ("{{ v.x }}", {"y": 1}, "there is no field 'x' (there are: y)"),
        ("{{ v.x.y }}", {"y": 1}, "there is no field 'x'"),
        ("{{ v.x }}", "text", "a text has no field 'x'"),
        ("{{ v }}", True, "yes-or-no value is printed"),
        ("{{ v }}", {}, "a record is printed"),
        ("{{ v }}", [1], "a list is printed"),
        ("{{ v | money('EUR') }}", "much", "a number is needed, found a str"),
        ("{{ v | money('EURO') }}", 1, "currency of three letters"),
        ("{{ v + 1 }}", "1", "+ works on numbers, not on a text"),
        ("{{ v + 1 }}", True, "+ works on numbers, not on a bool"),
        ("{% for x in v %}{{ x }}{% endfor %}", "abc", "a loop needs a list, found a text"),
        ("{% for x in v %}{{ x }}{% endfor %}", list(range(101)), "the list has 101 items"),
        ("{{ v | number }}", 1e300, "too large to be shown"),
        ("{{ v | upper }}", None, "a text is needed, found a missing value"),
        ("{% button (v) %}x", "", "a button's id is 0 bytes long"),
        ("{% button (v) %}x", "ü" * 40, "a button's id is 80 bytes long"),
        ("{{ v }}", "x" * 16_001, "the message has 160"),
    ],
)
def test_a_reply_that_fails_names_file_and_line(speak, words_, value, found):
    """And the value's name or kind, never more of it than an id."""
    voice = speak("{% reply it(v) %}\nFirst.\n" + words_ + "\n{% endreply %}")
    with pytest.raises(VoiceError) as caught:
        said(voice, v=value)
    assert found in caught.value.problem
    assert caught.value.file.endswith("en/shop.j2")
    assert caught.value.line in (1, 3)


def test_a_wording_that_fails_is_replaced_by_another(speak):
    """With a note of what failed."""
    voice = speak("{% reply it(v) %}{{ v.nothing }}{% or %}Fine.{% endreply %}")
    for seed in "abcd":
        rendered = voice.render("it", dialog="shop", values={"v": {}}, seed=seed)
        assert plain(rendered.message) == "Fine."
    assert any(
        voice.render("it", dialog="shop", values={"v": {}}, seed=seed).problems for seed in "abcd"
    )


def test_a_value_that_has_no_plain_form_is_refused(speak):
    """Objects never reach a template."""
    voice = speak("{% reply it(v) %}{{ v }}{% endreply %}")
    with pytest.raises(VoiceError, match="the value `v` cannot be used"):
        said(voice, v=object())


def test_to_json_is_what_the_web_protocol_says(speak):
    """The tree as arrays, buttons as records."""
    voice = speak("{% reply it() %}Hi **you**{% button a %}A{% endreply %}")
    assert to_json(said(voice)) == {
        "text": "Hi you",
        "body": [["p", [["t", "Hi "], ["b", [["t", "you"]]]]]],
        "buttons": [{"id": "a", "label": "A"}],
        "media": [],
    }
