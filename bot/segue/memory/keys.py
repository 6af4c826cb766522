"""The data model in Redis, and the code that builds its keys.

Every key starts with `store.prefix`. A customer's keys carry the hash tag of a virtual partition,
`{n}` with `n = crc32(customer) % P`, so that one script may touch all of them and the partition's
indexes on a cluster too. P is fixed at install, kept under `meta`, and checked at start.

    {n}:c:ID       hash    the customer, fields below                      retention
    {n}:c:ID:in    list    inbox: operation (10 bytes) + msgpack Inbound   when answered, retention
    {n}:c:ID:log   list    transcript, the newest lines, msgpack Line      retention
    {n}:c:ID:old   list    older lines, 64 to a compressed chunk           retention
    {n}:c:ID:out   list    outbox rows, see scripts/_outbox.lua            when settled, retention
    {n}:c:ID:got   hash    row -> what became of it, scripts/_outbox.lua   30 days after the last
    {n}:c:ID:seen  zset    digest of a message -> second it is forgotten   dedupe window
    {n}:c:ID:consent list  opt-outs and opt-ins, see scripts/_consent.lua  retention after the last
    {n}:c:ID:join  list    what a merge lays down before it lands          a day
    {n}:c:ID:undo  hash    merge -> what its undo needs                    identity.undo_hours
    {n}:c:ID:was   hash    who they were before they became another's      identity.undo_hours
    {n}:due        zset    customer -> when somebody must look             when done
    {n}:dead       stream  letters parked after too many tries             28 days after the last
    {n}:events     stream  what insight reads                              90 days after the last
    {n}:wake       channel the hint that a transcript grew                 -
    id:DIGEST      string  address -> customer, an index only              retention
    bucket:{CH}:DIGEST  hash   tokens of a platform's limit, all processes  minutes
    sent:DIGEST    string  a platform's message id -> customer and row     7 days
    tide:CHANNEL   string  up to when all that came in is known            30 days
    lease:JOB      string  who does a job that only one process does       seconds
    {audit}        stream  who did what, each row chained to the last      audit_days after the last
    {audit}:head   hash    number and digest of its ends, scripts/audit    the same
    {codes}:code:DIGEST   hash    a code somebody is to bring, fields below    minutes
    {codes}:mine:DIGEST   string  customer and kind -> their one open code     minutes
    {codes}:sent:DIGEST   hash    codes sent to one destination lately         minutes
    {codes}:wrong:DIGEST  hash    wrong codes brought from one place           a day
    {codes}:wrong:KIND    hash    wrong codes brought by everybody             minutes
    {spend}:day:DIGEST    hash    messages of one day, see scripts/spend       a day
    {spend}:number:DIGEST hash    messages to one number lately                minutes
    {spend}:prefix:DIGEST hash    the same for its neighbours, and what came of it   a day
    {spend}:country:DIGEST hash   the same for a country                       a day
    paused         hash    KIND:NAME -> reply                              when unpaused
    api-keys       hash    NAME -> digest of the key, scopes               when revoked
    api-keys:used  hash    NAME -> second of its last use                  400 days after the last
    once:DIGEST    string  what a request with an idempotency key came to  a day (api.once_hours)
    webhooks       hash    NAME -> address, secret, types of events        when removed
    {hook:NAME}:rows    hash    event id -> event, msgpack                      when told, 100 days
    {hook:NAME}:line    zset    event id -> its place                           the same
    {hook:NAME}:at      hash    cursors over the streams, scripts/hook_put      100 days unused
    {hook:NAME}:parked  hash    events nobody took for a day                    28 days
    {hook:NAME}:past    list    what was told lately                            28 days
    meta           hash    partitions, schema                              never

Fields of the customer's hash, one letter each, because there are many customers:

    v version        e epoch, the fencing token    d lease deadline, absent when free
    o operation that got the lease                 t grants since the last progress
    n number of the last letter                    l number of the last line
    s state          a addresses                   k agent in control, absent: the bot
    x channels opted out                           y of those, during the running turn
    f flags          w next timer                  p the last four commits (operation, silenced)
    r second of the last retention refresh         m merged into this customer
    q a letter was parked, and they were not told  z a reply came too late, and they were not told
    u addresses where they cannot be reached, until they write from there
    h progress was stored, and the turn is not ended  b lines before the first of `old`
    g intent of a merge under way                  j ids of those who became this customer
    gj landed here, at this line                   gl number of the last letter that was brought
    gd digests of the last eight that were done    ml last line that came along, beside `m`
    gm who has addresses back in an undo           ya addresses taken away in the running turn
    ge second of the erasure: all else is gone     ga who erases, until that is done

Fields of a code: `d` digest of it, `b` what it is for, `u` until (ms), `t` tries left, `s` step
(issued, used, asked, accepted, refused), `i` `o` `p` operations that issued, used and moved it,
`w` who used it, `m` which `mine` names it. Of a count: `n` how many, `u` until (ms). No code stands
anywhere in clear, and no destination: digests only.

Numbers of letters have no gaps: the first letter in the list has `n - length + 1`. Lines likewise.
External ids never stand in a key: `id:` holds a digest, so no phone number shows in a key name, and
no id can forge a hash tag or another address.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

from segue.memory.scripting import Script
from segue.types import Address, CustomerId, Proof

SCHEMA = 1
"""Of the data model. A worker that finds a newer one refuses to start."""

LASTING = ("due", "paused", "meta", "api-keys", "webhooks")
"""Keys without an expiry: `due` and `paused` empty themselves, the rest are small and the
operator's."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class CustomerKeys:
    """Everything the scripts of one customer touch, and how a call of each begins.

    The attributes are called as in the scripts' headers.
    """

    def __init__(self, prefix: bytes, customer: bytes, partition: int) -> None:
        part = b"%b{%d}:" % (prefix, partition)
        self.customer = customer
        self.partition = partition
        self.c = part + b"c:" + customer
        self.inbox = self.c + b":in"
        self.log = self.c + b":log"
        self.old = self.c + b":old"
        self.out = self.c + b":out"
        self.got = self.c + b":got"
        self.seen = self.c + b":seen"
        self.consent = self.c + b":consent"
        self.join = self.c + b":join"
        self.undo = self.c + b":undo"
        self.was = self.c + b":was"
        self.due = part + b"due"
        self.dead = part + b"dead"
        self.events = part + b"events"
        self.wake = part + b"wake"
        self._begun: dict[bytes, tuple[tuple[bytes, ...], bytes]] = {}

    def begin(self, script: Script) -> tuple[tuple[bytes, ...], bytes]:
        """Return the keys of a script, and its call packed as far as the customer's id."""
        begun = self._begun.get(script.sha)
        if begun is None:
            keys: tuple[bytes, ...] = tuple(getattr(self, name) for name in script.keys)
            words = (b"EVALSHA", script.sha, b"%d" % len(keys), *keys, self.customer)
            begun = self._begun[script.sha] = keys, b"".join(map(bulk, words))
        return begun


