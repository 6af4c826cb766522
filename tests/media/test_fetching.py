"""T32: a file comes from the platform's own hosts, or not at all."""

from __future__ import annotations

import gzip

import aiohttp
import pytest
from aiohttp import web

from segue_adapters.fetching import Fetcher, NotFetched, check_base, is_public
from segue_adapters.file_kinds import content_type_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
TOKEN = {"Authorization": "Bearer canary"}


async def refusal(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(NotFetched) as caught:
        await fetcher.fetch(address, headers=TOKEN)
    assert "canary" not in str(caught.value)
    assert len(str(caught.value)) < 15
    return caught.value.why


def answering(*addresses: str):
    """Return a lookup that gives these, and the list of what it was asked."""
    asked: list[str] = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(addresses)

    return lookup, asked


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "https://files.slack.com.evil.example/x",
        "https://evilfiles.slack.com/x",
        "https://twilio.com/x",
        "https://.twilio.com/x",
        "https://eviltwilio.com/x",
        "https://files.slack.com:8443/x",
        "https://files.slack.com@evil.example/x",
        "https://user:word@files.slack.com/x",
        "https://127.0.0.1/x",
        "https://0/x",
        "https://0x7f.1/x",
        "https://2130706433/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "http://files.slack.com/x",
        "http://127.0.0.1/x",
        "http://[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "gopher://files.slack.com/x",
        "ftp://files.slack.com/x",
        "data:text/plain,x",
        "//files.slack.com/x",
        "files.slack.com/x",
        "",
        "https://files.slack.com/a b",
        "https://files.slack.com/\r\nX: y",
        "https://files.slack.com\\@evil.example/x",
    ],
)
async def test_an_address_off_the_list_is_never_asked(address):
    """Nothing is resolved, and nothing connected to."""
    lookup, asked = answering("93.184.215.14")
    fetcher = Fetcher(hosts=["files.slack.com", ".twilio.com"], lookup=lookup)
    assert await refusal(fetcher, address) in ("host", "scheme")
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1"),
        *("255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("::ffff:10.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::1", "fec0::1"),
        *("240.0.0.1", "198.18.0.1", "not an address"),
    ],
)
async def test_a_listed_name_that_leads_inside_is_refused(address):
    """Private, loopback, link-local, shared, mapped and metadata addresses, also among others."""
    assert not is_public(address)
    for addresses in ([address], ["93.184.215.14", address]):
        lookup, asked = answering(*addresses)
        fetcher = Fetcher(hosts=[".twilio.com"], lookup=lookup)
        assert await refusal(fetcher, "https://media.twilio.com/x") == "address"
        assert asked == ["media.twilio.com"]


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_public(address):
    """The open internet is let in, also as IPv6."""
    assert is_public(address)


