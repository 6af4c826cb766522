"""Twilio's signature: its own vectors, every mutation, and forms that share one signature."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from segue.channel import Parsed, RawRequest, Refused
from segue_adapters.sms import SmsChannel, SmsSettings
from segue_adapters.twilio_signing import refusal, signature, spellings

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    *(("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309")),
    *(("To", "+18005551212"), ("Caller", "+14158675309")),
]
FORM_TYPE = "application/x-www-form-urlencoded"
TOKEN = "12345"
ACCOUNT, OURS, ADA = "AC" + "1" * 32, "+15005550006", "+436601234567"
SID = "SM" + "2" * 32
BASE = "https://bot.example.com"


def request(
    body: bytes, given: str, *, path="/myapp.php", query="foo=1&bar=2", kind=FORM_TYPE, **more: str
) -> RawRequest:
    return RawRequest(
        method="POST",
        path=path,
        query=query,
        headers={"content-type": kind, "x-twilio-signature": given, **more},
        body=body,
    )


# -- T1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "given"),
    [
        ("https://mycompany.com", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        # The same signatures, where our settings leave the default port out, or name it.
        ("https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("https://mycompany.com:443", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ],
)
def test_the_official_vectors(base: str, given: str) -> None:
    """Each is let in, with and without the default port."""
    asked = request(urlencode(FORM).encode(), given)
    assert refusal(asked, base, (TOKEN,)) is None
    assert refusal(asked, base, ("54321",)) == Refused(status=403, why="signature")


def test_the_official_vector_of_a_json_body() -> None:
    """The body is bound by its digest in the address, which is signed."""
    body = b'{"property": "value", "boolean": true}'
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert hashlib.sha256(body).hexdigest() == digest
    asked = request(
        body,
        "a9nBmqA0ju/hNViExpshrM61xv4=",
        query=f"foo=1&bar=2&bodySHA256={digest}",
        kind="application/json",
    )
    assert refusal(asked, "https://mycompany.com", (TOKEN,)) is None
    for changed in (
        replace(asked, body=body + b" "),
        replace(asked, query="foo=1&bar=2"),
        replace(asked, query=f"{asked.query}&bodySHA256={digest}"),
        replace(asked, body=b"\xff"),
    ):
        assert refusal(changed, "https://mycompany.com", (TOKEN,)) is not None


def test_the_official_vector_of_several_values() -> None:
    """Several values of one field are signed sorted, each once, in whatever order they come."""
    form = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678")]
    asked = request(
        urlencode([*form, ("Digits", "1234"), ("Digits", "1234")]).encode(),
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    )
    assert refusal(asked, "https://mycompany.com", (TOKEN,)) is None


def test_awkward_addresses_keep_their_host() -> None:
    """A port is found beside a password and an IPv6 address, which Twilio's own code mangles."""
    assert spellings("https://user:pass@host:8443/x") == (
        "https://user:pass@host:8443/x",
        "https://user:pass@host/x",
    )
    assert spellings("https://[2001:db8::1]:8443/x")[1] == "https://[2001:db8::1]/x"
    assert spellings("https://[2001:db8::1]/x")[-1] == "https://[2001:db8::1]:443/x"
    assert "http://host:80/x?" in spellings("http://host/x?")


@settings(max_examples=300)
@given(data=st.data())
def test_a_mutated_byte_anywhere_is_a_forgery(data: st.DataObject) -> None:
    """In the body, the signature or the address: 403, if it means anything else."""
    good = request(urlencode(FORM).encode(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    where = data.draw(st.sampled_from(["body", "given", "query", "path"]))
    text = {"given": good.headers["x-twilio-signature"].encode(), "body": good.body}.get(
        where
    ) or getattr(good, where).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != text[place]))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    if where == "body":
        bad = replace(good, body=changed)
        try:
            same = parse_qsl(changed.decode(), keep_blank_values=True) == FORM
        except UnicodeDecodeError:
            same = False
    else:
        shown = changed.decode("latin-1")
        same = False
        bad = (
            replace(good, headers={**good.headers, "x-twilio-signature": shown})
            if where == "given"
            else replace(good, **{where: shown})
        )
    if not same:
        found = refusal(bad, "https://mycompany.com", (TOKEN,))
        assert found is not None
        assert found.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-twilio-signature": ""},
        {"x-twilio-signature": "é\ud800"},
        {"x-twilio-signature": "=" * 10_000},
        {"x-twilio-signature": "x", "content-type": "application/json"},
    ],
)
@pytest.mark.parametrize("body", [b"", b"\xff", b"a", b"&&&", b"x=1&" * 5000, b"%", b"a=%ff"])
def test_hostile_headers_and_bodies_are_refused(headers: dict[str, str], body: bytes) -> None:
    """Whatever comes, it is 403, never an exception."""
    found = refusal(replace(request(body, ""), headers=headers), BASE, (TOKEN,))
    assert isinstance(found, Refused)
    assert found.status == 403


