"""Who a visitor is, on the host site's word (threats T11 and T13)."""

from __future__ import annotations

import base64
import io
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from segue.ports import to_millis
from segue.types import Address, Line, Message, Paragraph, Proof, Text, Who
from segue_adapters.web_settings import WebSettings

OTHER = "another-secret-of-at-least-32-bytes!!"


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def identify(shop, token, session=None):
    return await shop.post("identify", json={"token": token}, session=session)


async def test_a_signed_visitor_is_the_customer_of_the_subject(shop):
    """Messages after identify belong to the customer of `sub`, with verified proof."""
    status, said = await identify(shop, shop.token("ada", name="Ada Lovelace", locale="de-AT"))
    assert status == 200
    status, _ = await shop.post(json={"text": "Hi"}, session=said["session"])
    assert status == 202
    customer, inbound = shop.gateway.received[0]
    assert (inbound.name, inbound.locale, inbound.proof) == (
        "Ada Lovelace",
        "de-AT",
        Proof.VERIFIED,
    )
    assert await shop.gateway.owner(Address("web-user", "/ada")) == customer
    assert shop.gateway.proof(customer, Address("web-user", "/ada")) is Proof.VERIFIED


async def test_the_same_person_comes_back_on_another_device(shop):
    """Two sessions of one `sub` see one conversation; another `sub` sees nothing of it."""
    _, phone = await identify(shop, shop.token("ada"))
    _, laptop = await identify(shop, shop.token("ada"))
    _, ben = await identify(shop, shop.token("ben"))
    await shop.post("messages?wait=5", json={"text": "My order is A1001"}, session=phone["session"])
    assert "A1001" in str(await shop.get("messages", laptop["session"]))
    assert "A1001" not in str(await shop.get("messages", ben["session"]))


async def test_issuers_keep_their_subjects_apart(shop):
    """The same `sub` of two issuers is two customers, however the names are cut."""
    sessions = []
    for issuer, subject in (("https://a", "b/c"), ("https://a/b", "c"), ("", "c")):
        _, said = await identify(shop, shop.token(subject, iss=issuer or None))
        sessions.append(said["session"])
        await shop.post(json={"text": "x"}, session=said["session"])
    assert len({customer for customer, _ in shop.gateway.received}) == 3


async def test_identify_rotates_the_session(shop):
    """The anonymous token is dead at once, its socket is closed, its conversation is sealed."""
    anonymous = await shop.begin("My anonymous secret")
    socket = await shop.connect(anonymous)
    assert (await shop.read(socket))["type"] == "welcome"
    assert (await shop.read(socket))["type"] == "lines"
    status, said = await identify(shop, shop.token("ada"), anonymous)
    assert status == 200
    assert await shop.read(socket) == {"type": "ended", "why": "identified"}
    assert await shop.closed(socket) == 4401
    assert (await shop.post(json={"text": "x"}, session=anonymous))[0] == 401
    assert "secret" not in str(await shop.get("messages", said["session"]))


async def test_after_logout_another_person_sees_nothing(shop):
    """Identify A, log out, identify B: neither reading nor a socket shows anything of A."""
    _, ada = await identify(shop, shop.token("ada"))
    await shop.post("messages?wait=5", json={"text": "I am Ada"}, session=ada["session"])
    await shop.post("logout", session=ada["session"])
    _, ben = await identify(shop, shop.token("ben"))
    assert "Ada" not in str(await shop.get("messages", ben["session"]))
    socket = await shop.connect(ben["session"])
    assert (await shop.read(socket))["identified"] is True
    await socket.send_json({"type": "message", "text": "I am Ben", "client_message_id": "1"})
    seen = [await shop.read(socket), await shop.read(socket)]
    assert "Ada" not in str(seen)
    assert (await shop.get("messages", ada["session"]))[0] == 401


