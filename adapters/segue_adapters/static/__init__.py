"""The web widget, as one script.

The source lies in `widget/`, one noun per file, and is served as one file: nothing to install,
nothing to build, and a page never gets half of one version and half of another.
The parts are joined inside one function, so that the host page sees one custom element and one
name (`segue`), and nothing else.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PARTS = (
    "words.js",
    "dom.js",
    "keep.js",
    "wire.js",
    "talk.js",
    "log.js",
    "composer.js",
    "element.js",
)
"""In the order in which they are joined; a part may use what stands before it at load time."""

_FOLDER = Path(__file__).parent / "widget"


@dataclass(frozen=True, kw_only=True, slots=True)
class WidgetScript:
    """The script as it is served."""

    body: bytes
    """UTF-8 JavaScript, to be sent as `text/javascript; charset=utf-8`."""
    gzipped: bytes
    """The same with `Content-Encoding: gzip`."""
    etag: str
    """Changes exactly when the body does; quoted, as the header wants it."""


@lru_cache(maxsize=1)
def widget_script() -> WidgetScript:
    """Join the parts; read once per process."""
    style = json.dumps((_FOLDER / "style.css").read_text("utf-8"), ensure_ascii=False)
    parts = [(_FOLDER / name).read_text("utf-8").strip() for name in PARTS]
    # A line separator may stand in JSON and, before ES2019, not in a script.
    style = style.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    joined = "\n\n".join(
        ['(() => {\n"use strict";', f"const STYLE = {style};", *parts, "})();\n"],
    )
    body = joined.encode()
    return WidgetScript(
        body=body,
        gzipped=gzip.compress(body, 9, mtime=0),
        etag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
    )
