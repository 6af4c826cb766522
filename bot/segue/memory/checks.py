"""Is this server fit to be the memory? Looked at when starting, and shown by `segue doctor`.

Only INFO and one small script are used: managed services forbid CONFIG.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from segue.errors import StoreUnfit
from segue.memory.keys import SCHEMA, Keys
from segue.memory.scripting import script
from segue.memory.server import Server
from segue.ports import Clock, to_millis

INSTALL = script("install")

OLDEST = (7, 0)
SKEW_MS = 60_000
"""Beyond this, timers and time stamps visibly disagree. Leases use the server's clock alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at: what was found and, unless it is well, what to do."""

    name: str
    level: Literal["ok", "warning", "error"]
    found: str
    cure: str = ""


async def look_over(server: Server, keys: Keys, clock: Clock) -> list[Finding]:
    """Return what there is to say about the server and the installation on it."""
    findings: list[Finding] = []
    for info in await server.info():
        findings += [_version(info), _eviction(info), _persistence(info)]
    partitions, schema, skew = await server.run(
        INSTALL, (keys.meta,), (keys.partitions, SCHEMA, to_millis(clock.now()))
    )
    findings += [_partitions(partitions, keys.partitions), _schema(schema), _skew(skew)]
    return findings


def refuse(findings: list[Finding]) -> None:
    """Raise `StoreUnfit` if something found forbids using the server."""
    errors = [
        f"{finding.found}. {finding.cure}" for finding in findings if finding.level == "error"
    ]
    if errors:
        raise StoreUnfit(" ".join(errors))


def _version(info: dict[str, str]) -> Finding:
    found = info.get("valkey_version") or info.get("redis_version", "0.0")
    name = "Valkey" if "valkey_version" in info else "Redis"
    major, minor = (int(part) for part in found.split(".")[:2])
    if (major, minor) >= OLDEST:
        return Finding(name="version", level="ok", found=f"{name} {found}")
    return Finding(
        name="version",
        level="error",
        found=f"The store is {name} {found}",
        cure="Use Valkey, or Redis 7.0 or newer",
    )


def _eviction(info: dict[str, str]) -> Finding:
    policy = info.get("maxmemory_policy", "unknown")
    limit = info.get("maxmemory_human", "0B")
    if policy == "noeviction":
        return Finding(name="eviction", level="ok", found="noeviction: nothing is thrown away")
    return Finding(
        name="eviction",
        level="error",
        found=f"maxmemory-policy is {policy}, so a full server (maxmemory {limit}) would silently "
        f"throw customers' messages away",
        cure="Set maxmemory-policy to noeviction, or give Segue a server of its own",
    )


def _persistence(info: dict[str, str]) -> Finding:
    if info.get("aof_enabled") == "1":
        return Finding(name="persistence", level="ok", found="append-only file is on")
    return Finding(
        name="persistence",
        level="warning",
        found="The append-only file is off, so a restart of the server loses what came in since "
        "its last snapshot",
        cure="Set appendonly to yes",
    )


def _partitions(found: int, wanted: int) -> Finding:
    if found == wanted:
        return Finding(name="partitions", level="ok", found=f"{found} partitions")
    return Finding(
        name="partitions",
        level="error",
        found=f"This installation was made with {found} partitions, the settings say {wanted}",
        cure=f"Set store.partitions to {found}, or choose another store.prefix to begin anew",
    )


def _schema(found: int) -> Finding:
    if found == SCHEMA:
        return Finding(name="schema", level="ok", found=f"data model {found}")
    return Finding(
        name="schema",
        level="error",
        found=f"The data is of model {found}, this Segue knows model {SCHEMA}",
        cure="Use the version of Segue that wrote it, or a newer one",
    )


def _skew(millis: int) -> Finding:
    if abs(millis) < SKEW_MS:
        return Finding(name="clock", level="ok", found=f"{abs(millis)} ms from the server's clock")
    return Finding(
        name="clock",
        level="warning",
        found=f"This machine's clock is {abs(millis) / 1000:.0f} s "
        f"{'ahead of' if millis > 0 else 'behind'} the store's",
        cure="Set both by a time server",
    )
