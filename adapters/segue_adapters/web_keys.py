"""Keys of the web channel: those the host site signs with, and our own.

A key decides its algorithm, never the token's header: a public key can therefore not be used as a
shared secret.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from segue.ports import kept_secret

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
    return _stretch(kept_secret(file))


def _stretch(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=32, person=b"segue web v1").digest()
