"""A bot with the house's dialogs and voice, on a real store."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from segue.settings import load
from segue.testing import Rehearsal
from segue.testing.plugin import rehearse, segue_server

__all__ = ["house", "rehearsal", "rehearse", "segue_server"]

HERE = Path(__file__).parent / "house"


def _house() -> ModuleType:
    name = "segue_tests_house"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / "dialogs.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def house() -> ModuleType:
    module = _house()
    module.DONE.clear()
    module.FAIL.clear()
    return module


@pytest.fixture
async def rehearsal(
    segue_server: str, house: ModuleType, request: pytest.FixtureRequest
) -> AsyncIterator[Rehearsal]:
    settings = load(
        environ={},
        company={"phone": "0800 1234", "name": "House"},
        voice={"path": str(HERE / "voice")},
        dialogs={"path": str(HERE)},
    )
    name = hashlib.blake2b(request.node.nodeid.encode(), digest_size=6).hexdigest()
    stage = await Rehearsal.begin(
        settings, url=segue_server, prefix=f"{name}:", dialogs=house.HOUSE
    )
    yield stage
    await stage.end()
