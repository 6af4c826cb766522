"""Whatever a customer writes stays text: no markup, no link, no mention, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.types import Code, Emphasis, Items, Link, Message, Strong, Text
from segue.voice import CustomerView, Voice, load_voice, plain
from segue.voice.values import clean, safe_address

NASTY = [
    "<!channel>",
    "<!here>",
    "<@U123>",
    "<https://evil.example|https://bank.example>",
    "&lt;!channel&gt;",
    "&amp;",
    '</b><a href="tg://user?id=1">x</a>',
    "[x](javascript:alert(1))",
    "[x](https://evil.example)",
    "https://evil.example",
    "<https://evil.example>",
    "*bold* _it_ `code` **strong** ~~x~~",
    "*_[](",
    "- item\n- item\n\n1. one\n\n# head",
    "{{ 7*7 }} {% reply x() %} {# #}",
    "\\",
    "**",
    "]",
    "](",
    "\ue000\ue001\uf800a\uf803b\uf804",
    "\uf802\uf803\uf804\uf805",
    "👩‍👩‍👧‍👦 é Z̷̢",
    "\t\n  \n",
    "e" + "\u0301" * 300,
    "\x00\x1b[2J\x7f",
    "\ud800",
    "\u202eevil\u202c",
    "@everyone",
    "=cmd|'/C calc'!A0",
    '"><img src=x onerror=alert(1)>',
    "%s %n {0} ${x}",
]

TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=60),
    st.lists(st.sampled_from([*NASTY, "a", " ", "\n"]), max_size=4).map("".join),
)

SOURCE = """
{% phrase loud(x) %}**{{ x }}**, {{ x }}{% endphrase %}
{% reply it(a, b, many) %}
Start {{ a }}**{{ a }}** *x{{ b }}x* `{{ a }}`
[{{ b }}](https://shop.example/{{ a }}) {{ a }}{{ b }}
{% set kept %}_{{ b }}_{% endset %}{{ kept }} {{ loud(a) }}

{% for one in many %}
- {{ one }} and {{ one | upper | lower }}
{% endfor %}

{{ a }}
{{ b }}
{% button (b) %}{{ a }}
{% button fixed %}{{ a }}
End {{ customer.name }}.
{% endreply %}
"""


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    root = tmp_path_factory.mktemp("voice")
    (root / "en").mkdir()
    (root / "en" / "shop.j2").write_text(SOURCE, encoding="utf-8")
    return load_voice(root, allowed_domains=["shop.example"])


def render(voice: Voice, a: str, b: str, many: list[str], name: str = "Ada") -> Message:
    return voice.render(
        "it",
        dialog="shop",
        values={"a": a, "b": b, "many": many},
        customer=CustomerView(name=name),
    ).message


def nodes(message: Message) -> Iterator[object]:
    def walk(children: tuple[object, ...]) -> Iterator[object]:
        for child in children:
            yield child
            if isinstance(child, Strong | Emphasis | Link):
                yield from walk(child.children)

    for block in message.body:
        yield block
        for run in block.items if isinstance(block, Items) else (block.children,):
            yield from walk(run)


def outline(message: Message) -> list[object]:
    """Everything of a message but its words and addresses."""
    shape: list[object] = []
    for node in nodes(message):
        shape.append(type(node))
        if isinstance(node, Items):
            shape.append((len(node.items), node.start))
    return [*shape, len(message.buttons), len(message.media)]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(a=TEXTS, b=TEXTS, many=st.lists(TEXTS, max_size=3), name=TEXTS)
def test_values_never_change_the_shape_of_a_message(voice, a, b, many, name):
    """With any values the tree is that of harmless ones: same nodes, same links, same order."""
    a = a[:150]  # an address longer than 2,000 characters is no link: another test
    if not b.isprintable() or not 0 < len(b.encode("utf-8", "replace")) <= 64 or b == "fixed":
        b = "b"  # not the id of a button: another test
    harmless = render(voice, "word", "other", ["word"] * len(many))
    hostile = render(voice, a, b, many, name)
    assert outline(hostile) == outline(harmless)
    for node in nodes(hostile):
        if isinstance(node, Link):
            assert node.url.startswith("https://shop.example/")


@settings(max_examples=200, deadline=None)
@given(a=TEXTS, b=st.sampled_from(["x", "<b>", "*y*"]), many=st.lists(TEXTS, max_size=3))
def test_text_in_is_text_out(voice, a, b, many):
    """Every value is in the message as it was written, wherever it was printed."""
    message = render(voice, a, b, many)
    shown = clean(a)
    texts = ["".join(n.text for n in nodes(message) if isinstance(n, Text | Code))]
    assert texts[0].count(shown) >= 6
    assert f"Start {shown}" in plain(message)
    assert Code(shown) in list(nodes(message))
    items = next((block for block in message.body if isinstance(block, Items)), None)
    assert (
        [item[0].text.startswith(clean(m)) for item, m in zip(items.items, many, strict=True)]
        == [True] * len(many)
        if items
        else not many
    )


@settings(max_examples=100, deadline=None)
@given(a=TEXTS)
def test_a_message_always_survives_storage(voice, a):
    """Whatever was printed, the message can be packed and comes back the same."""
    message = render(voice, a, "b", [a])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Message) == message


@given(st.text())
def test_cleaning_keeps_all_but_what_no_channel_carries(text):
    """Controls and broken halves become visible signs; direction overrides go; the rest stays."""
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    kept = [c for c in text if c.isprintable() and not "\u202a" <= c <= "\u202e"]
    assert [c for c in cleaned if c.isprintable() and c != "\ufffd"] == [
        c for c in kept if c != "\ufffd"
    ]


def test_line_ends_of_every_platform_become_one():
    """A customer's `\\r\\n` is a line end, not two signs."""
    assert clean("a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//shop.example/x",
        "/x",
        "shop.example",
        "https://shop.example@evil.example/",
        "https://user:pass@shop.example/",
        "https://evil.example/?shop.example",
        "https://evilshop.example/",
        "https://shop.example.evil.example/",
        "https://shop.example\\@evil.example",
        "https://shop.example\n.evil.example",
        "https://shop.example/ x",
        "https://shop.example/\x00",
        "https://shop.example/\u202e",
        "https://shöp.example/",
        "https://[::1]/",
        "https:shop.example",
        "http://",
        "",
        "https://shop.example/" + "a" * 2000,
        "mailto:a@b.example?bcc=c@d.example",
        "tel:+1;ext=2",
    ],
)
def test_addresses_that_no_link_may_carry(address):
    """Other schemes, other hosts, tricks with either."""
    assert safe_address(address, frozenset({"shop.example"})) is None


@pytest.mark.parametrize(
    ("address", "becomes"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://www.shop.example:8443/a?b=c#d", "https://www.shop.example:8443/a?b=c#d"),
        ("https://shop.example/größe", "https://shop.example/gr%C3%B6%C3%9Fe"),
        ("https://shop.example/a%20b", "https://shop.example/a%20b"),
        ("HTTPS://SHOP.example/", "HTTPS://SHOP.example/"),
        ("mailto:care@shop.example", "mailto:care@shop.example"),
        ("tel:+49-40-123", "tel:+49-40-123"),
    ],
)
def test_addresses_that_may_be_linked(address, becomes):
    """The company's own domains and below, mail and telephone."""
    assert safe_address(address, frozenset({"shop.example"})) == becomes
    assert safe_address("https://anything.example/", frozenset()) == "https://anything.example/"


def test_a_value_in_an_address_stays_in_its_place(voice):
    """It cannot leave its part of the path."""
    message = render(voice, "../../x?y=#z&//evil.example", "b", [])
    link = next(node for node in nodes(message) if isinstance(node, Link))
    assert link.url == "https://shop.example/..%2F..%2Fx%3Fy%3D%23z%26%2F%2Fevil.example"
