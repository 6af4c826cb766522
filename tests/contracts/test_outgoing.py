"""What goes out: built without side effects, inside the limits, saying exactly what was meant."""

from __future__ import annotations

import copy

import pytest
from cases import links_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.types import (
    Button,
    Code,
    Emphasis,
    Items,
    Link,
    Message,
    Paragraph,
    Strong,
    Text,
)
from segue_adapters.plain import plain

NASTY = [
    "<!channel>",
    "<!here> <@U123> <!subteam^S1>",
    "<https://evil.example|https://bank.example>",
    "&lt;!channel&gt; &amp;amp; &#60;b&#62;",
    '</b><a href="tg://user?id=1">x</a>',
    "javascript:alert(1)",
    "*_[](~`>#+-=|{}.!\\",
    "[link](https://evil.example)",
    "https://evil.example",
    '"><img src=x onerror=alert(1)>',
    "<script>alert(1)</script><!-- x --><?php",
    "👩‍💻 e\u0301 ﷽ שלום",
    "\u202egnp.exe\u202c",
    "line one\nline two",
    "a" * 300,
    "\u0300" * 50,
    "'; DROP TABLE x; --",
    "{{ 7*7 }} ${7*7} %s",
]

words = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40
)
addresses = st.sampled_from(
    ["https://shop.example/a?b=1&c=%22", "https://shop.example/(x)", "mailto:help@shop.example"]
)


def inlines(markup):
    """Return inline content with the markup a channel can show."""
    leaf = words.map(Text)
    if "code" in markup:
        leaf |= words.map(Code)
    kinds = []
    if "strong" in markup:
        kinds.append(lambda inner: st.builds(Strong, inner))
    if "emphasis" in markup:
        kinds.append(lambda inner: st.builds(Emphasis, inner))
    tree = st.recursive(
        leaf,
        lambda inner: (
            st.one_of(*(kind(st.lists(inner, min_size=1, max_size=3).map(tuple)) for kind in kinds))
            if kinds
            else leaf
        ),
        max_leaves=6,
    )
    if "link" in markup:
        tree |= st.builds(Link, addresses, st.lists(leaf, min_size=1, max_size=2).map(tuple))
    return st.lists(tree, min_size=1, max_size=4).map(tuple)


def messages(capabilities):
    """Return messages that fit a channel, as the core hands them to `build`."""
    line = inlines(capabilities.markup)
    block = line.map(Paragraph)
    if "list" in capabilities.markup:
        block |= st.builds(
            Items, st.lists(line, min_size=1, max_size=3).map(tuple), st.integers(0, 3)
        )
    label = words.map(lambda text: " ".join(text.split())[: capabilities.button_label] or "x")
    button = st.builds(Button, st.text("abc_", min_size=1, max_size=20), label)
    return st.builds(
        Message,
        body=st.lists(block, min_size=1, max_size=3).map(tuple),
        buttons=st.lists(button, max_size=min(3, capabilities.buttons)).map(tuple),
    ).filter(lambda message: len(plain(message)) < min(900, capabilities.text_limit))


def flat(text: str) -> str:
    """Return words without their line breaks, which platforms count differently."""
    return "".join(text.split())


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_is_shown_is_what_was_meant(case, adapter, data):
    """Read back as the platform does: the same words and buttons, and no link nobody wrote."""
    message = data.draw(messages(adapter.capabilities))
    seen = case.shown(adapter.build(message))
    said = plain(message)
    if not case.shows_addresses:
        said = plain(unlinked(message, case.hides))
    assert flat(seen.text) == flat(case.expected(said))
    assert seen.links <= frozenset(links_of(message))
    assert [flat(label) for label in seen.buttons] == [
        flat(case.expected(button.label)) for button in message.buttons
    ]


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_building_is_pure(case, adapter, data, folder):
    """The same message is the same payload, from any instance, and stays as it was."""
    message = data.draw(messages(adapter.capabilities))
    before = copy.deepcopy(message)
    first = adapter.build(message)
    assert adapter.build(message) == first
    assert case.make(folder).build(message) == first
    assert message == before


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "JaVaScRiPt:x"]
)
def test_a_link_that_could_run_is_not_a_link(url, folder):
    """A browser is where a slip of the voice would do harm: only its words are left."""
    from cases import CASES

    web = CASES[0]
    message = Message(
        body=(
            Paragraph((Text("See "), Strong((Link(url, (Text("this"),)),)))),
            Items(((Link(url, (Code("that"),)),),), 1),
        )
    )
    seen = web.shown(web.make(folder).build(message))
    assert seen.links == frozenset()
    assert seen.text == "See this\n\n1. that"


def unlinked(message: Message, hides: tuple[str, ...]) -> Message:
    """Return the message with links that begin so replaced by their words."""

    def walk(children):
        out = []
        for node in children:
            if isinstance(node, Link) and node.url.startswith(hides):
                out += walk(node.children)
            elif isinstance(node, Strong | Emphasis):
                out.append(type(node)(walk(node.children)))
            else:
                out.append(node)
        return tuple(out)

    return Message(
        body=tuple(
            Items(tuple(walk(row) for row in block.items), block.start)
            if isinstance(block, Items)
            else Paragraph(walk(block.children))
            for block in message.body
        )
    )