FORGERIES = {
    "no signature at all": lambda shop: shop.token(key=None, algorithm="none"),
    "alg none with a signature": lambda shop: (
        segment({"alg": "none", "typ": "JWT"}) + "." + shop.token().split(".", 1)[1]
    ),
    "another secret": lambda shop: shop.token(key=OTHER),
    "a pinned algorithm that is not ours": lambda shop: shop.token(algorithm="HS512"),
    "the token of A with the name of B": lambda shop: ".".join(
        (
            shop.token("ada").split(".")[0],
            shop.token("ben").split(".")[1],
            shop.token("ada").split(".")[2],
        )
    ),
    "expired": lambda shop: shop.token(exp=int(shop.clock.now().timestamp()) - 1),
    "without an end": lambda shop: shop.token(exp=None),
    "an end that is text": lambda shop: shop.token(exp=str(int(shop.clock.now().timestamp()) + 60)),
    "an end that is a fraction": lambda shop: shop.token(exp=shop.clock.now().timestamp() + 60.5),
    "an end that is true": lambda shop: shop.token(exp=True),
    "an end too far away": lambda shop: shop.token(exp=int(shop.clock.now().timestamp()) + 3601),
    "without a beginning": lambda shop: shop.token(iat=None),
    "begun in the future": lambda shop: shop.token(iat=int(shop.clock.now().timestamp()) + 300),
    "an hour that is not over yet, tomorrow": lambda shop: shop.token(
        iat=int(shop.clock.now().timestamp()) + 86_400,
        exp=int(shop.clock.now().timestamp()) + 90_000,
    ),
    "not before": lambda shop: shop.token(nbf=int(shop.clock.now().timestamp()) + 300),
    "another audience": lambda shop: shop.token(aud="another-widget"),
    "no audience": lambda shop: shop.token(aud=None),
    "an audience that only begins right": lambda shop: shop.token(aud="shop-widget-2"),
    "nobody": lambda shop: shop.token(sub=None),
    "an empty name": lambda shop: shop.token(""),
    "a name that is a number": lambda shop: jwt.encode(
        {**jwt.decode(shop.token(), options={"verify_signature": False}), "sub": 7},
        shop.SECRET,
        algorithm="HS256",
    ),
    "a name with NUL": lambda shop: shop.token("ada\0"),
    "a name that is too long": lambda shop: shop.token("a" * 256),
    "a key id that is a path": lambda shop: shop.token(headers={"kid": "../../../dev/null"}),
    "a key id that is SQL": lambda shop: shop.token(headers={"kid": "x' UNION SELECT 'y"}),
    "a key id that is a list": lambda shop: shop.token(headers={"jku": "https://evil.example"}),
    "a key of its own": lambda shop: shop.token(
        key=OTHER, headers={"jwk": {"kty": "oct", "k": segment(OTHER.encode())}}
    ),
    "critical extensions": lambda shop: shop.token(headers={"crit": ["exp"], "exp": 1}),
    "a header of many kilobytes": lambda shop: shop.token(headers={"typ": "x" * 5000}),
    "a deep header": lambda shop: segment(b"[" * 3000) + "." + shop.token().split(".", 1)[1],
    "deep claims": lambda shop: (
        shop.token().split(".")[0] + "." + segment(b"[" * 3000) + "." + shop.token().split(".")[2]
    ),
    "two parts": lambda shop: shop.token().rsplit(".", 1)[0],
    "an empty signature": lambda shop: shop.token().rsplit(".", 1)[0] + ".",
    "four parts": lambda shop: shop.token() + ".x",
    "nothing": lambda shop: "",
    "dots": lambda shop: "..",
    "signs of another alphabet": lambda shop: "é.é.é",
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_tokens_change_nothing(shop, name):
    """401 in one sentence; the anonymous session goes on as it was."""
    session = await shop.begin()
    status, said = await identify(shop, FORGERIES[name](shop), session)
    assert status == 401
    assert set(said) == {"error"}
    assert (await shop.post(json={"text": "still me"}, session=session))[0] == 202
    assert len({customer for customer, _ in shop.gateway.received}) == 1
    assert any(why.startswith("identity_") for what, why in shop.counts if what == "refused")


async def test_a_public_key_is_not_a_shared_secret(open_shop):
    """HS256 signed with the public key's text is refused: the key decides the algorithm."""
    private = Ed25519PrivateKey.generate()
    shop = await open_shop(jwt_keys={"ed": pem(private)})
    import hashlib
    import hmac

    body = shop.token("ada").split(".")[1]
    for kid in ({}, {"kid": "ed"}):
        signed = segment({"alg": "HS256", "typ": "JWT", **kid}) + "." + body
        mac = hmac.new(pem(private).encode(), signed.encode(), hashlib.sha256).digest()
        assert (await identify(shop, f"{signed}.{segment(mac)}"))[0] == 401


async def test_keys_are_rotated_with_two_of_them(open_shop):
    """Old and next key are both good, named or not; and both kinds of signature."""
    private = Ed25519PrivateKey.generate()
    shop = await open_shop(jwt_keys={"old": OTHER, "new": "n" * 32, "ed": pem(private)})
    for key, kid, algorithm in (
        (OTHER, "old", "HS256"),
        (OTHER, None, "HS256"),
        ("n" * 32, "new", "HS256"),
        ("n" * 32, None, "HS256"),
        (private, "ed", "EdDSA"),
        (private, None, "EdDSA"),
    ):
        token = shop.token(
            key=key, algorithm=algorithm, headers={"kid": kid} if kid is not None else None
        )
        assert (await identify(shop, token))[0] == 200
    token = shop.token(key=OTHER, headers={"kid": "new"})
    assert (await identify(shop, token))[0] == 401


async def test_only_pinned_algorithms_count(open_shop):
    """With EdDSA alone, a token signed with a secret is refused though its key is known."""
    shop = await open_shop(
        jwt_keys={"hs": OTHER, "ed": pem(Ed25519PrivateKey.generate())}, algorithms=("EdDSA",)
    )
    assert (await identify(shop, shop.token(key=OTHER)))[0] == 401


async def test_a_header_segment_of_200_mb_is_never_decoded(shop):
    """The body limit stops it; what fits the body is still measured before it is decoded."""
    assert (await identify(shop, "e" * 1_000_000 + ".x.x"))[0] == 401
    body = io.BytesIO(b'{"token":"' + b"e" * 2_000_000 + b'.x.x"}')
    status, _ = await shop.post("identify", data=body, headers={"Content-Type": "application/json"})
    assert status == 413


async def test_without_keys_nobody_is_identified(open_shop):
    """An installation that trusts no site trusts no token."""
    shop = await open_shop(jwt_keys={}, audience="")
    assert (await identify(shop, shop.token()))[0] == 401


async def test_an_issuer_that_is_set_is_required(open_shop):
    """Only its own tokens count."""
    shop = await open_shop(issuer="https://shop.example")
    assert (await identify(shop, shop.token()))[0] == 401
    assert (await identify(shop, shop.token(iss="https://shop.example")))[0] == 200


async def test_an_email_finds_nobody(shop):
    """Two subjects with one e-mail are two customers; the e-mail is passed on as a fact."""
    for subject in ("ada", "mallory"):
        _, said = await identify(shop, shop.token(subject, email="ada@shop.example"))
        await shop.post(json={"text": "x"}, session=said["session"])
    customers = {customer for customer, _ in shop.gateway.received}
    assert len(customers) == 2
    assert shop.gateway.received[0][1].data == {"email": "ada@shop.example"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"jwt_keys": {"a": "short"}, "audience": "w"}, "at least 32"),
        ({"jwt_keys": {"a": "x" * 32}}, "audience"),
        ({"jwt_keys": {k: k * 32 for k in "abc"}, "audience": "w"}, "3 keys for HS256"),
        (
            {"jwt_keys": {"a": "-----BEGIN PUBLIC KEY-----\nx\n-----END"}, "audience": "w"},
            "Ed25519 public key",
        ),
        ({"algorithms": ["none"]}, "HS256"),
        ({"allowed_origins": ["*"]}, "exact origin"),
        ({"allowed_origins": ["https://*.shop.example"]}, "exact origin"),
        ({"allowed_origins": ["https://shop.example/path"]}, "exact origin"),
        ({"secret": "short"}, "32"),
        ({"path": "channels"}, "slash"),
    ],
)
def test_wrong_settings_say_what_to_do(settings, said):
    """Each is refused when it is read, before anybody relies on it."""
    with pytest.raises(ValidationError, match=said):
        WebSettings.model_validate(settings)


