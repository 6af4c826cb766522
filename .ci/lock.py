"""Write requirements.lock: one resolution for all Pythons, with hashes and without addresses.

What the installed `segue` needs comes first; below the line stands what only development needs,
so that an image or the demo installs the upper half:

    sed '/^# -- development/,$d' requirements.lock
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEAD = "# Written by `make lock` from pyproject.toml. Do not edit.\n"
LINE = "# -- development: what follows is not needed to run segue --\n"


def resolve(*arguments: str) -> dict[str, str]:
    """Return the locked entries by name, each with its hashes."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"),
        *("--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
        *arguments,
    ]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    entries: dict[str, str] = {}
    for entry in re.findall(r"^[^\s#-].*(?:\n[ ]+.*)*", found, flags=re.MULTILINE):
        name = re.split(r"[=\s;\[]", entry, maxsplit=1)[0]
        entries[name] = entries.get(name, "") + entry + "\n"
    return entries


def main() -> None:
    """Resolve everything once, and say which half each entry belongs to."""
    everything = resolve("--all-extras", "--group", "dev")
    extras = [
        word for name in ("embedded", "telegram", "slack", "sms") for word in ("--extra", name)
    ]
    needed = resolve(*extras).keys()
    upper = "".join(text for name, text in everything.items() if name in needed)
    lower = "".join(text for name, text in everything.items() if name not in needed)
    LOCK.write_text(HEAD + upper + "\n" + LINE + lower, encoding="utf-8")


if __name__ == "__main__":
    main()
