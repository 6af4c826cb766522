"""How a route of `/api` is declared, and what each request goes through.

    measure ─ key ─ scope ─ rate ─ body ─ once ─ act ─ answer

- A route is closed unless it says which scope opens it: `scope` has no default.
- An error is one sentence and a code: `{"error": "…", "code": "…"}`.
- With an `Idempotency-Key` a request is done once: the same again gets the same answer, another
  body under the same key is refused (409). The key's claim, not its answer, is what makes it so: a
  process that dies between them leaves an id, under which the next try goes on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from aiohttp import web
from msgspec import Struct

from segue.api.wire import Answer, Error, Request
from segue.memory import ApiKey

if TYPE_CHECKING:
    from segue.api.door import Door

log = logging.getLogger("segue.api")

PUBLIC = "public"
"""Scope of a route that needs no key."""
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
ONCE = "Idempotency-Key"
_ONCE = re.compile(r"[!-~]{1,255}")


class Problem(Exception):
    """A request that is not done: status, code, and a sentence for whoever wrote the client."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence


class Call(Struct, frozen=True, kw_only=True):
    """One request that may be acted on."""

    id: str
    """The same for the same idempotency key."""
    key: str
    """Name of the API key; empty where none is needed."""
    who: str = ""
    """The `{who}` of the path."""
    body: Any = None


Reply: TypeAlias = tuple[int, Answer | bytes]
Act: TypeAlias = Callable[["Door", Call], Awaitable[Reply]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One route: what it takes, what it gives, who may call it."""

    name: str
    """`operationId` of the description, and the label of its counter."""
    method: str
    path: str
    scope: str
    summary: str
    act: Act
    body: type[Request] | None = None
    gives: Mapping[int, type[Answer]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    """Statuses of its own problems, beside those that any route may have."""


class _Once(Struct, array_like=True):
    """What stands under an idempotency key."""

    body: bytes
    """Digest of the request."""
    id: str
    status: int = 0
    """0 while it is not done."""
    answer: bytes = b""


def handler(door: Door, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return what answers the requests of a route."""

    async def handle(request: web.Request) -> web.Response:
        try:
            status, body = await _done(door, endpoint, request)
        except Problem as problem:
            door.count(endpoint.name, problem.code)
            return _refusal(problem)
        door.count(endpoint.name, "done")
        return web.Response(status=status, body=body, headers=HEADERS)

    return handle


def _refusal(problem: Problem) -> web.Response:
    error = Error(error=problem.sentence, code=problem.code)
    response = web.Response(status=problem.status, body=msgspec.json.encode(error), headers=HEADERS)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.status in (429, 503):
        response.headers["Retry-After"] = "2"
    return response


async def _done(door: Door, endpoint: Endpoint, request: web.Request) -> tuple[int, bytes]:
    key = await _key(door, endpoint, request)
    raw = await _raw(endpoint, request)
    body = read_body(endpoint.body, raw) if endpoint.body is not None else None
    who, name = request.match_info.get("who", ""), key.name if key else ""
    if endpoint.method == "GET":
        return _packed(await endpoint.act(door, Call(id="", key=name, who=who, body=body)))
    once = request.headers.get(ONCE, "")
    if not once:
        call = Call(id=door.ids.new(), key=name, who=who, body=body)
        return _packed(await endpoint.act(door, call))
    if _ONCE.fullmatch(once) is None:
        raise Problem(400, "idempotency_key", f"{ONCE} must be 1 to 255 visible ASCII characters.")
    digest = sha256(b"%b\n%b\n%b" % (endpoint.name.encode(), who.encode(), raw)).digest()
    return await _once(door, endpoint, once, digest, Call(id="", key=name, who=who, body=body))


async def _once(
    door: Door, endpoint: Endpoint, once: str, digest: bytes, call: Call
) -> tuple[int, bytes]:
    life = timedelta(hours=door.settings.once_hours)
    mine = msgspec.msgpack.encode(_Once(digest, door.ids.new()))
    record = await door.store.once(call.key, once, mine, life)
    stands = msgspec.msgpack.decode(record, type=_Once)
    if stands.body != digest:
        raise Problem(
            409, "idempotency_conflict", f"This {ONCE} was used with another request before."
        )
    if stands.status:
        return stands.status, stands.answer
    try:
        status, answer = _packed(
            await endpoint.act(door, msgspec.structs.replace(call, id=stands.id))
        )
    except Problem as problem:
        if problem.status < 429:
            # It will not be done in this form; the key is free for a mended one.
            await door.store.drop_once(call.key, once)
        raise
    kept = msgspec.msgpack.encode(_Once(digest, stands.id, status, answer))
    await door.store.keep_once(call.key, once, kept, life)
    return status, answer


def _packed(reply: Reply) -> tuple[int, bytes]:
    status, answer = reply
    return status, answer if isinstance(answer, bytes) else msgspec.json.encode(answer)


async def _key(door: Door, endpoint: Endpoint, request: web.Request) -> ApiKey | None:
    if endpoint.scope == PUBLIC:
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "no_key", "Send your API key as Authorization: Bearer KEY.")
    key = await door.store.api_key(token.strip())
    if key is None:
        raise Problem(401, "unknown_key", "This API key is not known, or was revoked.")
    if endpoint.scope not in key.scopes:
        raise Problem(403, "scope", f"The key {key.name} has no scope {endpoint.scope}.")
    if not door.limiter.take(key.name):
        raise Problem(429, "rate", "That were too many requests of this key; slow down.")
    return key


async def _raw(endpoint: Endpoint, request: web.Request) -> bytes:
    if endpoint.body is None:
        return b""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "content_type", "The Content-Type must be application/json.")
    if "Content-Encoding" in request.headers:
        raise Problem(415, "content_encoding", "Send the body as it is, not compressed.")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, "too_large", "The body is too large.") from None


def read_body(kind: type[Request], raw: bytes) -> Request:
    """Return a body as it was declared. Raises `Problem` with what is wrong and where."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, "body", f"The body does not fit: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError, OverflowError, ValueError):
        raise Problem(400, "not_json", "The body is not JSON.") from None
