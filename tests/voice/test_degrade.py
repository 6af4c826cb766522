"""A message is made to fit a channel without losing a word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.channel import Capabilities
from segue.types import (
    Block,
    Button,
    Code,
    Emphasis,
    Inline,
    Items,
    Link,
    Media,
    MediaKind,
    Message,
    Paragraph,
    Strong,
    Text,
)
from segue.voice import degrade, plain

SMS = Capabilities(text_limit=160)
RICH = Capabilities(
    buttons=3,
    button_label=12,
    text_limit=4000,
    images=True,
    markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
)


def text(words: str) -> Paragraph:
    return Paragraph((Text(words),))


def buttons(*labels: str) -> tuple[Button, ...]:
    return tuple(Button(f"b{n}", label) for n, label in enumerate(labels, 1))


def test_what_fits_stays_as_it_is():
    """A channel that can show everything gets the message itself."""
    message = Message(
        body=(Paragraph((Strong((Text("Hi"),)), Link("https://x.example", (Text("x"),)))),),
        buttons=buttons("A", "B"),
        media=(Media(kind=MediaKind.IMAGE, ref="https://x.example/a.png", alt="a"),),
    )
    assert degrade(message, RICH) == (message,)


def test_buttons_become_a_numbered_list_where_there_are_none():
    """In order, after the words; a hint of the voice may follow."""
    message = Message(body=(text("Why?"),), buttons=buttons("Wrong size", "Broken"))
    (sms,) = degrade(message, SMS, hint="Answer with a number.")
    assert sms.buttons == ()
    assert plain(sms) == "Why?\n\n1. Wrong size\n2. Broken\n\nAnswer with a number."


def test_too_many_buttons_become_a_list():
    """Rather than losing the last ones."""
    message = Message(body=(text("Why?"),), buttons=buttons("a", "b", "c", "d"))
    (rich,) = degrade(message, RICH)
    assert rich.buttons == ()
    assert rich.body[-1] == Items(tuple((Text(label),) for label in "abcd"), 1)


def test_labels_that_are_too_long_are_numbered():
    """The words stand in the text, the buttons carry the numbers and keep their ids."""
    message = Message(body=(text("Why?"),), buttons=buttons("Arrived damaged", "No"))
    (rich,) = degrade(message, RICH)
    assert plain(rich) == "Why?\n1. Arrived damaged\n2. No"
    assert rich.buttons == (Button("b1", "1"), Button("b2", "2"))


def test_buttons_alone_bring_their_words():
    """No platform sends a message without text."""
    (rich,) = degrade(Message(body=(), buttons=buttons("A", "B")), RICH)
    assert plain(rich) == "1. A\n2. B"
    assert rich.buttons == buttons("A", "B")


def test_pictures_become_links_with_their_words():
    """And those kept under our own id get the address the caller knows."""
    message = Message(
        body=(text("Look:"),),
        media=(
            Media(kind=MediaKind.IMAGE, ref="https://x.example/a.png", alt="A coat"),
            Media(kind=MediaKind.IMAGE, ref="own1", alt="A hat"),
            Media(kind=MediaKind.IMAGE, ref="own2", alt="A bag"),
        ),
    )
    places = {"own1": "https://x.example/m/own1"}
    (sms,) = degrade(message, SMS, media_url=lambda media: places.get(media.ref))
    assert sms.media == ()
    assert plain(sms) == (
        "Look:\n\nA coat (https://x.example/a.png)\n\nA hat (https://x.example/m/own1)\n\nA bag"
    )


def test_markup_that_cannot_be_shown_becomes_words():
    """Bold is dropped, a link shows its address, a list its marks."""
    message = Message(
        body=(
            Paragraph(
                (
                    Text("See "),
                    Strong((Text("the "), Link("https://x.example/h", (Text("help"),)))),
                    Text(" or "),
                    Link("mailto:a@x.example", (Text("a@x.example"),)),
                    Text(", "),
                    Code("A1"),
                )
            ),
            Items(((Emphasis((Text("one"),)),), (Text("two"),)), 3),
        )
    )
    (sms,) = degrade(message, SMS)
    assert sms.body == (
        text("See the help (https://x.example/h) or a@x.example, A1"),
        text("3. one\n4. two"),
    )


@pytest.mark.parametrize("body", [(), (text(""),), (text(" \n "),), (Items(()),)])
def test_a_message_that_says_nothing_is_not_sent(body):
    """An empty message would be refused by every platform."""
    assert degrade(Message(body=body), SMS) == ()


def test_long_text_is_split_at_the_ends_of_sentences():
    """Before that between paragraphs; buttons go last, pictures first."""
    first = "One sentence of some length here. Another one that is as long! And a third?"
    message = Message(
        body=(text(first), text("A paragraph of its own.")),
        buttons=buttons("Go"),
        media=(Media(kind=MediaKind.IMAGE, ref="https://x.example/a.png", alt="a"),),
    )
    small = Capabilities(text_limit=70, buttons=1, images=True)
    parts = degrade(message, small)
    assert [plain(part) for part in parts] == [
        "One sentence of some length here. Another one that is as long!",
        "And a third?\n\nA paragraph of its own.",
    ]
    assert [bool(part.buttons) for part in parts] == [False, True]
    assert [bool(part.media) for part in parts] == [True, False]


def test_a_link_is_never_cut():
    """Nor put apart from its address, and not even when it alone is too long."""
    address = "https://shop.example/" + "a" * 60
    message = Message(
        body=(
            Paragraph(
                (
                    Text("Some words before. "),
                    Link(address, (Text("the page of the order"),)),
                    Text(" and some words after it."),
                )
            ),
        )
    )
    for limit in (30, 60, 90, 110, 130):
        parts = degrade(message, Capabilities(text_limit=limit))
        assert sum(f"the page of the order ({address})" in plain(part) for part in parts) == 1


def test_a_grapheme_is_never_cut():
    """Families, flags and accents stay whole."""
    family = "👩‍👩‍👧‍👦"
    message = Message(body=(text(family * 30),))
    for part in degrade(message, Capabilities(text_limit=50)):
        assert set(regex.findall(r"\X", plain(part))) == {family}


def test_items_keep_their_numbers_when_they_are_split():
    """The second message goes on where the first ended."""
    message = Message(body=(Items(tuple((Text(f"item number {n}"),) for n in range(1, 9)), 1),))
    parts = degrade(message, Capabilities(text_limit=60))
    lines = [line for part in parts for line in plain(part).split("\n")]
    assert lines == [f"{n}. item number {n}" for n in range(1, 9)]


# -- properties ----------------------------------------------------------------------------------

WORDS = st.text(st.sampled_from("ab é.!?。 \n,👍🏽🇩🇪e\u0301" + "…"), min_size=0, max_size=80)
LEAVES = st.one_of(
    WORDS.map(Text),
    st.text("xyz 1", min_size=1, max_size=10).map(Code),
    st.builds(
        Link,
        st.sampled_from(["https://x.example/a", "https://x.example/" + "b" * 30]),
        st.text("lm n", min_size=1, max_size=20).map(lambda t: (Text(t),)),
    ),
)
INLINE: st.SearchStrategy[Inline] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda c: Strong(tuple(c))),
        st.lists(inner, max_size=3).map(lambda c: Emphasis(tuple(c))),
    ),
    max_leaves=4,
)
RUNS = st.lists(INLINE, max_size=4).map(tuple)
BLOCKS = st.one_of(
    RUNS.map(Paragraph),
    st.builds(Items, st.lists(RUNS, min_size=1, max_size=4).map(tuple), st.sampled_from([0, 1, 5])),
)
MESSAGES = st.builds(
    lambda body, labels: Message(body=tuple(body), buttons=buttons(*labels)),
    st.lists(BLOCKS, max_size=4),
    st.lists(st.text("pqr s", min_size=1, max_size=20), max_size=5),
)
CHANNELS = st.builds(
    Capabilities,
    buttons=st.integers(0, 5),
    button_label=st.integers(1, 25),
    text_limit=st.integers(90, 300),
    markup=st.frozensets(st.sampled_from(["strong", "emphasis", "code", "link", "list"])),
)


def runs(message: Message) -> Iterator[Inline]:
    def walk(children: tuple[Inline, ...]) -> Iterator[Inline]:
        for child in children:
            yield child
            if isinstance(child, Strong | Emphasis | Link):
                yield from walk(child.children)

    for block in message.body:
        for run in block.items if isinstance(block, Items) else (block.children,):
            yield from walk(run)


def squeezed(words: str) -> str:
    return regex.sub(r"\s+", "", words)


def without_marks(blocks: tuple[Block, ...]) -> str:
    """Return the words alone, without white space and the marks of items."""
    parts = []
    for block in blocks:
        runs_of = block.items if isinstance(block, Items) else (block.children,)
        parts += [plain(Message(body=(Paragraph(run),))) for run in runs_of]
    return squeezed("".join(parts))


@settings(max_examples=150, deadline=None)
@given(message=MESSAGES, channel=CHANNELS)
def test_nothing_is_lost_and_nothing_changes_its_order(message, channel):
    """Read one after the other the parts say the message; lists gain marks, cuts lose space."""
    parts = degrade(message, channel)
    shown = "".join(squeezed(plain(part)) for part in parts)
    expected = without_marks(message.body)
    labels = "" if parts and parts[-1].buttons else "".join(b.label for b in message.buttons)
    wanted = expected + squeezed(labels)
    position = 0
    for sign in wanted:
        position = shown.find(sign, position)
        assert position >= 0
        position += 1
    if not any(isinstance(block, Items) for block in message.body) and not message.buttons:
        assert shown == wanted


@settings(max_examples=150, deadline=None)
@given(message=MESSAGES, channel=CHANNELS)
def test_every_part_fits_and_shows_only_what_the_channel_can(message, channel):
    """Limits of length, buttons and labels hold; no foreign markup is left; no part is empty."""
    for part in degrade(message, channel):
        assert len(plain(part)) <= channel.text_limit
        assert len(part.buttons) <= channel.buttons
        assert all(len(button.label) <= channel.button_label for button in part.buttons)
        assert plain(part).strip()
        kinds = {"strong": Strong, "emphasis": Emphasis, "code": Code, "link": Link}
        for name, kind in kinds.items():
            if name not in channel.markup:
                assert not any(isinstance(child, kind) for child in runs(part))
        if "list" not in channel.markup:
            assert not any(isinstance(block, Items) for block in part.body)


def test_white_space_before_a_long_link_is_no_part_of_its_own():
    """Bold white space that does not fit beside a link is dropped at the cut, not sent alone."""
    address = "https://shop.example/" + "x" * 70
    links = (Link(address, (Text("one"),)), Link(address, (Text("two"),)))
    message = Message(body=(Paragraph((Strong((Text(" "),)), *links)),))
    parts = degrade(message, Capabilities(text_limit=90))
    assert [plain(part) for part in parts] == [f"one ({address})", f"two ({address})"]


@settings(max_examples=150, deadline=None)
@given(message=MESSAGES, channel=CHANNELS)
def test_links_and_graphemes_are_whole(message, channel):
    """Every link is in one part, and no part begins or ends within a grapheme."""
    parts = degrade(message, channel)
    for link in (child for child in runs(message) if isinstance(child, Link)):
        assert any(link.url in plain(part) for part in parts)
    graphemes = set(regex.findall(r"\X", plain(message)))
    for part in parts:
        words = plain(part)
        if words and "list" in channel.markup and not message.buttons:
            assert set(regex.findall(r"\X", words)) <= graphemes | {"\n", "-", " ", *"0123456789."}
