"""Sessions: issued by the server, dead at once when they end (threats T12 and T13)."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from segue.types import Address
from segue_adapters.web_payload import Refusal


def cookie_of(answer) -> str:
    return answer.headers.get("Set-Cookie", "")


async def test_the_server_ignores_a_session_somebody_made_up(shop):
    """A cookie set before the first visit gets its holder a session of their own."""
    for made_up in ("abc", "x" * 22 + "." + "y" * 43 + "." + "z" * 27):
        async with shop.client.post(
            f"{shop.url}/messages",
            json={"text": "hi"},
            headers={"Cookie": f"segue_session={made_up}"},
        ) as answer:
            said = await answer.json()
        assert answer.status == 202
        assert made_up not in said["session"]
        assert said["session"] in cookie_of(answer)
    customers = {customer for customer, _ in shop.gateway.received}
    assert len(customers) == 2


async def test_the_cookie_is_out_of_reach_of_scripts(open_shop):
    """HttpOnly, SameSite, bound to the channel's path; Secure unless on this machine."""
    shop = await open_shop()
    async with shop.client.post(f"{shop.url}/messages", json={"text": "hi"}) as answer:
        cookie = cookie_of(answer)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/channels/web" in cookie
    assert "Max-Age=2592000" in cookie
    assert "Secure" not in cookie
    async with shop.client.post(
        f"{shop.url}/messages", json={"text": "hi"}, headers={"Host": "chat.shop.example"}
    ) as answer:
        assert "; Secure" in cookie_of(answer)


async def test_a_cookie_is_enough(open_shop):
    """A browser that keeps cookies goes on with its conversation; no second session is issued."""
    shop = await open_shop(cookies=True)
    await shop.post(json={"text": "one"})
    status, said = await shop.post(json={"text": "two"})
    assert status == 202
    assert "session" not in said
    (first, _), (second, _) = shop.gateway.received
    assert first == second


async def test_the_session_is_stored_as_a_hash(shop):
    """What the store knows does not let anybody in."""
    session = await shop.begin()
    _, secret, _ = session.split(".")
    address = shop.gateway.received[0][1].address
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", address.id)
    assert secret not in address.id
    assert len(secret) == 43


async def test_a_session_cannot_be_put_together(shop):
    """Neither another customer's id, nor another date, nor any changed sign is a session."""
    ada, ben = await shop.begin("I am Ada"), await shop.begin("I am Ben")
    customer, secret, stamp = ada.split(".")
    other = ben.split(".")
    for forged in (
        f"{other[0]}.{secret}.{stamp}",
        f"{customer}.{secret}.{other[2]}",
        f"{other[0]}.{secret}.{other[2]}",
        f"{customer}.{other[1]}.{stamp}",
        f"{customer}.{secret}",
        f"{customer}.{secret}.{stamp}x",
        f"{customer}.{secret}.{'B' if stamp[0] == 'A' else 'A'}{stamp[1:]}",
        f"{customer}.{secret}.",
        "..",
        "é" * 22 + f".{secret}.{stamp}",
    ):
        status, _ = await shop.post(
            json={"text": "x"}, headers={"Authorization": f"Bearer {urllib.parse.quote(forged)}"}
        )
        assert status == 401, forged
    assert len(shop.gateway.received) == 2


async def test_logout_ends_the_session_everywhere(shop):
    """The old token is dead for posting, reading and sockets, and its open sockets close."""
    session = await shop.begin()
    socket = await shop.connect(session)
    assert (await shop.read(socket))["type"] == "welcome"
    status, said = await shop.post("logout", session=session)
    assert (status, said) == (200, {"ended": True})
    assert (await shop.post(json={"text": "x"}, session=session))[0] == 401
    assert (await shop.get("messages", session))[0] == 401
    assert (await shop.post("media", data=b"\x89PNG", session=session))[0] == 401
    assert (await shop.post("identify", json={"token": shop.token()}, session=session))[0] == 401
    frames = [await shop.read(socket), await shop.read(socket)]
    assert frames[0]["type"] == "lines"
    assert frames[1] == {"type": "ended", "why": "logout"}
    assert await shop.closed(socket) == 4401
    again = await shop.connect(session)
    assert (await shop.read(again))["type"] == "ended"


async def test_after_logout_the_next_person_is_somebody_else(open_shop):
    """On a shared computer, the next message begins a new conversation that knows nothing."""
    shop = await open_shop(cookies=True)
    await shop.post("messages?wait=5", json={"text": "My order is A1001"})
    async with shop.client.post(
        f"{shop.url}/logout", headers={"Origin": shop.server.address}
    ) as answer:
        assert "Max-Age=0" in cookie_of(answer)
    status, said = await shop.post("messages?wait=5", json={"text": "Hello"})
    assert status == 200
    status, page = await shop.get("messages", said["session"])
    assert "A1001" not in str(page)
    assert len({customer for customer, _ in shop.gateway.received}) == 2


