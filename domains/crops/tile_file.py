"""A tile of a mosaic as a file: a PNG whose first chunk of text says what it was cut out of.

Anybody can write such a chunk. Only files that a survey wrote are believed
(`core.service.assessment.assessor.distrust_tile`).
"""

from __future__ import annotations

import re
import struct
import zlib

import cv2

from core.types import U8, Tile

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AFTER_HEADER = len(_SIGNATURE) + 25  # IHDR has 13 bytes and stands first (PNG, 11.2.1)
_KEYWORD = b"assay-tile\0"
_TEXT = re.compile(rb"([0-9a-f]{64}) (\d{1,9}) (\d{1,9})")
_LONGEST = 128


def write_tile(pixels: U8, place: Tile) -> bytes:
    """Return a tile as a file, the same bytes for the same tile.

    Args:
        pixels: RGB, uint8 ``h w 3``.
        place: What it was cut out of, and where.
    """
    png = bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1])
    text = _KEYWORD + f"{place.parent} {place.row} {place.column}".encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    return png[:_AFTER_HEADER] + chunk + png[_AFTER_HEADER:]


def tile_in(data: bytes) -> Tile | None:
    """Return what a file says it was cut out of; None where it says nothing that can be read."""
    if not data.startswith(_SIGNATURE) or data[_AFTER_HEADER + 4 : _AFTER_HEADER + 8] != b"tEXt":
        return None
    start = _AFTER_HEADER + 8
    length = int.from_bytes(data[_AFTER_HEADER : _AFTER_HEADER + 4], "big")
    text = data[start : start + min(length, _LONGEST)]
    if not text.startswith(_KEYWORD):
        return None
    found = _TEXT.fullmatch(text.removeprefix(_KEYWORD))
    return Tile(found[1].decode(), int(found[2]), int(found[3])) if found else None


def name_mosaic(parent: str) -> str:
    """Return a mosaic's name in lists, by the digest of its bytes, for files are renamed."""
    return f"mosaic {parent[:12]}"
