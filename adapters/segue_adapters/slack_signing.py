"""Is this request Slack's? `SignatureVerifier` of the SDK, with a wall around it.

- Its own check raises on a time that is no number, on a signature with other signs than ASCII and
  on a body that is no UTF-8. Here each of these is a refusal like any other.
- Nothing of the request is logged.
- The same request again is let in: a proxy may send it twice because the first went astray. Its
  messages have the same ids, so the store knows them (for `store.seen_days`, by all processes),
  and nothing happens twice. A list of signatures would know less, and could lose a message.
"""

from __future__ import annotations

from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier

from segue.channel import RawRequest, Refused
from segue.ports import Clock

_WINDOW = 300
"""Seconds that a request's time may differ from ours."""


class _Now(SdkClock):
    """The SDK's clock, read from ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Signing:
    """Verifies requests with one signing secret."""

    def __init__(self, secret: str | None, clock: Clock) -> None:
        self._clock = clock
        self._verifier = SignatureVerifier(secret, clock=_Now(clock)) if secret else None

    def refusal(self, request: RawRequest) -> Refused | None:
        """Return why this request is not Slack's, or None. Never raises."""
        if self._verifier is None:
            return Refused(status=403, why="no_secret")
        moment = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
            return Refused(status=401, why="time")
        if abs(self._clock.now().timestamp() - int(moment)) > _WINDOW:
            return Refused(status=401, why="old")
        if not (signature.isascii() and len(signature) <= 100):
            return Refused(status=401, why="signature")
        try:
            valid = self._verifier.is_valid(request.body, moment, signature)
        except (ValueError, TypeError):
            # A body that is no UTF-8 is a ValueError there.
            return Refused(status=401, why="signature")
        return None if valid else Refused(status=401, why="signature")
