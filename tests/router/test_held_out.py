"""How well the router does on sentences that nothing was tuned on."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from segue.app import intents
from segue.dialog import load_dialogs
from segue.router import NotSure, Sure, Unsure, plain_router
from segue.voice import load_voice

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _module(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sentences() -> tuple[tuple[str, str, str], ...]:
    held_out: tuple[tuple[str, str, str], ...] = _module(
        "segue_tests_held_out", HERE / "held_out.py"
    ).HELD_OUT
    return held_out


def test_they_are_understood_too(sentences: tuple[tuple[str, str, str], ...]) -> None:
    """Four of five get the right answer or the right offer; none begins a wrong journey."""
    router = plain_router(intents(load_dialogs(ROOT / "dialogs"), load_voice(ROOT / "brand_voice")))
    understood = 0
    for locale, text, wanted in sentences:
        route = router.route(text, locale)
        names = wanted.replace("person", "person talk_to_a_person").split()
        match route:
            case Sure(intent=intent):
                right = intent.partition(":")[2] in names
                assert right or not intent.startswith("dialog:"), (text, route)
                understood += right
            case Unsure(candidates=candidates):
                understood += any(one.intent.partition(":")[2] in names for one in candidates)
            case NotSure():
                understood += "not_sure" in names
    assert understood >= 48, understood
