"""What comes in: verified on the bytes, parsed without ever raising, the same each time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import CASES, recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.channel import Parsed, RawRequest, Refused

SAMPLES = [(case, sample) for case in CASES for sample in recorded(case.name)]

header = st.text(max_size=40) | st.sampled_from(
    ["", "nan", "1.5", "9" * 5000, "é", "\x00", "\ud800", "application/json"]
)
requests = st.builds(
    RawRequest,
    method=st.sampled_from(["POST", "GET", "X" * 100]),
    path=st.text(max_size=20),
    query=st.text(max_size=40),
    headers=st.dictionaries(
        st.sampled_from(
            ["content-type", "x-sample-time", "x-sample-signature", "authorization", "x"]
        ),
        header,
    ),
    body=st.binary(max_size=200)
    | st.sampled_from(
        [
            b"",
            b"\xff",
            b"[" * 10_000,
            b'{"events":' * 500,
            b'{"events":[{"id":"\\ud800","type":"message","sender":"x"}]}',
            b'{"events":[1]}',
            b"null",
        ]
    ),
)

same = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@same
@given(request=requests)
def test_verify_never_raises_and_lets_nobody_in(adapter, request):
    """Whatever bytes and headers come: refused, with a status of a refusal."""
    refusal = adapter.verify(request)
    assert isinstance(refusal, Refused)
    assert refusal.status in (400, 401, 403, 413)
    assert refusal.why.replace("_", "").isalpha()


@same
@given(request=requests)
def test_parse_never_raises(adapter, request):
    """Even of what was never verified."""
    parsed = adapter.parse(request)
    assert isinstance(parsed, Parsed | Refused)
    if isinstance(parsed, Parsed):
        for inbound in parsed.inbound:
            assert inbound.address.channel == adapter.name
            assert inbound.address.id
            assert inbound.message_id


@pytest.mark.parametrize(
    ("case", "sample"), SAMPLES, ids=[f"{case.name}-{sample.name}" for case, sample in SAMPLES]
)
def test_recorded_requests_say_what_they_said(case, sample, folder):
    """Each is let in, and parsed to the messages and receipts written beside it."""
    adapter = case.make(folder)
    assert adapter.verify(sample.request) is None
    parsed = adapter.parse(sample.request)
    assert isinstance(parsed, Parsed)
    said = [
        {
            "from": inbound.address.id,
            "id": inbound.message_id,
            "text": inbound.text,
            "choice": inbound.choice,
        }
        for inbound in parsed.inbound
    ]
    assert said == sample.messages
    assert [[each.id, each.receipt.value] for each in parsed.receipts] == sample.receipts


@pytest.mark.parametrize(
    ("case", "sample"), SAMPLES, ids=[f"{case.name}-{sample.name}" for case, sample in SAMPLES]
)
def test_a_redelivery_has_the_same_ids(case, sample, folder):
    """The same request parsed again, by another process, is the same messages."""
    first = case.make(folder).parse(sample.request)
    again = case.make(folder).parse(sample.request)
    assert first == again


@pytest.mark.parametrize(
    ("case", "sample"), SAMPLES, ids=[f"{case.name}-{sample.name}" for case, sample in SAMPLES]
)
def test_one_changed_bit_is_a_forgery(case, sample, folder):
    """Every byte of the body is covered by the proof, and so is every sign of it."""
    adapter = case.make(folder)
    body = sample.request.body
    for place in range(len(body) if case.signs_body else 0):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert adapter.verify(replace(sample.request, body=changed)) is not None
    if case.signs_body:
        assert adapter.verify(replace(sample.request, body=body + b" ")) is not None
    for name in case.proof:
        value = sample.request.headers[name]
        for forged in ("", value[:-1], value + "0", value.upper() + "é", value[::-1]):
            headers = {**sample.request.headers, name: forged}
            assert adapter.verify(replace(sample.request, headers=headers)) is not None
        rest = {key: value for key, value in sample.request.headers.items() if key != name}
        assert adapter.verify(replace(sample.request, headers=rest)) is not None
