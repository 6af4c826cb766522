"""`segue demo` and `segue run` as processes: started, talked to, killed, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from segue import starter


class Process:
    """A running server."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen
        self.lines: list[str] = []
        self.session = ""

    def address(self) -> str:
        """Read what it prints until the address is there."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.append(line)
            if found := re.search(r"Segue is at (http://\S+[^\s,])", line):
                return found[1].rstrip(",")
        raise AssertionError("".join(self.lines))

    def get(self, path: str) -> bytes:
        """Fetch a page."""
        with urlopen(self.at + path, timeout=10) as response:
            body: bytes = response.read()
            return body

    def say(self, text: str, number: int) -> list[str]:
        """Write a message and return what the bot says."""
        headers = {"Content-Type": "application/json"}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        body = json.dumps({"text": text, "client_message_id": str(number)}).encode()
        request = Request(f"{self.at}/channels/web/messages?wait=20", body, headers)
        with urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
        self.session = found.get("session", self.session)
        return [reply["text"] for reply in found["replies"]]

    at = ""


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[Process]:
    """Start `segue …` and wait until it is there."""
    command = [sys.executable, "-m", "segue.cli", *arguments]
    environ = {**os.environ, "CI": "true"}
    with subprocess.Popen(
        command, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as popen:
        process = Process(popen)
        try:
            process.at = process.address()
            yield process
        finally:
            # Calmly, so that its store stops too; a killed one leaves it to the next who starts.
            popen.terminate()
            try:
                popen.wait(30)
            except subprocess.TimeoutExpired:
                popen.kill()


def test_the_demo_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    """Somebody is asked something, the server is killed, started again, and goes on there."""
    began = time.monotonic()
    with running("demo", "--port", "0", "--data", "data", cwd=tmp_path) as first:
        assert time.monotonic() - began < 60
        said = first.say("I want to send something back", 1)
        assert "A1001" in said[-1]
        assert len(first.say("A1001", 2)) == 1
        first.popen.send_signal(signal.SIGKILL)
        session = first.session
    with running("demo", "--port", "0", "--data", "data", cwd=tmp_path) as second:
        second.session = session
        [question] = second.say("D02 AF30", 3)
        assert "why" in question.lower()
        assert b"<html" in second.get("/")
        second.popen.send_signal(signal.SIGTERM)
        assert second.popen.wait(20) == 0
    assert "Reading the sample company" in first.lines[0]


def test_run_serves_a_project_and_stops_calmly(tmp_path: Path) -> None:
    """A new project is served as it is, says when it is ready, counts, and ends with 0."""
    starter.copy_project(tmp_path)
    with running("run", "--port", "0", cwd=tmp_path) as server:
        assert json.loads(server.get("/healthz")) == {"alive": True}
        assert json.loads(server.get("/readyz"))["ready"] is True
        assert server.say("hello", 1)
        numbers = server.get("/metrics").decode()
        assert re.search(r'^segue_turns_total{outcome="ended"} [1-9]', numbers, re.MULTILINE)
        assert "segue_dialog_faults_total 0.0" in numbers
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(30) == 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """`run` says that it is taken; `demo` takes the next free one."""
    starter.copy_project(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "segue.cli", "run", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert "is taken by another program" in done.stderr
        assert "Traceback" not in done.stderr
        with running("demo", "--port", port, "--data", "data", cwd=tmp_path) as demo:
            assert int(demo.at.rpartition(":")[2]) > int(port)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("dialogs/return_item.py", "async def", "async dfe", "return_item.py:"),
        ("brand_voice/en/return_item.j2", "{% endreply %}", "", "en/return_item.j2:"),
    ],
)
def test_a_mistake_keeps_the_server_from_starting(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    """What is wrong is found before anybody is served: file, line and cure, no traceback."""
    starter.copy_project(tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new, 1))
    done = subprocess.run(
        [sys.executable, "-m", "segue.cli", "run", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
