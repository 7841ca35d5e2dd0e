"""What a JPEG says about itself before a pixel is decoded, and about pictures behind its first."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from core.imaging import tiff
from core.imaging.headers import ImageHeader

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START, _END = re.compile(b"\xff\xd8\xff"), b"\xff\xd9"
_MOST_BEHIND, _LONGEST_HEADER = 8, 1 << 18  # what is walked of a hostile file


def jpeg(data: bytes) -> ImageHeader:
    """Return the header in the segments up to the first scan (ITU-T T.81, annex B).

    A second picture behind the first that the file does not name, and that is as large, is refused
    as two pages of a TIFF are. What is smaller is the preview that some cameras append.

    Raises:
        ValueError: No frame header, two of them, no end marker after the scan, or two pictures.
        IndexError: The bytes end before the first scan.
    """
    header, scan_at, is_multiple = _header(data)
    # In entropy-coded data 0xFF is always followed by 0, so these markers are real ones.
    if data.rfind(_END, scan_at) < 0:
        raise ValueError("its end is missing")
    behind = [
        found.start()
        for found in islice(_START.finditer(data, scan_at), _MOST_BEHIND)
        if _is_as_large(data, found.start(), header)
    ]
    if not is_multiple and any(data[at - len(_END) : at] == _END for at in behind):
        raise ValueError("it holds two pictures, one behind the other; expected one")
    return replace(header, has_further=is_multiple and bool(behind))


def _header(data: bytes) -> tuple[ImageHeader, int, bool]:
    """Return a JPEG's header, where its first scan begins, and whether it names further pictures.

    It names them in an index of the Multi-Picture Format (CIPA DC-007).
    """
    orientation, scan_at, is_multiple = 1, 0, False
    frame: ImageHeader | None = None
    for marker, at, end in _segments(data):
        if marker in _FRAMES:
            if frame is not None:
                raise ValueError("it has two frame headers")
            height, width = struct.unpack_from(">HH", data, at + 3)
            parts = data[at + 7]
            frame = ImageHeader("JPEG", width, height, grey=parts == 1, cmyk=parts == 4)
        elif marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            orientation = tiff.exif_orientation(data[at + 8 : end])
        elif marker == 0xE2 and data[at + 2 : at + 6] == b"MPF\0":
            is_multiple = True
        scan_at = at
    if frame is None:
        raise ValueError("it has no frame header")
    return replace(frame, orientation=orientation), scan_at, is_multiple


def _is_as_large(data: bytes, start: int, first: ImageHeader) -> bool:
    """Return whether what looks like the beginning of a JPEG is one no smaller than the first."""
    try:
        other = _header(data[start : start + _LONGEST_HEADER])[0]
    except (ValueError, IndexError, struct.error):
        return False
    return other.width * other.height >= first.width * first.height


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start (at its length) and end of each segment, the first scan's last."""
    at = 2
    while True:
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker <= 0x01 or 0xD0 <= marker <= 0xD9:  # stand alone, no length
            at += 2
        else:
            end = at + 2 + (data[at + 2] << 8 | data[at + 3])
            yield marker, at + 2, end
            if marker == 0xDA:
                return
            at = end
