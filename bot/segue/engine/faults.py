"""Where something went wrong: file and line, never the message, which may quote a customer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from segue.errors import DialogError

_MACHINERY: Final = str(Path(__file__).parents[1] / "dialog")
"""An error that comes out of a verb happened where the dialog used it."""


def where(reason: BaseException | str) -> str:
    """Return `file:line` of the innermost place that is not the dialog machinery's, or nothing."""
    if isinstance(reason, DialogError) and reason.file:
        return f"{reason.file}:{reason.line}"
    found = last = ""
    at = None if isinstance(reason, str) else reason.__traceback__
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        last = f"{file}:{at.tb_lineno}"
        if not file.startswith(_MACHINERY):
            found = last
        at = at.tb_next
    return found or last
