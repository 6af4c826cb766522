"""Keys of the web channel: those the host site signs with, and our own.

A key decides its algorithm, never the token's header: a public key can therefore not be used as a
shared secret.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from segue.ports import SystemIds

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteKey:
    """One key of the host site."""

    id: str
    algorithm: str
    """`HS256` or `EdDSA`."""
    key: bytes | Ed25519PublicKey = field(repr=False)


def read_keys(written: Mapping[str, str]) -> dict[str, SiteKey]:
    """Return the keys by id. Raises `ValueError` with what is wrong and what to do."""
    keys: dict[str, SiteKey] = {}
    for name, text in written.items():
        if "-----BEGIN" in text:
            keys[name] = SiteKey(id=name, algorithm="EdDSA", key=_public(name, text))
        elif len(text.encode()) < 32:
            raise ValueError(
                f"jwt_keys.{name} is too short: use at least 32 random bytes, or an Ed25519 "
                "public key in PEM"
            )
        else:
            keys[name] = SiteKey(id=name, algorithm="HS256", key=text.encode())
    for algorithm, count in Counter(key.algorithm for key in keys.values()).items():
        if count > 2:
            raise ValueError(
                f"jwt_keys has {count} keys for {algorithm}: keep the one in use and the next one"
            )
    return keys


def _public(name: str, text: str) -> Ed25519PublicKey:
    # Here, because loading it takes longer than reading the settings does.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(
            f"jwt_keys.{name} is not an Ed25519 public key in PEM (never a private one)"
        )
    return key


def own_key(secret: str | None, file: Path) -> bytes:
    """Return the 32 bytes we sign with: from the setting, else from `file`, made on first use."""
    if secret is not None:
        return _stretch(secret.encode())
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        ids = SystemIds()
        # Written beside it and linked: of several processes that start at once, one wins, and
        # none reads half a key.
        fresh = file.with_name(f".{file.name}.{ids.new()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(ids.secret().encode())
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    return _stretch(file.read_bytes())


def _stretch(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=32, person=b"segue web v1").digest()
