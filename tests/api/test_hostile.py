"""Bodies that nobody honest sends: one sentence, a 4xx, nothing stored, and never a 500 (T9)."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.api.declaring import Problem, read_body
from segue.api.wire import StartDialog, TellCustomer, Touchpoint

from .conftest import Company

BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("no json", b"{"),
    ("array", b"[]"),
    ("null", b"null"),
    ("deep", b'{"values":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001),
    ("deep array", b"[" * 100_000),
    ("nan", b'{"values": {"order": NaN}}'),
    ("huge number", b'{"values": {"order": ' + b"9" * 5000 + b"}}"),
    ("big exponent", b'{"values": {"order": 1e999}}'),
    ("not utf-8", b'{"dialog": "\xff"}'),
    ("half a surrogate", b'{"dialog": "\\ud800"}'),
    ("zero byte", b'{"dialog": "shipped", "customer": "x\\u0000"}'),
    ("wrong types", b'{"dialog": 1, "customer": []}'),
    ("many keys", json.dumps({"values": {f"k{n}": n for n in range(100_000)}}).encode()),
    ("utf-16", '{"dialog": "shipped"}'.encode("utf-16")),
]


@pytest.mark.parametrize("raw", [raw for _, raw in BODIES], ids=[name for name, _ in BODIES])
@pytest.mark.parametrize(
    "path", ["/api/dialogs", "/api/customers/x", "/api/customers/x/touchpoints"]
)
async def test_nonsense_is_refused_in_a_sentence(company: Company, path: str, raw: bytes) -> None:
    """Whatever it is; and what was sent is not in the answer."""
    headers = {"Content-Type": "application/json"}
    status, said = await company.call("POST", path, data=BytesIO(raw), headers=headers)
    assert status in (400, 413, 422), said
    assert set(said) == {"error", "code"}
    assert len(said["error"]) < 300
    assert await company.store.owner(company.bot.app.door.external("x")) is None


async def test_a_body_that_is_too_large_is_not_read(company: Company) -> None:
    """More than the limit is refused by its length."""
    headers = {"Content-Type": "application/json"}
    raw = b'{"facts": {"a": "' + b"x" * 2_000_000 + b'"}}'
    status, _ = await company.call("POST", "/api/customers/x", data=BytesIO(raw), headers=headers)
    assert status == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_taken(company: Company, kind: str) -> None:
    """A form of a page cannot speak to the API by accident."""
    status, said = await company.call(
        "POST", "/api/customers/x", data=b"{}", headers={"Content-Type": kind}
    )
    assert (status, said["code"]) == (415, "content_type")


async def test_a_compressed_body_is_refused(company: Company) -> None:
    """A small body cannot become a large one here."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    status, _ = await company.call("POST", "/api/customers/x", data=b"\x1f\x8b", headers=headers)
    assert status in (400, 415)


@pytest.mark.parametrize("once", ["a b", "ä", "x" * 256])
async def test_an_odd_idempotency_key_is_refused(company: Company, once: str) -> None:
    """It is visible ASCII of a bounded length."""
    status, said = await company.start("nobody", once=once)
    assert (status, said["code"]) == (400, "idempotency_key")


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "customer",
        "dialog",
        "values",
        "channel",
        "address",
        "consent",
        "facts",
        "at",
        "correct",
        "by",
    ]
)


@given(
    st.binary(max_size=200) | st.dictionaries(names, anything).map(lambda d: json.dumps(d).encode())
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_reading_a_body_never_raises_anything_else(raw: bytes) -> None:
    """Fuzz of the parser: it fits, or it is a `Problem`."""
    for kind in (StartDialog, TellCustomer, Touchpoint):
        try:
            found = read_body(kind, raw)
        except Problem as problem:
            said = (problem.status, problem.sentence[-1])
        else:
            said = (200, "." if isinstance(found, kind) else "")
        assert said in ((200, "."), (400, "."), (422, "."))