def bulk(word: bytes) -> bytes:
    """Return one word of a command as the protocol has it."""
    return b"$%d\r\n%b\r\n" % (len(word), word)


class Keys:
    """Builds keys for one prefix and one number of partitions."""

    def __init__(self, prefix: str, partitions: int) -> None:
        if "{" in prefix or "}" in prefix:
            raise ValueError(f"store.prefix {prefix!r} must not contain braces")
        self.prefix = prefix.encode()
        self.partitions = partitions
        self.meta = self.prefix + b"meta"
        self.paused = self.prefix + b"paused"
        self.audit = (self.prefix + b"{audit}", self.prefix + b"{audit}:head")
        self.api_keys = self.prefix + b"api-keys"
        self.webhooks = self.prefix + b"webhooks"
        self.used = self.prefix + b"api-keys:used"
        self.paused_hint = self.prefix + b"paused:changed"
        self.wakes = _glob(self.prefix) + b"{*}:wake"
        """Pattern that matches the wake channel of every partition."""
        self.customer = lru_cache(maxsize=8192)(self._customer)

    def _customer(self, customer: CustomerId) -> CustomerKeys | None:
        if _ID.fullmatch(customer) is None:
            return None
        name = customer.encode()
        return CustomerKeys(self.prefix, name, crc32(name) % self.partitions)

    def due(self, partition: int) -> bytes:
        """Return the recovery index of a partition."""
        return b"%b{%d}:due" % (self.prefix, partition)

    def dead(self, partition: int) -> bytes:
        """Return the parked letters of a partition."""
        return b"%b{%d}:dead" % (self.prefix, partition)

    def events(self, partition: int) -> bytes:
        """Return the event stream of a partition."""
        return b"%b{%d}:events" % (self.prefix, partition)

    def index(self, address: Address) -> bytes:
        """Return the index key of an address; different addresses have different keys."""
        return self.prefix + b"id:" + _digest(address.channel, address.id)

    def bucket(self, channel: str, name: str) -> bytes:
        """Return the key of a bucket; those of one channel share a slot."""
        return b"%bbucket:{%b}:%b" % (self.prefix, _digest(channel), _digest(channel, name))

    def sent(self, channel: str, message_id: str) -> bytes:
        """Return the key that says whose message it is that a platform knows by this id."""
        return self.prefix + b"sent:" + _digest(channel, message_id)

    def tide(self, channel: str) -> bytes:
        """Return the key of the moment up to which all that came in on a channel is known."""
        return self.prefix + b"tide:" + _digest(channel)

    def hook(self, name: str) -> tuple[bytes, ...]:
        """Return the keys of a webhook: rows, line, at, parked, past."""
        part = b"%b{hook:%b}:" % (self.prefix, name.encode())
        return tuple(part + each for each in (b"rows", b"line", b"at", b"parked", b"past"))

    def once(self, digest: bytes) -> bytes:
        """Return the key of what a request came to."""
        return self.prefix + b"once:" + digest

    def spending(self, kind: str, name: str) -> bytes:
        """Return the key of a count of what is spent; one script touches several of them."""
        return b"%b{spend}:%b:%b" % (self.prefix, kind.encode(), name.encode())

    def codes(self, kind: str, name: str) -> bytes:
        """Return a key about codes; all of them are in one slot, for one script touches several."""
        return b"%b{codes}:%b:%b" % (self.prefix, kind.encode(), name.encode())

    def lease(self, job: str) -> bytes:
        """Return the key of a job that one process does."""
        return self.prefix + b"lease:" + job.encode()


