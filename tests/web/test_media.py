"""Photos and files: known by their bytes, kept under our names, served by links that end."""

from __future__ import annotations

import asyncio
import os

import pytest

from segue_adapters.web_media import kind_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 100
PDF = b"%PDF-1.7\n" + b"x" * 100


async def upload(shop, session, data=PNG, kind="image/png"):
    return await shop.post("media", data=data, session=session, headers={"Content-Type": kind})


async def test_a_photo_is_kept_and_shown_to_whoever_reads_the_transcript(shop):
    """Sent, referred to in a message, and read back by a signed link."""
    session = await shop.begin()
    status, kept = await upload(shop, session)
    assert status == 201
    assert set(kept) == {"ref", "url", "kind"}
    status, _ = await shop.post(
        "messages?wait=5", json={"text": "Look", "media": [kept["ref"]]}, session=session
    )
    assert status == 200
    _, page = await shop.get("messages", session)
    (media,) = page["lines"][2]["media"]
    assert media["kind"] == "image"
    async with shop.client.get(shop.server.address + media["url"]) as answer:
        assert answer.status == 200
        assert await answer.read() == PNG
        headers = answer.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == 'attachment; filename="file.png"'
    assert "sandbox" in headers["Content-Security-Policy"]
    assert session not in media["url"]
    assert shop.gateway.received[0][0] not in media["url"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "image/svg+xml"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "image/png"),
        (b"<!doctype html><script>1</script>" + b" " * 100, "text/html"),
        (b"<!doctype html><script>1</script>" + b" " * 100, "image/png"),
        (b"<!doctype html><script>1</script>" + b" " * 100, "application/octet-stream"),
        (PNG, "image/jpeg"),
        (PNG, "text/html"),
        (b"MZ" + b"\0" * 100, "application/octet-stream"),
        (b"PK\x03\x04" + b"\0" * 100, "application/zip"),
        (b"", "image/png"),
        (b"\x89PNG", "image/png"),
    ],
)
async def test_what_is_not_a_known_kind_is_refused(shop, data, kind):
    """The bytes decide, and they must be what the sender says; nothing is kept of the rest."""
    session = await shop.begin()
    status, said = await upload(shop, session, data, kind)
    assert status == 415
    assert set(said) == {"error"}
    folder = shop.channel.site.data_dir / "web" / "media"
    assert [file for file in folder.rglob("*") if file.is_file()] == []


async def test_a_large_file_is_cut_off(open_shop):
    """With a length or without: 413, and no half file stays."""
    shop = await open_shop(media_bytes=10_000)
    session = await shop.begin()
    assert (await upload(shop, session, PNG + b"x" * 10_000))[0] == 413

    async def endless():
        yield PNG
        for _ in range(100):
            yield b"x" * 1000

    status, _ = await upload(shop, session, endless())
    assert status == 413
    folder = shop.channel.site.data_dir / "web" / "media"
    assert [file for file in folder.rglob("*") if file.is_file()] == []


async def test_a_connection_that_breaks_leaves_no_half_file(shop):
    """An upload that stops in the middle is not kept."""
    session = await shop.begin()
    host, port = shop.server.address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /channels/web/media HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        b"Authorization: Bearer " + session.encode() + b"\r\nContent-Length: 5000\r\n\r\n" + PNG
    )
    await writer.drain()
    folder = shop.channel.site.data_dir / "web" / "media"
    await shop.until(lambda: any(file.is_file() for file in folder.rglob("*")))
    writer.transport.abort()
    await shop.until(lambda: not any(file.is_file() for file in folder.rglob("*")))


async def test_only_who_has_a_session_may_send(shop):
    """Without one: 401."""
    assert (await upload(shop, None))[0] == 401


async def test_another_customers_photo_cannot_be_referred_to(shop):
    """A ref is good for the customer who sent the file, and nobody else."""
    ada, ben = await shop.begin(), await shop.begin()
    _, kept = await upload(shop, ada)
    for ref in (
        kept["ref"],
        "../" + kept["ref"],
        kept["ref"] + "/",
        kept["url"],
        "https://x/y.png",
    ):
        status, _ = await shop.post(json={"text": "x", "media": [ref]}, session=ben)
        assert status == 400


async def test_a_link_is_good_for_what_it_was_signed_for(shop):
    """Changed, prolonged or old links do not work; neither do other paths."""
    session = await shop.begin()
    _, one = await upload(shop, session)
    _, two = await upload(shop, session, JPEG, "image/jpeg")
    path, _, query = one["url"].partition("?")
    ends = query.split("&")[0].removeprefix("e=")
    signature = query.split("s=")[1]
    for url in (
        path,
        f"{path}?e={ends}",
        f"{path}?e={int(ends) + 3600}&s={signature}",
        f"{path}?e=9999999999&s={signature}",
        f"{path}?e={ends}&s={signature[:-1]}",
        f"{path}?e={ends}&s=%C3%A9",
        f"{two['url'].partition('?')[0]}?{query}",
        f"/channels/web/media/..%2f..%2fkey/x?{query}",
        f"/channels/web/media/{'a' * 16}/..%2f..%2fkey?{query}",
    ):
        async with shop.client.get(shop.server.address + url) as answer:
            assert answer.status == 404, url
    async with shop.client.get(shop.server.address + one["url"]) as answer:
        assert answer.status == 200
    shop.clock.advance(hours=3)
    async with shop.client.get(shop.server.address + one["url"]) as answer:
        assert answer.status == 404


async def test_a_transcript_read_twice_gives_the_same_links(shop):
    """So that a page that reads it again does not load its photos again."""
    session = await shop.begin()
    _, kept = await upload(shop, session)
    shop.clock.advance(seconds=1)
    assert shop.channel.media.url(kept["ref"]) == kept["url"]


async def test_files_an_hour_are_limited(open_shop):
    """A customer who fills the disk is slowed down."""
    shop = await open_shop(media_per_hour=2)
    session = await shop.begin()
    assert [(await upload(shop, session))[0] for _ in range(3)] == [201, 201, 429]


async def test_old_files_are_removed(shop):
    """What is older than its time goes, the rest stays."""
    session = await shop.begin()
    _, old = await upload(shop, session)
    _, new = await upload(shop, session)
    folder = shop.channel.site.data_dir / "web" / "media"
    now = shop.clock.now().timestamp()
    os.utime(folder / old["ref"], (now - 200 * 86_400, now - 200 * 86_400))
    os.utime(folder / new["ref"], (now, now))
    await shop.channel.start(shop.gateway)
    await shop.until(lambda: shop.counts.get(("media", "removed"), 0) == 1)
    assert not (folder / old["ref"]).exists()
    assert (folder / new["ref"]).exists()


def test_kinds_are_known_by_their_first_bytes():
    """Each kind that is taken, and nothing else."""
    assert kind_of(PNG) == "png"
    assert kind_of(JPEG) == "jpg"
    assert kind_of(b"GIF89a" + b"\0" * 10) == "gif"
    assert kind_of(b"RIFF\0\0\0\0WEBPVP8 ") == "webp"
    assert kind_of(PDF) == "pdf"
    for other in (b"", b"RIFF\0\0\0\0WAVE", b"GIF88a", b"<svg", b"%PDF", b"\0" * 16):
        assert kind_of(other) is None