async def test_a_name_that_changes_its_mind_changes_nothing(monkeypatch):
    """Rebinding: it is resolved once, and the connection goes to the address that was judged."""
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    connected = []

    async def lookup(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async def start_connection(*, addr_infos, **_):
        connected.extend(info[4][0] for info in addr_infos)
        raise OSError

    monkeypatch.setattr(aiohttp.connector.aiohappyeyeballs, "start_connection", start_connection)
    fetcher = Fetcher(hosts=["api.telegram.org"], lookup=lookup)
    assert await refusal(fetcher, "https://api.telegram.org/x") == "unreachable"
    assert connected == ["93.184.215.14"]
    assert answers == [["127.0.0.1"]]


async def test_a_file_is_what_its_bytes_are(files):
    """Whatever the server says it is."""
    fetched = await Fetcher(hosts=[], bases=[files.url]).fetch(f"{files.url}/photo", name="a.png")
    assert fetched.body == PNG
    assert fetched.content_type == "image/png"
    assert fetched.name == "a.png"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"OggS\0", "audio/ogg"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "application/octet-stream"),
        (b"<?xml version='1.0'?><svg/>", "application/octet-stream"),
        (b"<!doctype html>", "application/octet-stream"),
        (b"MZ\x90", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_what_could_run_is_never_a_picture(head, kind):
    """SVG and HTML are bytes to download."""
    assert content_type_of(head) == kind


@pytest.mark.parametrize(
    "to",
    [
        *("file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "http://169.254.169.254/"),
        *("https://169.254.169.254/", "http://[::ffff:a9fe:a9fe]/", "https://evil.example/"),
        *("//evil.example/x", "http://0/", ""),
    ],
)
async def test_a_redirect_is_judged_like_the_first_address(files, to):
    """Out of the list it leads nowhere."""
    files.redirect("/moved", to)
    fetcher = Fetcher(hosts=["files.slack.com"], bases=[files.url])
    why = await refusal(fetcher, f"{files.url}/moved")
    assert why in ("host", "scheme", "redirects")
    assert files.asked[0][0] == "/moved"


async def test_a_redirect_to_another_server_here_is_refused(files, elsewhere):
    """What was configured is one origin, not this machine."""
    files.redirect("/moved", f"{elsewhere.url}/x")
    fetcher = Fetcher(hosts=[], bases=[files.url])
    assert await refusal(fetcher, f"{files.url}/moved") == "scheme"
    assert elsewhere.asked == []


async def test_the_token_goes_to_the_first_origin_only(files, elsewhere):
    """A redirect to another listed host is followed without it, also on the way back."""
    files.redirect("/one", "/two")
    files.redirect("/two", f"{elsewhere.url}/three", status=307)
    elsewhere.redirect("/three", f"{files.url}/four")
    fetcher = Fetcher(hosts=[], bases=[files.url, elsewhere.url])
    await fetcher.fetch(f"{files.url}/one", headers=TOKEN)
    canary = "Bearer canary"
    assert files.asked == [("/one", canary), ("/two", canary), ("/four", "")]
    assert elsewhere.asked == [("/three", "")]


async def test_three_redirects_and_no_more(files):
    """A chain of three is followed, a fourth is not."""
    for place in range(4):
        files.redirect(f"/{place}", f"/{place + 1}")
    fetcher = Fetcher(hosts=[], bases=[files.url])
    assert (await fetcher.fetch(f"{files.url}/1")).body == PNG
    assert await refusal(fetcher, f"{files.url}/0") == "redirects"


async def test_a_body_that_trickles_is_given_up(files):
    """The time is for all of it, not for each byte."""
    files.answers["/slow"] = 0.02
    fetcher = Fetcher(hosts=[], bases=[files.url], seconds=0.3)
    assert await refusal(fetcher, f"{files.url}/slow") == "too_slow"


async def test_a_packed_body_is_not_unpacked(files):
    """A bomb of a megabyte that is a thousand times as much stays shut."""
    bomb = gzip.compress(b"\0" * 10_000_000)
    packed = {"Content-Encoding": "gzip"}
    files.answers["/bomb"] = lambda: web.Response(body=bomb, headers=packed)
    assert await refusal(Fetcher(hosts=[], bases=[files.url]), f"{files.url}/bomb") == "encoded"


@pytest.mark.parametrize("chunked", [False, True])
async def test_too_much_is_too_much(files, chunked):
    """By what it says beforehand, or by what comes."""

    def much() -> web.Response:
        answer = web.Response(body=b"x" * 5000)
        if chunked:
            answer.enable_chunked_encoding()
        return answer

    files.answers["/much"] = much
    fetcher = Fetcher(hosts=[], bases=[files.url], limit=4000)
    assert await refusal(fetcher, f"{files.url}/much") == "too_large"


@pytest.mark.parametrize(
    ("status", "why"), [(404, "gone"), (410, "gone"), (403, "unreachable"), (500, "unreachable")]
)
async def test_a_platform_without_the_file_says_so(files, status, why):
    """Gone is gone; anything else may come right."""
    files.answers["/x"] = lambda: web.Response(status=status, body=PNG)
    assert await refusal(Fetcher(hosts=[], bases=[files.url]), f"{files.url}/x") == why


async def test_a_server_that_is_away_is_unreachable(files):
    """A refused connection is no more than that."""
    await files.stop()
    assert await refusal(Fetcher(hosts=[], bases=[files.url]), f"{files.url}/x") == "unreachable"


@pytest.mark.parametrize(
    "base",
    ["http://bots.internal", "http://10.0.0.1:8081", "http://127.0.0.1.evil.example", "ftp://x"],
)
def test_a_base_without_encryption_is_for_this_machine(base):
    """The sentence says what to do."""
    with pytest.raises(ValueError, match="must"):
        check_base(base)
    with pytest.raises(ValueError, match="must"):
        Fetcher(hosts=[], bases=[base])


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8081/", "http://localhost:1", "http://[::1]:2", "https://x.example"]
)
def test_other_bases_are_taken(base):
    """Without their last slash."""
    assert check_base(base) == base.rstrip("/")


@pytest.mark.parametrize(
    ("address", "why"),
    [("10.1.2.3", "unreachable"), ("169.254.169.254", "address"), ("0.0.0.0", "address")],
)
async def test_a_configured_base_may_be_in_a_private_network(monkeypatch, address, why):
    """A Bot API server of one's own may; a metadata service is never one."""
    lookup, _ = answering(address)

    async def start_connection(**_):
        raise OSError

    monkeypatch.setattr(aiohttp.connector.aiohappyeyeballs, "start_connection", start_connection)
    fetcher = Fetcher(hosts=[], bases=["https://bots.internal"], lookup=lookup)
    assert await refusal(fetcher, "https://bots.internal/x") == why


async def test_localhost_must_be_here():
    """A base named localhost that resolves elsewhere is not this machine."""
    lookup, _ = answering("93.184.215.14")
    fetcher = Fetcher(hosts=[], bases=["http://localhost:9"], lookup=lookup)
    assert await refusal(fetcher, "http://localhost:9/x") == "address"
