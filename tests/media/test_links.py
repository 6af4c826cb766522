"""What customers attached is seen behind a link that ends, and says nothing by itself."""

from __future__ import annotations

import asyncio
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from segue.channel import Fetched
from segue.media import Links, MediaRoom
from segue.ports import SystemIds
from segue.server import Server, make_app
from segue.types import Media, MediaKind
from segue_adapters.testing import MemoryGateway

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
PHOTO = Media(kind=MediaKind.IMAGE, ref="AgACAgIAAxkBAAICanaryFileId-436601234567")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Channel:
    """A channel whose files can be looked at."""

    def __init__(self) -> None:
        self.files: dict[str, Fetched | None] = {}
        self.fetched: list[str] = []

    async def fetch(self, media: Media) -> Fetched | None:
        self.fetched.append(media.ref)
        await asyncio.sleep(0.01)
        return self.files.get(media.ref)


def links(clock: Clock, key: bytes = b"k" * 43, public_url: str = "https://chat.example") -> Links:
    return Links(lambda: key, public_url=public_url, minutes=60, clock=clock)


class Room:
    """The room, listening."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.channel = Channel()
        self.folder = folder / "media"
        self.links = links(self.clock)
        self.media = MediaRoom(
            lambda: {"telegram": self.channel},  # type: ignore[dict-item]
            self.links,
            self.folder,
            copy_hours=2,
            copies_bytes=1000,
            clock=self.clock,
            ids=SystemIds(),
        )
        self.server = Server(make_app({}, MemoryGateway(), routes=self.media.routes()), port=0)

    async def get(self, token: str):
        async with ClientSession() as client:
            answer = await client.get(f"{self.server.address}/media/{token}")
            return answer.status, await answer.read(), answer.headers

    async def look(self, media: Media = PHOTO, channel: str = "telegram"):
        return await self.get(self.links.token(channel, media))


@pytest.fixture
async def room(tmp_path):
    room = Room(tmp_path)
    await room.server.start()
    yield room
    await room.server.stop()


def test_a_link_says_nothing(tmp_path):
    """Neither the channel nor the platform's reference, nor when it ends, can be read in it."""
    url = links(Clock()).url("telegram", PHOTO)
    assert url.startswith("https://chat.example/media/")
    token = url.rpartition("/")[2]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for told in (b"telegram", PHOTO.ref.encode(), b"canary", b"4366", b"image"):
        assert told not in raw


def test_without_a_public_address_there_is_no_link():
    """Nobody could open it."""
    assert links(Clock(), public_url="").url("telegram", PHOTO) == ""


def test_a_link_is_the_same_for_a_while_and_ends():
    """A page that is read again shows the same address; at most two hours later it is dead."""
    clock = Clock()
    made = links(clock)
    token = made.token("telegram", PHOTO)
    clock.at += timedelta(minutes=20)
    assert made.token("telegram", PHOTO) == token
    clock.at += timedelta(minutes=40)
    assert made.opened(token) == ("telegram", PHOTO)
    clock.at += timedelta(hours=1, seconds=1)
    assert made.opened(token) is None


def test_another_key_opens_nothing():
    """What one installation sealed is noise to another."""
    clock = Clock()
    assert links(clock, b"x" * 43).opened(links(clock).token("telegram", PHOTO)) is None


@given(place=st.integers(0, 400), sign=st.sampled_from("AZaz09-_é=."))
def test_a_changed_sign_is_no_link(place, sign):
    """Every sign of a token is covered."""
    made = links(Clock())
    token = made.token("telegram", PHOTO)
    place %= len(token)
    changed = token[:place] + sign + token[place + 1 :]
    opened = made.opened(changed)
    # The last sign of base64 may hold bits that nothing is made of.
    assert opened is None or changed == token or place == len(token) - 1


@given(token=st.text(max_size=200) | st.just("A" * 100_000))
def test_nonsense_is_no_link(token):
    """Whatever is asked for, nothing is raised."""
    assert links(Clock()).opened(token) is None


