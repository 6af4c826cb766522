"""What a file is, by its first bytes: never by its name or by what somebody says it is."""

from __future__ import annotations

from segue.types import picture_type

UNKNOWN = "application/octet-stream"
"""Whatever is not on the list: text, HTML, SVG and programs among it. It can only be downloaded."""


def content_type_of(head: bytes) -> str:
    """Return the content type of a file that begins with these bytes (16 are enough)."""
    if picture := picture_type(head):
        return picture
    for start, content_type in _STARTS:
        if head.startswith(start):
            return content_type
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    return UNKNOWN


_STARTS = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
