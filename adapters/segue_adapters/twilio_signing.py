"""Is this request Twilio's? Its own scheme, checked with its own library, wrapped.

- What is signed is the public address, byte for byte, and the form. Twilio is not of one mind about
  a default port, so both ways of writing the address count.
- Whatever comes (no header, bytes that are no text, ten thousand fields), the answer is a refusal.
- Signatures are compared as bytes in constant time. Two tokens may be good at once, for rotation.
- A JSON body is covered only by `bodySHA256` in the address: there must be exactly one.
- There is no time in it: an old request is as well signed as a new one. Copies are recognised by
  their MessageSid, which is kept for thirty days.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from segue.channel import RawRequest, Refused

Form: TypeAlias = list[tuple[str, str]]

_FIELDS = 200
_DEFAULT = {"https": 443, "http": 80}


class NoForm(ValueError):
    """The body is not what it says it is."""


class _Many:
    """A form as the validator wants it: names, and all values of one."""

    def __init__(self, form: Form) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in form:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self._values[name]


def signature(token: str, url: str, form: Form) -> str:
    """Return the signature of a form that is posted to an address."""
    made: str = RequestValidator(token).compute_signature(url, _Many(form))
    return made


def form_of(body: bytes) -> Form:
    """Return the fields of a body, blank ones too. Raises `NoForm`."""
    if not body:
        return []
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise NoForm from None


def is_json(request: RawRequest) -> bool:
    """Whether a request says that its body is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "application/json"


def refusal(request: RawRequest, base: str, tokens: Sequence[str]) -> Refused | None:
    """Return why a request is not Twilio's, or None. `base` is the public address before paths.

    Without `base` the address is the server's own public one (`RawRequest.url`).
    """
    path = f"{request.path}?{request.query}" if request.query else request.path
    url = f"{base}{path}" if base else request.url
    given = request.headers.get("x-twilio-signature", "")
    if not tokens or not url or not given:
        return Refused(status=403, why="no_address" if tokens and not url else "unsigned")
    try:
        form = _signed_form(request)
        written = given.encode("ascii")
        signed = [
            signature(token, each, form).encode() for token in tokens for each in spellings(url)
        ]
    except (ValueError, TypeError, RecursionError):
        return Refused(status=403, why="malformed")
    # All are compared, so that time tells nothing.
    if not sum(hmac.compare_digest(written, each) for each in signed):
        return Refused(status=403, why="signature")
    return None


def _signed_form(request: RawRequest) -> Form:
    """Return the fields that are signed. Raises `ValueError` if the body is not covered."""
    if not is_json(request):
        return form_of(request.body)
    query = parse_qsl(request.query, keep_blank_values=True, max_num_fields=_FIELDS)
    digests = [value for name, value in query if name == "bodySHA256"]
    digest = hashlib.sha256(request.body).hexdigest().encode()
    if len(digests) != 1 or not hmac.compare_digest(digests[0].encode(), digest):
        raise NoForm
    return []


def spellings(url: str) -> tuple[str, ...]:
    """Return an address with and without its port, where that is the default one or none."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, port = host, ""
    if (colon := host.rfind(":")) > host.rfind("]"):
        name, port = host[:colon], host[colon + 1 :]
    default = str(_DEFAULT.get(parts.scheme, ""))
    netlocs = [parts.netloc, f"{user}{at}{name}"]
    if port in ("", default):
        netlocs.append(f"{user}{at}{name}:{default}")
    made = [urlunsplit(parts._replace(netloc=netloc)) for netloc in netlocs]
    # `urlunsplit` drops an empty query's question mark: what was signed has it.
    made = [f"{each}?" if url.endswith("?") and not each.endswith("?") else each for each in made]
    return tuple(dict.fromkeys(made))
