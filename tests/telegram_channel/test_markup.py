"""T24: whatever a value holds, Telegram shows it as it is; no mention, no link nobody wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.testing.platforms.telegram_markup import keyboard, shown_text
from segue.types import (
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
from segue_adapters.plain import plain
from segue_adapters.telegram_writing import CAPTION_LIMIT, build, without_markup

NASTY = [
    "<!channel> <@U1> <b>x</b> </b>",
    '<a href="tg://user?id=1">Ada</a>',
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; &amp;amp; &#60;b&#62; &nope;",
    "</b><code></code><pre>",
    "<tg-spoiler>x</tg-spoiler><blockquote expandable>",
    "*_[](~`>#+-=|{}.!\\ [x](tg://user?id=1)",
    "javascript:alert(1)",
    "👩‍💻 e\u0301 ﷽ שלום \u202egnp.exe\u202c",
    "\u0300" * 1000,
    "{{ 7*7 }} %s $x",
    "< > & \" '",
]
words = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30
)
urls = st.sampled_from(
    [
        "https://shop.example/?a=1&b=%22<x>",
        'http://shop.example/"><b>',
        "mailto:help@shop.example",
        "tel:+436601234567",
        "tg://user?id=1",
        "javascript:alert(1)",
    ]
)
leaf = words.map(Text) | words.map(Code)
inline = st.recursive(
    leaf,
    lambda inner: (
        st.builds(Strong, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Emphasis, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=5,
) | st.builds(Link, urls, st.lists(leaf, min_size=1, max_size=2).map(tuple))
line = st.lists(inline, min_size=1, max_size=3).map(tuple)
block = line.map(Paragraph) | st.builds(
    Items, st.lists(line, min_size=1, max_size=3).map(tuple), st.integers(0, 2)
)
bodies = st.lists(block, min_size=1, max_size=3).map(tuple)


def said(body) -> str:
    """Return the words that must be seen: links of the web show their words, others all."""

    def walk(children):
        out = []
        for node in children:
            if isinstance(node, Link) and node.url.startswith(("https://", "http://")):
                out += node.children
            elif isinstance(node, Strong | Emphasis):
                out.append(type(node)(walk(node.children)))
            else:
                out.append(node)
        return tuple(out)

    shown = tuple(
        Items(tuple(map(walk, each.items)), each.start)
        if isinstance(each, Items)
        else Paragraph(walk(each.children))
        for each in body
    )
    return plain(Message(body=shown))


def written(body) -> set[str]:
    """Return the web links of the author."""
    found = set()

    def walk(node):
        if isinstance(node, Link) and node.url.startswith(("https://", "http://")):
            found.add(node.url)
        for child in getattr(node, "children", ()):
            walk(child)
        for row in getattr(node, "items", ()):
            for child in row:
                walk(child)

    for each in body:
        walk(each)
    return found


@given(body=bodies)
def test_what_telegram_reads_is_what_was_meant(body):
    """Text equal, no mention, no link that nobody wrote; and the plain form says it all."""
    payload = build(Message(body=body))
    text, entities = shown_text(payload["params"]["text"], "HTML", limit=10**6)
    assert text == said(body).replace("\0", "").strip()
    assert not [each for each in entities if each.kind == "text_mention"]
    assert {each.url for each in entities if each.url} <= written(body)
    bare = without_markup(payload)
    assert "parse_mode" not in bare["params"]
    assert (
        shown_text(bare["params"]["text"], None, limit=10**6)[0]
        == plain(Message(body=body)).strip()
    )


@given(
    buttons=st.lists(
        st.builds(Button, st.from_regex(r"[a-z:_]{1,64}", fullmatch=True), words), max_size=30
    )
)
def test_every_keyboard_is_taken(buttons):
    """As many as the channel shows, each with its own label and id."""
    labels = [Button(each.id, " ".join(each.label.split())[:60] or "x") for each in buttons]
    params = build(Message(body=(Paragraph((Text("?"),)),), buttons=tuple(labels)))["params"]
    rows = keyboard(params.get("reply_markup"))
    assert [each for row in rows for each in row] == [
        {"text": each.label, "callback_data": each.id} for each in labels
    ]


@pytest.mark.parametrize(("length", "method"), [(1024, "sendPhoto"), (1025, "sendMessage")])
def test_a_caption_has_its_length(length, method):
    """What is longer goes out as words with a link."""
    assert CAPTION_LIMIT == 1024
    photo = Media(kind=MediaKind.IMAGE, ref="https://shop.example/a.png")
    message = Message(body=(Paragraph((Text("x" * length),)),), media=(photo,))
    assert build(message)["method"] == method


def test_our_own_files_are_no_pictures_of_the_web():
    """A reference that Telegram could not fetch is left out."""
    photo = Media(kind=MediaKind.IMAGE, ref="folder/name.png")
    payload = build(Message(body=(Paragraph((Text("x"),)),), media=(photo,)))
    assert payload["params"]["text"] == "x"