async def test_what_is_vouched_for_fits_a_cookie(shop):
    """The longest attributes make a session that works; longer ones are left out."""
    for name, email, expected in (
        ("Ä" * 200, "e" * 300 + "@x.example", True),
        ("Ä" * 201, "e" * 400, False),
    ):
        token = shop.token("ada", name=name, email=email, locale="de-AT; nonsense")
        status, said = await identify(shop, token)
        assert status == 200
        assert len(said["session"]) < 2000
        status, _ = await shop.post(json={"text": "x"}, session=said["session"])
        assert status == 202
        inbound = shop.gateway.received[-1][1]
        assert inbound.name == (name if expected else None)
        assert inbound.data == ({"email": email} if expected else {})
        assert inbound.locale == "de-AT"


async def test_a_left_over_cookie_does_not_stop_anybody_from_signing_in(open_shop):
    """The dead session is replaced by the new one."""
    shop = await open_shop(cookies=True)
    await shop.post(json={"text": "one"})
    customer, inbound = shop.gateway.received[0]
    await shop.gateway.drop_address(customer, inbound.address)
    assert (await identify(shop, shop.token("ada")))[0] == 200
    assert (await shop.post(json={"text": "two"}))[0] == 202
    assert await shop.gateway.owner(Address("web-user", "/ada")) == shop.gateway.received[-1][0]


