"""The examples are imported as a project would import them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/email_channel"))
sys.path.insert(0, str(Path(__file__).parent))
