"""Every adapter, one after the other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import CASES, Case

from segue.channel import Adapter


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """An adapter with what the suite must know about it."""
    found: Case = request.param
    return found


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where adapters may keep files."""
    return tmp_path_factory.mktemp("channels")


@pytest.fixture
def adapter(case: Case, folder: Path) -> Adapter:
    """The adapter."""
    return case.make(folder)
