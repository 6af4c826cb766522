"""What an operator and an author can read about something that went wrong."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from segue.server.logs import fields
from segue.testing import Rehearsal


def written(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, object]:
    [line] = [fields(record) for record in caplog.records if record.msg == event]
    return line


async def test_a_broken_dialog_is_found_by_its_line(
    rehearsal: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names dialog, line and customer, and no word of theirs; it is counted."""
    await rehearsal.say("break it")
    await rehearsal.say("7")
    line = written(caplog, "dialog_broken")
    assert (line["dialog"], line["error"]) == ("broken", "RuntimeError")
    assert "house/dialogs.py:" in str(line["where"])
    assert line["customer"] == rehearsal.customer
    assert "secret" not in json.dumps(line)
    assert rehearsal.app.worker.counts.faults == 1


async def test_a_failed_step_is_found_by_its_line(
    rehearsal: Rehearsal, house: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the step raised, and where the dialog did not deal with it: two lines of the author."""
    house.FAIL["fetch"] = 1
    await rehearsal.say("return an order")
    await rehearsal.say("A1001")
    step, dialog = written(caplog, "step_failed"), written(caplog, "dialog_broken")
    assert (step["dialog"], step["step"], step["error"]) == (
        "send_back",
        "fetch",
        "ConnectionError",
    )
    for line in (step, dialog):
        assert "house/dialogs.py:" in str(line["where"])
        assert line["customer"] == rehearsal.customer
    assert step["where"] != dialog["where"]
