"""The sample shop's book: an append-only file of what was done, so that a restart forgets nothing.

Rules:
- One line is one deed, in JSON. A deed has a key; a key that is in the book is not done again.
- Whoever wants to write holds the file's lock, reads what others wrote since, then decides.
- A half line at the end (the process died while writing) is no deed and is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Deed: TypeAlias = dict[str, Any]


class Book:
    """What was done, by key. Several processes may share one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._deeds: dict[str, Deed] = {}
        self._reading = threading.RLock()

    def get(self, key: str) -> Deed | None:
        """Return the deed under this key, also if another process wrote it."""
        with self._reading:
            self._catch_up()
            return self._deeds.get(key)

    def all(self, what: str) -> list[Deed]:
        """Return every deed of one kind, oldest first."""
        with self._reading:
            self._catch_up()
            return [deed for deed in self._deeds.values() if deed["what"] == what]

    def once(self, key: str, decide: Callable[[], Deed]) -> Deed:
        """Return the deed under `key`; if there is none, write the one that `decide` returns."""
        if known := self.get(key):
            return known
        with self._reading, self._locked() as file:
            self._catch_up()
            if known := self._deeds.get(key):
                return known
            deed = {**decide(), "key": key}
            if os.fstat(file).st_size > self._read:
                os.ftruncate(file, self._read)
            os.write(file, json.dumps(deed, ensure_ascii=False).encode() + b"\n")
            os.fsync(file)
            self._catch_up()
            return deed

    def _catch_up(self) -> None:
        try:
            if self._path.stat().st_size == self._read:
                return
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            self._read = 0
            self._deeds.clear()
            return
        whole = new[: new.rfind(b"\n") + 1]
        for line in whole.splitlines():
            deed = json.loads(line)
            self._deeds[deed["key"]] = deed
        self._read += len(whole)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
