"""The signature of what is told: who has the secret knows that it comes from us, unchanged.

    Segue-Signature: t=1780000000,v1=5257a869e7…

`v1` is the HMAC-SHA256, in hex, of the time `t`, a dot, and the body as it came. The time is part
of it, so that an old message cannot be sent again as a new one.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

HEADER = "Segue-Signature"


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the header's value. `at` is in seconds since the epoch."""
    digest = hmac.new(secret.encode(), b"%d.%b" % (at, body), sha256).hexdigest()
    return f"t={at},v1={digest}"