def _digest(channel: str, name: str = "") -> bytes:
    """Return 22 letters for a name of a channel's: no id of a platform stands in a key."""
    first = encoded(channel)
    made = blake2b(b"%d:%b%b" % (len(first), first, encoded(name)), digest_size=16).digest()
    return urlsafe_b64encode(made)[:22]


def encoded(text: str) -> bytes:
    """Return UTF-8 that keeps lone surrogates apart instead of failing on them."""
    return text.encode("utf-8", "surrogatepass")


def digest(channel: str, message_id: str) -> bytes:
    """Return the nine bytes by which a message is recognised when it comes again."""
    name = encoded(channel)
    return blake2b(b"%d:%b%b" % (len(name), name, encoded(message_id)), digest_size=9).digest()


_ESCAPES = {"%": "%25", "\t": "%09", "\n": "%0A"}
_UNSAFE = re.compile(r"[%\t\n]")


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: _ESCAPES[match[0]], text)


def unescaped(text: str) -> str:
    """Return a part of an address as it was before it was written into a record."""
    return text.replace("%0A", "\n").replace("%09", "\t").replace("%25", "%")


@lru_cache(maxsize=8192)
def needle(address: Address) -> bytes:
    """Return an address as it stands in the record: newline, channel, tab, id, tab.

    Tabs and newlines inside are escaped, so finding these bytes means finding this address.
    """
    return encoded(f"\n{_escape(address.channel)}\t{_escape(address.id)}\t")


@lru_cache(maxsize=8192)
def addresses(record: bytes) -> tuple[tuple[Address, Proof], ...]:
    """Return the addresses of a record, each with its level of proof."""
    found = []
    for entry in record.decode("utf-8", "surrogatepass").split("\n")[1:]:
        channel, ident, proof = entry.split("\t")
        found.append((Address(unescaped(channel), unescaped(ident)), Proof(int(proof))))
    return tuple(found)


def lanes(record: bytes) -> frozenset[Address]:
    """Return the addresses of a record without levels of proof."""
    found = record.decode("utf-8", "surrogatepass").split("\n")[1:]
    parts = (entry.split("\t") for entry in found)
    return frozenset(Address(unescaped(part[0]), unescaped(part[1])) for part in parts)


@lru_cache(maxsize=1024)
def channels(record: bytes) -> frozenset[str]:
    """Return the channels of an opt-out record."""
    text = record.decode("utf-8", "surrogatepass")
    return frozenset(unescaped(entry.rstrip("\t")) for entry in text.split("\n")[1:])


def _glob(prefix: bytes) -> bytes:
    return re.sub(rb"([*?\[\]\\^-])", rb"\\\1", prefix)