async def test_an_address_taken_away_elsewhere_is_dead_here(shop):
    """Revoked in another process: no further message, no further line, and the socket ends."""
    session = await shop.begin()
    customer, inbound = shop.gateway.received[0]
    socket = await shop.connect(session)
    assert (await shop.read(socket))["type"] == "welcome"
    assert (await shop.read(socket))["type"] == "lines"
    await shop.gateway.drop_address(customer, inbound.address)
    assert (await shop.post(json={"text": "x"}, session=session))[0] == 401
    shop.gateway.say(customer, "a secret written after that")
    assert await shop.read(socket) == {"type": "ended", "why": "revoked"}
    assert await shop.closed(socket) == 4401


async def test_a_dead_cookie_is_removed(open_shop):
    """The answer to a revoked cookie takes it away, so that the next message begins anew."""
    shop = await open_shop(cookies=True)
    await shop.post(json={"text": "one"})
    customer, inbound = shop.gateway.received[0]
    await shop.gateway.drop_address(customer, inbound.address)
    assert (await shop.post(json={"text": "two"}))[0] == 401
    status, said = await shop.post(json={"text": "three"})
    assert status == 202
    assert "session" in said


async def test_a_session_ends_when_it_is_not_used(shop):
    """Thirty days idle and it is over."""
    session = await shop.begin()
    shop.clock.advance(days=30)
    assert (await shop.post(json={"text": "x"}, session=session))[0] == 401


async def test_a_used_session_is_renewed_until_it_is_too_old(shop):
    """Use prolongs it, with one address for all its stamps; after 180 days it is over."""
    session = await shop.begin()
    for _ in range(17):
        shop.clock.advance(days=10)
        status, said = await shop.post(json={"text": "x"}, session=session)
        assert status == 202
        assert said["session"] != session
        assert said["session"].split(".")[:2] == session.split(".")[:2]
        session = said["session"]
    shop.clock.advance(days=10)
    assert (await shop.post(json={"text": "x"}, session=session))[0] == 401
    assert len({inbound.address for _, inbound in shop.gateway.received}) == 1


async def test_a_lost_answer_loses_nobody(shop):
    """The older stamp of a renewed session still works: the new one may not have arrived."""
    session = await shop.begin()
    shop.clock.advance(days=2)
    for _ in range(2):
        status, said = await shop.post(json={"text": "x"}, session=session)
        assert (status, "session" in said) == (202, True)


async def test_a_session_is_good_in_every_process_that_shares_the_secret(open_shop):
    """The key is kept in the data folder; the next process reads it there."""
    shop = await open_shop()
    session = await shop.begin()
    other = await open_shop()
    assert other.channel.sessions.read(session) is not None
    assert (other.channel.site.data_dir / "web" / "key").stat().st_mode & 0o077 == 0


async def test_a_foreign_page_cannot_use_the_cookie(open_shop):
    """A POST another site made the browser send is refused, whatever its content type."""
    shop = await open_shop(cookies=True)
    await shop.post(json={"text": "one"})
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
    ):
        async with shop.client.post(f"{shop.url}/logout", headers=headers) as answer:
            assert answer.status == 403, headers
    assert (await shop.post(json={"text": "two"}))[0] == 202


async def test_new_sessions_of_one_address_are_limited(open_shop):
    """Beyond its share, an IP address gets no further sessions for a while."""
    shop = await open_shop(new_per_minute=2)
    door = shop.channel.door
    door.beginning("203.0.113.9")
    door.beginning("203.0.113.9")
    for _ in range(3):
        with pytest.raises(Refusal, match="too_fast"):
            door.beginning("203.0.113.9")
    door.beginning("127.0.0.1")
    door.beginning("203.0.113.10")


async def test_no_token_is_ever_in_an_address(shop):
    """Sessions given in a query are not looked at."""
    session = await shop.begin()
    for name in ("session", "token", "segue_session", "access_token"):
        async with shop.client.get(f"{shop.url}/messages?{name}={session}") as answer:
            assert answer.status == 401


def test_addresses_of_two_secrets_never_meet():
    """The address is of the secret alone: 192 bits of its sha256, more than anybody can try."""
    from segue_adapters.web_sessions import _address

    assert _address("a") == Address("web", "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5y")