def test_without_a_token_or_an_address_nothing_is_let_in() -> None:
    """It fails closed, and the settings do not come without a token."""
    good = request(urlencode(FORM).encode(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert refusal(good, "https://mycompany.com", ()) is not None
    assert refusal(good, "", (TOKEN,)) == Refused(status=403, why="no_address")
    assert refusal(replace(good, url=URL), "", (TOKEN,)) is None
    for token in ({}, {"auth_token": ""}, {"auth_token": "  "}):
        with pytest.raises(ValidationError):
            SmsSettings(account_sid=ACCOUNT, from_number=OURS, **token)  # type: ignore[arg-type]


def test_a_second_token_is_good_while_one_is_replaced() -> None:
    """Both sign; a third does not."""
    body = urlencode(FORM).encode()
    for token, good in ((TOKEN, True), ("next", True), ("other", False)):
        asked = request(body, signature(token, URL, FORM))
        assert (refusal(asked, "https://mycompany.com", (TOKEN, "next")) is None) == good


def test_a_forwarded_host_is_never_believed() -> None:
    """The public address is set, not told: headers change nothing."""
    body = urlencode(FORM).encode()
    forged = request(
        body,
        signature(TOKEN, "https://evil.example/myapp.php?foo=1&bar=2", FORM),
        **{
            "x-forwarded-host": "evil.example",
            "x-forwarded-proto": "https",
            "host": "evil.example",
        },
    )
    assert refusal(forged, "https://mycompany.com", (TOKEN,)) is not None


# -- T2: one signature, several forms ------------------------------------------------------------


def channel() -> SmsChannel:
    return SmsChannel(
        SmsSettings(account_sid=ACCOUNT, auth_token=TOKEN, from_number=OURS, webhook_base_url=BASE)
    )


def parsed(form: list[tuple[str, str]], **at: str) -> Parsed | Refused:
    """Sign a form, check that the signature is good, and read it."""
    path = at.get("path", "/channels/sms/webhook")
    given = signature(TOKEN, BASE + path, form)
    asked = request(urlencode(form).encode(), given, path=path, query="")
    assert channel().verify(asked) is None
    return channel().parse(asked)


def told(**changes: str | None) -> list[tuple[str, str]]:
    """Return a message's form, with changes."""
    form = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": "hi",
        "From": ADA,
        "FromCity": "VIENNA",
        "MessageSid": SID,
        "NumMedia": "0",
        "ProfileName": "Ada",
        "To": OURS,
    }
    form.update(changes)  # type: ignore[arg-type]
    return [(name, value) for name, value in form.items() if value is not None]


def test_a_form_as_it_should_be() -> None:
    """It is read."""
    found = parsed(told())
    assert isinstance(found, Parsed)
    assert [each.text for each in found.inbound] == ["hi"]


SHIFTED = {
    "sender in the words": told(Body=f"hiFrom{ADA}", From=None),
    "word in the name": [*told(Body=None), ("Bodyhi", "")],
    "two senders": [*told(Body="hi", From="+15551234567"), (f"From{ADA}", "")],
    "sender twice": [*told(), ("From", "+15551234567")],
    "a field that swallows the sender": [
        *told(From="+15551234567", FromCity=None),
        ("G", f"From{ADA}FromCityVIENNA"),
    ],
    "a city that swallows the sender": told(From="+15551234567", FromCity=f"XFrom{ADA}"),
    "words that swallow all": told(
        Body=f"hiFrom{ADA}MessageSid{SID}NumMedia0ProfileName", From="+15551234567"
    ),
    "a name like a sender": [*told(From="+15551234567"), ("FromA", f"From{ADA}")],
    "another account": told(AccountSid="AC" + "9" * 32),
    "another number": told(To="+15005550001"),
    "no sid": told(MessageSid=None),
    "a sid of another kind": told(MessageSid="CA" + "2" * 32),
    "two sids": [*told(), ("SmsSid", "SM" + "3" * 32)],
    "no words": told(Body=None),
    "a sender that is none": told(From="+43660x"),
    "a sender of many": told(From=f"{ADA}{ADA}"),
    "a name with signs": [*told(), ("X-Y", "1")],
}


@pytest.mark.parametrize("name", SHIFTED)
def test_a_well_signed_form_of_another_shape_is_refused(name: str) -> None:
    """What moved over a border has the same signature; its shape gives it away."""
    assert isinstance(parsed(SHIFTED[name]), Refused)


def test_the_pairs_do_share_one_signature() -> None:
    """So nothing but the shape tells them apart."""
    url = f"{BASE}/channels/sms/webhook"
    pair = [("Body", "hi"), ("From", ADA)], [("Body", f"hiFrom{ADA}")]
    assert signature(TOKEN, url, pair[0]) == signature(TOKEN, url, pair[1])
    assert signature(TOKEN, url, [("a", "bc")]) == signature(TOKEN, url, [("ab", "c")])


def test_a_field_that_is_new_to_us_does_no_harm() -> None:
    """Twilio adds fields without notice."""
    found = parsed([*told(), ("Zodiac", "Leo"), ("Extra1", "")])
    assert isinstance(found, Parsed)
    assert len(found.inbound) == 1


def test_a_status_of_another_account_is_refused() -> None:
    """A receipt is held to the same shape."""
    form = [("MessageSid", SID), ("MessageStatus", "delivered"), ("AccountSid", ACCOUNT)]
    found = parsed(form, path="/channels/sms/status")
    assert isinstance(found, Parsed)
    assert [each.receipt for each in found.receipts] == ["delivered"]
    form[2] = ("AccountSid", "AC" + "9" * 32)
    assert isinstance(parsed(form, path="/channels/sms/status"), Refused)
