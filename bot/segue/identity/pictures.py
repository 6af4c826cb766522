"""QR pictures of links, drawn when somebody looks, behind links that end.

They are served like attachments (`segue.media`): the address says, sealed, what to draw, so nothing
can be read out of it and nothing is kept.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from segue.channel import Fetched
from segue.types import Media, MediaKind

if TYPE_CHECKING:
    from segue.identity.room import Room

CHANNEL = "qr"


class Pictures:
    """Draws what a sealed address names, as an adapter would fetch it."""

    async def fetch(self, media: Media) -> Fetched | None:
        """Return a PNG of the link; None for what is none."""
        if not media.ref.startswith(("https://", "sms:")):
            return None
        import segno

        drawn = io.BytesIO()
        segno.make(media.ref, error="m").save(drawn, kind="png", scale=6, border=3)
        return Fetched(body=drawn.getvalue(), content_type="image/png", name="link.png")


def qr_url(room: Room, link: str) -> str:
    """Return where the picture of a link is; empty where this server has no public address."""
    media = Media(kind=MediaKind.IMAGE, ref=link, content_type="image/png")
    return room.media.links.url(CHANNEL, media)
