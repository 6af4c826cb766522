"""Is it Slack? The vectors of its documentation, and what has made a verifier fall."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.channel import Parsed, RawRequest, Refused, Site
from segue.errors import SettingsError
from segue.settings import channel_settings, load
from segue.testing import FakeClock
from segue_adapters.slack import SlackChannel, SlackSettings

# From Slack's page about verifying requests.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIME = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW = datetime.fromtimestamp(TIME, UTC)


def channel(now: datetime = NOW, **settings: object) -> SlackChannel:
    given_settings = {"bot_token": "xoxb-1", "signing_secret": SECRET, **settings}
    return SlackChannel(SlackSettings(**given_settings), Site(clock=FakeClock(now)))


def request(
    body: bytes = BODY, *, signature: str | None = SIGNATURE, time: str | None = str(TIME)
) -> RawRequest:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if signature is not None:
        headers["x-slack-signature"] = signature
    if time is not None:
        headers["x-slack-request-timestamp"] = time
    return RawRequest(
        method="POST", path="/channels/slack/commands", query="", headers=headers, body=body
    )


def signed(body: bytes, time: str = str(TIME)) -> RawRequest:
    digest = hmac.new(SECRET.encode(), b"v0:" + time.encode() + b":" + body, hashlib.sha256)
    return request(body, signature=f"v0={digest.hexdigest()}", time=time)


def test_the_documented_request_is_slacks():
    """The secret, time, body and signature of the documentation fit each other."""
    slack = channel()
    assert slack.verify(request()) is None
    parsed = slack.parse(request())
    assert isinstance(parsed, Parsed)
    (inbound,) = parsed.inbound
    assert inbound.address.id == "T1DC2JH3J:U2CERLKJA@G8PSS9T3V"
    assert inbound.kind == "public"
    assert inbound.text == ""


@pytest.mark.parametrize(("skew", "good"), [(-301, 0), (-299, 1), (0, 1), (299, 1), (301, 0)])
def test_five_minutes_either_way(skew, good):
    """A request is good for five minutes before and after our time, and no longer."""
    refusal = channel(NOW + timedelta(seconds=skew)).verify(request())
    assert (refusal is None) == bool(good)
    if refusal is not None:
        assert refusal == Refused(status=401, why="old")


HOSTILE_TIMES = [
    "abc",
    "nan",
    "1.5",
    "9" * 5000,
    "",
    "-1",
    " 1531420618",
    "１５３１４２０６１８",
    "\x00",
]
HOSTILE_SIGNATURES = ["", "v0=", "é" * 64, "v0=" + "é", SIGNATURE.upper(), "v1=" + SIGNATURE[3:]]


@pytest.mark.parametrize("time", [*HOSTILE_TIMES, None])
def test_a_hostile_time_is_refused(time):
    """Where the SDK's verifier raises, the answer is 401."""
    refusal = channel().verify(request(time=time))
    assert refusal == Refused(status=401, why="time")


@pytest.mark.parametrize("signature", [*HOSTILE_SIGNATURES, "v0=" + "0" * 10_000, None])
def test_a_hostile_signature_is_refused(signature):
    """Also one that holds other signs than ASCII."""
    refusal = channel().verify(request(signature=signature))
    assert refusal == Refused(status=401, why="signature")


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", BODY + b"\xff"])
def test_a_body_that_is_no_utf8_is_refused(body):
    """Even if somebody signed it."""
    assert channel().verify(signed(body)) == Refused(status=401, why="signature")


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_every_byte_counts(place, change):
    """One changed byte of the body is a forgery."""
    body = BODY[:place] + bytes([BODY[place] ^ change]) + BODY[place + 1 :]
    assert channel().verify(request(body)) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"payload=" + b"[" * 10_000,
        b"payload=%7B",
        b"payload=",
        b"&".join(b"k%d=v" % n for n in range(1000)),
        b"payload=%5B%22%5Cud800%22%5D",
        b"command=/x&team_id=%00&user_id=U1",
    ],
)
def test_signed_nonsense_is_no_fault_of_ours(body):
    """Deep nesting, many fields, half a surrogate: 400, or acknowledged and nothing done."""
    parsed = channel().parse(signed(body))
    assert parsed == Refused(status=400, why="body") or (
        isinstance(parsed, Parsed) and parsed.inbound == ()
    )


def test_an_unsigned_challenge_gets_no_answer():
    """The word that verifies an address is given back only after the signature was looked at."""
    body = b'{"type":"url_verification","challenge":"x"}'
    assert channel().verify(request(body)) is not None


def test_a_replay_is_the_same_message():
    """The same bytes again are let in, and say the same id: the store knows it."""
    slack = channel()
    first, again = slack.parse(request()), slack.parse(request())
    assert slack.verify(request()) is slack.verify(request()) is None
    assert isinstance(first, Parsed)
    assert first == again


class TestSettings:
    def refusal(self, **section: object) -> str:
        settings = load(environ={}, channels={"slack": section})
        with pytest.raises(SettingsError) as caught:
            channel_settings(settings, "slack", SlackSettings)
        return str(caught.value)

    def test_without_a_secret_nothing_starts(self):
        """A server that could not tell Slack from others is not started."""
        assert "signing_secret" in self.refusal(bot_token="xoxb-1")

    def test_socket_mode_needs_its_token(self):
        """And says where to get one."""
        said = self.refusal(bot_token="xoxb-1", socket_mode=True)
        assert "app_token" in said

    def test_the_wrong_kind_of_token_is_noticed(self):
        """A user's token, or the app's where the bot's belongs, is told by its beginning."""
        said = self.refusal(bot_token="xapp-1-canary", signing_secret="a" * 32)
        assert "xoxb-" in said
        assert "canary" not in said

    @pytest.mark.parametrize("base", ["http://slack.example/api", "ftp://x", "https://u:p@x"])
    def test_tokens_go_nowhere_unsafe(self, base):
        """A base is https, or on this machine."""
        said = self.refusal(bot_token="xoxb-1", signing_secret="a" * 32, api_base=base)
        assert "api_base" in said

    def test_in_socket_mode_nobody_may_call(self):
        """No paths, and a request that comes all the same is refused."""
        slack = SlackChannel(
            SlackSettings(bot_token="xoxb-1", socket_mode=True, app_token="xapp-1"), Site()
        )
        assert slack.routes(None) == ()  # type: ignore[arg-type]
        assert slack.verify(request()) == Refused(status=403, why="no_secret")