async def test_a_session_is_rotated_when_two_customers_become_one(shop):
    """T12, T14: whoever has the token from before a link has nothing half a minute later."""
    old = await shop.begin("Hello")
    customer = shop.gateway.received[0][0]
    socket = await shop.connect(old)
    assert (await shop.read(socket))["type"] == "welcome"
    assert (await shop.read(socket))["type"] == "lines"
    shop.clock.advance(minutes=2)
    line = Line(
        who=Who.BOT,
        at=to_millis(shop.clock.now()),
        channel="web",
        message=Message(body=(Paragraph((Text("You are one now."),)),)),
        reply="continue_on/joined",
        id="joined",
    )
    shop.gateway._lines[customer].append(line)
    shop.gateway._wake(customer)
    assert (await shop.read(socket))["type"] == "lines"
    frame = await shop.read(socket)
    assert frame["type"] == "session"
    assert await shop.closed(socket) == 1001, "the client connects again, with the new one"
    new = frame["session"]
    assert new.split(".")[0] == customer
    assert new != old
    assert (await shop.post(json={"text": "x"}, session=new))[0] == 202
    await shop.until(lambda: len(shop.gateway._addresses[customer]) == 1)
    assert 30.0 in shop.clock.slept, "long enough to be given the new one"
    assert (await shop.post(json={"text": "x"}, session=old))[0] == 401
    again = await shop.connect(new)
    assert (await shop.read(again))["type"] == "welcome"
    assert (await shop.read(again))["type"] == "lines"
    status, said = await shop.post("messages?wait=5", json={"text": "y"}, session=new)
    assert status == 200
    assert "session" not in said, "what was said before the new one began rotates nothing"


async def test_t13_only_an_anonymous_session_of_this_visitor_is_offered(shop):
    """The old session's conversation is named where it was anonymous; one signed in is not."""
    anonymous = await shop.begin("Hello")
    before = shop.gateway.received[0][0]
    _, ada = await identify(shop, shop.token("ada"), anonymous)
    customer, letter = shop.gateway.received[-1]
    assert (letter.kind, letter.data) == ("earlier", {"earlier": before})
    assert customer == ada["session"].split(".")[0]
    letters = len(shop.gateway.received)
    await identify(shop, shop.token("ben"), ada["session"])
    await identify(shop, shop.token("ben"))
    await identify(shop, shop.token("ben"), anonymous)
    assert len(shop.gateway.received) == letters, "Ada's is not Ben's, and a dead session nobody's"
