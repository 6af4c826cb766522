"""Every error that Segue raises on purpose.

    SegueError
    ├── SettingsError        a setting is wrong or missing
    ├── DialogError          a dialog breaks a rule; carries file, line and cure
    │   └── JournalTooLong   a loop without `restart`
    ├── ApiError             a server of Segue refused a request (`segue.client`)
    ├── StepFailed           a `run` gave up; raised *inside* the dialog, which may handle it
    ├── VoiceError           a template breaks a rule; carries file, line and cure
    └── StoreError
        ├── StoreUnavailable the server cannot be reached; try again later
        └── StoreUnfit       the server must not be used (evicting, too old); never try again

Each says what was found, what was expected and what to do. The parts stay on the exception.
"""

from __future__ import annotations


class SegueError(Exception):
    """Base of all errors made here. `retry` says whether the same call may work later."""

    retry = False


class SettingsError(SegueError):
    """A setting is wrong or missing."""

    def __init__(self, setting: str, found: str, cure: str) -> None:
        super().__init__(f"{setting}: {found}. {cure}")
        self.setting = setting
        self.found = found
        self.cure = cure


class LocatedError(SegueError):
    """A mistake in something that people write: where it is, what it is, what to do."""

    def __init__(self, problem: str, *, cure: str, file: str = "", line: int = 0) -> None:
        self.problem = problem
        self.cure = cure
        self.file = file
        self.line = line
        where = f"{file}:{line}: " if file else ""
        super().__init__(f"{where}{problem}. {cure}")


class DialogError(LocatedError):
    """A dialog breaks a rule."""


class JournalTooLong(DialogError):
    """A dialog went round a loop without `return await chat.restart(…)`."""


class VoiceError(LocatedError):
    """A template breaks a rule."""


class StepFailed(SegueError):
    """A `chat.run` step gave up, after its retries. Raised inside the dialog, on replay too."""

    def __init__(self, step: str, kind: str, message: str) -> None:
        super().__init__(f"{step} failed: {kind}: {message}")
        self.step = step
        self.kind = kind
        """Class name of the last error (`TimeoutError` when the step's time was up)."""
        self.message = message


class ApiError(SegueError):
    """A server of Segue did not do what was asked. `retry`: the same request may work later."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(f"{sentence} ({status} {code})")
        self.status = status
        self.code = code
        """One of the codes in docs/api.md; `unreachable_server` where nobody answered."""
        self.sentence = sentence
        self.retry = status in (0, 429, 503)


class StoreError(SegueError):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError):
    """The store cannot be reached now."""

    retry = True


class StoreUnfit(StoreError):
    """The store must not be used as it is set up."""
