"""The sample company on stage: its own dialogs and voice, a shop whose book begins empty."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from segue.settings import load
from segue.testing import Rehearsal
from segue.testing.plugin import rehearse, segue_server

__all__ = ["rehearsal", "rehearse", "segue_server"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def rehearsal(
    segue_server: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Rehearsal]:
    monkeypatch.setenv("TARNWOOD_DATA", str(tmp_path))
    settings = load(
        environ={},
        company={
            "name": "Tarnwood",
            "phone": "+353 1 555 0100",
            "email": "hello@tarnwood.example",
            "hours": "Monday to Saturday, 10 to 19",
        },
        voice={"path": str(ROOT / "brand_voice")},
        dialogs={"path": str(ROOT / "dialogs")},
    )
    name = hashlib.blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()
    stage = await Rehearsal.begin(settings, url=segue_server, prefix=f"{name}:")
    yield stage
    await stage.end()
