"""A visitor whose other channels are linked sees what they changed there, and no empty bubbles."""

from __future__ import annotations

from segue.types import Line, Media, MediaKind, Who
from segue_adapters.web import WebChannel
from segue_adapters.web_payload import web_lines


def test_a_deletion_is_no_line_of_the_page() -> None:
    """An edit is, with its new words; numbers stay those of the transcript."""
    at = {"who": Who.CUSTOMER, "at": 1, "channel": "telegram"}
    photo = (Media(kind=MediaKind.IMAGE, ref="x"),)
    lines = [
        (0, Line(**at, text="A1001", id="7")),
        (1, Line(**at, text="A1002", id="7.1", changes="7")),
        (2, Line(**at, id="7.2", changes="7")),
        (3, Line(**at, id="8", changes="7", media=photo)),
        (4, Line(**at, text="bye", id="9")),
    ]
    shown = web_lines(lines, WebChannel().media)
    assert [(line.n, line.text) for line in shown] == [
        (0, "A1001"),
        (1, "A1002"),
        (3, ""),
        (4, "bye"),
    ]
