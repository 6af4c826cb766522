"""The image and the compose file keep what SECURITY.md says about them. Read, not run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()


def stages() -> list[str]:
    """Return the Dockerfile's stages, comments and continued lines taken out."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]


def instructions(stage: str, name: str) -> list[str]:
    """Return the arguments of each such instruction."""
    return re.findall(rf"^{name}\s+(.*)$", stage, flags=re.MULTILINE)


def service(name: str) -> dict[str, Any]:
    """Read a service's block: `key: value` and lists, as far as this file uses YAML."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, flags=re.MULTILINE)
    assert found, name
    block: dict[str, Any] = {}
    key = ""
    for line in found[1].splitlines():
        text = re.sub(r"\s+#.*$", "", line)
        if top := re.match(r"    ([a-z_]+):\s*(.*)$", text):
            key = top[1]
            block[key] = top[2]
        elif text.strip():
            block[key] = f"{block[key]} {text.strip()}".strip()
    return block


def test_two_stages_and_the_second_has_no_tools() -> None:
    """What builds stays behind: no pip and no lock in the image that runs."""
    build, final = stages()
    assert "AS build" in build
    assert "pip uninstall --yes pip" in build
    assert not re.search(r"\bpip install\b|requirements\.lock|apt-get", final)


def test_everything_installed_comes_by_hash() -> None:
    """Each install names hashes, or is the wheel that was just built."""
    for command in re.findall(r"pip install [^&\n]*", stages()[0]):
        assert "--require-hashes" in command or "--no-deps /dist/" in command, command


def test_the_image_runs_as_nobody_in_particular() -> None:
    """The user is a number of 10000 or more, so that no orchestrator takes it for root."""
    final = stages()[-1]
    users = instructions(final, "USER")
    assert users
    assert int(users[-1].partition(":")[0]) >= 10_000
    last_user = final.rindex("USER ")
    assert "RUN " not in final[last_user:], "nothing is installed after USER"


def test_the_image_says_when_it_is_well() -> None:
    """A health check asks the server itself; the signal to stop is the one that is handled."""
    final = stages()[-1]
    assert "/healthz" in instructions(final, "HEALTHCHECK")[0]
    assert instructions(final, "STOPSIGNAL") == ["SIGTERM"]
    assert instructions(final, "ENTRYPOINT") == ['["segue"]']


def test_nothing_secret_is_in_the_image() -> None:
    """No variable of the image looks like a secret, and only named folders are copied in."""
    assert not re.search(
        r"^(ENV|ARG).*(SECRET|TOKEN|PASSWORD|KEY)", DOCKERFILE, re.MULTILINE | re.IGNORECASE
    )
    assert "COPY . " not in DOCKERFILE
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


@pytest.mark.parametrize("name", ["segue", "valkey"])
def test_each_service_is_fenced_in(name: str) -> None:
    """Read-only, without capabilities or new privileges, with limits, as a named user."""
    block = service(name)
    assert block["read_only"] == "true"
    assert block["cap_drop"] == "[ALL]"
    assert "no-new-privileges:true" in block["security_opt"]
    assert "noexec" in block["tmpfs"]
    assert {"mem_limit", "pids_limit", "cpus", "user"} <= block.keys()
    assert not block["user"].strip('"').startswith("0")
    assert "privileged" not in block
    assert block["restart"] == "unless-stopped"


def test_the_store_keeps_what_it_is_told_and_is_not_published() -> None:
    """Valkey appends to its file, evicts nobody, and is reached by Segue only."""
    block = service("valkey")
    for words in ('--appendonly - "yes"', "--maxmemory-policy - noeviction"):
        assert words in block["command"]
    assert "ports" not in block
    assert block["networks"] == "[inside]"
    assert re.search(r"inside: \{ internal: true \}", COMPOSE)
    assert "valkey-cli" in block["healthcheck"]


def test_segue_waits_for_the_store_and_is_published_on_loopback() -> None:
    """The first start does not race the store, and nothing is open to the world by accident."""
    block = service("segue")
    assert "service_healthy" in block["depends_on"]
    assert '"127.0.0.1:' in block["ports"]
    grace = int(re.sub(r"\D", "", block["stop_grace_period"]))
    assert grace > 20, "longer than server.grace_seconds"
