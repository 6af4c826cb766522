"""What tests of the company's door need."""

from __future__ import annotations

from segue.testing.plugin import segue_prefix, segue_server, stage

__all__ = ["segue_prefix", "segue_server", "stage"]
