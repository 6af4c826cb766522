"""How a server ends: nothing accepted is lost, and the exit code says how it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request

import pytest

PROGRAM = textwrap.dedent(
    """
    import asyncio, sys
    from segue.server import Server, make_app, serve
    from segue_adapters.testing import MemoryGateway

    patience = float(sys.argv[1])

    async def stop():
        print("stopping", flush=True)
        await asyncio.sleep(patience)
        print("handed back", flush=True)

    async def main():
        server = Server(make_app({}, MemoryGateway()), port=0, grace=1)
        return await serve(server, stop=stop, started=lambda a: print(a, flush=True))

    sys.exit(asyncio.run(main()))
    """
)


@pytest.fixture
def program():
    started = []

    def start(patience: float) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(patience)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(program, number):
    """Intake ends, turns finish, and the exit code is 0."""
    process, address = program(0)
    with urllib.request.urlopen(address + "/readyz", timeout=5) as answer:
        assert answer.status == 200
    os.kill(process.pid, number)
    said, _ = process.communicate(timeout=10)
    assert said.split("\n")[:2] == ["stopping", "handed back"]
    assert process.returncode == 0


def test_while_it_stops_it_is_alive_but_not_ready(program):
    """Health goes on answering, readiness says no, so that no traffic comes."""
    process, address = program(30)
    os.kill(process.pid, signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(address + "/readyz", timeout=5)
    with urllib.request.urlopen(address + "/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_a_second_signal_ends_it_at_once(program):
    """Somebody is in a hurry: exit code 1, nothing is waited for."""
    process, _ = program(60)
    os.kill(process.pid, signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=5)
    assert "handed back" not in said
    assert process.returncode == 1
