"""A session begun on a socket moves into the cookie, where scripts cannot read it."""

from __future__ import annotations


async def test_a_bearer_session_is_put_into_the_cookie(open_shop):
    """The browser gets the cookie for the session it holds, and the cookie alone is enough then."""
    shop = await open_shop(cookies=True)
    socket = await shop.connect()
    session = (await shop.read(socket))["session"]
    status, said = await shop.post("session", session=session, json={})
    assert (status, said) == (200, {"cookie": False})
    here = {"Origin": shop.server.address}
    assert await shop.post("session", headers=here, json={}) == (200, {"cookie": True})
    status, page = await shop.get("messages")
    assert status == 200
    assert page["lines"] == []


async def test_without_any_session_none_is_made(shop):
    """Asking is free: nobody becomes a customer by it."""
    assert await shop.post("session", json={}) == (200, {"cookie": False})
    assert shop.counts["sessions", "begun"] == 0


async def test_a_session_that_ended_is_not_put_there(shop):
    """A revoked session is refused, and no cookie is set for it."""
    session = await shop.begin()
    await shop.post("logout", session=session, json={})
    async with shop.client.post(
        f"{shop.url}/session", headers={"Authorization": f"Bearer {session}"}, json={}
    ) as answer:
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers


async def test_where_cookies_are_switched_off_none_is_set(open_shop):
    """With `cookie = false` the widget learns that the session stays with it."""
    shop = await open_shop(cookies=True, cookie=False)
    session = await shop.begin()
    await shop.post("session", session=session, json={})
    here = {"Origin": shop.server.address}
    assert await shop.post("session", headers=here, json={}) == (200, {"cookie": False})


async def test_a_wrong_identity_token_leaves_the_cookie_alone(open_shop):
    """Only a session that ended is taken out of the browser."""
    shop = await open_shop(cookies=True)
    here = {"Origin": shop.server.address}
    assert (await shop.post("messages", headers=here, json={"text": "hello"}))[0] == 202
    assert (await shop.post("identify", headers=here, json={"token": "no.such.token"}))[0] == 401
    assert (await shop.post("messages", headers=here, json={"text": "still me"}))[0] == 202
    assert len({customer for customer, _ in shop.gateway.received}) == 1
