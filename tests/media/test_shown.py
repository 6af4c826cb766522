"""`segue customer show` names attachments by links that end, where somebody could open them."""

from __future__ import annotations

import pytest

from segue.cli.customer import _line
from segue.media import media_links
from segue.ports import SystemClock
from segue.settings.model import MediaSettings
from segue.types import Line, Media, MediaKind, Who

LINE = Line(
    who=Who.CUSTOMER,
    at=1_772_357_400_000,
    channel="telegram",
    text="it arrived like this",
    media=(Media(kind=MediaKind.IMAGE, ref="AgACcanary"),),
)


@pytest.mark.parametrize("public_url", ["https://chat.example", ""])
def test_an_attachment_is_a_link_where_the_public_address_is_known(tmp_path, public_url):
    """Else it is said that there is one. The platform's reference is in neither."""
    links = media_links(
        MediaSettings(), data_dir=tmp_path, public_url=public_url, clock=SystemClock()
    )
    shown = _line(3, LINE, links, {})
    (attachment,) = shown["attachments"]
    assert attachment["kind"] == "image"
    assert attachment["link"].startswith(f"{public_url}/media/" if public_url else "")
    assert bool(attachment["link"]) is bool(public_url)
    assert "AgACcanary" not in str(shown)
    if public_url:
        token = attachment["link"].rpartition("/")[2]
        assert links.opened(token) == ("telegram", LINE.media[0])