async def test_a_photo_is_fetched_when_somebody_looks_and_kept_for_a_while(room):
    """Many who look at once cause one fetch; after its time the copy is gone."""
    room.channel.files[PHOTO.ref] = Fetched(body=PNG, content_type="image/png")
    assert room.channel.fetched == []
    answers = await asyncio.gather(*(room.look() for _ in range(5)))
    assert [(status, body) for status, body, _ in answers] == [(200, PNG)] * 5
    assert room.channel.fetched == [PHOTO.ref]
    await room.look()
    assert room.channel.fetched == [PHOTO.ref]
    (copy,) = room.folder.iterdir()
    assert "canary" not in copy.name
    assert room.folder.stat().st_mode & 0o777 == 0o700
    room.clock.at += timedelta(hours=2, seconds=1)
    await room.look()
    assert room.channel.fetched == [PHOTO.ref] * 2
    room.clock.at += timedelta(hours=2, seconds=1)
    assert room.media.tidy() == 1
    assert list(room.folder.iterdir()) == []


async def test_a_picture_is_shown_and_all_else_is_a_download(room):
    """By its bytes: what an adapter says it is decides nothing."""
    room.channel.files["photo"] = Fetched(body=PNG, content_type="image/png")
    room.channel.files["svg"] = Fetched(body=SVG, content_type="image/png")
    room.channel.files["pdf"] = Fetched(body=b"%PDF-1.7", content_type="application/pdf")
    shown = {}
    for ref in room.channel.files:
        status, _, headers = await room.look(Media(kind=MediaKind.FILE, ref=ref))
        assert status == 200
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Referrer-Policy"] == "no-referrer"
        shown[ref] = (headers["Content-Type"], headers["Content-Disposition"])
    download = "application/octet-stream"
    assert shown == {
        "photo": ("image/png", "inline"),
        "svg": (download, 'attachment; filename="file.png"'),
        "pdf": (download, 'attachment; filename="file.pdf"'),
    }


async def test_what_is_gone_and_what_was_never_linked_look_the_same(room):
    """Nobody learns from outside which of the two it is."""
    gone = await room.look()
    unknown_channel = await room.look(channel="slack")
    forged = await room.get("A" * 120)
    assert {status for status, *_ in (gone, unknown_channel, forged)} == {404}
    assert len({body for _, body, _ in (gone, unknown_channel, forged)}) == 1
    assert room.media.counts == {"gone": 2, "no_link": 1}


async def test_copies_take_no_more_room_than_they_may(room):
    """The oldest go first; the one just asked for stays, even if it is too large by itself."""
    for place in range(5):
        ref = f"file{place}"
        room.channel.files[ref] = Fetched(body=b"x" * 400, content_type="video/mp4")
        await room.look(Media(kind=MediaKind.FILE, ref=ref))
        room.clock.at += timedelta(seconds=1)
    assert len(list(room.folder.iterdir())) == 2
    await room.look(Media(kind=MediaKind.FILE, ref="file4"))
    assert len(room.channel.fetched) == 5
    room.channel.files["big"] = Fetched(body=b"x" * 4000, content_type="video/mp4")
    status, body, _ = await room.look(Media(kind=MediaKind.FILE, ref="big"))
    assert (status, len(body)) == (200, 4000)
    assert [file.stat().st_size for file in room.folder.iterdir()] == [4000]


async def test_what_is_being_fetched_is_given_up_when_the_process_stops(room):
    """Nothing is left running; whoever asks again later gets it."""
    begun = asyncio.Event()

    async def endless(media: Media) -> None:
        begun.set()
        await asyncio.Event().wait()

    room.channel.fetch = endless
    looking = asyncio.create_task(room.media._file("telegram", PHOTO))
    await begun.wait()
    await room.media.stop()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert room.media._fetching == {}
